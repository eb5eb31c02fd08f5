"""Profile data at rest: what its columns hold, in one pass; and propose a suite of checks that fits it.

Values of rows are shown only of the columns that --show names.

Exit codes: 0 done; 1 the data can't be read; 4 the configuration is wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.commands._options import (
    add_config_options,
    opened_store,
    print_json,
    print_table,
    read_config,
    write_file,
)
from hookline.commands._session import open_session, spark_settings
from hookline.core.text import printable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.config import Config
    from hookline.pipelines.at_rest import Resting
    from hookline.quality.judging import AnyCheck
    from hookline.quality.profile.model import Profile
    from hookline.quality.profile.suggesting import Suggestion


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("place", metavar="PATH|TABLE", help="the data; a path has a slash in it, or exists")
    parser.add_argument("--json", metavar="F", help="write the profile to this file as JSON; - for standard output")
    parser.add_argument(
        "--suggest", metavar="F", help="write a suite to this file; where it exists, propose changes in F.proposed"
    )
    parser.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="DATASET:COLUMN",
        help="with --suggest: a column that holds all keys there are; may be repeated",
    )
    parser.add_argument(
        "--show", action="append", default=[], metavar="COLUMN", help="show values of these columns (a pattern)"
    )
    parser.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
    )
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Profile, tell, and return the exit code.

    Raises:
        HooklineError: when the configuration or the data can't be used.
    """
    from hookline.pipelines.at_rest import is_delta_folder

    config = read_config(args)
    settings = spark_settings(args.conf, delta=is_delta_folder(args.place))
    with open_session(settings, "profile") as spark:
        _profile(spark, args, config)
    return 0


def _profile(spark: SparkSession, args: argparse.Namespace, config: Config) -> None:
    from hookline.core import fuse
    from hookline.core.errors import MeasureError
    from hookline.pipelines.at_rest import find_at_rest
    from hookline.quality.profile.model import measures_for, profile_of

    resting = find_at_rest(spark, args.place)
    target = resting.target()
    taken = fuse.take(
        measures_for(target.columns), target, ways=config.measure.ways, deadline_s=config.measure.deadline_s
    )
    profile = profile_of(target.columns, taken)
    if target.columns and all(column.error for column in profile.columns):
        raise MeasureError(profile.columns[0].error)
    told = profile.kept(args.show)
    _tell(told, str(resting.dataset), args.json)
    if args.suggest is not None:
        _suggest(told, resting, args, config)


def _suggest(profile: Profile, resting: Resting, args: argparse.Namespace, config: Config) -> None:
    """Write a suite, or what would change in the one that is there; with what earlier writes looked like, if that is known."""
    from hookline.quality.profile.proposing import checks_of, entry_of, propose, read_existing, suite_text
    from hookline.quality.profile.relating import arrivals
    from hookline.quality.profile.suggesting import holding, suggest

    file = Path(args.suggest)
    existing = read_existing(file) if file.exists() else None
    earlier = _earlier(resting, config)
    suggestions = list(suggest(_with_earlier(profile, [one for _, one in earlier])))
    say = sys.stderr.write if args.json == "-" else sys.stdout.write
    suggestions += _references(args.reference, profile, resting, say)
    checks = checks_of(suggestions) if suggestions else ()
    passed = _judged((*checks, *(existing.checks if existing else ())), resting, config)
    good = list(holding(list(zip(suggestions, passed, strict=False))))
    # These are about the moment of a write, which is over for data at rest: earlier writes speak for them.
    good += arrivals(earlier)
    if existing is None:
        write_file(Path(args.suggest), suite_text(resting.dataset, profile.rows, map(entry_of, good)).rstrip() + "\n")
        say(f"\n{len(good)} checks that hold on this data are in {args.suggest}\n")
        return
    changes, entries = propose(existing, [not one for one in passed[len(checks) :]], good)
    if not changes:
        say(f"\n{args.suggest} is as this data would have it: nothing is proposed\n")
        return
    write_file(Path(f"{args.suggest}.proposed"), suite_text(resting.dataset, profile.rows, entries).rstrip() + "\n")
    say(f"\n{len(changes)} changes to {args.suggest} are proposed in {args.suggest}.proposed:\n")
    for change in changes:
        say(f"  {change.what} {change.check}: {change.why}\n")


def _references(
    wanted: Sequence[str], profile: Profile, resting: Resting, say: Callable[[str], object]
) -> list[Suggestion]:
    """What is suggested of each dataset that somebody named; of one that has nothing to do with this data, that is told."""
    from hookline.quality.profile.relating import Reference

    found: list[Suggestion] = []
    for text in wanted:
        reference = Reference.parse(text)
        column = reference.found_in(resting.target().find_other(reference.dataset).columns)
        mine = list(reference.suggest(column, profile))
        if not mine:
            say(f"\n--reference {printable(text)}: no column here is named after it and holds values of its kind\n")
        found += mine
    return found


def _earlier(resting: Resting, config: Config) -> list[tuple[dt.datetime, Profile]]:
    """When earlier writes began, and the profiles that the store has of them; oldest first."""
    from hookline.quality.history import StoredHistory
    from hookline.quality.profile.model import Profile

    with opened_store(config) as store:
        found = StoredHistory(lambda: store, resting.dataset).profiles if store is not None else ()
    return [(dt.datetime.fromisoformat(one.started_at), Profile.from_document(one.document)) for one in found]


def _with_earlier(profile: Profile, earlier: Sequence[Profile]) -> Profile:
    """Together with the profiles of earlier writes."""
    from hookline.quality.profile.model import merged

    whole = merged([profile, *earlier])
    # A column that came or changed since is told by this data alone.
    known = {column.name for column in whole.columns}
    new = tuple(column for column in profile.columns if column.name not in known)
    return dataclasses.replace(whole, columns=(*whole.columns, *new))


def _judged(checks: Sequence[AnyCheck], resting: Resting, config: Config) -> list[bool]:
    """Which checks hold on the data."""
    from hookline.core import fuse
    from hookline.quality.history import StoredHistory
    from hookline.quality.judging import judge, measures_of

    target = resting.target()
    needed = measures_of(checks)
    measures, results = fuse.resolve(needed, target.columns, lambda name: target.find_other(name).columns)
    taken = fuse.take(measures, target, ways=config.measure.ways, deadline_s=config.measure.deadline_s)
    with opened_store(config) as store:
        history = None if store is None else StoredHistory(lambda: store, resting.dataset)
        verdicts = judge(checks, {**results, **taken}, history)
    return [verdict.status in ("passed", "skipped") for verdict in verdicts]


def _tell(profile: Profile, dataset: str, file: str | None) -> None:
    from hookline.quality.profile.table import HEAD, lines, remarks

    if file == "-":
        print_json({"dataset": dataset, **profile.as_json()})
        return
    if file is not None:
        content = {"version": 1, "dataset": dataset, **profile.as_json()}
        write_file(Path(file), json.dumps(content, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{dataset}: {profile.rows:,} rows, {len(profile.columns)} columns\n\n")
    print_table(HEAD, lines(profile))
    told: list[Any] = list(remarks(profile))
    if told:
        sys.stdout.write("\n" + "".join(f"{remark}\n" for remark in told))
