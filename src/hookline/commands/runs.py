"""List the latest runs in the store."""

from __future__ import annotations

import argparse
import dataclasses

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_config_options(parser)
    add_json_option(parser)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many (default: 20)")


def main(args: argparse.Namespace) -> int:
    """List them."""
    from hookline.core.store import Store

    store = Store(read_config(args).store_url())
    runs = store.runs(args.limit)
    store.close()
    if args.json:
        print_json({"runs": [dataclasses.asdict(run) for run in runs]})
    else:
        rows = ((r.run_id[:8], r.job, r.status, (r.started_at or "-")[:19], _seconds(r.duration_s)) for r in runs)
        print_table(("RUN", "JOB", "STATUS", "STARTED (UTC)", "SECONDS"), rows)
    return 0


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
