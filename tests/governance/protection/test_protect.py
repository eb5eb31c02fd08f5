# ruff: noqa: RUF001 - letters that look like others are what is tested
"""What rules make of rows: in the JVM and in Python the same, whatever a column is nested in."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import Row
from tests.governance.conftest import WAYS, Vault

from hookline.core.errors import KeyUnavailableError, ProtectionError
from hookline.governance.crypto.sealed import SEALED, unseal
from hookline.governance.crypto.tokens import TOKEN, token
from hookline.governance.keys.ring import derived
from hookline.governance.protection.normal import BLANKS, STEPS, normal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
# What breaks naive normalization: other forms of letters, final sigmas, dotted capitals, all blanks, letters outside of the BMP.
HARD = [
    "", " ", "a", "Ada@Example.COM ", "ada@example.com", "\u00e9", "e\u0301", "ＡＤＡ", "ΣΊΣΥΦΟΣ",
    "İstanbul", "ŉ", "ﬁ", "Straße", "STRASSE",
    "𝔄𝔡𝔞", "\U0001f600", "+49 (0) 555-01 99", "0049.555/0199", "４１１１", "١٢٣",
    "Å", "\u212b", "ß", "ẞ", "ǅ", "\x00", "a\x00b", "\u200b", "\ufeffx",
    *(f"{blank}x{blank}y{blank}" for blank in BLANKS), "x" * 5_000, "ä" * 5_000,
]  # fmt: skip


def column(frame: DataFrame, name: str = "v") -> list[Any]:
    return [row[name] for row in frame.select(name).collect()]


def texts(spark: SparkSession, values: list[Any]) -> DataFrame:
    return spark.createDataFrame([(value,) for value in values], "v string").coalesce(1)


@pytest.mark.parametrize("steps", [[], list(STEPS), *([step] for step in STEPS), ["nfkc", "compact", "lower"]])
def test_tokens_of_both_ways_are_the_standards(spark: SparkSession, vault: Vault, steps: list[str]) -> None:
    rule = {"columns": ["v"], "entity": "PERSON", "action": "tokenize", "normalize": steps}
    key = derived(vault.ring().get("default"), "tokenize", "default", "PERSON")
    wanted = [token(key, 1, normal(value, steps)) for value in HARD]
    for ways, is_native in zip(WAYS, (True, False), strict=True):
        made = vault.protect(texts(spark, [*HARD, None]), rule, ways=ways)
        assert made.native is is_native
        assert column(made.frame) == [*wanted, None]


def test_every_letter_is_made_normal_alike(spark: SparkSession, vault: Vault) -> None:
    """All that both the JVM's Unicode and Python's know."""
    java: Any = spark._jvm.java.lang.Character  # type: ignore[union-attr]
    known = [
        chr(code)
        for code in range(0x20, 0x30000)
        if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) not in ("Cn", "Co")
    ]
    chunks = ["".join(known[start : start + 40]) for start in range(0, len(known), 40)]
    chunks = [chunk for chunk in chunks if all(java.isDefined(ord(one)) for one in chunk[:1])]
    rule = {"columns": ["v"], "action": "tokenize", "normalize": list(STEPS)}
    native, python = (column(vault.protect(texts(spark, chunks), rule, ways=ways).frame) for ways in WAYS)
    different = [chunk for chunk, one, other in zip(chunks, native, python, strict=True) if one != other]
    newer = [chunk for chunk in different if not all(java.isDefined(ord(letter)) for letter in chunk)]
    assert different == newer


def test_values_that_mean_the_same_have_one_token(spark: SparkSession, vault: Vault) -> None:
    mail = {"columns": ["v"], "entity": "EMAIL_ADDRESS", "action": "tokenize"}
    assert (
        len(
            set(
                column(
                    vault.protect(
                        texts(spark, ["Ada@Example.com ", " ada@example.COM", "ａda@example.com"]), mail
                    ).frame
                )
            )
        )
        == 1
    )
    phone = {"columns": ["v"], "entity": "PHONE_NUMBER", "action": "tokenize"}
    assert (
        len(set(column(vault.protect(texts(spark, ["+49 (555) 01-99", "49 555 0199", "49.555/0199"]), phone).frame)))
        == 1
    )
    name = {"columns": ["v"], "entity": "PERSON", "action": "tokenize"}
    assert len(set(column(vault.protect(texts(spark, ["Ada", "ada"]), name).frame))) == 2


def test_tokens_differ_by_tenant_entity_key_and_version(spark: SparkSession, vault: Vault) -> None:
    def of(**more: Any) -> str:
        rule = {"columns": ["v"], "entity": more.pop("entity", "PERSON"), "action": "tokenize"}
        found: str = column(vault.protect(texts(spark, ["Ada"]), rule, **more).frame)[0]
        return found

    found = {of(), of(tenant="south"), of(entity="NRP")}
    vault.rotate()
    found.add(of())
    assert len({one.partition(".")[2] for one in found}) == 4
    assert of().startswith("t2.")
    with pytest.raises(KeyUnavailableError, match="no key 'other'"):
        of(key="other")


@pytest.mark.parametrize("ways", WAYS)
def test_columns_of_other_types_are_protected_as_spark_writes_them(
    spark: SparkSession, vault: Vault, ways: Any
) -> None:
    frame = spark.sql("SELECT 7 AS a, 1.50BD AS b, date'2026-05-04' AS c, true AS d, 1.5D AS e")
    rules = [{"columns": [name], "action": "tokenize"} for name in "abcde"]
    (row,) = vault.protect(frame, *rules, ways=ways).frame.collect()
    ring = vault.ring().get("default")
    for name, text in zip("abcde", ("7", "1.50", "2026-05-04", "true", "1.5"), strict=True):
        assert row[name] == token(derived(ring, "tokenize", "default", name), 1, text)


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A row, or what is in it, as plain dicts and lists, with a change to each text."""
    if isinstance(value, Row):
        return {name: each_text(inner, change) for name, inner in value.asDict().items()}
    if isinstance(value, dict):
        return {each_text(key, change): each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


NESTED = """
SELECT id, named_struct('mail', 'm' || id, 'deep', named_struct('phone', '555-010' || id, 'kept', id)) AS s,
array(named_struct('mail', 'm' || id, 'n', 1), NULL, named_struct('mail', NULL, 'n', 2)) AS l,
map('k' || id, named_struct('mail', 'm' || id)) AS m, array(array('m' || id), array(), NULL) AS ll,
IF(id = 1, NULL, named_struct('mail', 'm' || id)) AS perhaps, IF(id = 1, NULL, array('m')) AS none
FROM range(3)
"""


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("action", ["tokenize", "encrypt"])
def test_what_is_nested_is_found(spark: SparkSession, vault: Vault, ways: Any, action: str) -> None:
    columns = ["s.mail", "s.deep.phone", "l.mail", "m.key", "m.value.mail", "ll", "perhaps.mail", "none"]
    more = {"deterministic": True} if action == "encrypt" else {}
    rule = {"columns": columns, "entity": "X", "action": action, "normalize": [], **more}
    frame = spark.sql(NESTED)
    made = vault.protect(frame, rule, ways=ways).frame
    key = derived(vault.ring().get("default"), action, "default", "X")
    read = (
        (lambda text: unseal(key, text, b"default\0X") if SEALED.fullmatch(text) else text)
        if action == "encrypt"
        else str
    )
    make = str if action == "encrypt" else (lambda text: token(key, 1, text))
    plain, found = (one.orderBy("id").collect() for one in (frame, made))
    assert [each_text(row, read) for row in found] == [each_text(row, make) for row in plain]
    assert made.columns == frame.columns


def test_encrypted_values_come_back_and_differ_each_time(spark: SparkSession, vault: Vault) -> None:
    made = vault.protect(
        texts(spark, [*HARD, "Ada", "Ada", None]), {"columns": ["v"], "entity": "PERSON", "action": "encrypt"}
    )
    values = column(made.frame)
    key = derived(vault.ring().get("default"), "encrypt", "default", "PERSON")
    assert [unseal(key, value, b"default\0PERSON") for value in values[:-1]] == [*HARD, "Ada", "Ada"]
    assert values[-1] is None
    assert values[-2] != values[-3]


def test_values_of_a_form_keep_it(spark: SparkSession, vault: Vault) -> None:
    made = vault.protect(texts(spark, ["555-0199-77", "123456", None]), {"columns": ["v"], "action": "fpe"})
    first, second, none = column(made.frame)
    assert (first[3], first[8], len(first), second.isdigit(), none) == ("-", "-", 11, True, None)
    assert (first, second) != ("555-0199-77", "123456")


def test_values_that_are_too_short_for_it(spark: SparkSession, vault: Vault) -> None:
    short = texts(spark, ["12345", "canary", "1234567"])
    made = vault.protect(short, {"columns": ["v"], "action": "fpe", "unfit": "null"})
    assert made.frame.schema["v"].nullable
    assert [value is None for value in column(made.frame)] == [True, True, False]
    from pyspark.errors import PythonException

    with pytest.raises(PythonException, match="fewer than 6 characters") as caught:
        vault.protect(short, {"columns": ["v"], "action": "fpe"}).frame.collect()
    assert "canary" not in str(caught.value)
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "value", "wanted"),
    [
        ({}, "Ada", "***"),
        ({"keep_last": 4}, "4111111111111111", "************1111"),
        ({"keep_first": 1, "keep_last": 2, "cover": "x"}, "Adelaide", "Axxxxxde"),
        ({"keep_first": 1, "keep_last": 2}, "Ada", "***"),
        ({"keep_last": 4}, "", ""),
        ({"keep_first": 2}, "äöü", "äö*"),
        ({"cover": "é"}, "\U0001f600a", "éé"),
    ],
)
def test_masks(spark: SparkSession, vault: Vault, options: dict[str, Any], value: str, wanted: str) -> None:
    made = vault.protect(texts(spark, [value, None]), {"columns": ["v"], "action": "mask", **options})
    assert column(made.frame) == [wanted, None]


@pytest.mark.parametrize(
    ("sql", "options", "wanted"),
    [
        ("date'1984-08-13'", {"to": "month"}, dt.date(1984, 8, 1)),
        ("date'1984-08-13'", {"to": "quarter"}, dt.date(1984, 7, 1)),
        ("date'1984-08-13'", {"to": "year"}, dt.date(1984, 1, 1)),
        ("date'1984-08-13'", {"to": "decade"}, dt.date(1980, 1, 1)),
        ("timestamp'1984-08-13 11:12:13'", {"to": "month"}, dt.datetime(1984, 8, 1)),
        ("timestamp_ntz'1984-08-13 11:12:13'", {"to": "decade"}, dt.datetime(1980, 1, 1)),
        ("'94107'", {"to": "prefix", "length": 3}, "941"),
        ("34", {"to": "band", "width": 10}, "30-39"),
        ("-1", {"to": "band", "width": 10}, "-10--1"),
        ("39.9D", {"to": "band", "width": 10}, "30-39"),
        ("9223372036854775807L", {"to": "band", "width": 10}, "9223372036854775800-9223372036854775809"),
    ],
)
def test_coarser_values(spark: SparkSession, vault: Vault, sql: str, options: dict[str, Any], wanted: Any) -> None:
    frame = spark.sql(f"SELECT {sql} AS v UNION ALL SELECT NULL").coalesce(1)
    assert column(vault.protect(frame, {"columns": ["v"], "action": "generalize", **options}).frame) == [wanted, None]


def test_columns_that_are_dropped(spark: SparkSession, vault: Vault) -> None:
    frame = spark.sql("SELECT 1 AS a, named_struct('x', 1, 'y', 2) AS s, array(named_struct('x', 1, 'y', 2)) AS l")
    made = vault.protect(frame, {"columns": ["a", "s.x", "l.x"], "action": "drop"}).frame
    assert made.schema.simpleString() == "struct<s:struct<y:int>,l:array<struct<y:int>>>"
    for columns, wanted in ((["a", "s", "l"], "every column"), (["s.x", "s.y"], "all fields of a struct")):
        with pytest.raises(ProtectionError, match=wanted):
            vault.protect(frame, {"columns": columns, "action": "drop"})


def test_made_up_values_are_one_subjects(spark: SparkSession, vault: Vault) -> None:
    frame = spark.createDataFrame(
        [("7", "Ada"), ("7", "Ada L."), ("8", "Ada"), (None, "Bob")], "who string, name string"
    ).coalesce(1)
    by_value = column(vault.protect(frame, {"columns": ["name"], "action": "fake", "provider": "name"}).frame, "name")
    assert by_value[0] == by_value[2] != by_value[1]
    rules = [
        {"columns": ["name"], "action": "fake", "provider": "name", "subject": "who", "locale": "de_DE"},
        {"columns": ["who"], "action": "tokenize"},
    ]
    made = vault.protect(frame, *rules).frame
    assert made.columns == ["who", "name"]
    by_subject = column(made, "name")
    assert by_subject[0] == by_subject[1] != by_subject[2]
    assert by_subject == column(vault.protect(frame, *rules).frame, "name")
    assert not {"Ada", "Ada L.", "Bob"} & set(by_subject)
    with pytest.raises(ProtectionError, match="'nobody'"):
        vault.protect(frame, {**rules[0], "subject": "nobody"})


def test_columns_are_found_as_spark_finds_them(spark: SparkSession, vault: Vault) -> None:
    frame = spark.sql("SELECT 'a' AS `E.mail`, named_struct('a.b', 'x') AS s, 'y' AS `we ird``$`, 'z' AS `Größe`")
    rule = {"columns": ["e.MAIL", "S.A.B", "we ird`$", "größe"], "action": "tokenize"}
    (row,) = vault.protect(frame, rule).frame.collect()
    assert all(TOKEN.fullmatch(value) for value in (row["E.mail"], row["s"]["a.b"], row[2], row[3]))


@pytest.mark.parametrize(
    ("sql", "rules", "wanted"),
    [
        ("SELECT 1 AS a", [{"columns": ["mail"], "action": "tokenize"}], "which this write does not have"),
        ("SELECT 1 AS a", [{"columns": ["a.b"], "action": "tokenize"}], "which this write does not have"),
        (
            "SELECT 1 AS a",
            [{"columns": ["a"], "action": "drop"}, {"columns": ["A"], "action": "mask"}],
            "wanted by two rules",
        ),
        ("SELECT named_struct('x', 1) AS a", [{"columns": ["a", "a.x"], "action": "drop"}], "wanted by two rules"),
        ("SELECT named_struct('x', 1) AS a", [{"columns": ["a"], "action": "tokenize"}], "name the fields in it"),
        ("SELECT array(1) AS a", [{"columns": ["a"], "action": "drop"}], None),
        ("SELECT map('x', 1) AS a", [{"columns": ["a"], "action": "mask"}], "name the fields in it"),
        ("SELECT map('x', 1) AS a", [{"columns": ["a.key"], "action": "drop"}], "can't be dropped"),
        ("SELECT binary('x') AS a", [{"columns": ["a"], "action": "encrypt"}], "name the fields in it, or drop it"),
        ("SELECT 'x' AS a", [{"columns": ["a"], "action": "generalize", "to": "year"}], "has no year"),
        ("SELECT 1 AS a", [{"columns": ["a"], "action": "generalize", "to": "prefix", "length": 1}], "has no prefix"),
        ("SELECT 1 AS a", [{"columns": ["mail"], "action": "tokenize", "missing": "allow"}], None),
    ],
)
def test_what_can_not_be_done_is_said(
    spark: SparkSession, vault: Vault, sql: str, rules: Any, wanted: str | None
) -> None:
    frame = spark.sql(f"{sql}, 1 AS other")
    if wanted is None:
        vault.protect(frame, *rules).frame.collect()
        return
    with pytest.raises(ProtectionError, match=wanted):
        vault.protect(frame, *rules)


def test_what_case_sensitive_sessions_tell_apart(spark: SparkSession, vault: Vault) -> None:
    spark.conf.set("spark.sql.caseSensitive", "true")
    try:
        frame = spark.sql("SELECT 'x' AS a, 'y' AS A")
        (row,) = vault.protect(frame, {"columns": ["A"], "action": "mask"}).frame.collect()
        assert list(row) == ["x", "*"]
    finally:
        spark.conf.unset("spark.sql.caseSensitive")


def test_comments_stay(spark: SparkSession, vault: Vault) -> None:
    from pyspark.sql import functions as F

    frame = spark.sql("SELECT 'x' AS a, 'y' AS b").withColumn("a", F.col("a").alias("a", metadata={"comment": "who"}))
    for action in ("tokenize", "encrypt"):
        made = vault.protect(frame, {"columns": ["a"], "action": action}).frame
        assert made.schema["a"].metadata == {"comment": "who"}
