"""Rules of schema versions: their algebra, what they say of each kind of change, and Spark really reading the files."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.core.events import Column
from hookline.core.fuse import columns_of
from hookline.governance.catalog.compatibility import MODES, all_nullable, obstacles, violations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ATOMS = [
    *("tinyint", "smallint", "int", "bigint", "float", "double", "string", "boolean", "date", "timestamp_ntz"),
    *("decimal(4,2)", "decimal(10,0)", "decimal(10,2)", "decimal(12,2)", "decimal(20,0)", "decimal(22,2)", "binary"),
]
NAMES = ["a", "b", "A", "it's", "x.y", "ü", "`"]


def made(name: str, outer: str, nullable: bool, inner: tuple[Column, ...]) -> Column:
    """A column with its type's name, from what is inside it."""
    told = ",".join(f"{one.name}:{one.type}" if outer == "struct" else one.type for one in inner)
    return Column(name, f"{outer}<{told}>" if inner else outer, nullable, inner)


def columns(depth: int = 2) -> st.SearchStrategy[tuple[Column, ...]]:
    """Schemas with nested types."""

    def one(depth: int, name: st.SearchStrategy[str]) -> st.SearchStrategy[Column]:
        atom = st.builds(Column, name, st.sampled_from(ATOMS), st.booleans())
        if depth == 0:
            return atom
        struct = st.builds(made, name, st.just("struct"), st.booleans(), several(depth - 1, least=1))
        array = st.builds(made, name, st.just("array"), st.booleans(), st.tuples(one(depth - 1, st.just("_element"))))
        key = st.builds(Column, st.just("key"), st.sampled_from(ATOMS[:4]), st.just(False))
        mapped = st.builds(made, name, st.just("map"), st.booleans(), st.tuples(key, one(depth - 1, st.just("value"))))
        return st.one_of(atom, struct, array, mapped)

    def several(depth: int, least: int = 0) -> st.SearchStrategy[tuple[Column, ...]]:
        names = st.sampled_from(NAMES)
        return st.lists(
            one(depth, names), min_size=least, max_size=3, unique_by=lambda column: column.name.lower()
        ).map(tuple)

    return several(depth)


@settings(max_examples=300, deadline=None)
@given(columns(), columns())
def test_the_rules_are_made_of_each_other(old: tuple[Column, ...], new: tuple[Column, ...]) -> None:
    ok = {mode: not violations(mode, [old], new) for mode in MODES}
    assert ok["NONE"]
    assert ok["FULL"] == (ok["BACKWARD"] and ok["FORWARD"])
    assert ok["BACKWARD"] == (not violations("FORWARD", [new], old))
    assert all(ok[mode] == ok[f"{mode}_TRANSITIVE"] for mode in ("BACKWARD", "FORWARD", "FULL"))
    if old == new:
        assert ok["FULL"]
    if ok["BACKWARD"]:
        assert not violations("BACKWARD", [all_nullable(old)], all_nullable(new)), "to allow null makes nothing worse"
    assert not violations("FULL", [old], tuple(reversed(old))), "readers by name mind no order"


@settings(max_examples=150, deadline=None)
@given(columns(1), columns(1), columns(1))
def test_transitive_rules_look_at_every_version(
    first: tuple[Column, ...], second: tuple[Column, ...], new: tuple[Column, ...]
) -> None:
    for mode in ("BACKWARD", "FORWARD", "FULL"):
        each = [not violations(mode, [version], new) for version in (first, second)]
        assert (not violations(f"{mode}_TRANSITIVE", [first, second], new)) == all(each)
        assert (not violations(mode, [first, second], new)) == each[-1]


ID, NAME = Column("id", "int", False), Column("name", "string")
CHANGES: dict[str, tuple[list[Column], list[Column], str | None, str | None]] = {
    "a column more": ([ID], [ID, NAME], None, None),
    "a column more that is never null": (
        [ID],
        [ID, Column("n", "int", False)],
        "n: it is never null for who reads, and the rows have no such column",
        None,
    ),
    "a column less": ([ID, NAME], [ID], None, None),
    "never null and gone": (
        [ID, NAME],
        [NAME],
        None,
        "id: it is never null for who reads, and the rows have no such column",
    ),
    "wider": ([ID], [Column("id", "bigint", False)], None, "id: bigint in the rows can't be read as int"),
    "narrower": ([Column("d", "double")], [Column("d", "float")], "d: double in the rows can't be read as float", None),
    "may be null now": (
        [ID],
        [Column("id", "int")],
        None,
        "id: it is never null for who reads, and may be null in the rows",
    ),
    "another kind": (
        [Column("x", "string")],
        [made("x", "array", True, (Column("_element", "string"),))],
        "x: string in the rows can't be read as array<string>",
        "x: array<string> in the rows can't be read as string",
    ),
    "another order": ([ID, NAME], [NAME, ID], None, None),
    "another case": ([NAME], [Column("NAME", "string")], None, None),
    "renamed": ([NAME], [Column("label", "string")], None, None),
    "deep inside": (
        [made("s", "struct", True, (made("a", "array", True, (Column("_element", "int"),)),))],
        [made("s", "struct", True, (made("a", "array", True, (Column("_element", "string"),)),))],
        "s.a._element: int in the rows can't be read as string",
        "s.a._element: string in the rows can't be read as int",
    ),
    "a hostile name": (
        [Column("a.b` ; DROP", "int")],
        [Column("a.b` ; DROP", "boolean")],
        "`a.b`` ; DROP`: int in the rows can't be read as boolean",
        "`a.b`` ; DROP`: boolean in the rows can't be read as int",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_kind_of_change_is_explained(change: str) -> None:
    old, new, backward, forward = CHANGES[change]
    for mode, wanted, who in (("BACKWARD", backward, "data under"), ("FORWARD", forward, "who reads by")):
        found = [str(one) for one in violations(mode, [old], new)]  # type: ignore[arg-type]
        assert found == ([] if wanted is None else [f"{wanted} ({who} the schema before)"])


def test_a_transitive_rule_names_the_version() -> None:
    (found,) = violations("BACKWARD_TRANSITIVE", [[Column("a", "string")], []], [Column("a", "int")])
    assert str(found) == "a: string in the rows can't be read as int (data under version 1 of the schema)"


def test_delimited_text_is_read_by_position() -> None:
    (moved, _) = violations("BACKWARD", [[ID, NAME]], [NAME, ID], positional=True)
    assert "column 1 of the rows is 'id', and they are read by position" in str(moved)
    assert not violations("FULL", [[ID, NAME]], [ID, NAME, Column("more", "int")], positional=True)


def test_an_older_version_that_kept_its_types_names_alone() -> None:
    bare = Column("s", "struct<a:int>")
    told = made("s", "struct", True, (Column("a", "int", False),))
    assert not violations("FULL", [[bare]], [told]), "what may be null inside is not known of it"
    assert violations("BACKWARD", [[bare]], [made("s", "struct", True, (Column("a", "string"),))])


# -- Spark itself ------------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "tinyint": "CAST(-7 AS TINYINT)",
    "smallint": "CAST(-300 AS SMALLINT)",
    "int": "2147483647",
    "bigint": "9223372036854775807",
    "float": "CAST(1.5 AS FLOAT)",
    "double": "2.25D",
    "string": "'text'",
    "boolean": "true",
    "date": "DATE'2026-05-04'",
    "timestamp_ntz": "TIMESTAMP_NTZ'2026-05-04 01:02:03'",
    "binary": "X'00ff'",
}


def value(column: Column) -> str:
    """SQL of a value of a column's type."""
    inner = column.fields
    if column.type.startswith("struct"):
        return f"named_struct({', '.join(f'{text(one.name)}, {value(one)}' for one in inner)})"
    if column.type.startswith("array"):
        return f"array({value(inner[0])})"
    if column.type.startswith("map"):
        return f"map({value(inner[0])}, {value(inner[1])})"
    return str(VALUES.get(column.type, f"CAST(12 AS {column.type})"))


def text(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(one: str) -> str:
    return "`" + one.replace("`", "``") + "`"


def type_of(column: Column) -> str:
    inner = column.fields
    if column.type.startswith("struct"):
        return f"struct<{', '.join(f'{name(one.name)}: {type_of(one)}' for one in inner)}>"
    if column.type.startswith("array"):
        return f"array<{type_of(inner[0])}>"
    if column.type.startswith("map"):
        return f"map<{type_of(inner[0])}, {type_of(inner[1])}>"
    return column.type


def ddl(schema: list[Column]) -> str:
    return ", ".join(f"{name(one.name)} {type_of(one)}" for one in schema)


def changed(column: Column, dice: random.Random) -> Column:
    """The column, with another type somewhere in it."""
    if not column.fields:
        return dataclasses.replace(column, type=dice.choice(ATOMS))
    place = dice.randrange(len(column.fields))
    inner = tuple(changed(one, dice) if number == place else one for number, one in enumerate(column.fields))
    return made(column.name, column.type.partition("<")[0], True, inner)


def pairs() -> Iterator[tuple[list[Column], list[Column]]]:
    """Every type beside every other one, flat; then nested, by chance."""
    for wide in ATOMS:
        flat = [Column(f"c{number}", kind) for number, kind in enumerate(ATOMS)]
        yield flat, [dataclasses.replace(one, type=wide) for one in flat]
    dice = random.Random(8)
    struct = made("s", "struct", True, (Column("x.y", "int"), Column("B", "decimal(10,2)")))
    array = made("l", "array", True, (made("_element", "struct", True, (Column("f", "float"), Column("g", "int"))),))
    mapped = made("m", "map", True, (Column("key", "string", False), Column("value", "int")))
    old = [struct, array, mapped, Column("ID", "int")]
    for _ in range(40):
        new = [changed(one, dice) for one in old if dice.random() < 0.8]
        if dice.random() < 0.5:
            new = [dataclasses.replace(one, name=one.name.swapcase()) for one in new]
        dice.shuffle(new)
        yield old, [*new, Column("more", "string")]


@pytest.mark.spark
def test_spark_reads_old_files_with_every_schema_that_is_said_to_be_compatible(
    spark: SparkSession, tmp_path: Path
) -> None:
    read = 0
    written: dict[str, str] = {}
    for old, new in pairs():
        place = written.get(ddl(old))
        if place is None:
            place = written[ddl(old)] = str(tmp_path / str(len(written)))
            spark.sql(f"SELECT {', '.join(f'{value(one)} AS {name(one.name)}' for one in old)}").write.parquet(place)
        stored = all_nullable(columns_of(spark.read.parquet(place).schema))
        fitting = [one for one in new if not obstacles([one], stored, "new")]
        if not fitting:
            continue
        read += len(fitting)
        (row,) = spark.read.schema(ddl(fitting)).parquet(place).collect()
        (before,) = spark.read.parquet(place).collect()
        known = {key.lower(): one for key, one in before.asDict(recursive=True).items()}
        for key, one in row.asDict(recursive=True).items():
            assert same(one, known.get(key.lower())), (key, one)
    assert read > 90


def same(read: Any, there: Any) -> bool:
    """Whether what was read is what was written, as far as it was asked for."""
    if isinstance(read, dict) and isinstance(there, dict):
        known = {str(key).lower(): one for key, one in there.items()}
        return all(same(one, known.get(str(key).lower())) for key, one in read.items())
    if isinstance(read, list) and isinstance(there, list):
        return all(map(same, read, there))
    if hasattr(there, "year") and not hasattr(there, "hour"):
        return str(read)[:10] == str(there)
    return bool(read == there)
