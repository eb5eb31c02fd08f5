"""The plugins ``catalog`` and ``glue`` on a bus; what they do is in tests/governance/catalog."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hookline.core.errors import ConfigError
from hookline.testing import BusUnderTest, PluginContract

RULE = {"datasets": ["nothing"], "compatibility": "FULL"}


class TestCatalogContract(PluginContract):
    """What every plugin has to keep."""

    plugin = "catalog"
    bad_options: ClassVar = (
        {"schemas": [{**RULE, "compatibility": "full"}]},
        {"schemas": [{"compatibility": "FULL"}]},
        {"certified": {"quality_days": -1}},
        {"lineage_url": "javascript:alert(1)"},
        {"key": "x"},
    )


class TestGlueContract(PluginContract):
    """What every plugin has to keep."""

    plugin = "glue"
    good_options: ClassVar[Mapping[str, Any]] = {"region": "eu-west-1", "database": "lake"}
    bad_options: ClassVar = (
        {"database": "Lake"},
        {"tables": [{"datasets": [], "database": "x"}]},
        {"catalog_id": "1"},
        {"timeout_s": 0},
        {"registry": "a b"},
    )


def test_rules_without_a_registry(hookline_bus: BusUnderTest) -> None:
    with pytest.raises(ConfigError, match="no `registry` has their versions"):
        hookline_bus.load("glue", {"schemas": [RULE]})


def test_loading_them_loads_neither_botocore_nor_sqlalchemy(tmp_path: Path) -> None:
    code = (
        "import sys; import hookline.plugins.catalog, hookline.plugins.glue; "
        "print([name for name in ('botocore', 'boto3', 'sqlalchemy', 'pyspark', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"
