"""Every measure means the same in every way: one table of nasty values, and plain Python as the judge."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.events import Measure, Measured
from hookline.core.fuse import Target, ride, take
from hookline.core.fuse.child import shared_child

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

NAN, INF = math.nan, math.inf
UTC = dt.timezone.utc


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return at(text).replace(tzinfo=UTC)


# name → (type, values); all as long as the longest, filled up with nulls.
COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "tiny": ("tinyint", [-128, 127, 0, 1, 1]),
    "small": ("smallint", [-32768, 32767, 0]),
    "whole": ("int", [-(2**31), 2**31 - 1, 0, 7, 7, 7]),
    "big": ("bigint", [-(2**63), 2**63 - 1, 2**63 - 1, 0, 2**53 + 1]),
    "bigs": ("bigint", [2**63 - 1] * 9),
    "d9": ("decimal(9,2)", ["0.10", "-0.10", "1.00", "9999999.99", "0.1"]),
    "d18": ("decimal(18,4)", ["0.1000", "99999999999999.9999", "-3.3333"]),
    "d38": ("decimal(38,10)", ["1234567890123456789012345678.0123456789", "-0.0000000001", "0"]),
    "single": ("float", [0.1, -0.0, 0.0, NAN, INF, 3.4e38, 16777216.0, 0.1]),
    "dbl": ("double", [0.1, 0.2, -0.0, 0.0, NAN, NAN, -INF, 1e-320, 1e16]),
    "finite": ("double", [0.1, 0.2, 0.3, -1e-3, -0.0]),
    "nans": ("double", [NAN, NAN]),
    "day": ("date", [dt.date(1200, 2, 28), dt.date(1582, 10, 4), dt.date(1970, 1, 1), dt.date(9999, 12, 31), dt.date(1, 1, 1)]),
    "ts": ("timestamp", [utc("1500-01-01T00:00:00.000001"), utc("1969-12-31T23:59:59.999999"), utc("2024-03-10T02:30:00"),
                         utc("9999-12-31T23:59:59.999999")]),
    "ntz": ("timestamp_ntz", [at("1000-01-01T00:00:00.000001"), at("2024-03-10T02:30:00"),
                              at("2024-03-10T02:30:00"), at("9999-12-31T23:59:59.999999")]),
    "text": ("string", ["", " ", "abc", "abc\n", "a\nc", "ABC", "é", "e\u0301", "\U0001f600", "\uffff", "a\x00b", "x\x0b"]),
    "padded": ("char(4)", ["ab", "abcd"]),
    "short": ("varchar(10)", ["ab", "ab ", "x'y\"z"]),
    "flag": ("boolean", [True, False, True]),
    "none": ("int", []),
    "bytes": ("binary", [b"\x00\xff", b""]),
    "arr": ("array<int>", [[1], []]),
    'we"ird `n.a$me\n\U0001f600': ("string", ["a'b", '"', "$p0", "\\"]),
    "rowid": ("int", [1, 2, 2]),
    "COUNT(*)": ("int", [5, 5]),
}  # fmt: skip
HEIGHT = max(len(values) for _, values in COLUMNS.values()) + 1
WEIRD = 'we"ird `n.a$me\n\U0001f600'


def values_of(name: str) -> list[Any]:
    """A column of the table in the domain in which Python compares."""
    kind, values = COLUMNS[name]
    filled = list(values) + [None] * (HEIGHT - len(values))
    if kind.startswith("decimal"):
        return [None if value is None else Decimal(value) for value in filled]
    if kind == "char(4)":
        return [None if value is None else value.ljust(4) for value in filled]
    if kind == "float":
        import struct

        return [None if value is None else struct.unpack("f", struct.pack("f", value))[0] for value in filled]
    return filled


def measures() -> list[Measure]:
    out = [Measure.rows()]
    for name, (kind, _) in COLUMNS.items():
        out.append(Measure.nulls(name))
        if kind not in ("binary", "array<int>"):
            out += [Measure.minimum(name), Measure.maximum(name), Measure.duplicates(name), Measure.distinct(name)]
        if kind.startswith(("tinyint", "smallint", "int", "bigint", "decimal", "double", "float")):
            out.append(Measure.total(name))
            out += [
                Measure.outside(name, minimum=0),
                Measure.outside(name, maximum=1),
                Measure.outside(name, minimum=-1, maximum=7),
            ]
            out += [Measure.outside(name, minimum=-(10**60), maximum=10**60), Measure.outside(name, minimum=10**60)]
            out += [
                Measure.not_in(name, ()),
                Measure.not_in(name, (0, 1, 7, 10**30)),
                Measure.not_in(name, tuple(range(100))),
            ]
    ranges = {
        "d9": [(Decimal("0.1"), None), (Decimal("-0.099"), Decimal("0.1001")), (0.1, 0.1)],
        "d38": [(Decimal("-0.0000000001"), None), (Decimal("1e-11"), None)],
        "single": [(0.1, 1.0), (-0.0, None), (None, INF), (0.0, 0.0), (None, 1e300)],
        "dbl": [(0.1, 1.0), (-0.0, None), (-INF, INF), (0.0, 0.0), (None, 1e-320)],
        "day": [("1582-10-05", None), (dt.date(1, 1, 1), dt.date(9999, 12, 31)), (None, dt.date(1970, 1, 1))],
        "ts": [("1970-01-01T00:00:00Z", None), (utc("1500-01-01T00:00:00.000001"), utc("9999-12-31T23:59:59.999999")),
               (at("2024-03-10T02:30:00"), None), ("2024-03-10T03:30:00+01:00", None), (None, dt.date(1970, 1, 1))],
        "ntz": [("2024-03-10T02:30:00", None), (at("1000-01-01T00:00:00.000002"), None), (None, "9999-12-31")],
        "text": [("a", None), (None, "\uffff"), ("abc", "abc"), ("\U0001f600", None)],
        "padded": [("ab", "abc")],
        "short": [(None, "ab")],
        WEIRD: [("'", "b'; --")],
    }  # fmt: skip
    out += [Measure.outside(name, minimum=low, maximum=high) for name, all_ in ranges.items() for low, high in all_]
    sets: dict[str, list[tuple[Any, ...]]] = {
        "d9": [(Decimal("0.10"), 1), (0.1,)],
        "single": [(0.1, 0.0), (NAN,), (INF, NAN, -0.0), tuple(float(i) for i in range(80))],
        "dbl": [(0.1, 0.0), (NAN,), (-INF, NAN, -0.0), tuple(float(i) for i in range(80))],
        "day": [(dt.date(1200, 2, 28), "1970-01-01")],
        "ts": [("2024-03-10T02:30:00Z", utc("1500-01-01T00:00:00.000001"))],
        "ntz": [(at("2024-03-10T02:30:00"),)],
        "text": [("", "abc", "\U0001f600"), ("abc\n", "a\x00b"), (*tuple(f"v{i}" for i in range(70)), "é"), ()],
        "padded": [("ab  ",)],
        "flag": [(True,), (False, True), ()],
        WEIRD: [("a'b", "$p0", "'); DROP TABLE x; --")],
    }
    out += [Measure.not_in(name, values) for name, all_ in sets.items() for values in all_]
    patterns = [
        "abc", "^abc$", "[a-z]+", ".*", "(?s).*", "(?i)abc", "a.c", r"\s*", r"\w+", r"[^a]*", "é", ".", r"a\x00b",
        r"(?=a).*", r"\p{L}+", r".\b.*", r"x\s", r"(abc|ABC)\n?", r"\Qa\E.*", r"[a-z&&[^b]]+", "(a|b)*c?", "x*+", r"\u00e9",
    ]  # fmt: skip
    out += [Measure.unmatched("text", pattern) for pattern in patterns]
    out += [
        Measure.unmatched(WEIRD, r".*'.*"),
        Measure.unmatched("padded", "ab *"),
        Measure.unmatched("short", r'x\'y"z'),
    ]
    out += [
        Measure.duplicates("tiny", "whole"),
        Measure.distinct("tiny", "whole"),
        Measure.distinct("single", "dbl"),
        Measure.duplicates("dbl", "text"),
        Measure.duplicates("single", "dbl"),
        Measure.duplicates("ntz", "rowid", "COUNT(*)"),
    ]
    return out


PATTERNS_OF_JAVA = {
    r"\p{L}+": r"[^\W\d_]+",
    r"[a-z&&[^b]]+": "[ac-z]+",
    r"\Qa\E.*": "a.*",
    "x*+": "x*",
    r".\b.*": r".\b.*",
}


def matches(pattern: str, value: str) -> bool:
    """Java's meaning, said in Python: ASCII classes, five line ends that a dot doesn't match, no folding beyond ASCII."""
    if pattern in ("(?i)abc",):
        return value in ("abc", "ABC")
    text = PATTERNS_OF_JAVA.get(pattern, pattern)
    if "(?s)" not in text:
        text = re.sub(r"(?<!\\)\.", "[^\\\\n\\\\r\\\\x85\\\\u2028\\\\u2029]", text)
    flags = 0 if pattern == r"\p{L}+" else re.ASCII
    return re.fullmatch(text.replace("^abc$", "abc"), value, flags) is not None


def scalar(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str) and kind == "date":
        return dt.date.fromisoformat(value)
    if kind.startswith("timestamp"):
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
        if not isinstance(value, dt.datetime):
            value = dt.datetime(value.year, value.month, value.day)
        return value if kind == "timestamp_ntz" or value.tzinfo else value.replace(tzinfo=UTC)
    if kind == "float" and isinstance(value, float) and abs(value) < 3.5e38:
        import struct

        return struct.unpack("f", struct.pack("f", value))[0]
    if kind.startswith("decimal") and isinstance(value, float):
        return Decimal(str(value))
    return value


def key(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def expected(measure: Measure) -> Any:
    """The measure of the table, taken the plainest way."""
    if measure.kind == "rows":
        return HEIGHT
    columns = [values_of(name) for name in measure.columns]
    if measure.kind in ("duplicates", "distinct"):
        rows = [row for row in zip(*columns, strict=True) if None not in row]
        counts = Counter(tuple("NaN" if part != part else part for part in row) for row in rows)
        return len(counts) if measure.kind == "distinct" else sum(n for n in counts.values() if n > 1)
    kind = COLUMNS[measure.columns[0]][0]
    values = [value for value in columns[0] if value is not None]
    if measure.kind == "nulls":
        return HEIGHT - len(values)
    if measure.kind == "total":
        return expected_total(kind, values)
    if measure.kind in ("minimum", "maximum"):
        real = [value for value in values if value == value]
        return (min if measure.kind == "minimum" else max)(real, key=key) if real else None
    return sum(not fine(measure, kind, value) for value in values)


def expected_total(kind: str, values: list[Any]) -> Any:
    if not values:
        return None
    if kind in ("float", "double"):
        return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)
    with localcontext() as context:
        context.prec = 60
        return sum(values)


def fine(measure: Measure, kind: str, value: Any) -> bool:
    if measure.kind == "unmatched":
        return matches(measure.pattern or "", value)
    if measure.kind == "not_in":
        if value != value:
            return any(member != member for member in measure.values)
        return any(scalar(kind, member) == value for member in measure.values)
    low, high = scalar(kind, measure.minimum_value), scalar(kind, measure.maximum_value)
    return value == value and (low is None or key(value) >= key(low)) and (high is None or key(value) <= key(high))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and bool(one == other)


def check(results: dict[Measure, Measured], way: str, *, allow_errors: bool = False) -> None:
    wrong = []
    for measure, found in results.items():
        wanted = expected(measure)
        if found.error is not None and allow_errors:
            continue
        if found.error is not None or found.way != way or not same(found.value, wanted):
            wrong.append(f"{measure!r}: {found}, not {wanted!r}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    def datum(kind: str, value: Any) -> Any:
        if value is None or not kind.startswith(("date", "timestamp", "decimal")):
            return value
        return str(value)

    plain = {
        name: "string" if kind.startswith(("date", "timestamp", "decimal", "char", "varchar")) else kind
        for name, (kind, _) in COLUMNS.items()
    }
    schema = T.StructType([T.StructField(name, T._parse_datatype_string(kind)) for name, kind in plain.items()])
    rows = list(zip(*([datum(COLUMNS[name][0], value) for value in values_of(name)] for name in COLUMNS), strict=True))
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    casts = [
        F.col("`" + name.replace("`", "``") + "`")
        .cast(kind if not kind.startswith(("char", "varchar")) else "string")
        .alias(name)
        for name, (kind, _) in COLUMNS.items()
    ]
    return frame.select(casts).repartition(3).cache()


@pytest.fixture(params=["INT96", "TIMESTAMP_MICROS"])
def target(
    request: pytest.FixtureRequest, spark: SparkSession, frame: DataFrame, tmp_path: Path, parquet_target: Any
) -> Target:
    path = tmp_path / "da'ta"
    spark.conf.set("spark.sql.parquet.outputTimestampType", request.param)
    frame.write.parquet(str(path))
    spark.conf.unset("spark.sql.parquet.outputTimestampType")
    return parquet_target(path, frame.schema)


@pytest.mark.parametrize("place", ["child", "tasks"])
def test_duckdb_agrees_with_python(target: Target, place: Any) -> None:
    results = take(measures(), target, ways=("vectorised",), place=place)
    check(results, "vectorised", allow_errors=True)
    beyond = {measure for measure, found in results.items() if found.error}
    unportable = {r"(?=a).*", r"\p{L}+", r".\b.*", r"\Qa\E.*", r"[a-z&&[^b]]+", "x*+"}
    assert {measure.pattern for measure in beyond if measure.kind == "unmatched"} == unportable
    assert {measure.columns for measure in beyond if measure.kind != "unmatched"} == {("arr",), ("bytes",)}


@pytest.mark.parametrize("target", ["TIMESTAMP_MICROS"], indirect=True)
def test_spark_agrees_with_python(target: Target) -> None:
    check(take(measures(), target, ways=("spark",)), "spark")


def test_proof_agrees_with_python(target: Target) -> None:
    results = take(measures(), target, ways=("proof",))
    check(results, "proof", allow_errors=True)
    proved = {measure for measure, found in results.items() if found.ok}
    assert {measure for measure in measures() if measure.kind == "nulls" and measure.columns != ("arr",)} <= proved
    assert {Measure.rows(), Measure.minimum("d38"), Measure.maximum("day"), Measure.minimum("ntz")} <= proved
    assert Measure.outside("whole", minimum=-(10**60), maximum=10**60) in proved
    assert not {
        measure for measure in proved if measure.columns[:1] in (("dbl",), ("single",)) and measure.kind != "nulls"
    }


def test_riding_agrees_with_python(frame: DataFrame, tmp_path: Path) -> None:
    ridden, riding = ride(frame, measures())
    ridden.write.parquet(str(tmp_path / "out"))
    results = riding.collect(30.0, expected_rows=HEIGHT)
    check(results, "observe", allow_errors=True)
    assert all(
        measure.kind in ("duplicates", "distinct", "unmatched") for measure, found in results.items() if found.error
    )


def test_all_ways_together_leave_nothing_open(target: Target) -> None:
    results = take(measures(), target)
    assert {found.way for found in results.values()} == {"proof", "vectorised", "spark"}
    for measure, found in results.items():
        assert found.ok, found.error
        assert same(found.value, expected(measure)), measure


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()
