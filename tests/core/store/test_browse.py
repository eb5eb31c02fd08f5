"""Lists for the page, by a reader that changes nothing: the same on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hookline.core.errors import StoreError
from hookline.core.events import content_id
from hookline.core.store import Store, Subject, migrations, schema
from hookline.core.store.browse import datasets, runs, spending
from hookline.core.store.browse.ancestors import last_works
from hookline.core.store.metered import keep_measurement
from hookline.core.store.reader import StoreReader, UnreadyStoreError

LONG = "job " + "n" * 9_000
DAYS = [f"2026-03-{day:02d}T00:00:00+00:00" for day in range(1, 12)]


def at(day: int, second: int = 0) -> str:
    return f"2026-03-{day:02d}T12:00:{second:02d}+00:00"


@pytest.fixture
def filled(store_url: str) -> str:
    """Ten days of two jobs: one copies a to b, the other, whose name is long, b to c, and fails on odd days."""
    store = Store(store_url)
    with store.transaction() as connection:
        for day in range(1, 11):
            for job, source, target, failed in (("copy", "a", "b", False), (LONG, "b", "c", day % 2 == 1)):
                run_id = f"{day:04x}{len(job):04x}"
                row = {
                    "run_id": run_id,
                    "job": job,
                    "job_key": job[:200],
                    "started_at": at(day),
                    "duration_s": float(day),
                }
                connection.execute(schema.runs.insert().values(row | {"status": "failed" if failed else "finished"}))
                own = {
                    "write_id": f"{run_id}/1",
                    "namespace": "file",
                    "name": target,
                    "dataset_id": content_id("file", target),
                }
                own |= {"run_id": run_id, "operation": "append", "rows": day, "published": not failed, "columns": "[]"}
                connection.execute(schema.writes.insert().values(own | {"started_at": at(day, 1)}))
                edge = {
                    "source_namespace": "file",
                    "source_name": source,
                    "target_namespace": "file",
                    "target_name": target,
                }
                connection.execute(schema.edges.insert().values(edge | {"write_id": f"{run_id}/1"}))
                verdict = {"write_id": f"{run_id}/1", "position": 0, "check_name": "x", "severity": "error"}
                connection.execute(
                    schema.verdicts.insert().values(verdict | {"status": "failed" if failed else "passed"})
                )
                cost = {"total": 2.0, "currency": "USD", "by_dataset": [["file", target, 0.5]]}
                measured = {
                    "event_id": run_id,
                    "run_id": run_id,
                    "subject": [*Subject(job)],
                    "at": at(day),
                    "good": True,
                }
                keep_measurement(store, connection, measured | {"document": {"points": {}, "cost": cost}})
    store.close()
    return store_url


def test_runs_by_job_status_and_time(filled: str) -> None:
    reader = StoreReader(filled)
    with reader.reading() as connection:
        found = runs.listed(connection, runs.RunFilter(), None, 7)
        rest = runs.listed(connection, runs.RunFilter(), runs.Cursor(found[-1].started_at, found[-1].run_id), 50)
        ids = [one.run_id for one in [*found, *rest]]
        assert ids == sorted(ids, reverse=True)
        assert len(ids) == 20
        assert len(runs.listed(connection, runs.RunFilter(job=LONG, statuses=("failed",)), None, 50)) == 5
        assert len(runs.listed(connection, runs.RunFilter(named="COP", since=at(9)), None, 50)) == 2
        assert runs.listed(connection, runs.RunFilter(named="_op"), None, 50) == []
        assert runs.jobs_named(connection, "O", 5) == ["copy", LONG[:200]]
        assert [one.run_id for one in runs.run_ids_beginning(connection, "000a", 5)] == ["000a0004", "000a232c"]
        counts = runs.counts_by_time(connection, DAYS, ("failed", "finished"))
        assert (sum(counts["failed"].values()), sum(counts["finished"].values()), counts["failed"][DAYS[0]]) == (
            5,
            15,
            1,
        )
        counted = runs.counts(connection, ["0001232c", "00010004"])
        assert {key: (one.rows, one.checks) for key, one in counted.items()} == {
            "0001232c": (1, {"failed": 1}),
            "00010004": (1, {"passed": 1}),
        }
        assert [one.duration_s for one in runs.durations(connection, "copy", 3)] == [8.0, 9.0, 10.0]
        assert len(runs.durations_of_jobs(connection, ["copy", LONG], 4)) == 8
    reader.close()


def test_datasets_costs_and_the_last_works(filled: str) -> None:
    reader = StoreReader(filled)
    with reader.reading() as connection:
        assert sorted(one.name for one in datasets.all_datasets(connection, 10)) == ["b", "c"]
        written = datasets.last_writes(connection, [content_id("file", "c"), content_id("file", "b")], 3)
        assert [one.rows for one in written[content_id("file", "c")]] == [8, 9, 10]
        assert [one.rows for one in datasets.writes_before(connection, content_id("file", "b"), at(5), 2)] == [3, 4]
        troubles = datasets.checks_of(connection, ["0009232c/1", "00090004/1"], only_trouble=True)
        assert [*troubles] == ["0009232c/1"]
        assert [(one.what, one.amount, one.runs) for one in spending.by_day(connection, at(10))] == [
            ("2026-03-10", 4.0, 2)
        ]
        assert [(one.what, one.amount) for one in spending.by_job(connection, at(1), 1)] in (
            [("copy", 20.0)],
            [(LONG, 20.0)],
        )
        assert spending.of_datasets(connection, [content_id("file", "b")], at(1))[content_id("file", "b")].amount == 5.0
        works = last_works(connection).works
        assert sorted((work.inputs[0][1], work.target[1], work.run_id) for work in works if work.target) == [
            ("a", "b", "000a0004"),
            ("b", "c", "000a232c"),
        ]
    reader.close()


def test_a_reader_changes_nothing(filled: str) -> None:
    reader = StoreReader(filled)
    with pytest.raises(StoreError), reader.reading() as connection:
        connection.execute(text("UPDATE hookline_runs SET job = 'x'"))
    reader.close()


def test_a_store_that_is_not_ready_says_why(store_url: str) -> None:
    reader = StoreReader(store_url)
    with pytest.raises(UnreadyStoreError) as missing, reader.reading():
        pass
    assert missing.value.state in ("missing", "empty")
    store = Store(store_url)
    for version, state in ((migrations.VERSION - 1, "older"), (migrations.VERSION + 1, "newer")):
        with store.transaction() as connection:
            connection.execute(schema.schema_version.update().values(version=version))
        with pytest.raises(UnreadyStoreError) as unready, reader.reading():
            pass
        assert unready.value.state == state
    store.close()
    reader.close()
