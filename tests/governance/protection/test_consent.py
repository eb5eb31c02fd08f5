"""A write for a purpose carries the rows of those who allow it, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.conftest import WAYS, Guarded, Vault, policy

from hookline.core.errors import ProtectionError, WriteRefusedError
from hookline.core.store import Store
from hookline.core.store.consenting import ConsentEntry
from hookline.governance.consent import Ledger, permitted
from hookline.governance.consent.ledger import moment
from hookline.governance.protection import Protector
from hookline.governance.protection.deeds import keyed_for_consent
from hookline.governance.protection.values import tokens_by

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RULE = {"columns": ["mail"], "entity": "EMAIL_ADDRESS", "action": "tokenize"}
CONSENT = {"subject": "id", "purpose": "newsletter"}


def entry(subject: str, kind: Any = "granted", valid_from: str = "2026-01-01", **more: Any) -> ConsentEntry:
    more.setdefault("recorded_at", valid_from)
    return ConsentEntry(subject, more.pop("purpose", "newsletter"), kind, valid_from, **more)


@pytest.mark.parametrize(
    ("entries", "at", "wanted"),
    [
        ([], "2026-05-01", ""),
        ([entry("a")], "2025-12-31", ""),
        ([entry("a")], "2026-01-01", "a"),
        ([entry("a", valid_to="2026-03-01")], "2026-02-28T23", "a"),
        ([entry("a", valid_to="2026-03-01")], "2026-03-01", ""),
        ([entry("a"), entry("a", "withdrawn", "2026-02-01")], "2026-01-31", "a"),
        ([entry("a"), entry("a", "withdrawn", "2026-02-01")], "2026-02-01", ""),
        ([entry("a"), entry("a", "withdrawn", "2026-02-01"), entry("a", "granted", "2026-03-01")], "2026-03-02", "a"),
        ([entry("a"), entry("b"), entry("a", "withdrawn", "2026-02-01")], "2026-04-01", "b"),
        (
            [entry("a", valid_to="2027-01-01"), entry("a", valid_from="2026-02-01", valid_to="2026-02-02")],
            "2026-05-01",
            "",
        ),
        ([entry("a", "withdrawn")], "2026-05-01", ""),
    ],
    ids=range(11),
)
def test_who_allows_it_at_a_moment(entries: list[ConsentEntry], at: str, wanted: str) -> None:
    assert permitted(entries, at) == set(wanted)


def test_the_ledger_keeps_everything_once_and_in_order(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    ledger = Ledger(store)
    later = entry("a", "withdrawn", "2026-02-01", source="call")
    assert ledger.record([later, entry("a"), entry("b", purpose="research")]) == 3
    ledger.record([entry("a", recorded_at="2026-09-09")])
    assert ledger.of_subject("a") == [entry("a"), later]
    assert ledger.permitted("newsletter", "2026-01-15") == {"a"}
    assert ledger.permitted("newsletter", "2026-02-15") == set()
    assert ledger.permitted("research", "2026-02-15") == {"b"}
    store.close()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-05-04", "2026-05-04T00:00:00.000000+00:00"),
        ("2026-05-04T12:00:00+02:00", "2026-05-04T10:00:00.000000+00:00"),
        (None, None),
    ],
)
def test_moments(text: str | None, wanted: str | None) -> None:
    assert moment(text) == wanted
    with pytest.raises(ProtectionError, match="no day or time"):
        moment("yesterday")


def tokens(vault: Vault, asking: Any, *subjects: str) -> set[str]:
    make = tokens_by(keyed_for_consent(asking, asking.consent, vault.ring(), (vault.keys, vault.folder)))
    return {make(subject) for subject in subjects}


@pytest.mark.spark
@pytest.mark.parametrize("ways", WAYS)
def test_rows_of_others_stay_behind(spark: SparkSession, vault: Vault, ways: Any) -> None:
    frame = spark.sql(
        "SELECT id, 'm' || id AS mail, named_struct('x', id) AS s FROM range(6) UNION ALL SELECT NULL, 'none', NULL"
    )
    asking = policy(RULE, consent=CONSENT)
    allowed = tokens(vault, asking, "1", "4", "77")
    vault.rotate()  # the ledger outlives it
    protector = Protector(vault.ring(), vault.keys, vault.folder, vault.folder / "jar", ways)
    made = protector.protect(frame, [asking], lambda purpose: allowed if purpose == "newsletter" else set())
    assert made.allowed == {"people": 3}
    assert made.frame.columns == frame.columns
    rows = made.frame.orderBy("id").collect()
    assert [(row.id, row.s.x) for row in rows] == [(1, 1), (4, 4)]
    assert all(row.mail.startswith("t2.") for row in rows)
    assert protector.protect(frame, [asking], lambda purpose: set()).frame.count() == 0


@pytest.mark.spark
def test_without_an_answer_nothing_is_written(spark: SparkSession, vault: Vault) -> None:
    frame = spark.sql("SELECT 1 AS id, 'm' AS mail")
    with pytest.raises(ProtectionError, match="there is no ledger to ask"):
        vault.protect(frame, RULE, consent=CONSENT)
    protector = Protector(vault.ring(), vault.keys, vault.folder, vault.folder)
    with pytest.raises(ProtectionError, match="'who', a column that this write does not have"):
        protector.protect(frame, [policy(RULE, consent={**CONSENT, "subject": "who"})], lambda purpose: set())


@pytest.mark.spark
def test_a_withdrawal_is_heeded_by_the_next_write(guarded: Guarded, spark: SparkSession) -> None:
    guarded.begin(RULE, consent=CONSENT)
    asking = policy(RULE, consent=CONSENT)
    one, two = (tokens(guarded.vault, asking, subject) for subject in ("1", "2"))
    store = Store(f"sqlite:///{guarded.folder / 'state' / 'store.db'}")
    ledger = Ledger(store)
    frame = spark.sql("SELECT id, 'm' || id AS mail FROM range(4)")

    def written() -> list[int]:
        frame.write.mode("overwrite").parquet(str(guarded.folder / "lake"))
        return sorted(row.id for row in spark.read.parquet(str(guarded.folder / "lake")).collect())

    assert written() == []
    ledger.record([entry(token) for token in one | two])
    assert written() == [1, 2]
    ledger.record([entry(token, "withdrawn", "2026-02-01") for token in one])
    assert written() == [2]
    what = list(guarded.log.records())[-1].entry.what
    assert what["subjects_allowed"] == {"people": 1}
    assert guarded.written().rows == 1
    with store.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE hookline_consents")
    with pytest.raises(WriteRefusedError, match="StoreError"):
        written()
    store.close()
