"""The plugin keeps the contract that every plugin keeps."""

from typing import Any, ClassVar

from hookline.testing import PluginContract

from hookline_rowlog import RowlogPlugin


class TestRowlogPlugin(PluginContract):
    """Runs hookline's own suite."""

    plugin = RowlogPlugin
    good_options: ClassVar[dict[str, Any]] = {}
    bad_options: ClassVar[list[dict[str, Any]]] = [{"no_such_option": 1}]
