"""The demo's configuration and suites, against the contract and the data."""

from __future__ import annotations

import sys
from pathlib import Path

import hookline.pipelines.retail as retail
from hookline.core.config import load_config
from hookline.core.events import Dataset
from hookline.pipelines.retail import flow, source
from hookline.quality.suite import checks_for, find_suites

FOLDER = Path(retail.__file__).parent


def test_the_configuration_turns_every_local_plugin_on() -> None:
    config = load_config(FOLDER / "hookline.yaml")
    assert [entry.name for entry in config.plugins] == ["console", "quality", "lineage"]


def test_every_table_of_the_platform_is_checked_and_every_suite_is_of_use() -> None:
    suites = find_suites(("suites/*.yaml",), FOLDER)
    tables = [*(step.table for step in flow.steps()), "silver/quarantine"]
    datasets = [Dataset("file", f"/data/{table}") for table in tables]
    assert [str(dataset) for dataset in datasets if not checks_for(dataset, suites)] == []
    assert all(any(map(suite.matches, datasets)) for suite in suites)


def test_the_departments_are_those_of_the_catalogue() -> None:
    departments = set(source.read(source.folder(), "products", columns=["department"])["department"])
    text = (FOLDER / "suites" / "silver.yaml").read_text(encoding="utf-8")
    listed = {line.strip('- "') for line in text.splitlines() if line.startswith("        - ")}
    assert listed == departments


def test_no_module_hides_one_of_pythons_own() -> None:
    # Run as a script, the job's folder comes first on the path.
    assert not {file.stem for file in FOLDER.glob("*.py")} & set(sys.stdlib_module_names)
