"""Every cell of docs/reference/semantics.md, in every way that can take it.

A cell's word is found out by asking twice: by a check that every value satisfies, and by one that none does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from hookline.core.events import Verdict
from hookline.core.fuse import Target, WrittenFile, columns_of, ride, take
from hookline.core.fuse.child import shared_child
from hookline.quality.judging import AnyCheck, judge, measures_of
from hookline.quality.suite import parse_suites

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "semantics.md"
pytestmark = [pytest.mark.spark, pytest.mark.slow]


class Case(NamedTuple):
    """A value in SQL; in YAML the range that it lies in, one that it doesn't, itself, and a value that it is not."""

    sql: str
    fits: str
    misses: str
    own: str
    other: str
    path: str = "{}"


def text(value: str, fits: str = 'min: ""', misses: str = "min: zzz, max: zzz") -> Case:
    escaped = value.replace("\n", "\\n")
    return Case(f"'{escaped}'", fits, misses, f'"{escaped}"', "other")


ABSENT = ("min: a", "max: a", "a", "b")
CASES = {
    "null": Case("CAST(NULL AS STRING)", *ABSENT),
    "NaN": Case("double('NaN')", "min: 0", "max: 0", ".nan", "1"),
    "∞": Case("double('Infinity')", "min: 0", "max: 0", ".inf", "1"),
    "−∞": Case("-double('Infinity')", "max: 0", "min: 0", "-.inf", "1"),
    "−0.0, as 0.0": Case("-0.0D", "min: 0, max: 0", "min: 1.0e-320", "0.0", "1"),
    "empty text": text("", 'max: "a"', "min: a"),
    "blank text": text(" ", 'max: "a"', "min: a"),
    "`é` in one character": text("é", "min: é, max: é", "max: e\u0301"),
    "`é` in two characters, another text": text("e\u0301", "max: é", "min: é"),
    "text that ends with a line break": text("abc\n", "min: abc", "max: abc"),
    "the greatest `decimal(38,0)`": Case(
        f"CAST('{'9' * 38}' AS DECIMAL(38,0))", "min: 0", f"max: {'9' * 37}8", "9" * 38, f"{'9' * 37}8"
    ),
    "a date before 1582": Case("DATE'1582-10-04'", "max: 1582-10-04", "min: 1582-10-15", "1582-10-04", "1582-10-15"),
    "a moment that a clock change skips": Case(
        "TIMESTAMP'2024-03-31 02:30:00'",
        "min: 2024-03-31T03:30:00+01:00",
        "max: 2024-03-31T03:29:59+01:00",
        "2024-03-31T02:30:00Z",
        "2024-03-31T02:30:00+01:00",
    ),
    "a wall clock's time (`timestamp_ntz`)": Case(
        "TIMESTAMP_NTZ'2024-03-31 02:30:00'",
        "min: 2024-03-31T02:30:00",
        "max: 2024-03-31T02:29:59",
        "2024-03-31T02:30:00",
        "2024-03-31T03:30:00",
    ),
    "a field of a struct that is null": Case("CAST(NULL AS STRUCT<f:STRING>)", *ABSENT, "{}.f"),
    "elements of an array that is null": Case("CAST(NULL AS ARRAY<STRING>)", *ABSENT, '"{}[]"'),
    "elements of an empty array": Case("CAST(array() AS ARRAY<STRING>)", *ABSENT, '"{}[]"'),
    "an element that is null": Case("array(CAST(NULL AS STRING))", *ABSENT, '"{}[]"'),
}
COLUMN = {name: f"v{index}" for index, name in enumerate(CASES)}
# Of kinds that cost Spark a shuffle each, the cases whose answer is not "a value" for their type alone.
TELLING = (
    "null",
    "NaN",
    "−0.0, as 0.0",
    "`é` in two characters, another text",
    "a field of a struct that is null",
    "an element that is null",
)
SHUFFLED = ("unique", "references", "monotonic")


def tables() -> Iterator[dict[tuple[str, str], str]]:
    """The page's tables of values, by row and column."""
    for block in PAGE.read_text().split("\n\n"):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines() if line[:1] == "|"]
        if rows and rows[0][0] == "Value":
            heads = [head.strip("`") for head in rows[0]]
            yield {(row[0], head): cell for row in rows[2:] for head, cell in zip(heads[1:], row[1:], strict=True)}


OF_ROWS, OF_NUMBERS = tables()


def entries(name: str, kind: str) -> tuple[str, str]:
    """A check that the value satisfies, and one that it does not, of the first of two rows that hold it."""
    case, path = CASES[name], CASES[name].path.format(COLUMN[name])
    one, both = "where: n = 1", "where: n < 3"
    return {
        "completeness": (f"{{completeness: {path}, {one}}}",) * 2,
        "range": (
            f"{{range: {{column: {path}, {case.fits}}}, {one}}}",
            f"{{range: {{column: {path}, {case.misses}}}, {one}}}",
        ),
        "set": (
            f"{{set: {{column: {path}, values: [{case.own}]}}, {one}}}",
            f"{{set: {{column: {path}, values: [{case.other}]}}, {one}}}",
        ),
        "pattern": (
            f"{{pattern: {{column: {path}, regex: '(?s).*'}}, {one}}}",
            f"{{pattern: {{column: {path}, regex: 'abc|e'}}, {one}}}",
        ),
        "length": (
            f"{{length: {{column: {path}, min: 0, max: 4}}, {one}}}",
            f"{{length: {{column: {path}, min: 5}}, {one}}}",
        ),
        "unique": (f"{{unique: {path}, {one}}}", f"{{unique: {path}, {both}}}"),
        "references": (
            f"{{references: {{columns: {path}, dataset: known, to: {COLUMN[name]}}}, {one}}}",
            f"{{references: {{columns: {path}, dataset: unknown, to: {COLUMN[name]}}}, {one}}}",
        ),
        "monotonic": (
            f"{{monotonic: {{column: {path}, by: n}}, {both}}}",
            f"{{monotonic: {{column: {path}, by: n, strict: true}}, {both}}}",
        ),
        "expression": (f"{{expression: {path} = {path}, {one}}}", f"{{expression: {path} <> {path}, {one}}}"),
    }[kind]  # type: ignore[return-value]


def word(satisfied: Verdict, denied: Verdict, kind: str) -> str:
    """What a cell says."""
    answers = [
        verdict.failing_rows if verdict.status != "error" else verdict.message for verdict in (satisfied, denied)
    ]
    if not all(isinstance(answer, int) for answer in answers):
        return str(answers)
    if kind == "completeness":
        return "fails" if answers[0] else "passes"
    return "fails" if answers[0] else "a value" if answers[1] else "not evaluated"


def checks_of(cells: list[tuple[str, str]]) -> tuple[AnyCheck, ...]:
    text = "\n".join(f"  - {entry}" for cell in cells for entry in entries(*cell))
    return parse_suites(f"dataset: x\nchecks:\n{text}\n", "s.yaml")[0].checks


def words(cells: list[tuple[str, str]], verdicts: list[Verdict]) -> dict[tuple[str, str], str]:
    pairs = zip(verdicts[::2], verdicts[1::2], strict=True)
    return {cell: word(*pair, cell[1]) for cell, pair in zip(cells, pairs, strict=True)}


CELLS = [cell for cell, said in OF_ROWS.items() if said != "-"]


def written(spark: SparkSession, frame: DataFrame, path: Path, **more: Any) -> Target:
    frame.coalesce(1).write.parquet(str(path))
    files = tuple(WrittenFile(str(file), file.stat().st_size) for file in sorted(path.glob("*.parquet")))
    schema = frame.schema
    read_back = lambda: spark.read.schema(schema).parquet(str(path))  # noqa: E731
    return Target(spark, "parquet", columns_of(schema), files, read_back=read_back, **more)


@pytest.fixture(scope="module")
def target(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("semantics")
    values = ", ".join(f"{case.sql} AS {COLUMN[name]}" for name, case in CASES.items())
    frame = spark.sql(f"SELECT CAST(id AS INT) + 1 AS n, {values} FROM range(2)")
    keys = ", ".join(
        f"{'explode_outer(' + COLUMN[n] + ')' if '[]' in c.path else c.path.format(COLUMN[n])} AS {COLUMN[n]}"
        for n, c in CASES.items()
        if "[]" not in c.path
    )
    arrays = ", ".join(f"CAST(NULL AS STRING) AS {COLUMN[n]}" for n, c in CASES.items() if "[]" in c.path)
    known = frame.selectExpr("n", *keys.split(", "), *arrays.split(", "))
    known = known.withColumn(COLUMN["−0.0, as 0.0"], known[COLUMN["−0.0, as 0.0"]].cast("double"))
    others = {
        "known": written(spark, known, folder / "known"),
        "unknown": written(spark, known.where("n > 9"), folder / "none"),
    }
    return written(spark, frame, folder / "t", others=others.__getitem__)


def test_every_cell_by_duckdb_and_where_it_gives_none_by_spark(target: Target) -> None:
    checks = checks_of(CELLS)
    verdicts = judge(checks, take(measures_of(checks), target))
    assert words(CELLS, verdicts) == {cell: OF_ROWS[cell] for cell in CELLS}
    ways = Counter(verdict.way for verdict in verdicts)
    assert ways["vectorised"] > 3 * ways["spark"]


def test_every_cell_by_spark_alone(target: Target) -> None:
    cells = [cell for cell in CELLS if cell[1] not in SHUFFLED or cell[0] in TELLING]
    checks = checks_of(cells)
    verdicts = judge(checks, take(measures_of(checks), target, ways=("spark",)))
    assert words(cells, verdicts) == {cell: OF_ROWS[cell] for cell in cells}


def test_every_cell_that_can_ride(target: Target, tmp_path: Path) -> None:
    cells = [
        cell for cell in CELLS if cell[1] not in SHUFFLED and not (cell[1] == "expression" and "struct" in cell[0])
    ]
    checks = checks_of(cells)
    frame, riding = ride(target.read_back(), measures_of(checks))
    frame.write.parquet(str(tmp_path / "out"))
    verdicts = judge(checks, riding.collect(60.0, expected_rows=2))
    assert words(cells, verdicts) == {cell: OF_ROWS[cell] for cell in cells}


NUMBERS = {
    "null": "CAST(NULL AS DOUBLE)",
    "NaN": CASES["NaN"].sql,
    "∞": CASES["∞"].sql,
    "−∞": CASES["−∞"].sql,
    "−0.0, as 0.0": CASES["−0.0, as 0.0"].sql,
    "the greatest `decimal(38,0)`": CASES["the greatest `decimal(38,0)`"].sql,
}


@pytest.mark.parametrize("ways", [("vectorised", "spark"), ("spark",)])
def test_every_number(spark: SparkSession, tmp_path: Path, ways: Any) -> None:
    columns = {name: f"w{index}" for index, name in enumerate(NUMBERS)}
    values = ", ".join(f"{sql} AS {columns[name]}" for name, sql in NUMBERS.items())
    target = written(spark, spark.sql(f"SELECT {values} FROM range(2)"), tmp_path / "t")
    cells = list(OF_NUMBERS)
    text = "".join(
        f"  - {kind}: {{{'columns' if kind == 'distinct_count' else 'column'}: {columns[name]}, min: 0}}\n"
        for name, kind in cells
    )
    checks = parse_suites(f"dataset: x\nchecks:\n{text}", "s.yaml")[0].checks
    verdicts = judge(checks, take(measures_of(checks), target, ways=ways))
    found = {cell: said(cell[1], verdict) for cell, verdict in zip(cells, verdicts, strict=True)}
    assert found == OF_NUMBERS


def said(kind: str, verdict: Verdict) -> str:
    """What a number says of a value that stands alone: that it is left out, that it is one, or what becomes of the number."""
    if verdict.status == "error":
        return "error"
    if verdict.observed is None or (kind == "distinct_count" and not verdict.observed):
        return "left out"
    if kind in ("sum", "mean", "stddev") and isinstance(verdict.observed, str):
        return {"nan": "NaN", "inf": "∞", "-inf": "−∞"}[verdict.observed]
    return "a value"


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()
