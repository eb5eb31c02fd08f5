"""Personal data is handed down the lineage, and no further than a step that makes it unrecognizable."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline.core.events import ColumnInput, ColumnLineage, Dataset
from hookline.core.store.classifying import StoredClassification, StoredScan
from hookline.core.store.inheriting import Known, known_columns
from hookline.core.store.records import StoredColumns

A, B, C = (Dataset("s3://lake", name, "parquet") for name in "abc")


def scanned(dataset: Dataset, *columns: str, entity: str = "EMAIL_ADDRESS") -> StoredScan:
    found = tuple(StoredClassification(column, entity, 0.9, 1.0, False) for column in columns)
    return StoredScan(dataset.namespace, dataset.name, "2026-01-01T00:00:00+00:00", None, "x", 10, 10, found)


def step(target: Dataset, at: str = "1", job: str = "job", **columns: Any) -> StoredColumns:
    return StoredColumns((target.namespace, target.name), ColumnLineage(columns), job, "append", at)


def from_(dataset: Dataset, column: str, kind: Any = "DIRECT", *, masking: bool = False) -> tuple[ColumnInput, ...]:
    return (ColumnInput(dataset, column, kind, "TRANSFORMATION" if kind == "DIRECT" else "FILTER", masking),)


def held(known: dict[Any, tuple[Known, ...]], dataset: Dataset) -> set[tuple[str, str]]:
    return {(one.column, one.entity) for one in known.get((dataset.namespace, dataset.name), ())}


def test_it_goes_through_every_step_and_keeps_where_it_came_from() -> None:
    known = known_columns([scanned(A, "mail")], [step(C, who=from_(B, "contact")), step(B, contact=from_(A, "mail"))])
    (one,) = known[C.namespace, C.name]
    assert (one.column, one.entity, one.origin) == ("who", "EMAIL_ADDRESS", ("s3://lake", "a", "mail"))
    assert one.inherited_by((C.namespace, C.name))


def test_masking_and_what_only_decides_on_rows_end_it() -> None:
    steps = [step(B, token=from_(A, "mail", masking=True), chosen=from_(A, "mail", "INDIRECT"), kept=from_(A, "mail"))]
    assert held(known_columns([scanned(A, "mail")], steps), B) == {("kept", "EMAIL_ADDRESS")}


def test_the_last_write_of_a_job_says_where_a_column_comes_from() -> None:
    steps = [step(B, "1", c=from_(A, "mail")), step(B, "2", c=from_(A, "mail", masking=True))]
    assert held(known_columns([scanned(A, "mail")], steps), B) == set()
    another = [*steps, step(B, "3", job="other", c=from_(A, "mail"))]
    assert held(known_columns([scanned(A, "mail")], another), B) == {("c", "EMAIL_ADDRESS")}


def test_fields_go_with_their_struct_and_come_out_of_it() -> None:
    steps = [step(B, whole=from_(A, "contact"), part=from_(A, "contact.mail"), other=from_(A, "contact.age"))]
    assert held(known_columns([scanned(A, "contact.mail")], steps), B) == {
        ("whole.mail", "EMAIL_ADDRESS"),
        ("part", "EMAIL_ADDRESS"),
    }
    inside = [step(B, part=from_(A, "payload.user"))]
    assert held(known_columns([scanned(A, "payload")], inside), B) == {("part", "EMAIL_ADDRESS")}


def test_names_that_begin_alike_are_not_taken_for_each_other() -> None:
    assert held(known_columns([scanned(A, "mail2")], [step(B, c=from_(A, "mail"))]), B) == set()


def test_a_job_that_writes_what_it_reads_hands_it_on() -> None:
    known = known_columns([scanned(A, "mail")], [step(A, copy=from_(A, "mail"), again=from_(A, "copy"))])
    assert held(known, A) == {(column, "EMAIL_ADDRESS") for column in ("mail", "copy", "again")}


def test_a_circle_ends() -> None:
    steps = [step(B, x=from_(A, "y")), step(A, y=from_(B, "x")), step(A, deep=from_(A, "deep.deep"))]
    known = known_columns([scanned(A, "y", "deep")], steps)
    assert held(known, B) == {("x", "EMAIL_ADDRESS")}


def test_a_struct_that_is_put_into_itself_ends() -> None:
    steps = [
        step(A, s=from_(B, "s")),
        StoredColumns(("s3://lake", "b"), ColumnLineage({"s.s": from_(A, "s")}), "job", "append", "2"),
    ]
    assert len(held(known_columns([scanned(A, "s.mail")], steps), A)) < 100


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=25))
def test_it_reaches_what_can_be_reached_without_a_mask(edges: list[tuple[int, int, bool]]) -> None:
    names = [Dataset("n", str(number), "parquet") for number in range(8)]
    steps = [
        step(names[target], job=f"{number}", c=from_(names[source], "c", masking=masked))
        for number, (source, target, masked) in enumerate(edges)
    ]
    reached = {0}
    while True:
        more = {target for source, target, masked in edges if source in reached and not masked} - reached
        if not more:
            break
        reached |= more
    known = known_columns([scanned(names[0], "c")], steps)
    assert {int(name) for (_, name), columns in known.items() if columns} == reached
