"""Show what waits to be delivered, or deliver it now.

hookline outbox status [--json]
hookline outbox replay [--dead]
"""

from __future__ import annotations

import argparse
import dataclasses

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("action", choices=("status", "replay"))
    add_config_options(parser)
    add_json_option(parser)
    parser.add_argument("--dead", action="store_true", help="replay what a sink refused for good as well")
    parser.add_argument("--deadline", type=float, default=60.0, metavar="S", help="seconds to try for (default: 60)")


def main(args: argparse.Namespace) -> int:
    """Show or deliver; 1 when a replay left something waiting."""
    from hookline.core.runtime import Runtime

    config = read_config(args)
    if not (config.state_dir / "outbox.db").exists():
        return _show(args, (), 0)
    runtime = Runtime(config, deliver=False)
    waiting = runtime.outbox.replay(deadline_s=args.deadline, dead=args.dead) if args.action == "replay" else 0
    status = runtime.outbox.status()
    runtime.close()
    return _show(args, status, waiting)


def _show(args: argparse.Namespace, status: tuple[object, ...], waiting: int) -> int:
    rows = [dataclasses.asdict(sink) for sink in status]  # type: ignore[call-overload]
    if args.json:
        print_json({"sinks": rows})
    else:
        names = ("name", "pending", "dead", "last_error")
        print_table(("SINK", "WAITING", "REFUSED", "LAST ERROR"), ([str(row[n] or "-") for n in names] for row in rows))
    return 1 if waiting else 0
