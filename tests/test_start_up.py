"""What a job waits for before its first line: only what attaching needs is loaded. No time is asserted, modules are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = (
    "asyncio",
    "botocore",
    "delta",
    "duckdb",
    "jinja2",
    "jsonschema",
    "networkx",
    "numpy",
    "pandas",
    "py4j",
    "pyarrow",
    "pyspark",
    "sqlalchemy",
)
AT_THE_FIRST_WRITE = (
    "hookline.core.fuse",
    "hookline.lineage.columns",
    "hookline.pipelines.calls",
    "hookline.pipelines.chain",
    "hookline.pipelines.plans",
    "hookline.pipelines.seen",
)
ATTACH = """
import hookline
from hookline.core import runtime
runtime._STORE_LINGER_S = 60.0  # the store is opened in the background, a moment later: not while this looks
attachment = hookline.attach({config})
loaded()
attachment.detach()
"""


def loaded_by(code: str, folder: Path) -> set[str]:
    """The modules of a new process at the point where the code calls ``loaded()``."""
    report = "import json, sys\ndef loaded(): print(json.dumps(list(sys.modules)))\n"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    done = subprocess.run(
        [sys.executable, "-c", report + code], cwd=folder, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_nothing_but_itself(tmp_path: Path) -> None:
    loaded = loaded_by("import hookline\nloaded()", tmp_path)
    assert not loaded & {*HEAVY, "pluggy", "pydantic", "yaml"}
    assert {name for name in loaded if name.startswith("hookline.")} == set()


def test_attaching_the_default_plugins_loads_no_engine_and_no_database(tmp_path: Path) -> None:
    loaded = loaded_by(ATTACH.format(config=""), tmp_path)
    assert "hookline.plugins.lineage" in loaded
    assert not loaded & {*HEAVY, "yaml", "hookline.quality", *AT_THE_FIRST_WRITE}


def test_a_configuration_with_suites_adds_yaml_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "hookline.yaml").write_text("plugins:\n  quality: {suites: [suite.yaml]}\n")
    (tmp_path / "suite.yaml").write_text("dataset: '*/out'\nchecks:\n  - completeness: id\n")
    loaded = loaded_by(ATTACH.format(config="config='hookline.yaml'"), tmp_path)
    assert {"yaml", "hookline.plugins.quality"} <= loaded
    assert not loaded & {*HEAVY, "hookline.core.fuse.taking"}
