"""Rules by classification: whatever a column is called, what it holds is protected; and what is not known is not written."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.conftest import Guarded, policy

from hookline.core.errors import ConfigError, WriteRefusedError
from hookline.core.store import Store
from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
from hookline.governance.crypto.tokens import TOKEN
from hookline.governance.protection.classifying import Held, expanded

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

pytestmark = pytest.mark.spark
MAIL = {"classified": ["EMAIL_ADDRESS"], "action": "tokenize"}
REDACT = {"columns": ["note"], "action": "redact"}


def people(guarded: Guarded) -> DataFrame:
    return guarded.spark.range(80).selectExpr(
        "id",
        "concat('canary', id, '@example.org') as c1",
        "named_struct('deep', array(concat('canary', id, '@example.org'))) as c2",
        "concat('batch ', id) as c3",
        "concat('{\"to\": \"canary', id, '@example.org\"}') as payload",
    )


def entries(guarded: Guarded, action: str = "protect.write") -> list[Any]:
    return [record.entry.what for record in guarded.log.records() if record.entry.action == action]


def test_what_a_column_holds_is_found_in_its_rows(guarded: Guarded) -> None:
    place = str(guarded.folder / "out")
    guarded.begin(MAIL, datasets=["*out*"])
    people(guarded).write.parquet(place)
    guarded.end()
    rows = guarded.spark.read.parquet(place).orderBy("id").collect()
    assert all(
        TOKEN.fullmatch(row.c1) and TOKEN.fullmatch(row.c2.deep[0]) and TOKEN.fullmatch(row.payload) for row in rows
    )
    assert rows[0].c1 == rows[0].c2.deep[0]
    assert rows[0].c3.startswith("batch")
    (what,) = entries(guarded)
    assert what["policies"] == {"people": policy(MAIL, datasets=["*out*"]).digest()}
    assert [(one["column"], one["entity"], one["known_by"]) for one in what["classified"]] == [
        ("c1", "EMAIL_ADDRESS", "scan"), ("c2.deep", "EMAIL_ADDRESS", "scan"), ("payload.$.to", "EMAIL_ADDRESS", "scan"),
    ]  # fmt: skip


def test_a_rule_that_names_the_column_goes_first(guarded: Guarded) -> None:
    place = str(guarded.folder / "out")
    guarded.begin(
        MAIL, {"columns": ["c1"], "action": "mask", "keep_last": 3}, {"columns": ["c2", "payload"], "action": "drop"}
    )
    people(guarded).write.parquet(place)
    guarded.end()
    row = guarded.spark.read.parquet(place).orderBy("id").first()
    assert row.c1.endswith("*org")
    assert set(row.asDict()) == {"id", "c1", "c3"}


def scanned(guarded: Guarded, place: str, *columns: str) -> None:
    store = guarded_store(guarded)
    found = tuple(StoredClassification(column, "EMAIL_ADDRESS", 0.99, 1.0, False) for column in columns)
    with store.transaction() as connection:
        keep_scan(
            store,
            connection,
            StoredScan("file", place, "2026-01-01T00:00:00.000000+00:00", None, "x", 80, 80, found).payload(),
        )
    store.close()


def guarded_store(guarded: Guarded) -> Store:
    from hookline.core.config_models import Config

    (guarded.folder / "state").mkdir(exist_ok=True)
    return Store(Config(state_dir=guarded.folder / "state").store_url())


def test_what_a_column_holds_is_known_from_where_it_came(guarded: Guarded) -> None:
    source, place = str(guarded.folder / "bronze"), str(guarded.folder / "out")
    people(guarded).write.parquet(source)
    scanned(guarded, source, "c1", "c2.deep")
    guarded.begin(MAIL, classify=["lineage"])
    frame = guarded.spark.read.parquet(source)
    frame.selectExpr("id", "lower(c1) as who", "c2 as whole", "sha2(c1, 256) as hashed", "c3", "payload").write.parquet(
        place
    )
    guarded.end()
    row = guarded.spark.read.parquet(place).orderBy("id").first()
    assert TOKEN.fullmatch(row.who)
    assert TOKEN.fullmatch(row.whole.deep[0])
    assert len(row.hashed) == 64
    # Nobody said it of this one, and nobody looked at the rows.
    assert "canary" in row.payload
    (what,) = entries(guarded)
    assert what["classified"][0]["known_by"] == f"lineage from file/{source}.c1"


@pytest.mark.parametrize("case", ["never looked through", "an RDD in between"])
def test_what_is_not_known_is_not_written(guarded: Guarded, case: str) -> None:
    source, place = guarded.folder / "bronze", guarded.folder / "out"
    people(guarded).write.parquet(str(source))
    frame = guarded.spark.read.parquet(str(source))
    if case == "an RDD in between":
        scanned(guarded, str(source), "c1")
        frame = frame.select("id", "c1").rdd.map(lambda row: row).toDF("id bigint, c1 string")
    guarded.begin(MAIL, classify=["lineage"])
    with pytest.raises(WriteRefusedError, match="what") as caught:
        frame.write.parquet(str(place))
    assert "canary" not in str(caught.value)
    assert not place.exists()
    assert entries(guarded, "protect.refused")


def test_a_stream_is_told_how_to_go_on(guarded: Guarded) -> None:
    source = str(guarded.folder / "bronze")
    people(guarded).write.parquet(source)
    guarded.begin(MAIL, classify=["scan"])
    stream = guarded.spark.readStream.schema("id bigint, c1 string").parquet(source)
    with pytest.raises(Exception, match="rows of a stream"):
        stream.writeStream.option("checkpointLocation", str(guarded.folder / "cp")).trigger(availableNow=True).format(
            "parquet"
        ).start(str(guarded.folder / "out")).awaitTermination()
    assert not list((guarded.folder).glob("out/*.parquet"))


def test_texts_lose_what_presidio_finds_and_keep_the_rest(guarded: Guarded) -> None:
    place = str(guarded.folder / "out")
    rows = [
        (1, "write to canary@example.org, or to 10.1.2.3!"),
        (2, "nothing here"),
        (3, None),
        (4, "IBAN DE89370400440532013000 of canary.two@example.org"),
        (5, "é canary@example.org é"),
        (6, ""),
    ]
    guarded.begin(REDACT)
    guarded.spark.createDataFrame(rows, "id int, note string").write.parquet(place)
    guarded.end()
    kept = [row.note for row in guarded.spark.read.parquet(place).orderBy("id").collect()]
    assert kept == [
        "write to <EMAIL_ADDRESS>, or to <IP_ADDRESS>!",
        "nothing here",
        None,
        "IBAN <IBAN_CODE> of <EMAIL_ADDRESS>",
        "é <EMAIL_ADDRESS> é",
        "",
    ]


def test_only_the_entities_that_are_named_are_covered(guarded: Guarded) -> None:
    place = str(guarded.folder / "out")
    guarded.begin({**REDACT, "columns": ["notes.text"], "entities": ["IP_ADDRESS"], "into": "cover"})
    frame = guarded.spark.createDataFrame(
        [([("canary@example.org at 10.1.2.3",)],)], "notes array<struct<text:string>>"
    )
    frame.write.parquet(place)
    guarded.end()
    assert guarded.spark.read.parquet(place).first().notes[0].text == "canary@example.org at ********"


def test_an_entity_that_nothing_finds_is_told(guarded: Guarded) -> None:
    guarded.begin({**REDACT, "entities": ["PASSWORD"]})
    with pytest.raises(Exception, match="PASSWORD, which nothing here finds"):
        guarded.spark.createDataFrame([("x",)], "note string").write.parquet(str(guarded.folder / "out"))


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "drop"},
        {"action": "drop", "columns": [], "classified": []},
        {"action": "drop", "columns": ["a"], "classified": ["PERSON"]},
        {"action": "drop", "classified": ["person"]},
        {"action": "redact", "columns": ["a"], "entities": []},
    ],
)
def test_rules_that_are_none_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, ValueError)):
        policy(rule)


def held(column: str, entity: str = "PERSON", confidence: float = 0.9) -> Held:
    return Held(column, entity, confidence, "scan")


def test_the_surest_entity_decides_and_the_outermost_column() -> None:
    rules = policy(
        {"classified": ["PERSON"], "action": "drop"}, {"classified": ["EMAIL_ADDRESS"], "action": "tokenize"}
    )
    found = [
        held("a"),
        held("a", "EMAIL_ADDRESS", 0.95),
        held("b", "IBAN_CODE"),
        held("c", confidence=0.3),
        held("d.$.x"),
        held("e.f"),
        held("e"),
    ]
    for order in itertools.islice(itertools.permutations(found), 50):
        whole, _ = expanded(rules, order)
        assert {(rule.columns, rule.deed, rule.entity) for rule in whole.rules} == {
            (("a",), "tokenize", "EMAIL_ADDRESS"), (("d",), "drop", "PERSON"), (("e",), "drop", "PERSON"),
        }  # fmt: skip
