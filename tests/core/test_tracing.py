"""Traces beside the job: order, budgets, ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hookline.core import tracing
from hookline.core.events import ColumnLineage
from hookline.core.tracing import Trace, Tracing

FOUND = ColumnLineage({"a": ()})


class Told:
    """What was told, in order."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, ColumnLineage | None]] = []

    def of(self, name: str) -> Callable[[Trace | None, ColumnLineage | None], None]:
        return lambda trace, lineage: self.answers.append((name, lineage))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Something to hang on; released at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def test_ends_are_told_in_order_each_with_its_own_answer(told: Told) -> None:
    beside = Tracing()

    def slow() -> ColumnLineage:
        time.sleep(0.05)
        return FOUND

    traces = [beside.trace(slow) for _ in range(3)]
    for number, trace in enumerate(traces):
        beside.tell(trace, told.of(f"traced {number}"))
    beside.tell(None, told.of("without"))
    beside.drain()
    assert told.answers == [("traced 0", FOUND), ("traced 1", FOUND), ("traced 2", FOUND), ("without", None)]
    beside.close()


def test_nobody_waits_for_a_trace_but_the_drain(told: Told, hanging: threading.Event) -> None:
    beside = Tracing()

    def hang() -> ColumnLineage:
        hanging.wait(20)
        return FOUND

    began = time.monotonic()
    beside.tell(beside.trace(hang), told.of("one"))
    beside.tell(beside.trace(lambda: FOUND), told.of("two"))
    assert time.monotonic() - began < 1
    beside.drain(0.2)
    assert time.monotonic() - began < 5
    assert [(name, lineage.degraded) for name, lineage in told.answers if lineage] == [
        ("one", "the run ended before its plan was read"),
        ("two", "the run ended before its plan was read"),
    ]


def test_a_trace_over_its_budget_is_told_without_and_the_next_ones_are_traced(
    told: Told, hanging: threading.Event
) -> None:
    beside = Tracing(budget_s=0.2)

    def hang() -> ColumnLineage:
        hanging.wait(20)
        return FOUND

    first, second = beside.trace(hang), beside.trace(lambda: FOUND)
    beside.tell(first, told.of("first"))
    beside.tell(second, told.of("second"))
    beside.drain(10)
    assert told.answers == [
        ("first", ColumnLineage(degraded="its plan could not be read within 0.2 s")),
        ("second", FOUND),
    ]
    assert (first.trouble, second.trouble) == (True, False)
    beside.close()


@pytest.mark.parametrize("error", [ValueError("a secret value"), SystemExit(3), RecursionError(), MemoryError()])
def test_what_goes_wrong_is_told_by_its_kind_alone(told: Told, error: BaseException) -> None:
    beside = Tracing()

    def fail() -> ColumnLineage:
        raise error

    beside.tell(beside.trace(fail), told.of("failed"))
    beside.tell(beside.trace(lambda: FOUND), told.of("next"))
    beside.drain()
    assert told.answers == [
        ("failed", ColumnLineage(degraded=f"its plan could not be read ({type(error).__name__})")),
        ("next", FOUND),
    ]
    beside.close()


def test_memory_is_bounded(told: Told, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "MAX_WAITING", 2)
    beside = Tracing()
    started = threading.Event()

    def hang() -> ColumnLineage:
        started.set()
        hanging.wait(20)
        return FOUND

    beside.trace(hang)
    assert started.wait(5)
    traces = [beside.trace(lambda: FOUND) for _ in range(4)]
    assert [trace.trouble for trace in traces] == [False, False, True, True]


def test_the_thread_that_traced_leaves_before_it_ends() -> None:
    left = threading.Event()
    beside = Tracing(leave=left.set)
    beside.trace(lambda: FOUND).wait(5)
    assert not left.is_set()
    beside.close()
    assert left.wait(5)


def test_a_listener_that_fails_does_not_end_the_telling(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    beside = Tracing()

    def fail(trace: Trace | None, lineage: ColumnLineage | None) -> None:
        raise ValueError("broken")

    beside.tell(None, fail)
    beside.tell(None, told.of("next"))
    beside.drain()
    assert told.answers == [("next", None)]
    assert "could not be told" in caplog.text
    beside.close()
