"""Sketches: every way says the same, parts make the whole, and what is estimated is as near as is said."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasketches
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.core import fuse
from hookline.core.events import Measure
from hookline.core.fuse import binding
from hookline.core.fuse.array_task import Arrays, kll_content
from hookline.core.fuse.shape_task import shape_of
from hookline.core.fuse.sketch_task import KLL_K, REGISTER_BITS, sketch
from hookline.core.fuse.sketches import (
    DISTINCT_ERROR,
    RANK_ERROR,
    correlations,
    distinct_of,
    kll_of,
    merge,
    merge_relations,
    unpacked,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXACT = (
    "kind",
    "rows",
    "nulls",
    "nan",
    "infinite",
    "zeros",
    "negatives",
    "true",
    "empty",
    "blank",
    "shortest",
    "longest",
    "finite",
)
NASTY = {
    "int": ("bigint", [3, None, -1, 0, 2**62, 3]),
    "decimal": ("decimal(38,2)", [Decimal("1.10"), Decimal(-5), None, Decimal("9" * 36), Decimal(0), Decimal("1.1")]),
    "double": ("double", [math.nan, math.inf, -math.inf, -0.0, 0.0, None]),
    "text": ("string", ["", "  ", "É-1", "AB-12", None, "a\nb"]),
    "flag": ("boolean", [True, False, None, True, True, False]),
    "day": ("date", [dt.date(1500, 1, 1), None, dt.date(2020, 2, 29), dt.date(9999, 12, 31), dt.date(1, 1, 1), None]),
    "nothing": ("string", [None] * 6),
    "tags": ("array<string>", [["a"], [], None, ["b", None, "a"], ["a"], ["c"]]),
    "inside": ("struct<x: int>", [(1,), None, (2,), (None,), (1,), (3,)]),
    "blob": ("binary", [b"1", None, b"", b"2", b"3", b"4"]),
}
MEASURES = [*(Measure.sketch(name) for name in NASTY), Measure.sketch("tags[]"), Measure.sketch("inside.x")]
WAYS: list[dict[str, Any]] = [
    {"place": "child", "ways": ("vectorised",)},
    {"place": "tasks", "ways": ("vectorised",)},
    {"ways": ("spark",)},
]


@pytest.fixture(scope="module")
def nasty(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nasty") / "rows"
    schema = ", ".join(f"{name} {kind}" for name, (kind, _) in NASTY.items())
    rows = list(zip(*(values for _, values in NASTY.values()), strict=True))
    spark.createDataFrame(rows, schema).repartition(3).write.parquet(str(path))
    return path


@pytest.mark.spark
def test_every_way_says_the_same_of_nasty_values(nasty: Path, spark: SparkSession, parquet_target: Any) -> None:
    target = parquet_target(nasty, spark.read.parquet(str(nasty)).schema)
    found = [fuse.take(MEASURES, target, **way) for way in WAYS]
    first = {measure: value.value for measure, value in found[0].items()}
    for way, values in zip(WAYS, found, strict=True):
        assert [value.error for value in values.values() if not value.ok] == []
        assert {value.way for value in values.values()} == {way["ways"][0]}
        for measure, value in values.items():
            state, same = value.value, first[measure]
            assert {name: state.get(name) for name in EXACT} == {name: same.get(name) for name in EXACT}, measure
            assert (state.get("counts"), state.get("registers")) == (same.get("counts"), same.get("registers")), measure
            assert repr((state.get("least"), state.get("greatest"))) == repr((same.get("least"), same.get("greatest")))


@pytest.mark.spark
def test_what_is_said_of_nasty_values(nasty: Path, spark: SparkSession, parquet_target: Any) -> None:
    target = parquet_target(nasty, spark.read.parquet(str(nasty)).schema)
    taken = fuse.take(MEASURES, target)
    of = {measure.columns[0]: value.value for measure, value in taken.items()}
    told = {name: {key: state[key] for key in EXACT if key in state} for name, state in of.items()}
    assert told["int"] == {"kind": "int", "rows": 6, "nulls": 1, "zeros": 1, "negatives": 1, "finite": 5}
    assert (of["int"]["least"], of["int"]["greatest"], of["int"]["counts"][0]) == (-1, 2**62, ["3", 2])
    assert (of["decimal"]["least"], of["decimal"]["greatest"]) == ("-5.00", "9" * 36 + ".00")
    assert of["decimal"]["counts"][0] == ["1.10", 2]
    double = {"kind": "double", "rows": 6, "nulls": 1, "nan": 1, "infinite": 2, "zeros": 2, "negatives": 1, "finite": 2}
    assert told["double"] == double
    assert (of["double"]["least"], of["double"]["greatest"]) == (-math.inf, math.inf)
    assert sorted(of["double"]["counts"]) == [["-inf", 1], ["0.0", 2], ["inf", 1], ["nan", 1]]
    text = {"kind": "string", "rows": 6, "nulls": 1, "empty": 1, "blank": 1, "shortest": 0, "longest": 5}
    assert told["text"] == text
    assert dict(of["text"]["shapes"]) == {"": 1, "  ": 1, "?-9": 1, "AA-99": 1, "a?a": 1}
    assert told["flag"] == {"kind": "boolean", "rows": 6, "nulls": 1, "true": 3}
    assert (of["day"]["least"], of["day"]["greatest"]) == (-719162, 2932896)
    assert (of["nothing"]["rows"], of["nothing"]["nulls"], distinct_of(of["nothing"])) == (6, 6, 0)
    assert (told["tags"], told["inside"], told["blob"]) == ({"kind": "other", "rows": 6, "nulls": 1},) * 3
    assert (of["tags[]"]["rows"], of["tags[]"]["nulls"], of["tags[]"]["counts"][0]) == (6, 1, ["a", 3])
    assert (of["inside.x"]["rows"], of["inside.x"]["nulls"], distinct_of(of["inside.x"])) == (6, 2, 3)


def states_of(columns: dict[str, tuple[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Sketches of columns (kind and values), without Spark, and relations behind them."""
    pq.write_table(pa.table({name: values for name, (_, values) in columns.items()}), path)
    asked = [
        {"name": name, "kind": kind, "value": f'"{name}"', "key": f'"{name}"'} for name, (kind, _) in columns.items()
    ]
    item = {"columns": asked, "from": "hookline_rows", "params": {}, "relations": True}
    reading = "WITH hookline_rows AS NOT MATERIALIZED (SELECT * FROM read_parquet($files))"
    return sketch(duckdb.connect(), item, reading, {"files": [str(path)]}, 2)


def ranks_off(values: Any, state: Any, fractions: Sequence[float]) -> float:
    """How far the worst of some quantiles is from its rank, as a share."""
    ordered = np.sort(values)
    off = []
    for fraction, value in zip(fractions, kll_of(state).get_quantiles(list(fractions)), strict=True):
        low, high = np.searchsorted(ordered, value, "left"), np.searchsorted(ordered, value, "right")
        off.append(max(0.0, low / len(ordered) - fraction, fraction - high / len(ordered)))
    return float(max(off))


FRACTIONS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]


@pytest.mark.parametrize("seed", range(4))
def test_estimates_are_as_near_as_is_said_also_after_merging(seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    parts = [draw.lognormal(3, 2, 60_000) for _ in range(5)]
    whole = np.concatenate(parts)
    one = states_of({"a": ("double", whole)}, tmp_path / "whole.parquet")[0]
    several = [states_of({"a": ("double", part)}, tmp_path / f"{n}.parquet")[0] for n, part in enumerate(parts)]
    together = merge(several)
    for state in (one, together):
        assert ranks_off(whole, state, FRACTIONS) <= RANK_ERROR
        assert abs((distinct_of(state) or 0) / len(np.unique(whole)) - 1) <= DISTINCT_ERROR
    assert unpacked(one["registers"]) == unpacked(together["registers"])
    assert (together["rows"], together["finite"]) == (300_000, 300_000)
    assert together["mean"] == pytest.approx(whole.mean(), rel=1e-12)
    assert together["squares"] / (len(whole) - 1) == pytest.approx(whole.var(ddof=1), rel=1e-9)
    assert (together["least"], together["greatest"]) == (whole.min(), whole.max())


@pytest.mark.parametrize("different", [1, 10, 900, 1_100, 5_000, 50_000, 300_000])
def test_different_values_are_counted_or_estimated(different: int, tmp_path: Path) -> None:
    values = np.random.default_rng(different).permutation(np.arange(300_000) % different)
    (state, _) = states_of({"a": ("int", values)}, tmp_path / "a.parquet")
    found = distinct_of(state)
    assert found is not None
    assert abs(found / different - 1) <= (0 if state["complete"] else DISTINCT_ERROR)
    assert state["complete"] == (different <= 900) or 900 < different <= 2_000


def test_frequent_values_among_many_are_counted_exactly(tmp_path: Path) -> None:
    values = np.arange(400_000)
    values[::10], values[1::50] = -7, -8
    values = np.random.default_rng(1).permutation(values)
    (state, _) = states_of({"a": ("int", values)}, tmp_path / "a.parquet")
    assert (state["complete"], state["counts"]) == (False, [["-7", 40_000], ["-8", 8_000]])


def test_parts_in_any_order_make_the_same_whole(tmp_path: Path) -> None:
    texts = ["AB-1", "CD-22", "", "  "] * 5 + ["EF-333"] * 3
    parts = [
        states_of({"a": ("string", pa.array(values, pa.string()))}, tmp_path / f"{n}.parquet")[0]
        for n, values in enumerate([texts[:7], texts[7:], [None, None], []])
    ]
    forwards, backwards = merge(parts), merge(parts[::-1])
    for state in (forwards, backwards):
        assert dict(state["counts"]) == {"AB-1": 5, "CD-22": 5, "": 5, "  ": 5, "EF-333": 3}
        assert (state["rows"], state["nulls"], state["empty"], state["blank"]) == (25, 2, 5, 5)
        assert (state["shortest"], state["longest"], state["least"], state["greatest"]) == (0, 6, "", "EF-333")
        assert state["complete"]
    assert forwards["registers"] == backwards["registers"]


def test_a_part_that_failed_fails_the_whole() -> None:
    assert merge([{"kind": "int", "rows": 1, "nulls": 1}, {"kind": "int", "error": "OutOfRangeException"}])["error"]


def test_relations_are_found_in_a_sample(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    shop = draw.integers(0, 20, 5_000)
    columns = {
        "id": ("int", np.arange(5_000)),
        "shop": ("int", shop),
        "city": ("string", pa.array([f"city {number % 7}" for number in shop])),
        "item": ("int", np.arange(5_000) // 20),
        "place": ("int", np.arange(5_000) % 20),
        "price": ("double", draw.normal(size=5_000)),
        "begun": ("date", pa.array(np.arange(5_000) // 100, pa.int32()).cast(pa.date32())),
        "ended": ("date", pa.array(np.arange(5_000) // 100 + shop % 2, pa.int32()).cast(pa.date32())),
    }
    columns["double"] = ("double", columns["price"][1] * -2 + 1)
    found = states_of(columns, tmp_path / "a.parquet")[-1]
    assert found["sampled"] == 5_000
    assert ["id"] in found["keys"]
    assert ["item", "place"] in found["keys"]
    assert ["shop", "city"] in found["decides"]
    assert ["city", "shop"] not in found["decides"]
    assert found["ordered"] == [["begun", "ended"]]
    told = correlations(found)
    assert told["price", "double"] == pytest.approx(-1)
    assert told["shop", "price"] == pytest.approx(np.corrcoef(shop, columns["price"][1])[0, 1])
    twice = merge_relations([found, found])
    assert (twice["sampled"], correlations(twice)["price", "double"]) == (10_000, pytest.approx(-1))
    assert twice["keys"] == found["keys"]


@pytest.mark.parametrize("count", [1, 4_095, 4_096, 8_191, 131_072, 262_143, 1_000_003])
@pytest.mark.parametrize("goes_up", [False, True])
def test_values_by_the_piece_make_a_sketch_that_datasketches_reads(count: int, goes_up: bool) -> None:
    numbers = np.random.default_rng(count).lognormal(size=count)
    numbers = np.sort(numbers) if goes_up else numbers
    arrays = Arrays(REGISTER_BITS, KLL_K)
    for at in range(0, count, 131_072):
        piece = numbers[at : at + 131_072]
        arrays.add(piece, piece.view("uint64"))
    found = datasketches.kll_doubles_sketch.deserialize(base64.b64decode(arrays.kll))
    assert (found.n, found.k) == (count, KLL_K)
    assert (found.get_min_value(), found.get_max_value()) == (numbers.min(), numbers.max())
    ordered = np.sort(numbers)
    at = np.searchsorted(ordered, found.get_quantiles([share / 100 for share in range(101)]), side="right") / count
    assert np.abs(at - np.linspace(0, 1, 101)).max() <= max(RANK_ERROR, 1 / count)
    assert found.normalized_rank_error(False) <= RANK_ERROR


def test_what_is_written_of_a_few_values_is_what_datasketches_writes() -> None:
    values = np.arange(100, dtype="float64")
    own = datasketches.kll_doubles_sketch(KLL_K)
    own.update(values)
    written = kll_content(values, values, 0, KLL_K)
    theirs = own.serialize()
    flags = 3  # there, whether the last values that came are in order
    assert (written[:flags], written[flags + 1 : -800]) == (theirs[:flags], theirs[flags + 1 : -800])
    assert sorted(np.frombuffer(theirs[-800:])) == list(np.frombuffer(written[-800:]))


@pytest.mark.spark
def test_a_partition_column_is_told_from_the_paths(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    path = tmp_path / "rows"
    frame = spark.sql("SELECT id, CAST(id % 3 AS INT) AS part, IF(id % 2 = 0, 'a/b', NULL) AS kind FROM range(1000)")
    frame.write.partitionBy("part", "kind").parquet(str(path))
    target = parquet_target(path, spark.read.parquet(str(path)).schema)
    measures = [Measure.sketch("part"), Measure.sketch("kind"), Measure.relations("id", "part")]
    for place in ("child", "tasks"):
        found = fuse.take(measures, target, place=place)  # type: ignore[arg-type]
        part, kind, relations = (found[measure] for measure in measures)
        assert {one.way for one in found.values()} == {"vectorised"}
        assert sorted(part.value["counts"]) == [["0", 334], ["1", 333], ["2", 333]]
        assert (kind.value["rows"], kind.value["nulls"], kind.value["counts"]) == (1000, 500, [["a/b", 500]])
        assert relations.value["sampled"] == 1000


@pytest.mark.spark
def test_without_rows_there_is_a_sketch_of_nothing(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    path = tmp_path / "rows"
    spark.sql("SELECT id, 'x' AS t FROM range(0)").write.parquet(str(path))
    target = parquet_target(path, spark.read.parquet(str(path)).schema)
    for way in WAYS:
        found = fuse.take([Measure.sketch("id"), Measure.relations("id", "t")], target, **way)
        assert [value.error for value in found.values() if not value.ok] == []
        assert (found[Measure.sketch("id")].value["rows"], found[Measure.relations("id", "t")].value["sampled"]) == (
            0,
            0,
        )


@pytest.mark.spark
def test_without_the_package_it_is_said_how_to_get_it(
    spark: SparkSession, nasty: Path, parquet_target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binding, "find_spec", lambda name: None)
    target = parquet_target(nasty, spark.read.parquet(str(nasty)).schema)
    measure = Measure.sketch("int")
    assert 'pip install "hookline[quality]"' in str(fuse.take([measure], target)[measure].error)


@pytest.mark.parametrize(
    ("text", "shape"),
    [("AB-12", "AA-99"), ("é٣", "??"), ("x" * 50, "a" * 40 + "…"), ("", ""), ("a\tB 1", "a?A 9")],
)
def test_a_shape_says_what_kind_of_text_it_is(text: str, shape: str) -> None:
    assert shape_of(text) == shape
