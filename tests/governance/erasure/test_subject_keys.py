"""A key for each subject: values are encrypted under it, and once it is destroyed nobody reads them again."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.conftest import WAYS, Guarded, Vault, policy

from hookline.core.errors import ErasedError, ProtectionError, WriteRefusedError
from hookline.core.store import Store, subject_keys
from hookline.governance.audit import AuditLog
from hookline.governance.crypto.owned import OWNED, carried, new_key, opened, owned, parts, unwrap, wrap
from hookline.governance.protection.deeds import keyed_for_subjects
from hookline.governance.protection.reveal import Revealer
from hookline.governance.protection.values import tokens_by

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RULE: dict[str, Any] = {
    "columns": ["name"],
    "entity": "PERSON",
    "action": "encrypt",
    "subject": "id",
    "subject_entity": "CUSTOMER_ID",
}
PEOPLE = "SELECT id, 'name' || id AS name FROM range(5) UNION ALL SELECT 1, 'again' UNION ALL SELECT 2, NULL"
ME = "ada"


def token(vault: Vault, subject: str, *rules: Any) -> str:
    asking = policy(*(rules or (RULE,)))
    return tokens_by(keyed_for_subjects(asking, "CUSTOMER_ID", vault.ring(), (vault.keys, vault.folder)))(subject)


def erase(vault: Vault, subject: str) -> None:
    subject_keys.destroy(vault.store.get(), {token(vault, subject): "default"}, "2026-05-04T00:00:00+00:00")


def revealer(vault: Vault, rule: Any = RULE) -> Revealer:
    asking = policy(rule, reveal={"allow": [ME], "per_hour": 1_000})
    log = AuditLog(vault.folder / "audit.log")
    return Revealer(asking, vault.ring(), (vault.keys, vault.folder), log, ME, vault.store.get)


def test_a_key_is_wrapped_for_its_name_alone() -> None:
    master, (name, key) = bytes(32), new_key()
    wrapped = wrap(master, name, key)
    assert unwrap(master, name, wrapped) == key
    assert opened(carried(name, 7, wrapped), lambda version: master if version == 7 else b"") == (name, key)
    for other in (lambda: unwrap(bytes(31) + b"x", name, wrapped), lambda: unwrap(master, new_key()[0], wrapped)):
        with pytest.raises(ProtectionError, match="can't be unwrapped"):
            other()
    assert parts(owned(name, "e1." + "a" * 40)) == (name, "e1." + "a" * 40)
    for value in ("", "canary", "e1." + "a" * 40, owned(name, "e2." + "a" * 40), owned(name[1:], "e1." + "a" * 40)):
        with pytest.raises(ProtectionError, match="not encrypted by hookline under a subject's key"):
            parts(value)


@pytest.mark.spark
@pytest.mark.parametrize("ways", WAYS)
def test_values_have_the_keys_of_their_subjects(spark: SparkSession, vault: Vault, ways: Any) -> None:
    made = vault.protect(spark.sql(PEOPLE), RULE, ways=ways)
    assert made.frame.columns == ["id", "name"]
    rows = made.frame.collect()
    values = {row.name: row.id for row in rows if row.name is not None}
    assert sorted(values.values()) == [0, 1, 1, 2, 3, 4]
    key_ids: dict[int, set[str]] = {}
    for value, id in values.items():
        assert OWNED.fullmatch(value)
        key_ids.setdefault(id, set()).add(parts(value).key_id)
    assert all(len(ids) == 1 for ids in key_ids.values()), "one subject has one key"
    assert len(set().union(*key_ids.values())) == 5
    assert sorted(revealer(vault).reveal("name", list(values))) == [
        "again",
        "name0",
        "name1",
        "name2",
        "name3",
        "name4",
    ]
    again = vault.protect(spark.sql(PEOPLE).where("id = 3"), RULE, ways=ways).frame.first()
    assert again is not None
    assert parts(again.name).key_id in key_ids[3], "it is the same key in the next write"


@pytest.mark.spark
def test_equal_values_stay_equal_for_one_subject(spark: SparkSession, vault: Vault) -> None:
    frame = spark.sql("SELECT id % 2 AS id, 'same' AS name FROM range(4)")
    rows = vault.protect(frame, {**RULE, "deterministic": True}).frame.collect()
    assert len({row.name for row in rows}) == 2
    assert revealer(vault, {**RULE, "deterministic": True}).reveal("name", [rows[0].name]) == ["same"]


@pytest.mark.spark
def test_the_master_key_may_be_rotated(spark: SparkSession, vault: Vault) -> None:
    first = vault.protect(spark.sql(PEOPLE).where("id = 0"), RULE).frame.first()
    vault.rotate()
    rows = vault.protect(spark.sql(PEOPLE).where("id IN (0, 3)"), RULE).frame.collect()
    assert first is not None
    values = [first.name, *(row.name for row in rows)]
    assert sorted(revealer(vault).reveal("name", values)) == ["name0", "name0", "name3"]
    kept = subject_keys.wrapped_under(vault.store.get(), "default")
    assert [one.key_version for one in sorted(kept, key=lambda one: one.made_at)] == [1, 2]


@pytest.mark.spark
def test_who_was_erased_is_not_read_again(spark: SparkSession, vault: Vault) -> None:
    values = {
        row.id: row.name
        for row in vault.protect(spark.sql("SELECT id, 'n' || id AS name FROM range(3)"), RULE).frame.collect()
    }
    erase(vault, "1")
    asking = revealer(vault)
    with pytest.raises(ErasedError, match="its subject was erased on 2026-05-04"):
        asking.reveal("name", [values[0], values[1]])
    assert asking.reveal("name", [values[0], values[2]]) == ["n0", "n2"]
    erase(vault, "1")
    with pytest.raises(ErasedError):
        asking.reveal("name", [values[1]])
    with pytest.raises(ProtectionError, match="no key in this store"):
        asking.reveal("name", [owned(new_key()[0], parts(values[0]).sealed)])
    with pytest.raises(ProtectionError, match="another key"):
        asking.reveal("name", [owned(parts(values[0]).key_id, parts(values[2]).sealed)])


@pytest.mark.spark
@pytest.mark.parametrize("known", [True, False], ids=["had a key", "had none"])
def test_who_was_erased_does_not_come_back(spark: SparkSession, vault: Vault, known: bool) -> None:
    if known:
        vault.protect(spark.sql(PEOPLE), RULE)
    erase(vault, "1")
    frame = spark.sql(PEOPLE)
    made = vault.protect(frame, RULE)
    assert sorted(row.id for row in made.frame.collect()) == [0, 2, 2, 3, 4]
    assert [(left.policy, left.subjects, left.rows, left.done) for left in made.erased] == [("people", 1, 2, "drop")]
    made = vault.protect(frame, {**RULE, "erased": "null"})
    rows = made.frame.collect()
    assert len(rows) == 7
    assert [row.name for row in rows if row.id == 1] == [None, None]
    assert made.erased[0].done == "null"
    with pytest.raises(ProtectionError, match="1 of the subjects of this write were erased, and 2 rows are theirs"):
        vault.protect(frame, {**RULE, "erased": "refuse"})


@pytest.mark.spark
def test_a_value_without_a_subject_is_not_written(spark: SparkSession, vault: Vault) -> None:
    frame = spark.sql("SELECT CAST(NULL AS int) AS id, CAST(NULL AS string) AS name")
    assert vault.protect(frame, RULE).frame.count() == 1
    with pytest.raises(Exception, match="has no subject: 'id' is null in its row"):
        vault.protect(spark.sql("SELECT CAST(NULL AS int) AS id, 'canary' AS name"), RULE).frame.collect()


@pytest.mark.spark
def test_structs_several_columns_and_two_subjects(spark: SparkSession, vault: Vault) -> None:
    frame = spark.sql(
        "SELECT 1 AS ID, 7 AS other, 'a' AS name, named_struct('mail', 'b', 'x', 1) AS contact, 'c' AS theirs, 'd' AS plain"
    )
    rules = (
        {**RULE, "columns": ["name", "contact.mail"]},
        {**RULE, "columns": ["theirs"], "subject": "other", "subject_entity": "OTHER"},
        {"columns": ["plain"], "action": "tokenize"},
        {"columns": ["other"], "action": "drop"},
    )
    made = vault.protect(frame, *rules).frame
    assert made.columns == ["ID", "name", "contact", "theirs", "plain"]
    row = made.first()
    assert row is not None
    assert row.contact.x == 1
    assert row.plain.startswith("t1.")
    ids = [parts(value).key_id for value in (row.name, row.contact.mail, row.theirs)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("query", "rule", "wanted"),
    [
        ("SELECT 1 AS id, array('a') AS name", RULE, "is in an array or a map"),
        ("SELECT 1 AS id, map('a', 'b') AS name", {**RULE, "columns": ["name.value"]}, "is in an array or a map"),
        ("SELECT 1 AS who, 'a' AS name", RULE, "'id', a column that this write does not have"),
    ],
)
def test_what_can_not_be_done(spark: SparkSession, vault: Vault, query: str, rule: Any, wanted: str) -> None:
    with pytest.raises(ProtectionError, match=wanted):
        vault.protect(spark.sql(query), rule)


NASTY = [
    "'; DROP TABLE x; --",
    '"',
    "`",
    "\\",
    "%",
    "a\nb",
    "ünïcödé ☃",
    "\U0001f9d1‍\U0001f680",
    "x" * 1_000_000,
    "0",
    "-1",
    "NULL",
    "  x ",
    "\x00",
]


@pytest.mark.spark
def test_nasty_ids(spark: SparkSession, vault: Vault) -> None:
    frame = spark.createDataFrame([(id, f"n{place}") for place, id in enumerate(NASTY)], "id string, name string")
    for one in NASTY[:-2]:
        erase(vault, one)
    made = vault.protect(frame, RULE)
    values = [row.name for row in made.frame.collect()]
    assert sorted(revealer(vault).reveal("name", values)) == [f"n{len(NASTY) - 2}", f"n{len(NASTY) - 1}"]
    assert made.erased[0].subjects == made.erased[0].rows == len(NASTY) - 2


@pytest.mark.spark
def test_streams_are_refused_and_their_batches_are_not(guarded: Guarded, spark: SparkSession) -> None:
    source, target = guarded.folder / "in", guarded.folder / "lake"
    frame = spark.sql(PEOPLE)
    frame.write.parquet(str(source))
    guarded.begin(RULE)
    stream = spark.readStream.schema(frame.schema).parquet(str(source))
    options = {"checkpointLocation": str(guarded.folder / "checkpoint")}
    with pytest.raises(WriteRefusedError, match="by foreachBatch"):
        stream.writeStream.format("delta").options(**options).trigger(availableNow=True).start(str(target))

    def write(batch: Any, _: int) -> None:
        batch.write.mode("append").format("delta").save(str(target))

    query = stream.writeStream.foreachBatch(write).options(**options).trigger(availableNow=True).start()
    query.awaitTermination()
    assert all(OWNED.fullmatch(row.name) for row in spark.read.format("delta").load(str(target)).collect() if row.name)


@pytest.mark.spark
def test_a_write_tells_of_rows_that_were_left_out(guarded: Guarded, spark: SparkSession) -> None:
    erase(guarded.vault, "1")
    guarded.begin(RULE)
    spark.sql(PEOPLE).coalesce(1).write.parquet(str(guarded.folder / "lake"))
    what = list(guarded.log.records())[-1].entry.what
    assert what["subjects_erased"] == [{"policy": "people", "subjects": 1, "rows": 2, "done": "drop"}]
    assert what["columns"][0]["subject"] == "CUSTOMER_ID"
    assert guarded.written().rows == 5
    assert len(list((guarded.folder / "lake").glob("*.parquet"))) == 1, (
        "the rows stay in the partitions that they are in"
    )
    lineage = guarded.written().column_lineage
    assert lineage is not None
    guarded.vault.store.get().close()
    with sqlite3.connect(guarded.folder / "state" / "store.db") as connection:
        connection.execute("DROP TABLE hookline_subject_keys")
    with pytest.raises(WriteRefusedError, match="StoreError"):
        spark.sql(PEOPLE).write.parquet(str(guarded.folder / "more"))
    assert not (guarded.folder / "more").exists()


def forms_of(wrapped: str) -> Iterator[bytes]:
    yield wrapped.encode()
    yield base64.urlsafe_b64decode(wrapped)


def left_of(folder: Path, wrapped: str) -> list[str]:
    """Files in which a wrapped key still is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(form in path.read_bytes() for form in forms_of(wrapped))]


def test_a_destroyed_key_is_in_no_byte_of_the_store(vault: Vault) -> None:
    store = vault.store.get()
    keys = []
    for number in range(2_000):
        name, key = new_key()
        keys.append(
            subject_keys.SubjectKey(f"t1.{number:043}", name, wrap(bytes(32), name, key), "default", 1, "2026-01-01")
        )
    for start in range(0, len(keys), 100):  # pages are split on the way
        subject_keys.add(store, keys[start : start + 100][::-1])
    gone = keys[7::50]
    assert all(left_of(vault.folder, str(one.wrapped)) for one in gone), "the search would see them"
    before = subject_keys.destroy(store, {one.subject: "default" for one in gone}, "2026-05-04")
    assert set(before) == {one.subject for one in gone}
    assert store.scrub(subject_keys.table)
    assert [left_of(vault.folder, str(one.wrapped)) for one in gone] == [[] for _ in gone]
    stay = subject_keys.find(store, [one.subject for one in keys if one not in gone])
    assert len(stay) == len(keys) - len(gone)
    assert left_of(vault.folder, str(keys[0].wrapped)) == ["store.db"]
    assert subject_keys.destroy(store, {gone[0].subject: "default"}, "2027-01-01") == {}
    assert subject_keys.erased(store, [gone[0].subject, keys[0].subject]) == {gone[0].subject: "2026-05-04"}


def test_a_reader_holds_the_log_and_is_told_of(vault: Vault) -> None:
    store = vault.store.get()
    name, key = new_key()
    one = subject_keys.SubjectKey("t1.a", name, wrap(bytes(32), name, key), "default", 1, "2026-01-01")
    subject_keys.add(store, [one])
    reader = sqlite3.connect(vault.folder / "state" / "store.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM hookline_subject_keys").fetchall()
    subject_keys.destroy(store, {"t1.a": "default"}, "2026-05-04")
    assert not store.scrub(subject_keys.table)
    reader.execute("ROLLBACK")
    assert store.scrub(subject_keys.table)
    assert left_of(vault.folder, str(one.wrapped)) == []
    reader.close()


def test_two_processes_make_one_key(vault: Vault) -> None:
    store = vault.store.get()
    other = Store(f"sqlite:///{vault.folder / 'state' / 'store.db'}")
    made = subject_keys.SubjectKey("t1.a", "k" * 22, "w", "default", 1, "2026-01-01")
    subject_keys.add(store, [made])
    subject_keys.add(other, [replace(made, key_id="l" * 22)])
    assert subject_keys.find(other, ["t1.a"])["t1.a"].key_id == "k" * 22
    assert subject_keys.find_by_id(store, ["k" * 22])["k" * 22] == made
    subject_keys.destroy(store, {"t1.a": "default"}, "2026-05-04")
    subject_keys.rewrap(other, {"t1.a": ("again", 2)})
    assert subject_keys.find(store, ["t1.a"])["t1.a"].wrapped is None
    other.close()


def test_a_policy_says_what_the_ids_are() -> None:
    rule = {key: value for key, value in RULE.items() if key != "subject_entity"}
    with pytest.raises(ValueError, match="what the ids in 'id' are"):
        policy(rule)
    with pytest.raises(ValueError, match="what the ids in 'id' are"):
        policy(rule, erase={"subject": "other", "entity": "CUSTOMER_ID"})
    assert (
        policy(rule, erase={"subject": "id", "entity": "CUSTOMER_ID"}).subject_entity(policy(RULE).rules[0])
        == "CUSTOMER_ID"
    )  # type: ignore[arg-type]
