"""Judge data at rest by a suite: a Parquet file or folder, a Delta table, or a table by name.

Exit codes: 0 nothing refuses; 1 the data can't be read; 3 a critical check failed, or a required one has no answer;
4 the suite or the configuration is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, print_json, print_table, read_config

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.config import Config
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
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Check, tell, and return the exit code.

    Raises:
        HooklineError: when the suite, the configuration or the data can't be used.
    """
    from hookline.quality.suite import find_suites

    config = read_config(args)
    _import_kinds(config)
    suites = find_suites(args.suite, Path.cwd())
    with _spark(_settings(args)) as spark:
        report = _check(spark, args.place, suites, config)
    _tell(report, args.json)
    return 3 if report.refuses else 0


def _check(spark: SparkSession, place: str, suites: tuple[Suite, ...], config: Config) -> Report:
    from hookline.core import fuse
    from hookline.pipelines.at_rest import find_at_rest
    from hookline.quality.report import choose_checks, judge_at_rest, measures_for

    resting = find_at_rest(spark, place)
    checks = choose_checks(suites, resting.dataset)
    target = resting.target()
    measures, results = fuse.resolve(measures_for(checks), target.columns)
    taken = fuse.take(measures, target, ways=config.measure.ways, deadline_s=config.measure.deadline_s)
    return judge_at_rest(resting.dataset, checks, {**results, **taken})


def _import_kinds(config: Config) -> None:
    """Import the configured plugins, which may bring kinds of checks; one that can't be imported is not needed here."""
    from hookline.core.errors import ConfigError
    from hookline.core.plugin_source import find_plugin, import_plugin

    for entry in config.plugins:
        try:
            import_plugin(find_plugin(entry.name))
        except ConfigError as error:
            sys.stderr.write(f"hookline: its checks are not known here: {error}\n")


def _settings(args: argparse.Namespace) -> dict[str, str]:
    """Spark's settings: ours first, so that the user's win.

    Raises:
        ConfigError: for a setting without a value.
    """
    from hookline.core.errors import ConfigError
    from hookline.pipelines.at_rest import is_delta_folder

    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if is_delta_folder(args.place):
        settings["spark.sql.extensions"] = "io.delta.sql.DeltaSparkSessionExtension"
        settings["spark.sql.catalog.spark_catalog"] = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    for setting in args.conf:
        key, equals, value = setting.partition("=")
        if not (equals and key):
            raise ConfigError(f"--conf {key}: a setting is KEY=VALUE")
        settings[key] = value
    return settings


@contextmanager
def _spark(settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session; one that was there before is used as it is, and stays."""
    from hookline.core.errors import HooklineError

    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise HooklineError("check needs PySpark, which is not installed: pip install pyspark") from None
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    builder = SparkSession.Builder().appName("hookline check")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


def _tell(report: Report, file: str | None) -> None:
    from hookline.core.errors import HooklineError
    from hookline.quality.report import HEAD

    if file == "-":
        print_json(report.as_json())
        return
    if file is not None:
        try:
            text = json.dumps({"version": 1, **report.as_json()}, indent=2, ensure_ascii=False)
            Path(file).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise HooklineError(f"{file} can't be written: {error.strerror}; correct the path") from None
    print_table(HEAD, report.as_rows())
