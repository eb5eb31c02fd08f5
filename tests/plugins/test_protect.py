"""The plugin ``protect`` on a bus; what it does to rows is in tests/governance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from tests.governance.conftest import policy

from hookline.core.errors import ConfigError
from hookline.testing import BusUnderTest, PluginContract

MAIL = {"columns": ["mail"], "action": "tokenize"}


class TestContract(PluginContract):
    """What every plugin has to keep."""

    plugin = "protect"
    bad_options: ClassVar = ({"policies": []}, {"policies": "p.yaml"}, {"ways": ["scala"]}, {"key": "x"})

    def options(self, folder: Path) -> Mapping[str, Any]:
        """A policy for nothing that the contract writes."""
        content = policy(MAIL, datasets=["nothing"]).model_dump(mode="json", exclude_none=True)
        (folder / "p.yaml").write_text(yaml.safe_dump(content))
        return {"policies": ["p.yaml"]}


def test_a_policy_that_is_not_valid_is_told_before_spark_starts(hookline_bus: BusUnderTest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no file"):
        hookline_bus.load("protect", {"policies": [str(tmp_path / "none.yaml")]})
