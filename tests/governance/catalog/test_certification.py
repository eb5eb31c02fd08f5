"""Entries, what certification asks of them, how it lapses, and how they are found: from what runs really leave in a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline.core.config_models import Config
from hookline.core.errors import AuditError, CatalogError
from hookline.core.events import Column, ColumnInput, ColumnLineage, Dataset, Read, Verdict, utc_now
from hookline.core.labels import DatasetLabels, LabelsConfig
from hookline.core.runtime import Runtime
from hookline.core.store import Store
from hookline.core.store.cataloguing import certification_steps, declare
from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
from hookline.core.store.records import Declared
from hookline.governance.audit import AuditLog
from hookline.governance.catalog import finding, gather
from hookline.governance.catalog.certification import settled, step
from hookline.governance.catalog.entry import CatalogEntry
from hookline.governance.catalog.options import CatalogConfig, CertificationRules
from hookline.governance.catalog.search import Query, search
from hookline.testing import sample_write

RAW, GOLD = Dataset("file", "/lake/raw", "parquet"), Dataset("file", '/lake/gold/it\'s "odd"', "parquet")
COLUMNS = (
    Column("id", "int"),
    Column(
        "who",
        "struct<mail:string,tags:array<string>>",
        True,
        (Column("mail", "string"), Column("tags", "array<string>")),
    ),
)
PASSED = Verdict("rows", "critical", "passed", 3)


class Lake:
    """A store with what runs tell of two datasets."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(state_dir=folder / "state", base_dir=folder, plugins=())
        self.log = AuditLog(folder / "state" / "audit.log")
        self.labels = LabelsConfig(
            owner=None, datasets=(DatasetLabels(match="*gold*", layer="gold", tags={"team": "sales"}),)
        )
        self.options = CatalogConfig()
        self.store = Store(self.config.store_url())

    def write(self, dataset: Dataset = GOLD, *, traced: bool = True, **more: Any) -> None:
        """A run that wrote to it."""
        runtime = Runtime(self.config)
        scope = runtime.open_run("daily")
        lineage = ColumnLineage({"who.mail": (ColumnInput(RAW, "mail", "DIRECT", "IDENTITY"),)}) if traced else None
        facts = {"dataset": dataset, "columns": COLUMNS, "verdicts": (PASSED,), "column_lineage": lineage, **more}
        write = sample_write(
            write_id=scope.next_write_id(),
            inputs=(Read(RAW),),
            **{"started_at": utc_now(), "finished_at": utc_now(), "operation": "overwrite", **facts},
        )
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=False)
        runtime.close_run(scope)
        runtime.close()

    def scan(self, dataset: Dataset, *found: tuple[str, str]) -> None:
        at = utc_now().isoformat(timespec="microseconds")
        told = tuple(StoredClassification(column, entity, 0.95, 0.9, False) for column, entity in found)
        scan = StoredScan(dataset.namespace, dataset.name, at, None, "x", 3, 3, told)
        with self.store.transaction() as connection:
            keep_scan(self.store, connection, scan.payload())

    def own(self, owner: str | None = "team-sales") -> None:
        declare(
            self.store,
            Declared(
                GOLD.namespace, GOLD.name, "2026-01-01", owner, "daily sales", {"tier": "1"}, {"who.mail": "where to"}
            ),
        )

    def entry(self, dataset: Dataset = GOLD) -> CatalogEntry:
        name = (dataset.namespace, dataset.name)
        (found,) = gather.entries(self.store, self.labels, self.options, [name])
        return settled(self.store, self.log, found)

    def step(self, state: Any) -> CatalogEntry:
        return step(self.store, self.log, self.entry(), state, "ada", f"made {state}")

    def actions(self) -> list[str]:
        return [record.entry.action for record in self.log.records()][1:]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    made = Lake(tmp_path)
    yield made
    made.store.close()


def good(lake: Lake) -> Lake:
    """With a dataset that keeps all rules, and is certified."""
    lake.write()
    lake.own()
    lake.scan(GOLD)
    lake.step("reviewed")
    assert lake.step("certified").certification.state == "certified"
    return lake


def test_an_entry_has_all_in_one_place(lake: Lake) -> None:
    failed = Verdict("share", "warn", "failed", 0.2)
    lake.write(verdicts=(PASSED, failed, Verdict("later", "error", "skipped")), rows=7, bytes=700)
    lake.own()
    lake.scan(RAW, ("mail", "EMAIL_ADDRESS"))
    entry = lake.entry()
    assert (entry.owner, entry.description, entry.layer) == ("team-sales", "daily sales", "gold")
    assert entry.tags == {"team": "sales", "tier": "1"}
    assert (entry.rows, entry.bytes, entry.schema_version) == (7, 700, 1)
    assert entry.quality is not None
    assert (entry.quality.score, entry.quality.failed) == (80.0, ("share",))
    assert entry.last_write is not None
    assert entry.last_write.job == "daily"
    assert [one.column for one in entry.columns] == ["id", "who", "who.mail", "who.tags", "who.tags._element"]
    mail = entry.columns[2]
    assert mail.comment == "where to"
    (held,) = mail.holds
    assert (held.entity, held.inherited_from) == ("EMAIL_ADDRESS", ("file", "/lake/raw", "mail"))
    assert entry.lineage == "hookline lineage show '/lake/gold/it'\"'\"'s \"odd\"'"
    document = entry.document()
    assert document["columns"][2]["holds"][0]["inherited_from"] == {
        "namespace": "file",
        "name": "/lake/raw",
        "column": "mail",
    }


@pytest.mark.parametrize(
    ("operations", "rows"),
    [(("overwrite", "append"), 6), (("append", "append"), None), (("create", "merge"), None), (("errorifexists",), 3)],
)
def test_all_rows_where_its_writes_tell_them(lake: Lake, operations: tuple[str, ...], rows: int | None) -> None:
    for operation in operations:
        lake.write(operation=operation)
    assert lake.entry().rows == rows


def test_the_steps_in_their_order(lake: Lake) -> None:
    lake.write()
    with pytest.raises(
        CatalogError, match="it is draft, and can't be made certified: it can be made reviewed or deprecated"
    ):
        lake.step("certified")
    lake.step("reviewed")
    with pytest.raises(CatalogError, match="it can't be certified: it has no owner; it was never looked through"):
        lake.step("certified")
    lake.own()
    lake.scan(GOLD)
    certified = lake.step("certified")
    assert [(one.state, one.actor, one.reason) for one in certified.certification.steps] == [
        ("reviewed", "ada", "made reviewed"),
        ("certified", "ada", "made certified"),
    ]
    assert lake.step("deprecated").certification.state == "deprecated"
    assert lake.actions() == ["catalog.certification"] * 3


BREAKS: dict[str, tuple[Any, str]] = {
    "no owner": (lambda lake: lake.own(None), "it has no owner"),
    "a critical check": (
        lambda lake: (lake.write(published=False, verdicts=(Verdict("key", "critical", "failed", 1),)), lake.write()),
        "the critical check 'key' did not pass at ",
    ),
    "one without an answer": (
        lambda lake: lake.write(verdicts=(PASSED, Verdict("key", "critical", "error"))),
        "the critical check 'key' did not pass at ",
    ),
    "no check": (lambda lake: lake.write(verdicts=()), "its last write was judged by no check"),
    "no lineage": (
        lambda lake: lake.write(traced=False),
        "it is not known where the columns of its last write came from",
    ),
    "personal data found": (
        lambda lake: lake.scan(GOLD, ("who.mail", "EMAIL_ADDRESS")),
        "it holds personal data in clear: who.mail",
    ),
    "personal data inherited": (
        lambda lake: lake.scan(RAW, ("mail", "EMAIL_ADDRESS")),
        "it holds personal data in clear: who.mail",
    ),
    "columns changed since the scan": (
        lambda lake: lake.write(columns=(*COLUMNS, Column("more", "string"))),
        "it was looked through for personal data before its columns changed",
    ),
}


@pytest.mark.parametrize("breaks", BREAKS)
def test_it_lapses_by_itself_and_that_is_recorded_once(lake: Lake, breaks: str) -> None:
    act, reason = BREAKS[breaks]
    act(good(lake))
    for _ in range(2):
        certification = lake.entry().certification
        assert certification.state == "reviewed"
        assert certification.steps[-1].by_itself
        assert certification.steps[-1].actor is None
        assert certification.steps[-1].reason.startswith(reason)
    assert lake.actions()[2:] == ["catalog.lapsed"]
    with lake.store.reading() as connection:
        assert len(certification_steps(connection)[GOLD.namespace, GOLD.name]) == 3


def test_a_masked_column_hands_nothing_on(lake: Lake) -> None:
    masked = ColumnLineage({"who.mail": (ColumnInput(RAW, "mail", "DIRECT", "TRANSFORMATION", True),)})
    good(lake).scan(RAW, ("mail", "EMAIL_ADDRESS"))
    assert lake.entry().certification.state == "reviewed"
    lake.write(column_lineage=masked)
    assert lake.step("certified").certification.state == "certified"


def test_a_critical_failure_is_forgiven_after_its_days(lake: Lake) -> None:
    lake.own()
    old = utc_now() - dt.timedelta(days=8)
    lake.write(verdicts=(Verdict("key", "critical", "failed", 1),), started_at=old, finished_at=old)
    lake.write()
    lake.scan(GOLD)
    assert lake.entry().certification.breaks == ()
    lake.options = CatalogConfig(certified=CertificationRules(quality_days=30, fresh_within_h=0.0000001))
    breaks = lake.entry().certification.breaks
    assert breaks[0].endswith("within 30 days")
    assert breaks[1].startswith("nothing was written to it within")


def test_rules_can_be_switched_off(lake: Lake) -> None:
    lake.write(verdicts=(), traced=False)
    lake.options = CatalogConfig(
        certified=CertificationRules(owner=False, quality_days=0, column_lineage=False, no_unprotected_pii=False)
    )
    lake.step("reviewed")
    assert lake.step("certified").certification.breaks == ()


def test_what_cannot_be_recorded_is_not_done(lake: Lake, tmp_path: Path) -> None:
    lake.write()
    lake.log = AuditLog(tmp_path)  # a folder
    with pytest.raises(AuditError):
        lake.step("reviewed")
    with lake.store.reading() as connection:
        assert certification_steps(connection) == {}


def test_a_lapse_that_cannot_be_recorded_is_told_all_the_same(lake: Lake, tmp_path: Path) -> None:
    good(lake).own(None)
    lake.log = AuditLog(tmp_path)
    assert lake.entry().certification.state == "reviewed"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query("sales where"), True),
        (Query("EMAIL_ADDRESS"), True),
        (Query("nowhere"), False),
        (Query(name="it's"), True),
        (Query(column="who.*"), True),
        (Query(column="absent"), False),
        (Query(owner="TEAM"), True),
        (Query(tag="tier"), True),
        (Query(tag="tier=2"), False),
        (Query(holds="email*"), True),
        (Query(holds="PERSON"), False),
        (Query(state="draft"), True),
        (Query(state="certified"), False),
        (Query(fresh_within_h=1), True),
        (Query(stale_after_h=1), False),
        (Query(least_quality=90), True),
        (Query(most_quality=90), False),
    ],
)
def test_it_is_found_by_what_is_known_of_it(lake: Lake, query: Query, found: bool) -> None:
    lake.write()
    lake.own()
    lake.scan(GOLD, ("who.mail", "EMAIL_ADDRESS"))
    assert bool(search([lake.entry()], query)) is found


def test_a_dataset_is_meant_by_the_end_of_its_name(lake: Lake) -> None:
    lake.write()
    lake.write(Dataset("s3://b", "gold/other", "delta"))
    assert finding.find(lake.store, "gold/other") == ("s3://b", "gold/other")
    assert finding.find(lake.store, GOLD.name) == (GOLD.namespace, GOLD.name)
    with pytest.raises(CatalogError, match="no dataset in the catalog is named 'none'"):
        finding.find(lake.store, "none")
