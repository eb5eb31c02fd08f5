"""Show what waits to be delivered, or deliver it now.

hookline outbox status [--json]
hookline outbox replay [--dead]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.outbox import SinkStatus

_KEYS = ("name", "pending", "dead", "oldest_pending_s", "last_error")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("action", choices=("status", "replay"))
    add_config_options(parser)
    add_json_option(parser)
    parser.add_argument("--dead", action="store_true", help="replay what a sink refused for good as well")
    parser.add_argument("--deadline", type=float, default=60.0, metavar="S", help="seconds to try for (default: 60)")


def main(args: argparse.Namespace) -> int:
    """Show or deliver; 1 when a replay left something waiting."""
    config = read_config(args)
    file = config.state_dir / "outbox.db"
    if not file.exists():
        _show(args, ())
        return 0
    if args.action == "status":
        _show(args, _status(file))
        return 0
    status, waiting = _replay(config, args)
    _show(args, status)
    return 1 if waiting else 0


def _status(file: Path) -> tuple[SinkStatus, ...]:
    """What the file says; no plugin is needed for that."""
    from hookline.core.outbox import Outbox

    outbox = Outbox(file)
    status = outbox.status()
    outbox.close(0)
    return status


def _replay(config: Config, args: argparse.Namespace) -> tuple[tuple[SinkStatus, ...], int]:
    from hookline.core.runtime import Runtime

    runtime = Runtime(config, deliver=False)
    waiting = runtime.outbox.replay(deadline_s=args.deadline, dead=args.dead)
    status = runtime.outbox.status()
    runtime.close()
    return status, waiting


def _show(args: argparse.Namespace, status: Sequence[SinkStatus]) -> None:
    rows = [{name: getattr(sink, name) for name in _KEYS} for sink in status]
    if args.json:
        print_json({"sinks": rows})
    else:
        names = ("name", "pending", "dead", "last_error")
        print_table(("SINK", "WAITING", "REFUSED", "LAST ERROR"), ([str(row[n] or "-") for n in names] for row in rows))
