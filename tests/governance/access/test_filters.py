"""Row filters: what passes, what does not, and that what is made of them means what was written."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tests.governance.access import generate
from tests.governance.access.reference import BOOL, EXACT, FLOAT, TEXT, Table, cell, sensible, truth

from hookline.core.fuse import columns_of
from hookline.governance.access.expressions import lets_through
from hookline.governance.access.filters import FilterError, digest, parse_filter, to_text
from hookline.governance.access.fitting import fit
from hookline.governance.access.leaves import leaves

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FLAT = {path: family for path, family in generate.LEAVES.items() if family in (TEXT, EXACT, FLOAT, BOOL)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a = 'it''s'", "\"a\" = 'it''s'"),
        ("A != -1.50", '"a" <> -1.50'),
        ("a=1 or b=2 and not c=3", '("a" = 1) OR (("b" = 2) AND (NOT ("c" = 3)))'),
        ("a NOT IN (1, 2)", 'NOT ("a" IN (1, 2))'),
        ("a NOT BETWEEN 1 AND 2 AND b IS NOT NULL", '(NOT ("a" BETWEEN 1 AND 2)) AND (NOT ("b" IS NULL))'),
        ("a NOT LIKE '%x_'", "NOT (\"a\" LIKE '%x_')"),
        ('"a.b"."c""d" = TRUE', '"a.b"."c""d" = TRUE'),
        ("a = '\" OR 1=1 --'", '"a" = \'" OR 1=1 --\''),
        ("\"x' OR 'a'='a\" = 'y'", "\"x' or 'a'='a\" = 'y'"),
        ("select = 1", None),
        ('"select" = 1', '"select" = 1'),
        ("year > 2010 and country != 'US'", '("year" > 2010) AND ("country" <> \'US\')'),
    ],
)
def test_what_is_understood_is_written_anew(text: str, wanted: str | None) -> None:
    if wanted is None:
        with pytest.raises(FilterError):
            parse_filter(text)
        return
    condition = parse_filter(text)
    assert to_text(condition) == wanted
    assert to_text(parse_filter(wanted)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a", "TRUE", "1 = 1", "NOT a", "a = b", "1 = a", "a = NULL", "a IN (1, NULL)", "a IN ()", "a <=> 1", "a IS TRUE",
        "lower(a) = 'x'", "a = lower('x')", "a = current_date", "a = DATE '2020-01-01'", "a = CAST('1' AS int)", "a::int = 1",
        "a IN (SELECT 1)", "EXISTS (SELECT 1)", "a = (SELECT 1)", "a = 1; DROP TABLE x", "a = 1 -- x", "a = 1 /* x */",
        "/* x */ a = 1",
        "{{ a }} = 1", "a = ?", "a = :x", "a = @x", "a = $1",
        "a = N'x'", "a = X'00'", "a = 'x' 'y'", "a = 'x' || 'y'", "a = 1 + 1",
        "a + 1 = 2", "a = 1e5", "a = 0x10", "a = 1_000", "a LIKE 'x' ESCAPE '!'", "a LIKE 'x\\%'", "a ILIKE 'x'", "a RLIKE 'x'",
        "a LIKE ANY ('x')", "a LIKE b", "a SIMILAR TO 'x'", "a[0] = 1", "a.* = 1", "* = 1", "(a, b) = (1, 2)", "a = 'x' COLLATE y",
        "a BETWEEN SYMMETRIC 2 AND 1", "a BETWEEN 1", "a = 1 AND", "`a` = 1", 'a = "x"', "a = 'x", "a = 1 AS b", "a := 1", "-a = 1",
        "a = 1 XOR b = 2", "a IN UNNEST(b)", "CASE WHEN a = 1 THEN TRUE END", "a = 1 OR SLEEP(5)", "a = - -1", "a.b.c.d.e = 1",
        "a = 'x\u202ey'", "a = 'x\ny'", "a\u200b = 1", "a = 'x\x00'", "a = " + "9" * 39, "a = 1 AND " * 300 + "a = 1", "(" * 1500,
        "(" * 900 + "a = 1" + ")" * 900, "NOT " * 500 + "a = 1",
    ],
)  # fmt: skip
def test_what_is_not_in_the_grammar_does_not_pass(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert "DROP" not in str(caught.value)
    assert "99999" not in str(caught.value)


def test_the_digest_is_of_the_meaning() -> None:
    assert digest(parse_filter("a=1 AND b=2")) == digest(parse_filter(" (a = 1) and (B = 2)"))
    assert digest(parse_filter("a=1")) != digest(parse_filter("a=2"))
    assert digest(None) is None


EMPTY = Table("d", "t", generate.LEAVES, [], None)


def table(rng: random.Random, count: int) -> Table:
    return Table("d", "t", generate.LEAVES, generate.rows(rng, count), None)


def only_flat(tree: Any) -> bool:
    if tree[0] in ("and", "or", "not"):
        return all(only_flat(one) for one in tree[1:])
    return tree[1] in FLAT


def trees(rng: random.Random, count: int) -> list[Any]:
    found: list[Any] = []
    while len(found) < count:
        tree = generate.filter_tree(rng)
        if only_flat(tree) and sensible(tree, EMPTY) and len(generate.filter_text(tree, rng)) < 2_000:
            found.append(tree)
    return found


def test_duckdb_reads_the_text_for_lake_formation_as_it_was_meant() -> None:
    """Of columns without NaN, which is compared differently by every engine."""
    rng = random.Random(5)
    here = table(rng, 60)
    flat = [path for path, family in FLAT.items() if family != FLOAT]
    connection = duckdb.connect()
    types = {TEXT: "VARCHAR", EXACT: "DECIMAL(38, 2)", BOOL: "BOOLEAN"}
    ends = {path: "v" + str(number) for number, path in enumerate(flat)}
    names = ", ".join(f"{ends[path]} {types[FLAT[path]]}" for path in flat)
    connection.execute(f"CREATE TABLE t (n INTEGER, {names})")
    for number, row in enumerate(here.rows):
        connection.execute(
            f"INSERT INTO t VALUES (?{', ?' * len(flat)})", [number, *(cell(row, path) for path in flat)]
        )
    checked = 0
    for tree in trees(rng, 400):
        condition = parse_filter(generate.filter_text(tree, rng))
        text = to_text(condition)
        for path in sorted(flat, key=len, reverse=True):
            text = text.replace(".".join('"' + name.lower().replace('"', '""') + '"' for name in path), ends[path])
        if any(path in FLAT and FLAT[path] == FLOAT for path in columns_in(tree)):
            continue
        got = [row[0] for row in connection.execute(f"SELECT n FROM t WHERE {text} ORDER BY n").fetchall()]
        assert got == [number for number, row in enumerate(here.rows) if truth(tree, row, here) is True], text
        checked += 1
    assert checked > 150


def columns_in(tree: Any) -> list[Any]:
    return [path for one in tree[1:] for path in columns_in(one)] if tree[0] in ("and", "or", "not") else [tree[1]]


@pytest.mark.spark
def test_spark_evaluates_them_as_they_were_meant(spark: SparkSession) -> None:
    """True, false and null, of all rows and many filters at once."""
    rng = random.Random(11)
    here = table(rng, 50)
    frame = spark.createDataFrame([tuple(row.values()) for row in here.rows], generate.DDL).coalesce(1)
    known = dict(leaves(columns_of(frame.schema)))
    wanted = trees(rng, 120)
    columns = []
    for number, tree in enumerate(wanted):
        condition = parse_filter(generate.filter_text(tree, rng))
        columns.append(lets_through(condition, fit(condition, known), known).alias(f"f{number}"))
    got = frame.select(*columns).collect()
    for row, answers in zip(here.rows, got, strict=True):
        assert list(answers) == [truth(tree, row, here) for tree in wanted]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nowhere = 1", "does not have"),
        ("contact = 1", "not as one value"),
        ("list IS NULL", "can't ask for the column list"),
        ("born = 1", "can't ask for the column born"),
        ("id = 'x'", "constant of another type"),
        ("\"na.me\" = 1", "constant of another type"),
        ("active = 1", "constant of another type"),
        ("id LIKE '1%'", "can't ask for the column id"),
    ],
)  # fmt: skip
def test_filters_that_do_not_fit(text: str, wanted: str) -> None:
    from hookline.core.column_types import parsed_column

    types = {"id": "bigint", "na.me": "string", "active": "boolean", "born": "date", "list": "array<string>"}
    columns = [*(parsed_column(*one) for one in types.items()), parsed_column("contact", "struct<email:string>")]
    with pytest.raises(FilterError, match=wanted):
        fit(parse_filter(text), dict(leaves(columns)))
