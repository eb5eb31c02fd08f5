"""Show what datasets were made from, what depends on them (impact), or export that."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.lineage.graph import LineageGraph

_ACTIONS = {
    "show": "a dataset's origins and dependants, as a tree; without a name, all datasets",
    "impact": "everything that would notice a change (--up: everything that could be the cause of one)",
    "export": "the same as JSON, Mermaid or OpenLineage, for other programs",
}
_TEXT = "text"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|impact|export")
    for action, help_text in _ACTIONS.items():
        sub = actions.add_parser(action, help=help_text)
        needed = None if action == "impact" else "?"
        sub.add_argument("name", metavar="NAME", nargs=needed, help="a dataset: its whole name, or the end of it")
        sub.add_argument("--up", action="store_true", help="only what it comes from")
        sub.add_argument("--down", action="store_true", help="only what comes from it")
        sub.add_argument("--format", default="json" if action == "export" else _TEXT, metavar="F", help=_format_help())
        sub.add_argument("--out", type=Path, metavar="F", help="write to this file")
        sub.add_argument(
            "--events",
            type=Path,
            action="append",
            metavar="F",
            help="OpenLineage events to read instead of hookline's own",
        )
        add_config_options(sub)


def main(args: argparse.Namespace) -> int:
    """Print or write what was asked for.

    Raises:
        HooklineError: for an unknown dataset or format, or a file that can't be read or written.
    """
    from hookline.lineage.history import read_graph

    graph = read_graph(args.events or [_events_file(read_config(args))])
    text = _answer(graph, args)
    if args.out:
        _write(args.out, text)
    else:
        sys.stdout.write(text)
    return 0


def _answer(graph: LineageGraph, args: argparse.Namespace) -> str:
    from hookline.core.errors import HooklineError
    from hookline.lineage.export import FORMATS
    from hookline.lineage.openlineage import PRODUCER
    from hookline.lineage.views import impact_text, select, show_text

    if args.format not in (_TEXT, *FORMATS):
        raise HooklineError(f"lineage has no format {args.format!r}: choose from {', '.join((_TEXT, *FORMATS))}")
    up = args.up or (not args.down and args.action != "impact")
    down = args.down or not args.up
    node = graph.find(args.name) if args.name else None
    if args.format in FORMATS:
        return FORMATS[args.format](select(graph, node, up=up, down=down), PRODUCER)
    if node is None or args.action != "impact":
        return show_text(graph, node, up=up, down=down, unicode=_speaks_unicode(args))
    return impact_text(graph, node, up=up, down=down)


def _events_file(config: Config) -> Path:
    """Where the configured plugin writes."""
    from hookline.lineage.sink import events_path

    options = next((entry.options for entry in config.plugins if entry.name == "lineage"), {})
    path = options.get("path")
    return events_path(Path(path) if path else None, state_dir=config.state_dir, base_dir=config.base_dir)


def _speaks_unicode(args: argparse.Namespace) -> bool:
    from hookline.core.text import speaks

    return bool(args.out) or speaks(sys.stdout.encoding, "├─│└…")


def _write(path: Path, text: str) -> None:
    from hookline.core.errors import HooklineError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}") from error


def _format_help() -> str:
    return "text, json, mermaid or openlineage (default: %(default)s)"
