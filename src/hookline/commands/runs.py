"""List the latest runs in the store, show one of them, or compare two.

hookline runs [--limit N] [--json]
hookline runs RUN [--json]
hookline runs diff RUN RUN [--json]
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hookline.commands._options import (
    add_config_options,
    add_json_option,
    opened_store,
    print_json,
    print_table,
    read_config,
)
from hookline.core.errors import UnknownRunError
from hookline.core.text import printable, shorten_path

if TYPE_CHECKING:
    from hookline.core.events import Run, RunEnded
    from hookline.core.store import Store
    from hookline.observability.history import Difference


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "run", metavar="RUN", nargs="*", help="a run's id, or the beginning of it; diff and two of them compares these"
    )
    add_config_options(parser)
    add_json_option(parser)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many to list (default: 20)")


def main(args: argparse.Namespace) -> int:
    """List them, or show the one.

    Raises:
        UnknownRunError: no run, or more than one, is meant.
        StoreError: the store can't be read.
    """
    words = list(args.run)
    if words[:1] == ["show"]:
        words = words[1:]
    with opened_store(read_config(args)) as store:
        if not words and not args.run:
            _list(store, args)
        elif words[:1] == ["diff"] and len(words) == 3:
            _compare(_opened(store, words[1]), *words[1:], json=args.json)
        elif len(words) == 1 and words != ["diff"]:
            _show(_opened(store, words[0]), words[0], args)
        else:
            raise UnknownRunError("name one run, or two behind diff: hookline runs diff RUN RUN")
    return 0


def _list(store: Store | None, args: argparse.Namespace) -> None:
    runs = store.runs(args.limit) if store else ()
    if args.json:
        print_json({"runs": [dataclasses.asdict(run) for run in runs]})
        return
    rows = ((r.run_id[:8], r.job, r.status, (r.started_at or "-")[:19], _seconds(r.duration_s)) for r in runs)
    print_table(("RUN", "JOB", "STATUS", "STARTED (UTC)", "SECONDS"), rows)


def _opened(store: Store | None, run: str) -> Store:

    if store is None:
        raise UnknownRunError(f"there is no run {run!r}: nothing has run with this configuration's store yet")
    return store


def _show(store: Store, wanted: str, args: argparse.Namespace) -> None:
    from hookline.core.summary import run_document
    from hookline.observability.spent import render_spent, spent_document
    from hookline.observability.summary import render
    from hookline.observability.terminal import Terminal

    run, ended = store.run(wanted)
    if args.json:
        print_json({**run_document(run, ended), **spent_document(store, run.run_id)})
        return
    terminal = Terminal(sys.stdout)
    terminal.write(render(run, ended, width=terminal.line_width, style=terminal.style, verdicts="all"))
    terminal.write(render_spent(store, run.run_id, width=terminal.line_width, style=terminal.style))


def _compare(store: Store, one: str, other: str, *, json: bool) -> None:
    from hookline.observability.history import compare
    from hookline.observability.keeping import amounts

    runs = [store.run(wanted) for wanted in (one, other)]
    before, after = (store.measurements(stored.run.run_id) for stored in runs)
    differences = compare(before, after, amounts())
    if json:
        rows = [
            {
                "namespace": None if difference.dataset is None else difference.dataset[0],
                "name": None if difference.dataset is None else difference.dataset[1],
                "metric": difference.metric,
                "before": difference.before,
                "after": difference.after,
                "change": difference.change,
            }
            for difference in differences
        ]
        print_json({"before": _named(*runs[0]), "after": _named(*runs[1]), "differences": rows})
        return
    print_table(("", runs[0].run.run_id[:8], runs[1].run.run_id[:8], "CHANGE"), _rows(differences))
    if not differences:
        sys.stdout.write("nothing was measured: name the plugin metrics in the configuration, and see later runs\n")


def _named(run: Run, ended: RunEnded) -> dict[str, str]:
    return {"run_id": run.run_id, "job": run.job, "status": ended.status, "started_at": run.started_at.isoformat()}


def _rows(differences: Sequence[Difference]) -> Iterator[tuple[str, str, str, str]]:
    about: tuple[str, str] | None = None
    for one in differences:
        if one.before == one.after == 0:
            continue
        if one.dataset != about and one.dataset is not None:
            about = one.dataset
            yield shorten_path(printable(one.dataset[1]), 48), "", "", ""
        change = "" if one.change is None or one.before == one.after else f"{100 * one.change:+.1f} %"
        yield f"  {one.metric.removeprefix('hookline.')}", _number(one.before), _number(one.after), change


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
