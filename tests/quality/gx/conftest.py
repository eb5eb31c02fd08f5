"""A table of nasty values, and what Great Expectations itself says of expectations on it."""

from __future__ import annotations

import contextlib
import datetime as dt
import warnings
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.fuse import Target, take
from hookline.quality.checks.terms import Terms
from hookline.quality.gx.check import ExpectationCheck, ExpectationOptions
from hookline.quality.gx.outcomes import plain

pytest.importorskip("great_expectations")

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAN, INF = float("nan"), float("inf")
SCHEMA = (
    "id int, big bigint, small smallint, price decimal(10,2), fine decimal(20,6), amount double, ratio float, "
    "name string, code string, day date, other_day date, ok boolean, at timestamp, part struct<city: string, zip: int>, "
    "tags array<string>, `odd name` int"
)
_AT = dt.datetime(2024, 2, 29, 12, 0)
ROWS: list[tuple[Any, ...]] = [
    (
        1,
        10,
        1,
        Decimal("1.10"),
        Decimal("0.333333"),
        1.5,
        0.1,
        "alpha",
        "A-1",
        dt.date(2020, 1, 1),
        dt.date(2020, 1, 1),
        True,
    ),
    (
        2,
        20,
        2,
        Decimal("2.20"),
        Decimal("0.666667"),
        NAN,
        NAN,
        "",
        "A-2",
        dt.date(1500, 2, 28),
        dt.date(2020, 1, 2),
        False,
    ),
    (2, 20, 2, Decimal("2.20"), Decimal("1.000001"), INF, INF, None, "a-2", None, None, None),
    (None, None, None, None, None, -0.0, -0.0, "ab\n", None, dt.date(2020, 1, 2), None, True),
    (
        5,
        2**53 + 1,
        5,
        Decimal("5.00"),
        Decimal("5"),
        0.0,
        0.0,
        "é",
        "B-10",
        dt.date(9999, 12, 31),
        dt.date(1, 1, 1),
        True,
    ),
    (
        6,
        -(2**40),
        -6,
        Decimal("-9.99"),
        Decimal("-0.000001"),
        None,
        None,
        "  ",
        "it's",
        dt.date(2020, 1, 1),
        None,
        False,
    ),
    (7, 7, 7, Decimal("0.00"), Decimal("0"), -INF, -INF, "e\u0301", "back\\slash", None, dt.date(2020, 1, 3), None),
    (
        8,
        8,
        8,
        Decimal("8.00"),
        Decimal("8.5"),
        1.5,
        0.1,
        "ALPHA",
        "A-1",
        dt.date(2020, 1, 1),
        dt.date(2020, 1, 1),
        True,
    ),
    (
        9,
        9,
        9,
        Decimal("99999999.99"),
        Decimal("9.000009"),
        1e300,
        3.5,
        "\U0001f600",
        "A-1\n",
        dt.date(2020, 6, 1),
        None,
        None,
    ),
    (-1, 0, 0, Decimal("0.01"), Decimal("2.5"), -2.25, -2.25, "alphabet", "", dt.date(2019, 12, 31), None, False),
    (None, 5, None, None, Decimal("7"), 3.0, 3.0, "beta", "C-3", dt.date(2021, 1, 1), dt.date(2021, 1, 1), True),
    (None, 5, None, None, Decimal("7"), 4.0, 4.0, "beta", "C-3", dt.date(2021, 1, 1), dt.date(2021, 1, 2), True),
]
_MORE = (_AT, ("Berlin", 10115), ["x"], 4)
Kwargs = dict[str, Any]
Asked = tuple[str, Kwargs]


def nasty(spark: SparkSession, rows: Sequence[tuple[Any, ...]] = tuple(ROWS)) -> DataFrame:
    """The table."""
    return spark.createDataFrame([row + _MORE for row in rows], SCHEMA)


@pytest.fixture(scope="module")
def in_great_expectations(spark: SparkSession) -> Callable[[DataFrame, Sequence[Asked]], list[dict[str, Any]]]:
    """What it says itself, by the interface that its users use: one batch, each expectation for itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_spark("tests", persist=False).add_dataframe_asset("frame")
        whole = asset.add_batch_definition_whole_dataframe("whole")

    def validate(frame: DataFrame, asked: Sequence[Asked]) -> list[dict[str, Any]]:
        rows = _in_memory(frame)
        if rows is None:  # what is compiled tells of a broken pattern all the same
            return validated(frame, asked)
        with _for_a_dozen_rows(spark):
            return validated(rows, asked)

    def validated(frame: DataFrame, asked: Sequence[Asked]) -> list[dict[str, Any]]:
        format_ = {"result_format": "SUMMARY", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
        found = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = whole.get_batch(batch_parameters={"dataframe": frame})
            made = [ExpectationConfiguration(kind, dict(kwargs)).to_domain_obj() for kind, kwargs in asked]
            for at, one in enumerate(made):
                one.meta = {"at": at}
            together = batch.validate(gx.ExpectationSuite(name="all", expectations=made), result_format=format_)
            by_place = {one.expectation_config.meta["at"]: one for one in together.results}
            for at, one in enumerate(made):
                result = by_place[at]
                if _raised(result):  # by another one, perhaps, that was taken together with it
                    result = batch.validate(one, result_format=format_)
                shown = {"success": bool(result.success), "result": plain_result(result.result)}
                found.append({**shown, "raised": _raised(result)})
        return found

    return validate


@contextlib.contextmanager
def _for_a_dozen_rows(spark: SparkSession) -> Iterator[None]:
    """It starts hundreds of jobs: none is worth being compiled, planned twice, or shuffled to several tasks."""
    wanted = {
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
    }
    before = {name: spark.conf.get(name) for name in wanted}
    for name, value in wanted.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, str(value))


def _in_memory(frame: DataFrame) -> DataFrame | None:
    """The same rows as a relation of the driver's, which no job reads from files; None when there are none."""
    from pyspark.sql.classic.dataframe import DataFrame as Classic

    inner: Any = frame
    session = inner.sparkSession
    rows = inner._jdf.collectAsList()
    return Classic(session._jsparkSession.createDataFrame(rows, inner._jdf.schema()), session) if rows.size() else None


def _raised(result: Any) -> bool:
    info = result.exception_info
    every = [info] if "raised_exception" in info else list(info.values())
    return any(each["raised_exception"] for each in every)


def plain_result(result: Any) -> dict[str, Any]:
    """Without numpy, and without lists of values."""

    def unboxed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: unboxed(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [unboxed(one) for one in value]
        return value.item() if hasattr(value, "dtype") else value

    return {name: plain(unboxed(value)) for name, value in dict(result).items() if not name.startswith("partial_")}


def check_of(asked: Asked, target: Target) -> ExpectationCheck:
    """The expectation as a check of ours."""
    kind, kwargs = asked
    made = ExpectationCheck(ExpectationOptions(type=kind, kwargs=kwargs), Terms(severity="warn"))
    return made.fitted(target.columns)


def in_hookline(target: Target, checks: Sequence[ExpectationCheck]) -> list[dict[str, Any]]:
    """What we say, all of it measured together."""
    results = take([measure for check in checks for measure in check.measures()], target)
    found = []
    for check in checks:
        outcome = check.outcome(results)
        found.append(
            {"success": outcome.success, "result": plain(dict(outcome.result)), "raised": outcome.error is not None}
        )
    return found


@pytest.fixture(scope="module")
def nasty_table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[DataFrame, Target]:
    """The table, and it as files."""
    return _as_files(spark, nasty(spark), tmp_path_factory.mktemp("gx") / "nasty")


@pytest.fixture(scope="module")
def empty_table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[DataFrame, Target]:
    """The table without a row, and that as files."""
    return _as_files(spark, nasty(spark, []), tmp_path_factory.mktemp("gx") / "empty")


def _as_files(spark: SparkSession, frame: DataFrame, path: Path) -> tuple[DataFrame, Target]:
    from hookline.pipelines.at_rest import find_at_rest

    frame.repartition(3, "id").write.parquet(str(path))
    return spark.read.schema(frame.schema).parquet(str(path)), find_at_rest(spark, str(path)).target()
