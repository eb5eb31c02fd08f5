"""A pattern told by the bytes of a column counts what RE2 and Java's engine count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from hookline.core.events import Measure
from hookline.core.fuse import task, vectorised
from hookline.core.fuse.binding import bind
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.footers import read_footers
from hookline.core.fuse.letters import letters_of
from hookline.core.fuse.patterns import for_java, translate
from hookline.core.fuse.vectorised import measure_vectorised

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VALUES = ["", "a", "b", "ab", "aB", "Z", "\n", "a\n", "\x85", "\u2028", "\x0b", " ", "\t", "0", "٣", "é", "aé", "K", "\u212a", "\U0001f600",
          "a\x00", "-", "]", "^", "_", "aaa", "abab", "\x7f", "a" * 40, None]  # fmt: skip
SETS = ["[a-z]", "[^a-z]", r"\d", r"\D", r"\w", r"[\w-]", r"[^\s]", r"\s", "[ab]", "[-a]", r"[\]\\]", r"[^\n,]", r"[\x00-\x7F]", "[A-Z&]", "[é]",
        "[^é]", "[a-é]", r"[\x{1F600}]", "."]  # fmt: skip
QUANTIFIERS = ["", "*", "+", "{0}", "{2}", "{1,3}", "{2,}", "{0,}", "+?", "?"]
TOLD = {"[a-z]*", "[a-z]{1,3}", r"\w+", "[^a-z]+", r"[\w-]{2,}", "(?i)[a-z]+", r"^[^\n,]*$", r"\d", "[a-z]?", "[a-z]??"}
NOT_TOLD = {"[^a-z]{2}", "[^a-z]?", "[é]+", "[^é]*", ".+", "[a-z]+[0-9]", "a+", "([a-z])+", "[a-z]+|[0-9]+", ""}


def written(pattern: str) -> str:
    found = translate(pattern)
    assert found is not None
    return found.re2


def test_which_patterns_are_letters() -> None:
    assert {pattern for pattern in TOLD | NOT_TOLD if letters_of(written(pattern)) is not None} == TOLD


@settings(max_examples=150, deadline=None)
@given(
    pattern=st.builds(
        "{}{}{}".format, st.sampled_from(["", "(?i)", "(?s)"]), st.sampled_from(SETS), st.sampled_from(QUANTIFIERS)
    ),
    extra=st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=6),
    cut=st.integers(0, 5),
)
def test_bytes_tell_what_re2_tells(pattern: str, extra: list[str | None], cut: int) -> None:
    import duckdb

    letters = letters_of(written(pattern))
    if letters is None:
        return
    values = [*VALUES[cut:], *extra]
    query = "SELECT count(*) FILTER (NOT regexp_full_match(v, $p)) FROM (SELECT unnest($v::VARCHAR[]) AS v)"
    expected = duckdb.execute(query, {"v": values, "p": written(pattern)}).fetchone()
    found = task._unlike_in(pa.array(values, pa.string()), letters.allowed, letters.least, letters.most)
    assert (found,) == expected


@pytest.mark.parametrize("values", [[], [None], ["", None, ""]])
def test_nothing_to_look_at(values: list[str | None]) -> None:
    array = pa.array(values, pa.string())
    assert task._unlike_in(array, b"a", 0, None) == 0
    assert task._unlike_in(array, b"a", 1, None) == values.count("")


@pytest.mark.spark
@pytest.mark.parametrize("place", ["child", "tasks"])
def test_a_write_is_measured_by_bytes(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = spark.range(0, 3_000, 1, 3).selectExpr(
        "id",
        "CASE id % 500 WHEN 1 THEN NULL WHEN 2 THEN '' WHEN 3 THEN 'ünique' WHEN 4 THEN 'a b' ELSE uuid() END AS plain",
        "CASE id % 500 WHEN 4 THEN '?' ELSE 'same' END AS few",
        "named_struct('in', uuid()) AS deep",
        "uuid() AS `do.t`",
    )
    frame.write.parquet(str(tmp_path / "out"))
    target = parquet_target(tmp_path / "out", frame.schema)
    measures = [
        Measure.unmatched("plain", "[a-z0-9-]+"),
        Measure.unmatched("plain", "[a-z0-9-]{0,35}"),
        Measure.unmatched("plain", "[a-z0-9-]+", where="id < 1000"),
        Measure.unmatched("few", "[a-z]+"),
        Measure.unmatched("deep.in", "[a-f0-9-]{36}"),
        Measure.unmatched("do.t", "[a-f0-9-]{36}"),
    ]
    bound, errors = bind(measures, target.columns)
    assert errors == {}
    domains = {column.name: domain_of(column.type) for column in target.columns}
    footers = read_footers([file.path for file in target.files], domains)
    assert footers is not None
    plans: list[dict[str, Any]] = []
    monkeypatch.setattr(vectorised, "_LEAST_LETTERS_BYTES", 1_000)
    plain = vectorised._plan
    monkeypatch.setattr(vectorised, "_plan", lambda *given: plans.append(plain(*given)) or plans[-1])
    found = measure_vectorised(bound, target, footers, 60, rows=3_000, place=place)
    assert [found[measure].value for measure in measures] == [18, 3_000 - 6 - 6, 6, 6, 0, 0]
    assert {item["column"] for plan in plans for item in plan["letters"]} == {"plain"}
    compiled = spark.sparkContext._jvm.java.util.regex.Pattern.compile(for_java("[a-z0-9-]+"))  # type: ignore[union-attr]
    rows = spark.read.parquet(str(tmp_path / "out")).select("plain").collect()
    assert sum(row.plain is not None and not compiled.matcher(row.plain).find() for row in rows) == 18


def test_where_bytes_can_not_be_had_the_query_tells(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"s": pa.array(["a", "é", None], pa.large_string())}), tmp_path / "a.parquet")
    select = ["count(*) FILTER (NOT regexp_full_match(s, $p0))"]
    query = {"id": "letters 0", "select": select, "from": "hookline_rows", "params": {"p0": "[a]+"}}
    item = {"query": query, "column": "s", "allowed": "a", "least": 1, "most": None}
    plan = {"queries": [], "letters": [item], "wholes": [], "threads": 1, "memory_bytes": 10**8, "storage": None}
    plan["files"] = [str(tmp_path / "a.parquet")]
    assert task.measure(plan)["values"] == {"letters 0": [1]}
    assert task.measure({**plan, "letters": [{**item, "column": "gone"}]})["values"] == {"letters 0": [1]}
