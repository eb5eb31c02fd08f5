"""Show a dataset's schema over time: what changed, whether that breaks readers, and who is downstream."""

from __future__ import annotations

import argparse
import sys

from hookline.commands._options import add_config_options, add_json_option, opened_store, print_json, read_config

HELP = "a dataset's schema over time: what changed, whether that breaks readers, and who is downstream"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", help="a dataset: its whole name, or the end of it")
    add_json_option(parser)
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Print it.

    Raises:
        HooklineError: for an unknown dataset, or a store that can't be read.
    """
    from hookline.lineage.schema_history import document, find, steps, text

    with opened_store(read_config(args)) as store:
        name = find(store.schema_names() if store else (), args.name)
        history = steps(store.schemas(*name)) if store else ()
        affected = store.dependants(*name) if store else ()
    if args.json:
        print_json(document(name, history, affected))
    else:
        sys.stdout.write(text(name, history, affected))
    return 0
