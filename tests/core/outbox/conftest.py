"""An outbox in the test's own folder, and sinks that misbehave on purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hookline.core.outbox import Message, Outbox

QUICK: dict[str, Any] = {"base_s": 0.01, "cap_s": 0.1, "linger_s": 0.0}


class ScriptedSink:
    """Keeps what it is given, unless ``refuse`` raises for one of the messages."""

    def __init__(self, refuse: Callable[[Message], None] = lambda message: None, batch_size: int = 10) -> None:
        self.batch_size = batch_size
        self.refuse = refuse
        self.batches: list[list[str]] = []

    def deliver(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.refuse(message)
        self.batches.append([message.id for message in messages])

    @property
    def ids(self) -> list[str]:
        return [id for batch in self.batches for id in batch]


class HangingSink:
    """Never returns from ``deliver`` until it is let go."""

    batch_size = 10

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def deliver(self, messages: Sequence[Message]) -> None:
        self.entered.set()
        self.let_go.wait(60)


@pytest.fixture
def scripted() -> type[ScriptedSink]:
    return ScriptedSink


@pytest.fixture
def hanging() -> Iterator[HangingSink]:
    sink = HangingSink()
    yield sink
    sink.let_go.set()


@pytest.fixture
def make_outbox(tmp_path: Path) -> Iterator[Callable[..., Outbox]]:
    """Open an outbox; all are closed at the end. The waits are short, so that failures are tried again at once."""
    opened: list[Outbox] = []

    def make(path: Path | None = None, **options: Any) -> Outbox:
        outbox = Outbox(path or tmp_path / "state" / "outbox.db", **{**QUICK, **options})
        opened.append(outbox)
        return outbox

    yield make
    for outbox in opened:
        outbox.close(0.2)


@pytest.fixture
def outbox(make_outbox: Callable[..., Outbox]) -> Outbox:
    return make_outbox()
