"""List the plugins: installed, enabled, what each lacks, and its hooks."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.loader import InstalledPlugin


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_config_options(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """List them; 0 also when some can't be used, which is what the list is for."""
    rows = [*_installed(read_config(args))]
    if args.json:
        print_json({"plugins": rows})
    else:
        print_table(("PLUGIN", "ENABLED", "FROM", "HOOKS", "STATE"), map(_cells, rows))
    return 0


def _installed(config: Config) -> Iterator[dict[str, Any]]:
    from hookline.core.loader import installed_plugins

    enabled = [entry.name for entry in config.plugins]
    installed = installed_plugins()
    for plugin in installed:
        yield _row(plugin, plugin.name in enabled)
    for name in enabled:
        if all(plugin.name != name for plugin in installed):
            yield _configured(name)


def _configured(name: str) -> dict[str, Any]:
    """A plugin that the configuration names and that is no entry point: a dotted path, or a mistake."""
    from hookline.core.errors import ConfigError
    from hookline.core.loader import InstalledPlugin, find_plugin

    try:
        return _row(find_plugin(name), True)
    except ConfigError as error:
        return {**_row(InstalledPlugin(name, ""), True, inspect=False), "target": None, "problem": str(error)}


def _row(plugin: InstalledPlugin, enabled: bool, *, inspect: bool = True) -> dict[str, Any]:
    from hookline.core.loader import Inspection, inspect_plugin

    seen = inspect_plugin(plugin) if inspect else Inspection()
    return {
        "name": plugin.name,
        "enabled": enabled,
        "distribution": plugin.distribution,
        "distribution_version": plugin.version,
        "target": plugin.target,
        "hooks": list(seen.hooks),
        "missing": list(seen.missing),
        "problem": seen.problem,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    origin = f"{row['distribution']} {row['distribution_version']}" if row["distribution"] else "-"
    hooks = ", ".join(row["hooks"]) or "-"
    return row["name"], "yes" if row["enabled"] else "no", origin, hooks, row["problem"] or "ready"
