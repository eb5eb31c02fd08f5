"""Messages in memory, while the disk does not take them: bounded, in order, and delivered from here when need be."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hookline.core.outbox.message import Entry, Message

State = Literal["waiting", "taken", "dead"]
Key = tuple[str, str]


@dataclass
class _Kept:
    entry: Entry
    state: State = "waiting"
    attempts: int = 0
    held_until: float = 0.0
    reason: str = ""


@dataclass
class Drained:
    """What should be written down, by outcome."""

    waiting: list[Entry] = field(default_factory=list)
    delivered: list[Entry] = field(default_factory=list)
    dead: list[tuple[Entry, str]] = field(default_factory=list)

    @property
    def keys(self) -> list[Key]:
        """Sink and id of each."""
        entries = [*self.waiting, *self.delivered, *(entry for entry, _ in self.dead)]
        return [(entry.sink, entry.id) for entry in entries]


class Overflow:
    """The volatile place of messages; it has the same verbs as the journal."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        """Forget everything, as a forked child does: the parent still has it."""
        self._lock = threading.Lock()
        # Held while messages move to disk, so that none is claimed here and there at once.
        self.moving = threading.Lock()
        self._kept: dict[Key, _Kept] = {}
        self._delivered: dict[Key, Entry] = {}
        self._bytes = 0
        self._count: Counter[str] = Counter()

    def add(self, entry: Entry) -> bool:
        """Keep a message, unless its id is here already; False when there is no room for it."""
        key = (entry.sink, entry.id)
        with self._lock:
            if key in self._kept or key in self._delivered:
                return True
            if not self._make_room(entry.size_bytes):
                return False
            self._kept[key] = _Kept(entry)
            self._bytes += entry.size_bytes
            self._count[entry.sink] += 1
            return True

    def _make_room(self, size_bytes: int) -> bool:
        while self._is_full(size_bytes) and self._delivered:
            self._bytes -= self._delivered.pop(next(iter(self._delivered))).size_bytes
        return not self._is_full(size_bytes)

    def _is_full(self, size_bytes: int) -> bool:
        count = len(self._kept) + len(self._delivered)
        return count >= self._max_messages or self._bytes + size_bytes > self._max_bytes

    def holds(self, sink: str) -> bool:
        """Whether anything of a sink is here, so that a later message must queue up behind it."""
        return self._count[sink] > 0

    def is_empty(self) -> bool:
        """Whether nothing is here."""
        return not self._kept and not self._delivered

    def pending(self) -> dict[str, int]:
        """How many undelivered messages are here, by sink."""
        with self._lock:
            return dict(Counter(kept.entry.sink for kept in self._kept.values() if kept.state != "dead"))

    def claim(self, sink: str, limit: int, blocked: Callable[[Sequence[str]], set[str]]) -> list[Message]:
        """Take the next due messages; ``blocked`` tells which order keys must wait for messages on disk."""
        with self._lock:
            due = self._due(sink, limit)
        keys = blocked([kept.entry.order_key for kept in due if kept.entry.order_key])
        chosen = [kept for kept in due if kept.entry.order_key not in keys]
        with self._lock:
            for kept in chosen:
                kept.state = "taken"
        return [kept.entry.message(kept.attempts) for kept in chosen]

    def _due(self, sink: str, limit: int) -> list[_Kept]:
        now = time.time()
        due: list[_Kept] = []
        passed: set[str] = set()
        for kept in self._kept.values():
            if kept.entry.sink != sink or kept.state != "waiting":
                continue
            key = kept.entry.order_key
            if kept.held_until > now or key in passed:
                passed.update({key} - {""})
            elif kept.attempts:
                return due or [kept]
            else:
                due.append(kept)
                if len(due) == limit:
                    break
        return due

    def done(self, messages: Sequence[Message]) -> None:
        """Messages were delivered; only their ids stay, to be written down."""
        with self._lock:
            for message in messages:
                kept = self._pop((message.sink, message.id))
                if kept is not None:
                    entry = kept.entry._replace(payload="")
                    self._delivered[entry.sink, entry.id] = entry
                    self._bytes += entry.size_bytes

    def bury(self, message: Message, reason: str) -> None:
        """A message can't be delivered ever."""
        self._change([message], "dead", reason=reason)

    def hold(self, message: Message, wait_s: float) -> None:
        """A message failed; it waits."""
        self._change([message], "waiting", wait_s=wait_s)

    def release(self, messages: Sequence[Message]) -> None:
        """Messages go back as they were."""
        self._change(messages, "waiting")

    def _change(self, messages: Sequence[Message], state: State, *, reason: str = "", wait_s: float = 0.0) -> None:
        with self._lock:
            for message in messages:
                kept = self._kept.get((message.sink, message.id))
                if kept is not None:
                    kept.state, kept.reason = state, reason
                    kept.attempts += wait_s > 0
                    kept.held_until = time.time() + wait_s if wait_s else 0.0

    def drained(self, limit: int, *, also_taken: bool = False) -> Drained:
        """What can be written down now; a sink with something on its way stays as a whole, to keep the order."""
        result = Drained()
        with self._lock:
            busy = set() if also_taken else {k.entry.sink for k in self._kept.values() if k.state == "taken"}
            free = [kept for kept in self._kept.values() if kept.entry.sink not in busy]
            for kept in free[:limit]:
                if kept.state == "dead":
                    result.dead.append((kept.entry, kept.reason))
                else:
                    result.waiting.append(kept.entry)
            result.delivered.extend(itertools.islice(self._delivered.values(), limit))
        return result

    def remove(self, keys: Sequence[Key]) -> None:
        """Forget messages, and ids that were delivered."""
        with self._lock:
            for key in keys:
                self._pop(key)
                entry = self._delivered.pop(key, None)
                self._bytes -= entry.size_bytes if entry else 0

    def _pop(self, key: Key) -> _Kept | None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept.entry.size_bytes
            self._count[key[0]] -= 1
        return kept
