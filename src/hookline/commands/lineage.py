"""Show what data was made from and what depends on it (impact), to the column; or export that."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands import _schemas
from hookline.commands._options import add_config_options, read_config

if TYPE_CHECKING:
    from hookline.lineage.graph import Direction, LineageGraph
    from hookline.lineage.works import Period

_ACTIONS = {
    "show": "origins and dependants as a tree; without a name, of all datasets",
    "impact": "everything that would notice a change (--up: everything that could be the cause of one), with the way",
    "export": "the same for other programs, or as a picture",
    "report": "datasets that nothing is made from or nobody writes, and those that come from themselves",
    "diff": "what changed between two days: what jobs did last until the end of each",
}
_TEXT = "text"
_FILTERS = {
    "namespace": "datasets of this namespace",
    "layer": "datasets of this layer (bronze, silver, gold …)",
    "job": "what this job did",
    "owner": "datasets of this owner",
    "tag": "datasets with this tag, KEY or KEY=VALUE, on them or on a column",
    "environment": "what was done in this environment",
    "run": "what this run did; the beginning of its id will do",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|impact|export|schema|report|diff")
    _schemas.add(actions.add_parser("schema", help=_schemas.HELP))
    for action, help_text in _ACTIONS.items():
        sub = actions.add_parser(action, help=help_text)
        if action in ("show", "impact", "export"):
            _add_name(sub, action)
        if action == "diff":
            sub.add_argument("days", nargs=2, metavar="DAY", help="a day (2026-05-04) or a moment")
        else:
            sub.add_argument("--as-of", metavar="T", help="as it was at the end of this day, or at this moment")
            sub.add_argument("--since", metavar="T", help="without what was last done before this day or moment")
            sub.add_argument("--latest", action="store_true", help="of each job's work on a dataset only the last")
        sub.add_argument("--out", type=Path, metavar="F", help="write to this file")
        _add_source(sub)
        for name, meaning in _FILTERS.items():
            several = f"only {meaning}; * and ? stand for text; may be repeated"
            sub.add_argument(f"--{name}", action="append", default=[], metavar="P", help=several)
        add_config_options(sub)


def _add_name(sub: argparse.ArgumentParser, action: str) -> None:
    needed = None if action == "impact" else "?"
    sub.add_argument("name", metavar="NAME[.COLUMN]", nargs=needed, help="a whole name, or the end of one")
    sub.add_argument("--up", action="store_true", help="only what it comes from")
    sub.add_argument("--down", action="store_true", help="only what comes from it")
    sub.add_argument(
        "--format",
        default="json" if action == "export" else _TEXT,
        metavar="F",
        help="text, json, mermaid, dot, svg, html or openlineage (default: %(default)s)",
    )


def _add_source(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--from",
        dest="source",
        choices=("store", "events"),
        default="store",
        help="read the store (default), or the lineage plugin's file of OpenLineage events",
    )
    sub.add_argument(
        "--events", type=Path, action="append", metavar="F", help="read this file of OpenLineage events instead"
    )
    sub.add_argument("--marquez", metavar="URL", help="read a Marquez server instead; its key is $OPENLINEAGE_API_KEY")


def main(args: argparse.Namespace) -> int:
    """Print or write what was asked for.

    Raises:
        HooklineError: for an unknown dataset or format, or a store, file or server that can't be read.
    """
    if args.action == "schema":
        return _schemas.main(args)
    text = _answer(args)
    if args.out:
        _write(args.out, text)
    else:
        sys.stdout.write(text)
    return 0


def _answer(args: argparse.Namespace) -> str:
    from hookline.lineage.reports import difference
    from hookline.lineage.views import difference_text, reports_text
    from hookline.lineage.works import Period

    if args.action == "diff":
        before, after = (
            _graph(args, Period.of(day, None, args.environment, latest=True, runs=args.run)) for day in args.days
        )
        return difference_text(difference(before, after))
    graph = _graph(args, Period.of(args.as_of, args.since, args.environment, latest=args.latest, runs=args.run))
    return reports_text(graph) if args.action == "report" else _around(graph, args)


def _graph(args: argparse.Namespace, period: Period) -> LineageGraph:
    from hookline.lineage.select import Filters

    wanted = (tuple(getattr(args, name)) for name in ("namespace", "layer", "owner", "tag", "job"))
    return Filters(*wanted).of(_whole(args, period))


def _whole(args: argparse.Namespace, period: Period) -> LineageGraph:
    from hookline.lineage import sources

    if args.marquez:
        return sources.load(args.marquez, period)
    if args.events:
        return sources.of_files(args.events, period)
    return sources.of_config(read_config(args), period, events=args.source == "events")


def _around(graph: LineageGraph, args: argparse.Namespace) -> str:
    """The answer about one name, or about everything."""
    from hookline.core.errors import HooklineError
    from hookline.lineage.export import FORMATS, export, impact_json
    from hookline.lineage.views import impact_text, show_text
    from hookline.lineage.walk import around

    if args.format not in (_TEXT, *FORMATS):
        raise HooklineError(f"lineage has no format {args.format!r}: choose from {', '.join((_TEXT, *FORMATS))}")
    up = args.up or (not args.down and args.action != "impact")
    down = args.down or not args.up
    wanted: tuple[tuple[Direction, bool], ...] = (("up", up), ("down", down))
    directions = [direction for direction, asked in wanted if asked]
    start = graph.find(args.name) if args.name else None
    if args.format == _TEXT:
        if args.action == "impact" and start is not None:
            return impact_text(graph, start, directions=directions)
        return show_text(graph, start, directions=directions, unicode=_speaks_unicode(args))
    if args.action == "impact" and start is not None and args.format == "json":
        return impact_json(graph, start, directions)
    return export(graph if start is None else around(graph, start, up=up, down=down), args.format)


def _speaks_unicode(args: argparse.Namespace) -> bool:
    from hookline.core.text import speaks

    return bool(args.out) or speaks(sys.stdout.encoding, "├─│└…")


def _write(path: Path, text: str) -> None:
    from hookline.core.errors import HooklineError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}") from error
