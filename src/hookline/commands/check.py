"""Judge data at rest by a suite: a Parquet file or folder, a Delta table, or a table by name.

Exit codes: 0 nothing refuses; 1 the data can't be read; 3 a critical check failed, or a required one has no answer;
4 the suite or the configuration is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import (
    add_config_options,
    opened_store,
    print_json,
    print_table,
    read_config,
    write_file,
)
from hookline.commands._session import open_session, spark_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.config import Config
    from hookline.quality.explaining import Planned
    from hookline.quality.report import Report
    from hookline.quality.suite import Suite


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("place", metavar="PATH|TABLE", help="the data; a path has a slash in it, or exists")
    parser.add_argument(
        "--suite", action="append", required=True, metavar="F", help="a file with suites, or a pattern; may be repeated"
    )
    parser.add_argument("--json", metavar="F", help="write the verdicts to this file as JSON; - for standard output")
    parser.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
    )
    parser.add_argument(
        "--explain", action="store_true", help="tell the way and the price of each check, before it runs and after"
    )
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Check, tell, and return the exit code.

    Raises:
        HooklineError: when the suite, the configuration or the data can't be used.
    """
    from hookline.pipelines.at_rest import is_delta_folder
    from hookline.quality.suite import find_suites

    config = read_config(args)
    _import_kinds(config)
    suites = find_suites(args.suite, Path.cwd())
    settings = spark_settings(args.conf, delta=is_delta_folder(args.place))
    with open_session(settings, "check") as spark:
        report, plan = _check(spark, args, suites, config)
    _tell(report, plan, args.json)
    return 3 if report.refuses else 0


def _check(
    spark: SparkSession, args: argparse.Namespace, suites: tuple[Suite, ...], config: Config
) -> tuple[Report, list[Planned]]:
    from hookline.core import fuse
    from hookline.pipelines.at_rest import find_at_rest
    from hookline.quality.explaining import PLAN_HEAD, plan_of
    from hookline.quality.history import StoredHistory
    from hookline.quality.report import choose_checks, judge_at_rest, measures_for

    resting = find_at_rest(spark, args.place)
    target = resting.target()
    checks = [check.fitted(target.columns) for check in choose_checks(suites, resting.dataset)]
    plan: list[Planned] = []
    if args.explain:
        prices = fuse.explain(measures_for(checks), target, ways=config.measure.ways)
        plan = list(plan_of(checks, prices))
        if args.json != "-":
            print_table(PLAN_HEAD, (planned.as_row() for planned in plan))
            sys.stdout.write("\n")
            sys.stdout.flush()
    measures, results = fuse.resolve(measures_for(checks), target.columns, lambda name: target.find_other(name).columns)
    taken = fuse.take(measures, target, ways=config.measure.ways, deadline_s=config.measure.deadline_s)
    with opened_store(config) as store:
        history = None if store is None else StoredHistory(lambda: store, resting.dataset)
        return judge_at_rest(resting.dataset, checks, {**results, **taken}, history), plan


def _import_kinds(config: Config) -> None:
    """Import the configured plugins, which may bring kinds of checks; one that can't be imported is not needed here."""
    from hookline.core.errors import ConfigError
    from hookline.core.plugin_source import find_plugin, import_plugin
    from hookline.quality.checks.registry import import_modules

    for entry in config.plugins:
        try:
            import_plugin(find_plugin(entry.name))
        except ConfigError as error:
            sys.stderr.write(f"hookline: its checks are not known here: {error}\n")
    modules = [entry.options.get("modules") for entry in config.plugins if entry.name == "quality"]
    import_modules([name for names in modules if isinstance(names, (list, tuple)) for name in map(str, names)])


def _tell(report: Report, plan: list[Planned], file: str | None) -> None:
    from hookline.quality.report import HEAD

    content = report.as_json()
    if plan:
        verdicts = {verdict.check: verdict for verdict in report.verdicts}
        content["explain"] = [planned.as_json(verdicts) for planned in plan]
    if file == "-":
        print_json(content)
        return
    if file is not None:
        write_file(Path(file), json.dumps({"version": 1, **content}, indent=2, ensure_ascii=False) + "\n")
    if not plan:
        print_table(HEAD, report.as_rows())
        return
    rows = zip(report.as_rows(), report.verdicts, strict=True)
    print_table((*HEAD[:3], "WAY", *HEAD[3:]), ((*row[:3], verdict.way, *row[3:]) for row, verdict in rows))
