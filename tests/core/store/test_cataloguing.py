"""Layouts, declarations and certification steps on each kind of database."""

from __future__ import annotations

import dataclasses

import pytest

from hookline.core.errors import StoreError
from hookline.core.events import Column
from hookline.core.store import Store
from hookline.core.store.cataloguing import (
    add_step,
    certification_steps,
    declarations,
    declare,
    keep_layout,
    layouts,
)
from hookline.core.store.records import CertificationStep, Declared, Layout

NAME = ("file", '/lake/it\'s "odd" . ünïcode; DROP TABLE hookline_runs')
INNER = Column("s", "struct<a:int>", True, (Column("a", "int", False),))


def kept(store: Store, layout: Layout) -> Layout:
    with store.transaction() as connection:
        keep_layout(store, connection, layout.payload())
    with store.reading() as connection:
        found = layouts(connection, NAME)
        assert layouts(connection)[NAME] == found[NAME]
        return found[NAME]


def test_a_write_leaves_what_was_seen_at_rest(store: Store) -> None:
    written = Layout(*NAME, "2026-01-01T00:00:00+00:00", "parquet", "file:/lake", None, ("day",))
    assert kept(store, written) == written
    rested = dataclasses.replace(
        written,
        seen_at="2026-01-02T00:00:00+00:00",
        columns=(INNER,),
        comments={"s.a": "é"},
        rows=2**40,
        table_name="a.b",
    )
    found = kept(store, rested)
    assert found == rested
    assert found.columns is not None
    assert found.columns[0].fields == INNER.fields
    later = dataclasses.replace(written, seen_at="2026-01-03T00:00:00+00:00", partition_by=())
    assert kept(store, later) == dataclasses.replace(later, columns=(INNER,), comments={"s.a": "é"}, rows=2**40)
    assert kept(store, written).partition_by == (), "an earlier fact that comes late changes nothing"


def test_what_people_say(store: Store) -> None:
    said = Declared(*NAME, "2026-01-01", "team", "what it is", {"tier": "1", "plain": ""}, {"s.a": "a comment"})
    declare(store, said)
    declare(store, dataclasses.replace(said, owner=None))
    declare(store, dataclasses.replace(said, name="/other"))
    with store.reading() as connection:
        assert declarations(connection, NAME) == {NAME: dataclasses.replace(said, owner=None)}
        assert len(declarations(connection)) == 2


def test_steps_are_made_one_after_the_other(store: Store) -> None:
    first = CertificationStep("reviewed", "2026-01-01", "ada", "looks right")
    lapsed = CertificationStep("draft", "2026-01-02", None, "it has no owner", True)
    add_step(store, NAME, first, after=0)
    with pytest.raises(StoreError, match="changed by somebody else meanwhile"):
        add_step(store, NAME, lapsed, after=0)
    add_step(store, NAME, lapsed, after=1)
    with store.reading() as connection:
        assert certification_steps(connection) == {NAME: (first, lapsed)}
        assert certification_steps(connection, ("file", "/other")) == {}
