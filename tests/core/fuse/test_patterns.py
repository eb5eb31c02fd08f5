"""A translated pattern matches the same values in Java and in RE2; Python's engine is the third judge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline.core.events import Column, Measure
from hookline.core.fuse import resolve, take
from hookline.core.fuse.patterns import explosive, for_java, translate
from hookline.quality.checks.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

VALUES = ["", "a", "b", "ab", "aB", "A", "z", "\n", "a\n", "\r", "a\x85", "\u2028", "\x0b", " ", "\t", "0", "٣", "é", "É", "K",
          "\u212a", "\u017f", "\U0001f600", "a\x00", "-", "]", "^", "&", "_",
          "aa", "aaa", "abab", "\\", "$", "ß", "i", "ı", "{", "}"]  # fmt: skip


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)", "(?<!a)b", r"(a)\1", "a++", "a*+", "(?>a)", r"\bword", r"\p{L}", r"\X", r"\R", r"\h", "[a[b]]", "[a&&b]",
        "a^b", "a$b", "(^a)", "(a$)", "(?m)a", "(?x)a", "(?i:a)", "(?u)a", "a{1001}", "a{2,1}", "a**", "a{2}{3}", r"\Z", r"\G",
        r"\cA", r"\012", r"\ud800", "\ud800", r"\x{110000}", "[]a]", r"[\S]", r"[a-\d]", "[z-a]", r"\Qa\E", "(", "a)", "[a", "\\",
        "(" * 60 + ")" * 60, "a{,2}", "*", r"\k<a>", r"\é",
    ],
)  # fmt: skip
def test_what_is_not_certain_is_not_translated(pattern: str) -> None:
    assert translate(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "tame"),
    [
        ("[a-z]+@[a-z]+", True), (r"\d{4}-\d{2}", True), ("(a|b)?c", True), ("(a|b)*", False), ("(a+)+", False),
        ("(ab){2}", False), ("a*b*c*d*", False), ("a?a?a?a?a?a?a?", False),
    ],
)  # fmt: skip
def test_what_may_ride(pattern: str, tame: bool) -> None:
    found = translate(pattern)
    assert found is not None
    assert found.tame is tame


ATOMS = [
    "a", "b", "z", "0", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\.", r"\-", r"\n", r"\t", r"\u00e9", r"\x41", r"\x{1F600}",
    "[ab]", "[^ab]", "[a-z]", "[^a-z0-9]", r"[\d_]", r"[\w-]", r"[^\s]", "[-a]", "[a-]", r"[\]\\]", "[.$^]",
    "[A-Z&]", "é", "-", "]", "}", r"\\", "_", "k", "s",
]  # fmt: skip
atoms = st.sampled_from(ATOMS)
quantifiers = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{0,}", "{1,2}?"])
pieces = st.builds("".join, st.tuples(atoms, quantifiers))
sequences = st.lists(pieces, max_size=3).map("".join)
groups = st.builds(
    lambda kind, left, right, quantifier: f"{kind}{left}|{right}){quantifier}",
    st.sampled_from(["(", "(?:", "(?<n>"]),
    sequences,
    sequences,
    quantifiers,
)
bodies = st.lists(st.one_of(pieces, groups), max_size=3).map("".join)
patterns = st.builds(
    lambda flag, start, left, end, right: flag + start + left + end + right,
    st.sampled_from(["", "", "(?i)", "(?s)", "(?is)"]),
    st.sampled_from(["", "^", r"\A"]),
    bodies,
    st.sampled_from(["", "$", r"\z"]),
    st.one_of(st.just(""), bodies.map(lambda text: "|" + text)),
)


def python_pattern(pattern: str) -> str | None:
    """The pattern in Python's syntax, where its meaning is the same."""
    if pattern.startswith("(?i") or "]" in re.sub(r"\[[^\]]*\]", "", pattern) or r"\x{" in pattern or r"[\]" in pattern:
        return None
    dot = "(?s:.)" if pattern.startswith("(?s)") else "[^\\n\\r\\x85\\u2028\\u2029]"
    text = pattern.removeprefix("(?s)").replace(r"\z", r"\Z").replace("(?<n>", "(?:")
    return re.sub(r"(?<![\\\[])\.(?![$^])", lambda _: dot, text)


@pytest.mark.spark
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=patterns, extra=st.text(alphabet="abzAK\n\r\x0b é0-_]\\.k\u212a\u017f", max_size=4))
def test_three_engines_agree(spark: SparkSession, pattern: str, extra: str) -> None:
    import duckdb

    found = translate(pattern)
    if pattern.count("(?<n>") > 1:  # Java refuses a name that is given twice
        assert found is None
        return
    assert found is not None, "everything else that this test builds is portable"
    values = [*VALUES, extra]
    re2 = duckdb.execute("SELECT list_transform($v, lambda x: regexp_full_match(x, $p))", {"v": values, "p": found.re2})
    matched = re2.fetchone()[0]  # type: ignore[index]
    java = spark.sparkContext._jvm.java.util.regex.Pattern  # type: ignore[union-attr]
    compiled = java.compile(for_java(pattern))
    plain = java.compile(pattern)
    whole = [plain.matcher(value).matches() for value in values]
    assert [compiled.matcher(value).find() for value in values] == whole
    assert dict(zip(values, matched, strict=True)) == dict(zip(values, whole, strict=True))
    same = python_pattern(pattern)
    if same is not None:
        third = [re.fullmatch(same, value, re.ASCII) is not None for value in values]
        assert dict(zip(values, third, strict=True)) == dict(zip(values, whole, strict=True))


def test_wrapping_for_java_survives_open_quotes_and_comments() -> None:
    assert for_java(r"\Qa").endswith(r"\E)\z")
    assert for_java("(?x) a # b").endswith("\n)\\z")


EXPLOSIVE = [
    "(a+)+b", "(a|b)*", "(a*)*", "((ab)*c)*", "(a|aa)+$", "(.*a){12,}", r"(\w+\s?)*", "(?:x+y?)+", "(a+b|c)+", "(?=x)(a+)+",
]  # fmt: skip
HARMLESS = [
    "a+", "[a-z]+@[a-z]+", "(ab)+", "(a+)++", r"(?:\p{L}++ ?+)*+", "(a{1,3})?b*", "(ab+)?", r"\(a+\)+", "[(a+)]+", "(a+){3}",
    r"(\d{3}-)*\d", "(?=a)a+b", r"\Q(a+)+\E",
]  # fmt: skip


def test_what_may_take_for_ever_is_known_by_its_shape() -> None:
    assert [pattern for pattern in EXPLOSIVE if not explosive(pattern)] == []
    assert [pattern for pattern in HARMLESS if explosive(pattern)] == []
    assert [name for name, pattern in FORMATS.items() if explosive(pattern)] == []


def test_what_only_java_knows_and_might_never_end_is_refused_before_the_write() -> None:
    columns = (Column("t", "string"),)
    good, bad = resolve([Measure.unmatched("t", "(?=x)(a+)+"), Measure.unmatched("t", "(a+)+b")], columns)
    assert good == [Measure.unmatched("t", "(a+)+b")]
    assert "might never end" in (bad[Measure.unmatched("t", "(?=x)(a+)+")].error or "")


@pytest.mark.spark
@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_a_pattern_on_which_java_would_never_end_is_matched_by_re2(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, kind: str
) -> None:
    frame = spark.createDataFrame([("a" * 60 + "c",), ("aab",), ("aab\n",), (None,), ("é",)], "t string")
    frame.write.format(kind).save(str(tmp_path / "t"))
    files = {} if kind == "parquet" else {"files": None, "format": kind}
    read_back = lambda: spark.read.schema(frame.schema).format(kind).load(str(tmp_path / "t"))  # noqa: E731
    target = parquet_target(tmp_path / "t", frame.schema, read_back=read_back, **files)
    measures = [Measure.unmatched("t", "(a+)+b"), Measure.unmatched("t", "(a+)+b", where="t <> 'é'")]
    found = take(measures, target, deadline_s=100)
    way = "vectorised" if kind == "parquet" else "spark"
    assert [(one.value, one.way) for one in found.values()] == [(3, way), (2, way)]
