"""Where the columns of writes came from, kept and read again."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import select

from hookline.core.events import ColumnInput, ColumnLineage, Dataset, Run, Write, as_dict
from hookline.core.store import schema
from hookline.core.store.facts import APPLY

if TYPE_CHECKING:
    from hookline.core.store import Store

AT = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)
RUN = Run("0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "retail.silver", AT)
SOURCE, OTHER = Dataset("s3://landing", "a \"quoted\" | name\n'x'"), Dataset("file", "/in")
LINEAGE = ColumnLineage(
    {
        "id": (ColumnInput(SOURCE, "id", "DIRECT", "IDENTITY"),),
        "h": (
            ColumnInput(SOURCE, "mail", "DIRECT", "TRANSFORMATION", masking=True, note="a Python function takes it"),
            ColumnInput(OTHER, "flag", "INDIRECT", "CONDITIONAL"),
        ),
        "one": (),
    },
    (ColumnInput(OTHER, "s.x.y", "INDIRECT", "JOIN"),),
    ("h: an RDD",),
)


def write(number: int, lineage: ColumnLineage | None, **more: object) -> Write:
    at = AT + dt.timedelta(minutes=number)
    made = Write(f"{RUN.run_id}/{number}", Dataset("file", "/out"), "append", at, finished_at=at, published=True)
    return dataclasses.replace(made, column_lineage=lineage, **more)  # type: ignore[arg-type]


def keep(store: Store, *writes: Write) -> None:
    with store.transaction() as connection:
        APPLY["run_started"](store, connection, as_dict(RUN))
        for one in writes:
            APPLY["write"](store, connection, {"run_id": RUN.run_id, **as_dict(one)})


def test_a_run_has_the_lineage_that_its_writes_were_told_with(store: Store) -> None:
    keep(store, write(1, LINEAGE), write(2, None), write(3, ColumnLineage(degraded="an RDD has no columns")))
    ended = store.run(RUN.run_id).ended
    assert [one.column_lineage for one in ended.writes] == [
        LINEAGE,
        None,
        ColumnLineage(degraded="an RDD has no columns"),
    ]
    assert (ended.writes_total, ended.traced_writes) == (3, 1)


def test_equal_lineage_of_many_writes_is_kept_once_and_told_once_with_its_latest_time(store: Store) -> None:
    keep(store, *(write(number, LINEAGE) for number in range(1, 40)), write(40, dataclasses.replace(LINEAGE, gaps=())))
    keep(store, write(3, LINEAGE))
    with store.transaction() as connection:
        assert len(connection.execute(select(schema.column_lineage)).all()) == 2
    found = store.column_lineages()
    assert [(one.target, one.job, one.operation) for one in found] == [
        (("file", "/out"), "retail.silver", "append")
    ] * 2
    assert [(one.lineage, one.at) for one in found] == [
        (LINEAGE, (AT + dt.timedelta(minutes=39)).isoformat()),
        (dataclasses.replace(LINEAGE, gaps=()), (AT + dt.timedelta(minutes=40)).isoformat()),
    ]


def test_lineage_of_a_time(store: Store) -> None:
    keep(store, write(1, LINEAGE), write(5, dataclasses.replace(LINEAGE, dataset=())))
    assert [one.lineage.dataset for one in store.column_lineages(until=(AT + dt.timedelta(minutes=2)).isoformat())] == [
        LINEAGE.dataset
    ]
    assert [one.lineage.dataset for one in store.column_lineages(since=(AT + dt.timedelta(minutes=2)).isoformat())] == [
        ()
    ]


def test_what_was_not_published_is_no_lineage(store: Store) -> None:
    keep(store, write(1, LINEAGE, published=False))
    assert store.column_lineages() == ()
