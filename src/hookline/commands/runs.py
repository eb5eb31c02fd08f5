"""List the latest runs in the store, or show one of them.

hookline runs [--limit N] [--json]
hookline runs RUN [--json]
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING

from hookline.commands._options import (
    add_config_options,
    add_json_option,
    opened_store,
    print_json,
    print_table,
    read_config,
)

if TYPE_CHECKING:
    from hookline.core.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", nargs="?", help="a run's id, or the beginning of it")
    add_config_options(parser)
    add_json_option(parser)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many to list (default: 20)")


def main(args: argparse.Namespace) -> int:
    """List them, or show the one.

    Raises:
        UnknownRunError: no run, or more than one, is meant.
        StoreError: the store can't be read.
    """
    with opened_store(read_config(args)) as store:
        if args.run is not None:
            _show(store, args)
        else:
            _list(store, args)
    return 0


def _list(store: Store | None, args: argparse.Namespace) -> None:
    runs = store.runs(args.limit) if store else ()
    if args.json:
        print_json({"runs": [dataclasses.asdict(run) for run in runs]})
        return
    rows = ((r.run_id[:8], r.job, r.status, (r.started_at or "-")[:19], _seconds(r.duration_s)) for r in runs)
    print_table(("RUN", "JOB", "STATUS", "STARTED (UTC)", "SECONDS"), rows)


def _show(store: Store | None, args: argparse.Namespace) -> None:
    from hookline.core.errors import UnknownRunError
    from hookline.core.summary import run_document
    from hookline.observability.summary import render
    from hookline.observability.terminal import Terminal

    if store is None:
        raise UnknownRunError(f"there is no run {args.run!r}: nothing has run with this configuration's store yet")
    run, ended = store.run(args.run)
    if args.json:
        print_json(run_document(run, ended))
        return
    terminal = Terminal(sys.stdout)
    terminal.write(render(run, ended, width=terminal.line_width, style=terminal.style, verdicts="all"))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
