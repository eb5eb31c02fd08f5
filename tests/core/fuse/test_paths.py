"""Fields of structs and elements of arrays mean the same in every way, with plain Python as the judge."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.events import Column, Measure, Measured
from hookline.core.fuse import Target, resolve, ride, take
from hookline.core.fuse.child import shared_child
from hookline.core.fuse.paths import element_of, fields_of, steps_of

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

NAN = math.nan
SCHEMA = (
    "id int, address struct<City:string,geo:struct<lat:double>,`it's`:int>,"
    " items array<struct<price:double,sku:string,tags:array<string>>>, tags array<string>, deep array<array<int>>,"
    " `address.zip` string, money array<decimal(9,2)>"
)
# Every row that may be: null at each depth, empty arrays, null elements, values that are no numbers.
ROWS: list[tuple[Any, ...]] = [
    (1, ("Rome", (1.5,), 1), [(1.0, "a", ["x", "y"]), (-2.0, "b", [])], ["x"], [[1, 2], []], "z1", [Decimal("0.10")]),
    (2, ("", (NAN,), None), [(NAN, "a", None), None, (None, None, [None, "x"])], [], [None, [3, None]], None, []),
    (3, (None, None, 3), [], None, [], "z1", None),
    (4, None, None, [None, ""], None, "z2", [None, Decimal("9999999.99"), Decimal("0.10")]),
    (
        5,
        ("Rome", (-0.0,), 1),
        [(0.0, "c", ["z"]), (-0.0, "c", ["z", "z"])],
        ["x", "x", "é"],
        [[]],
        None,
        [Decimal("-1")],
    ),
    (None, ("é", (0.0,), 7), [(5.0, "a\n", ["xx"])], ["abc"], [[7]], "", [Decimal("5")]),
]


def leaves(path: str, row: int) -> list[Any]:
    """The values of a path in a row: one for a field, any number for elements."""
    address, items, tags, deep, money = (ROWS[row][index] for index in (1, 2, 3, 4, 6))
    return {
        "address.city": lambda: [address and address[0]],
        "address.geo.lat": lambda: [address and address[1] and address[1][0]],
        "address.it's": lambda: [address and address[2]],
        "address.zip": lambda: [ROWS[row][5]],
        "items[].price": lambda: [one and one[0] for one in items or []],
        "items[].sku": lambda: [one and one[1] for one in items or []],
        "items[].tags[]": lambda: [tag for one in items or [] if one and one[2] is not None for tag in one[2]],
        "tags[]": lambda: list(tags or []),
        "deep[][]": lambda: [value for inner in deep or [] if inner is not None for value in inner],
        "money[]": lambda: list(money or []),
    }[path]()


def fine(measure: Measure, value: Any) -> bool:
    if measure.kind == "nulls":
        return value is not None
    if value is None:
        return True
    if measure.kind == "outside":
        return value == value and value >= measure.minimum_value
    if measure.kind == "not_in":
        return value in measure.values
    if measure.kind == "unmatched":
        return len(value) == 1
    return 1 <= len(value) <= 2  # malformed: the length


def chosen(measure: Measure) -> list[int]:
    return [row for row in range(len(ROWS)) if measure.where is None or (ROWS[row][0] is not None and ROWS[row][0] < 5)]


def expected(measure: Measure) -> Any:
    path = measure.columns[0]
    rows = [leaves(path, row) for row in chosen(measure)]
    if measure.kind in ("nulls", "outside", "not_in", "unmatched", "malformed"):
        return sum(any(not fine(measure, value) for value in values) for values in rows)
    values = [value for row in rows for value in row if value is not None]
    keys = Counter("NaN" if value != value else value for value in values)
    if measure.kind == "duplicates":
        return sum(count for count in keys.values() if count > 1)
    if measure.kind == "distinct":
        return len(keys)
    if measure.kind == "total":
        return (sum(values) if all(v == v for v in values) else NAN) if values else None
    real = sorted(value for value in values if value == value)
    if measure.kind == "quantile":
        position = (len(real) - 1) / 2
        low, high = real[math.floor(position)], real[math.ceil(position)]
        return (low + high) / 2
    return real[0] if measure.kind == "minimum" else real[-1]


def measures() -> list[Measure]:
    asked: list[Measure] = []
    for path in ("address.geo.lat", "items[].price", "address.it's", "deep[][]", "money[]"):
        asked += [
            Measure.nulls(path),
            Measure.outside(path, minimum=0),
            Measure.outside(path, minimum=0, where="id < 5"),
        ]
        asked += [
            Measure.minimum(path),
            Measure.maximum(path),
            Measure.quantile(path, Decimal("0.5")),
            Measure.total(path),
        ]
        asked += [Measure.duplicates(path), Measure.distinct(path), Measure.distinct(path, where="id < 5")]
    for path in ("address.city", "items[].sku", "tags[]", "items[].tags[]", "address.zip"):
        asked += [Measure.nulls(path), Measure.unmatched(path, "(?s)."), Measure.malformed(path, "length:1:2")]
        asked += [Measure.not_in(path, ("a", "x", "Rome")), Measure.duplicates(path), Measure.distinct(path)]
        asked += [Measure.nulls(path, where="id < 5"), Measure.duplicates(path, where="id < 5")]
    return asked


def same(found: Any, wanted: Any) -> bool:
    if isinstance(found, (int, Decimal)) and isinstance(wanted, float):
        return float(found) == wanted
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(found, float) and math.isnan(found)
    return bool(found == wanted)


def check(results: dict[Measure, Measured], way: str) -> None:
    wrong = [
        f"{measure}: {found}, not {expected(measure)!r}"
        for measure, found in results.items()
        if found.error is not None or found.way != way or not same(found.value, expected(measure))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def target(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Target:
    from hookline.core.fuse import WrittenFile, columns_of

    path = tmp_path_factory.mktemp("paths") / "t"
    frame = spark.createDataFrame(ROWS, SCHEMA)
    frame.repartition(2).write.parquet(str(path))
    files = tuple(WrittenFile(str(file), file.stat().st_size) for file in sorted(path.glob("*.parquet")))
    schema = frame.schema
    return Target(
        spark, "parquet", columns_of(schema), files, read_back=lambda: spark.read.schema(schema).parquet(str(path))
    )


@pytest.mark.spark
@pytest.mark.parametrize("place", ["child", "tasks"])
def test_duckdb_agrees_with_python(target: Target, place: Any) -> None:
    check(take(measures(), target, ways=("vectorised",), place=place), "vectorised")


@pytest.mark.spark
@pytest.mark.slow
def test_spark_agrees_with_python(target: Target) -> None:
    check(take(measures(), target, ways=("spark",)), "spark")


@pytest.mark.spark
def test_rows_are_counted_while_they_pass(target: Target, tmp_path: Path) -> None:
    rows = [m for m in measures() if m.kind in ("nulls", "outside", "not_in", "malformed", "unmatched")]
    ridden, riding = ride(target.read_back(), [*rows, Measure.total("items[].price")])
    ridden.write.parquet(str(tmp_path / "out"))
    results = riding.collect(30.0, expected_rows=len(ROWS))
    assert results.pop(Measure.total("items[].price")).error
    check(results, "observe")


@pytest.mark.spark
def test_nothing_is_proved_of_a_part_by_its_column(target: Target) -> None:
    results = take(measures(), target, ways=("proof",))
    assert {measure.columns for measure, found in results.items() if found.ok} == {("address.zip",)}


COLUMNS = (
    Column("a", "struct<b:int,c:array<struct<d:decimal(10,2),e:map<string,int>>>>"),
    Column("t", "array<string>"),
    Column("x", "int"),
)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("a.z", "the data has no column 'z'"),
        ("a.b.c", "'a.b' is int, and has no fields"),
        ("x.y", "'x' is int, and has no fields"),
        ("x[]", "'x' is int, and no array"),
        ("a[]", "no array"),
        ("a.c.d", "has no fields"),
        ("t[][]", "no array"),
        ("a.c[]", "needs a simple type"),
        ("a.c[].e", "needs a simple type"),
        ("a..b", "no column 'a..b'"),
        ("nothing.b", "no column 'nothing'"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path: str, why: str) -> None:
    good, bad = resolve([Measure.distinct(path)], COLUMNS)
    assert good == []
    assert why in (bad[Measure.distinct(path)].error or "")


def test_elements_belong_to_no_value_of_another_column() -> None:
    measure = Measure.duplicates("t[]", "x")
    assert "stands alone" in (resolve([measure], COLUMNS)[1][measure].error or "")


def test_types_are_taken_apart() -> None:
    assert fields_of(COLUMNS[0].type) == {"b": "int", "c": "array<struct<d:decimal(10,2),e:map<string,int>>>"}
    assert element_of("array<array<int>>") == "array<int>"
    assert (fields_of("int"), fields_of("struct<>"), element_of("int")) == ({}, {}, None)
    assert steps_of("a[][].b") == ["a", "[]", "[]", "b"]
    assert (steps_of("a"), steps_of("a[0]"), steps_of("[]")) == (None, None, None)


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()
