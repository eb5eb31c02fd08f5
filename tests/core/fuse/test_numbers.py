"""Moments, quantiles, order, other datasets and forms mean the same in every way, with plain Python as the judge."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.events import Measure, Measured, Other
from hookline.core.fuse import Target, resolve, ride, take
from hookline.core.fuse.child import shared_child

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

NAN, INF = math.nan, math.inf
# name → (type, values); all as long as the longest, filled up with nulls.
COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "whole": ("int", [5, -(2**31), 2**31 - 1, 0, 7, 7, 7, 1, None, 3, 2, 2]),
    "big": ("bigint", [2**63 - 1, 2**63 - 2, 2**53 + 1, 2**53 + 2, -(2**63), 0, 1, 2, 3, 4, 5, 6]),
    "small_money": ("decimal(9,2)", ["0.10", "-0.10", "1.00", "9999999.99", "0.1", "0.3", "0.2", "5", "6", "7", "8", "9"]),
    "money": ("decimal(18,4)", ["99999999999999.9999", "-99999999999999.9999", "0.0001", "0.0002"]),
    "wide": ("decimal(38,10)", ["1234567890123456789012345678.0123456789", "-0.0000000001", "0", "12345678901234567890.5"]),
    "single": ("float", [0.5, 1.5, -2.5, 0.25, -0.0, 0.0, 3.0, 1.0, 8.0, 16.0, 0.125, 7.5]),
    "dbl": ("double", [0.1, 0.2, -0.0, 0.0, 1e-320, 1e16, 3.5, 2.25, -7.0, 1.0, 1.0, None]),
    "nan": ("double", [0.1, NAN, -0.0, 0.0, NAN, 5.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    "inf": ("double", [INF, -INF, 1.0, 2.0]),
    "same": ("double", [3.0] * 12),
    "one": ("double", [42.0]),
    "none": ("double", []),
    "day": ("date", [dt.date(1200, 2, 28), dt.date(1582, 10, 4), dt.date(1970, 1, 1), dt.date(9999, 12, 31), dt.date(1, 1, 1)]),
    "ts": ("timestamp", ["1500-01-01T00:00:00.000001", "1969-12-31T23:59:59.999999", "2024-03-10T02:30:00", "2024-03-31T02:30:00"]),
    "ntz": ("timestamp_ntz", ["1500-01-01T00:00:00.000001", "1969-12-31T23:59:59.999999", "2024-03-10T02:30:00", "2024-03-31T02:30:00"]),
    "text": ("string", ["", " ", "abc", "abc\n", "ABC", "é", "e\u0301", "\U0001f600", "abc", "abc", "", "x'y"]),
    "flag": ("boolean", [True, False, True, True]),
    "step": ("int", [1, 2, 3, 4, 5, 5, 6, 6, 7, None, 9, 10]),
    "group": ("string", ["a", "a", "b", "a", "b", "b", "b", "a", "a", "a", None, "a"]),
}  # fmt: skip
HEIGHT = max(len(values) for _, values in COLUMNS.values())
NUMBERS = ("whole", "big", "small_money", "money", "wide", "single", "dbl", "nan", "inf", "same", "one", "none")
FRACTIONS = ("0", "0.25", "0.5", "0.9", "0.999999", "1")


def raw(name: str) -> list[Any]:
    kind, values = COLUMNS[name]
    filled = [*values, *[None] * (HEIGHT - len(values))]
    if kind.startswith("timestamp"):
        zone = dt.timezone.utc if kind == "timestamp" else None
        return [None if v is None else dt.datetime.fromisoformat(v).replace(tzinfo=zone) for v in filled]
    return [Decimal(v) if v is not None and kind.startswith("decimal") else v for v in filled]


def present(name: str) -> list[Any]:
    return [value for value in raw(name) if value is not None]


def measures() -> list[Measure]:
    asked = [Measure.variance(name) for name in NUMBERS]
    asked += [Measure.quantile(name, Decimal(f)) for name in (*NUMBERS, "day", "ts", "ntz") for f in FRACTIONS]
    asked += [Measure.entropy(name) for name in COLUMNS]
    asked += [Measure.entropy("text", where="whole > 0")]
    pairs = [
        ("whole", "dbl"),
        ("big", "small_money"),
        ("single", "dbl"),
        ("dbl", "nan"),
        ("inf", "dbl"),
        ("same", "dbl"),
        ("one", "dbl"),
    ]
    asked += [Measure.correlation(*pair) for pair in pairs]
    for order in ("increasing", "decreasing", "strictly increasing", "strictly decreasing"):
        asked += [
            Measure.unordered(name, "step", order=order) for name in ("whole", "nan", "text", "same", "ts", "wide")
        ]
        asked += [Measure.unordered("whole", "step", within=("group",), order=order, where="dbl < 3")]
        asked += [Measure.unordered("nan", "group", within=("flag",), order=order)]
    asked += [Measure.orphans("whole", among=Other("", ("step",))), Measure.orphans("dbl", among=Other("", ("nan",)))]
    asked += [Measure.orphans("group", "step", among=Other("", ("text", "whole")), where="flag OR true")]
    return asked


def moments(name: str) -> float | None:
    values = [float(value) for value in present(name)]
    if not all(map(math.isfinite, values)):
        return NAN
    if len(values) < 2:
        return None
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    return float(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1))


def correlated(one: str, other: str) -> float | None:
    pairs = [(float(x), float(y)) for x, y in zip(raw(one), raw(other), strict=True) if x is not None and y is not None]
    if not all(math.isfinite(value) for pair in pairs for value in pair):
        return NAN
    if len(pairs) < 2:
        return None
    exact = [(Fraction(x), Fraction(y)) for x, y in pairs]
    mx, my = (sum(column) / len(exact) for column in zip(*exact, strict=True))
    xx, yy = sum((x - mx) ** 2 for x, _ in exact), sum((y - my) ** 2 for _, y in exact)
    xy = sum((x - mx) * (y - my) for x, y in exact)
    return float(xy) / math.sqrt(xx) / math.sqrt(yy) if xx and yy else NAN


EPOCH = dt.datetime(1970, 1, 1)


def number(value: Any) -> Fraction:
    if isinstance(value, dt.datetime):
        return Fraction((value.replace(tzinfo=None) - EPOCH) // dt.timedelta(microseconds=1))
    return Fraction((value - EPOCH.date()).days) if isinstance(value, dt.date) else Fraction(value)


def at_rank(name: str, fraction: Decimal) -> Any:
    values = sorted(value for value in present(name) if value == value)
    if not values:
        return None
    position = (len(values) - 1) * Fraction(fraction)
    low, high = values[math.floor(position)], values[math.ceil(position)]
    if low == high:
        return Decimal(low) if COLUMNS[name][0] in ("int", "bigint") else low
    if isinstance(low, float) and not all(map(math.isfinite, (low, high))):
        return high if math.isinf(high) and position % 1 else low
    exact = number(low) + (number(high) - number(low)) * (position % 1)
    kind = COLUMNS[name][0]
    if kind == "date":
        return EPOCH.date() + dt.timedelta(days=math.floor(exact))
    if kind.startswith("timestamp"):
        return (EPOCH + dt.timedelta(microseconds=math.floor(exact))).replace(tzinfo=low.tzinfo)
    return float(exact) if kind in ("float", "double") else exact


def bits(values: list[Any]) -> float | None:
    counts = Counter(
        "NaN" if value != value else value + 0.0 if isinstance(value, float) else value for value in values
    )
    return -sum(n / len(values) * math.log2(n / len(values)) for n in counts.values()) if values else None


def chosen(where: str | None) -> list[int]:
    def holds(index: int) -> bool:
        row = {name: raw(name)[index] for name in ("whole", "dbl")}
        if where == "whole > 0":
            return row["whole"] is not None and row["whole"] > 0
        return where != "dbl < 3" or (row["dbl"] is not None and row["dbl"] < 3)

    return [index for index in range(HEIGHT) if holds(index)]


def breaks(measure: Measure) -> int:
    columns = [raw(name) for name in measure.columns]
    rows = [tuple(c[i] for c in columns) for i in chosen(measure.where)]
    rows = [row for row in rows if None not in row]
    failing = sum(row[0] != row[0] for row in rows)
    rows = [row for row in rows if row[0] == row[0]]
    for row in rows:
        earlier = [other for other in rows if other[2:] == row[2:] and other[1] < row[1]]
        if not earlier:
            continue
        step = max(other[1] for other in earlier)
        before = [other[0] for other in earlier if other[1] == step]
        key = (lambda v: v.encode()) if isinstance(row[0], str) else (lambda v: v)
        reference = (max if measure.order.endswith("increasing") else min)(before, key=key)
        value, against = key(row[0]), key(reference)
        failing += {
            "increasing": value < against,
            "decreasing": value > against,
            "strictly increasing": value <= against,
            "strictly decreasing": value >= against,
        }[measure.order]
    return failing


def expected(measure: Measure) -> Any:
    if measure.kind == "variance":
        return moments(measure.columns[0])
    if measure.kind == "quantile":
        return at_rank(measure.columns[0], measure.fraction)
    if measure.kind == "entropy":
        values = raw(measure.columns[0])
        return bits([values[i] for i in chosen(measure.where) if values[i] is not None])
    if measure.kind == "correlation":
        return correlated(*measure.columns)
    if measure.kind == "unordered":
        return breaks(measure)
    mine = zip(*(raw(name) for name in measure.columns), strict=True)
    known = set(zip(*(raw(name) for name in measure.others[0].columns), strict=True))
    known = {tuple("NaN" if part != part else part for part in row) for row in known}
    return sum(None not in row and tuple("NaN" if p != p else p for p in row) not in known for row in mine)


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Fraction):
        return isinstance(found, Decimal) and Fraction(found) == wanted
    if isinstance(wanted, float):
        both_nan = math.isnan(wanted) and math.isnan(found)
        return isinstance(found, float) and (both_nan or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9))
    return type(found) is type(wanted) and bool(found == wanted)


def check(results: dict[Measure, Measured], way: str) -> None:
    wrong = []
    for measure, found in results.items():
        wanted = expected(measure)
        if found.error is not None or found.way != way or not same(found.value, wanted):
            wrong.append(f"{measure!r}: {found}, not {wanted!r}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def target(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Target:
    from pyspark.sql import functions as F

    from hookline.core.fuse import WrittenFile, columns_of

    rows = list(zip(*(map(str_or_none, raw(name), [name] * HEIGHT) for name in COLUMNS), strict=True))
    textual = ("date", "timestamp", "decimal")
    plain = ", ".join(f"`{n}` {'string' if k.startswith(textual) else k}" for n, (k, _) in COLUMNS.items())
    frame = spark.createDataFrame(rows, plain).select(*(F.col(n).cast(k).alias(n) for n, (k, _) in COLUMNS.items()))
    path = tmp_path_factory.mktemp("numbers") / "t"
    frame.repartition(3).write.parquet(str(path))
    files = tuple(WrittenFile(str(file), file.stat().st_size) for file in sorted(path.glob("*.parquet")))
    schema = frame.schema
    return Target(
        spark, "parquet", columns_of(schema), files, read_back=lambda: spark.read.schema(schema).parquet(str(path))
    )


def str_or_none(value: Any, name: str) -> Any:
    return str(value) if value is not None and COLUMNS[name][0].startswith(("date", "timestamp", "decimal")) else value


@pytest.mark.parametrize("place", ["child", "tasks"])
def test_duckdb_agrees_with_python(target: Target, place: Any) -> None:
    check(take(measures(), target, ways=("vectorised",), place=place), "vectorised")


@pytest.mark.slow
def test_spark_agrees_with_python(target: Target) -> None:
    asked = [measure for measure in measures() if measure.kind not in ("entropy", "unordered")]
    asked += [Measure.entropy(name) for name in ("dbl", "text")] + [Measure.entropy("text", where="whole > 0")]
    asked += [measure for measure in measures() if measure.kind == "unordered"][::5]
    check(take(asked, target, ways=("spark",)), "spark")


def test_moments_ride(target: Target, tmp_path: Path) -> None:
    asked = [measure for measure in measures() if measure.kind in ("variance", "correlation")]
    ridden, riding = ride(target.read_back(), [*asked, Measure.quantile("dbl", 0.5)])
    ridden.write.parquet(str(tmp_path / "out"))
    results = riding.collect(30.0, expected_rows=HEIGHT)
    assert "needs a pass of its own" in (results.pop(Measure.quantile("dbl", 0.5)).error or "")
    check(results, "observe")


def test_what_is_sorted_on_disk_is_what_is_picked_in_memory(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.core.fuse import task

    picked = task._pick
    monkeypatch.setattr(task, "_pick", task._sort)
    monkeypatch.setattr(shared_child(), "ask", lambda plan, deadline_s: task.measure(plan))
    asked = [measure for measure in measures() if measure.kind == "quantile"]
    check(take(asked, target, ways=("vectorised",)), "vectorised")
    assert picked is not task._pick


@pytest.mark.parametrize("ways", [("vectorised",), ("spark",)])
def test_about_how_many_there_are(spark: SparkSession, tmp_path: Path, parquet_target: Any, ways: Any) -> None:
    frame = spark.range(30_000).selectExpr("id % 20000 AS id", "CASE WHEN id % 2 = 0 THEN 0D ELSE -0D END AS zero")
    frame.write.parquet(str(tmp_path / "t"))
    asked = [
        Measure.about_distinct("id"),
        Measure.about_distinct("id", where="id < 100"),
        Measure.about_distinct("zero"),
    ]
    found = take(asked, parquet_target(tmp_path / "t", frame.schema), ways=ways)
    many, few, zero = (found[measure].value for measure in asked)
    assert abs(many - 20_000) < 800
    assert abs(few - 100) < 4
    assert zero == 1


@pytest.fixture
def orders(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> Target:
    """Orders beside their customers, whose keys are of other widths, with duplicates, nulls and strange floats."""
    customers = spark.sql(
        "SELECT * FROM VALUES (1, 'a', 1.5F, 10.00BD), (1, 'a', 1.5F, 20.00BD), (2, 'b', float('NaN'), NULL),"
        " (NULL, 'c', -0.0F, 5.00BD) t(id, name, size, amount)"
    )
    customers.write.parquet(str(tmp_path / "customers"))
    orders = spark.sql(
        "SELECT * FROM VALUES (1L, 'a', 1.5D), (2L, 'b', double('NaN')), (3L, 'a', 0.0D), (NULL, 'c', NULL),"
        " (1L, 'b', 1.25D), (9223372036854775807L, 'é', 1.5D) t(customer, name, size)"
    )
    orders.repartition(2).write.parquet(str(tmp_path / "orders"))
    known = {"customers": parquet_target(tmp_path / "customers", customers.schema)}

    def find(name: str) -> Target:
        from hookline.core.errors import HooklineError

        if name not in known:
            raise HooklineError(f"{name} can't be read (PATH_NOT_FOUND): there is no such path; correct it")
        return known[name]

    return parquet_target(tmp_path / "orders", orders.schema, others=find)


def among(*columns: str) -> Other:
    return Other("customers", columns)


REFERENCES = {
    Measure.orphans("customer", among=among("id")): 2,
    Measure.orphans("customer", "name", among=among("id", "name")): 3,
    Measure.orphans("size", among=among("size")): 1,
    Measure.orphans("name", among=among("name")): 1,
    Measure.orphans("name", among=among("name"), where="customer < 3"): 0,
    Measure.rows(dataset="customers"): 4,
    Measure.total("amount", dataset="customers"): Decimal("35.00"),
}


@pytest.mark.parametrize("ways", [("vectorised",), ("spark",), ("proof", "vectorised", "spark")])
def test_another_dataset_is_compared_exactly(orders: Target, ways: Any) -> None:
    results = take(REFERENCES, orders, ways=ways)
    assert {measure: found.value for measure, found in results.items()} == REFERENCES
    assert {found.way for found in results.values()} <= set(ways)


WRONG = {
    Measure.orphans("customer", among=Other("nowhere", ("id",))): "there is no such path",
    Measure.orphans("customer", among=among("ident")): "in customers, the data has no column 'ident'",
    Measure.orphans("customer", among=among("name")): "they can't be compared exactly",
    Measure.total("amount", dataset="nowhere"): "there is no such path",
    Measure.total("amuont", dataset="customers"): "did you mean 'amount'?",
    Measure.variance("name"): "variance needs a number",
    Measure.quantile("name", 0.5): "quantile needs a number, a date or a timestamp",
    Measure.correlation("size", "name"): "correlation needs numbers",
    Measure.unordered("name", "size"): "to go by",
    Measure.malformed("customer", "iban"): "needs a string",
    Measure.malformed("name", "date:yy"): "is no part of a date",
}


def test_what_does_not_fit_is_told_before_anything_is_read(orders: Target) -> None:
    good, bad = resolve(WRONG, orders.columns, lambda name: orders.find_other(name).columns)
    assert good == []
    for measure, why in WRONG.items():
        assert why in (bad[measure].error or ""), bad[measure]
    later = take(WRONG, orders)
    assert all(not found.ok for found in later.values())


def test_where_no_other_dataset_can_be_found(orders: Target) -> None:
    import dataclasses

    alone = dataclasses.replace(orders, others=None)
    found = take([Measure.orphans("customer", among=among("id")), Measure.rows()], alone)
    assert "no other can be looked at here" in (found[Measure.orphans("customer", among=among("id"))].error or "")
    assert found[Measure.rows()].value == 6


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()
