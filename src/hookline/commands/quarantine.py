"""Rows that were set aside: list them, look at why, and bring them back when they, or the rules, have been repaired.

hookline quarantine list [DATASET]
hookline quarantine show DATASET [--run R] [--write W] [--rows N]
hookline quarantine replay DATASET [--run R] [--write W] [--reason CHECK] [--repair COLUMN=SQL] [--from FILES]

DATASET is the target's path or its quarantine's. Rows come back through the same checks as any write, each at most once;
those that still fail are set aside again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline.commands._options import (
    add_config_options,
    add_json_option,
    opened_store,
    print_json,
    print_table,
    read_config,
)
from hookline.commands._session import open_session, spark_settings

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.pipelines.quarantine.holdings import Held, Quarantine


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|replay")
    listing = actions.add_parser("list", help="what was set aside: by the latest runs, or what one quarantine holds")
    listing.add_argument("dataset", metavar="DATASET", nargs="?", help="a target's path, or its quarantine's")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="how many to list (default: 50)")
    showing = actions.add_parser("show", help="why rows were set aside, and some of them when asked for")
    replaying = actions.add_parser("replay", help="bring rows back")
    for one in (showing, replaying):
        one.add_argument("dataset", metavar="DATASET", help="a target's path, or its quarantine's")
        one.add_argument("--write", metavar="W", help="only rows of this write, by its id or the beginning of it")
    for one in (listing, showing, replaying):
        one.add_argument("--run", metavar="R", help="only rows of this run, by its id or the beginning of it")
        add_config_options(one)
        add_json_option(one)
    showing.add_argument(
        "--rows",
        type=int,
        default=0,
        metavar="N",
        help="print so many rows of each write: values of the data, unmasked",
    )
    replaying.add_argument("--reason", metavar="CHECK", help="only rows that failed this check alone")
    replaying.add_argument(
        "--repair",
        dest="changes",
        action="append",
        default=[],
        metavar="COLUMN=SQL",
        help="repair a column; may be repeated",
    )
    replaying.add_argument("--from", dest="repaired", metavar="FILES", help="Parquet files with the repaired rows")
    replaying.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
    )


def main(args: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        HooklineError: there is no such quarantine, or rows can't be brought back.
    """
    config = read_config(args)
    if args.action == "list" and args.dataset is None:
        _list_latest(config, args)
        return 0
    place = _find(args.dataset, config)
    held = place.held(run=args.run, write=getattr(args, "write", None))
    if args.action == "replay":
        _replay(place, held, config, args)
    else:
        _show(place, held, args)
    return 0


def _list_latest(config: Config, args: argparse.Namespace) -> None:
    with opened_store(config) as store:
        found = [
            one for one in (store.quarantines(args.limit) if store else ()) if one.run_id.startswith(args.run or "")
        ]
    if args.json:
        rows = [
            {**vars(one), "quarantine": "/".join(one.quarantine), "dataset": "/".join(one.dataset)} for one in found
        ]
        print_json({"writes": rows})
        return
    lines = ((o.quarantine[1], o.dataset[1], o.write_id, (o.started_at or "-")[:19], str(o.rows)) for o in found)
    print_table(("QUARANTINE", "DATASET", "WRITE", "STARTED (UTC)", "ROWS"), lines)


def _find(dataset: str, config: Config) -> Quarantine:
    """The quarantine that is named, or the one of the dataset that is named: as its runs told, else beside it."""
    from hookline.pipelines.quarantine.deposit import SUFFIX
    from hookline.pipelines.quarantine.holdings import Quarantine, quarantine_beside

    place = dataset if "://" in dataset else os.path.abspath(dataset)
    with opened_store(config) as store:
        for one in store.quarantines(1_000) if store else ():
            if _named(one.quarantine) == _named_path(place):
                return Quarantine(place)
            if _named(one.dataset) == _named_path(place) or one.dataset[1] == dataset:
                namespace, name = one.quarantine
                return Quarantine(name if namespace == "file" else f"{namespace}/{name}")
    return Quarantine(place if place.endswith(SUFFIX) else quarantine_beside(place))


def _absolute(place: str | None) -> str | None:
    """Relative means from here; a JVM that runs already may have been started elsewhere."""
    return place if place is None or "://" in place else os.path.abspath(place)


def _named(name: tuple[str, str]) -> tuple[str, str]:
    return name[0], name[1].rstrip("/")


def _named_path(place: str) -> tuple[str, str]:
    from hookline.pipelines.names import path_dataset

    named = path_dataset(place)
    return named.namespace, named.name.rstrip("/")


def _show(place: Quarantine, held: list[Held], args: argparse.Namespace) -> None:
    rows = {one.write_id: list(place.rows(one, getattr(args, "rows", 0))) for one in held}
    if args.json:
        print_json({"quarantine": place.place, "writes": [_document(one, rows[one.write_id]) for one in held]})
        return
    head = ("WRITE", "DATASET", "DATE", "WAITING", "REPLAYED", "REASONS")
    print_table(
        head,
        (
            (o.write_id, o.dataset, o.run_date, str(len(o.waiting)), str(len(o.replayed)), _reasons(o) or "-")
            for o in held
        ),
    )
    for one in held:
        for row in rows[one.write_id]:
            sys.stdout.write(json.dumps(row, ensure_ascii=True) + "\n")


def _document(one: Held, rows: Sequence[object]) -> dict[str, object]:
    document: dict[str, object] = {
        "write_id": one.write_id,
        "run_id": one.run_id,
        "job": one.job,
        "dataset": one.dataset,
        "run_date": one.run_date,
        "waiting": len(one.waiting),
        "replayed": len(one.replayed),
        "reasons": dict(one.reasons.most_common()),
    }
    return {**document, "rows": rows} if rows else document


def _reasons(one: Held) -> str:
    return ", ".join(f"{name}: {count}" for name, count in one.reasons.most_common())


def _replay(place: Quarantine, held: list[Held], config: Config, args: argparse.Namespace) -> None:
    from hookline.core.errors import ConfigError, HooklineError
    from hookline.pipelines.quarantine.replaying import Wanted, replay

    changes = dict(change.partition("=")[::2] for change in args.changes)
    if not all(changes) or not all(changes.values()):
        raise ConfigError("--repair takes COLUMN=SQL, such as quantity='abs(quantity)'")
    held = [one for one in held if one.waiting]
    if not held:
        raise HooklineError(f"{place.place} holds no rows that wait and are meant")
    delta = any(one.format == "delta" for one in held)
    with open_session(spark_settings(args.conf, delta=delta), "quarantine") as spark:
        done = replay(spark, place, held, Wanted(args.reason, changes, _absolute(args.repaired)), config)
    if args.json:
        print_json({"appended": done.appended, "set_aside": done.set_aside})
        return
    sys.stdout.write(f"{done.appended} rows brought back, {done.set_aside} set aside again\n")
