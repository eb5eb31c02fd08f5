"""Send a test message to the channels that alerts go to, and print what each answers.

hookline alerts test [--channel NAME] [--json]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.observability.alerts.options import ChannelOptions


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("action", choices=("test",))
    parser.add_argument("--channel", action="append", default=[], metavar="NAME", help="this one only; may be repeated")
    add_config_options(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Send to each; 1 when one did not take it.

    Raises:
        ConfigError: the configuration has no channels, or none of that name.
    """
    from hookline.core.errors import ConfigError

    config = read_config(args)
    channels = dict(_channels(config))
    if not channels:
        raise ConfigError("no channels are configured: add the plugin alerts with channels to the configuration")
    unknown = [name for name in args.channel if name not in channels]
    if unknown:
        raise ConfigError(f"there is no channel {unknown[0]!r}; there are: {', '.join(sorted(channels))}")
    chosen = args.channel or list(channels)
    rows = [_try(name, channels[name], config) for name in dict.fromkeys(chosen)]
    if args.json:
        print_json({"channels": rows})
    else:
        told = ([row["channel"], row["type"], "ok" if row["ok"] else "failed", row["answer"]] for row in rows)
        print_table(("CHANNEL", "TYPE", "STATE", "ANSWER"), told)
    failed = sum(not row["ok"] for row in rows)
    if failed and not args.json:
        sys.stderr.write(f"hookline: {failed} of {len(rows)} channels did not take the message\n")
    return 1 if failed else 0


def _channels(config: Config) -> Iterator[tuple[str, ChannelOptions]]:
    """The channels of every plugin of ours that has some."""
    from hookline.core.loader import check_plugins
    from hookline.observability.alerts.options import AlertsConfig

    for plugin in check_plugins(config):
        if isinstance(plugin.config, AlertsConfig):
            yield from plugin.config.channels.items()


def _try(name: str, options: ChannelOptions, config: Config) -> dict[str, Any]:
    from hookline.core.errors import HooklineError
    from hookline.core.events import content_id, utc_now
    from hookline.observability.alerts.channels.making import check_packages, make_channel

    now = utc_now().isoformat()
    row = {"channel": name, "type": options.type}
    try:
        check_packages(options)
        answer = make_channel(options, config.base_dir).send(_message(now), content_id("test", name, now))
    except HooklineError as error:
        return {**row, "ok": False, "answer": str(error)}
    return {**row, "ok": True, "answer": answer}


def _message(now: str) -> dict[str, Any]:
    """Marked as a test; PagerDuty's incident is resolved at once."""
    item = {
        "news": "alert",
        "key": "hookline-test",
        "kind": "run_failed",
        "severity": "info",
        "title": "This is a test of hookline's alerts",
        "failures": 1,
        "opened_at": now,
        "recovered": True,
    }
    return {"version": 1, "test": True, "severity": "info", "run": None, "at": now, "items": [item], "left_out": 0}
