"""List the plugins: installed, enabled, what each lacks, its hooks, and how often it failed in its last run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hookline.commands._options import (
    add_config_options,
    add_json_option,
    opened_store,
    print_json,
    print_table,
    read_config,
)

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.loader import InstalledPlugin
    from hookline.core.store import PluginRecord


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_config_options(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """List them; 0 also when some can't be used, which is what the list is for."""
    config = read_config(args)
    records = _records(config)
    rows = [{**row, **_last_run(records.get(row["name"]))} for row in _installed(config)]
    if args.json:
        print_json({"plugins": rows})
    else:
        print_table(("PLUGIN", "ENABLED", "FROM", "HOOKS", "STATE"), map(_cells, rows))
    return 0


def _records(config: Config) -> Mapping[str, PluginRecord]:
    """How the plugins fared; what is installed can be told without a store, too."""
    from hookline.core.errors import HooklineError

    try:
        with opened_store(config) as store:
            return store.plugin_records() if store else {}
    except HooklineError as error:
        sys.stderr.write(f"hookline: failures of earlier runs are not known: {error}\n")
        return {}


def _last_run(record: PluginRecord | None) -> dict[str, Any]:
    if record is None:
        return {"failures": None, "last_run": None}
    last_run = {
        "run_id": record.run_id,
        "job": record.job,
        "started_at": record.run_started_at,
        "failures_by_hook": dict(record.report.by_hook),
        "last_failure": record.report.last_failure,
    }
    return {"failures": record.report.failures, "last_run": last_run}


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
        row = _row(InstalledPlugin(name, ""), True, inspect=False)
        return {**row, "installed": False, "target": None, "problem": str(error)}


def _row(plugin: InstalledPlugin, enabled: bool, *, inspect: bool = True) -> dict[str, Any]:
    from hookline.core.loader import Inspection, inspect_plugin

    seen = inspect_plugin(plugin) if inspect else Inspection()
    return {
        "name": plugin.name,
        "installed": True,
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
    state = row["problem"] or "ready"
    if row["failures"]:
        count = f"{row['failures']} failure{'' if row['failures'] == 1 else 's'}"
        state += f"; {count} in its last run ({row['last_run']['run_id'][:8]})"
    return row["name"], "yes" if row["enabled"] else "no", origin, hooks, state
