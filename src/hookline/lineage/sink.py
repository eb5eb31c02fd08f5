"""OpenLineage events in a file, one JSON object a line (NDJSON), as OpenLineage's own file transport writes them.

An event that was delivered is on the disk (fsync). Several processes may write to one file: each batch is one append
under a lock. A process that dies in the middle of an append leaves half a line; the next writer removes it, and the
outbox, which was never told that the batch arrived, delivers it again. A batch that arrived without the outbox
learning of it is recognised by its events' ids, which are read back from the end of the file, and is not written
twice.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import SinkError
from hookline.lineage.openlineage import Event, event_id

if TYPE_CHECKING:
    from hookline.core.outbox import Message

FILE_NAME = "lineage.ndjson"
_TAIL_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class NdjsonSink:
    """An outbox sink that appends to a file.

    Args:
        path: made with its folders when the first event arrives; may be rotated or removed at any time.
        tail_bytes: how far back an event is recognised as one that is there already.
    """

    batch_size = 200

    def __init__(self, path: Path, *, tail_bytes: int = _TAIL_BYTES) -> None:
        self.path = path
        self._tail_bytes = tail_bytes
        self._seen: dict[str, None] = {}
        self._inode = -1
        self._read_to = 0

    def deliver(self, messages: Sequence[Message]) -> None:
        """Append what is not there yet.

        Raises:
            SinkError: when the file can't be written; it then still has whole lines only.
        """
        try:
            with self._locked() as file:
                _mend(file)
                self._learn(file)
                self._append(file, [dict(message.payload) for message in messages])
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SinkError(f"lineage events can't be appended to {self.path}: {reason}") from error
        except (KeyError, TypeError, ValueError):
            raise SinkError("a message is no OpenLineage run event", retryable=False) from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with suppress(OSError):  # a file system without locks: appending is still one write
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _learn(self, file: int) -> None:
        """Remember the ids of what others have appended since; of the last few megabytes at first."""
        status = os.fstat(file)
        if status.st_ino != self._inode or status.st_size < self._read_to:
            self._inode, self._read_to = status.st_ino, max(0, status.st_size - self._tail_bytes)
            self._seen.clear()
        for line in _lines(file, self._read_to, status.st_size):
            with suppress(ValueError, KeyError, TypeError):  # half a line at the cut, or somebody else's
                self._remember(event_id(json.loads(line)))
        self._read_to = status.st_size

    def _append(self, file: int, events: Iterable[Event]) -> None:
        new = {event_id(event): event for event in events}
        new = {key: event for key, event in new.items() if key not in self._seen}
        data = b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in new.values())
        written = os.write(file, data)
        if written < len(data):
            _mend(file)  # whole lines that fitted may stay: they are known by their ids when the batch comes again
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file)  # also when all is there already: whoever wrote it may have died before this
        self._read_to += written
        for key in new:
            self._remember(key)

    def _remember(self, key: str) -> None:
        self._seen[key] = None
        if len(self._seen) > self._tail_bytes // 256:
            del self._seen[next(iter(self._seen))]


def events_path(path: Path | None, *, state_dir: Path, base_dir: Path) -> Path:
    """The file of events that a configuration means: a path from its own folder, by default in the state folder."""
    return base_dir / path if path else state_dir / FILE_NAME


def _mend(file: int) -> None:
    """Remove half a line that a dead process left at the end; a whole event that only lacks its newline is given it."""
    size = os.fstat(file).st_size
    if size == 0 or os.pread(file, 1, size - 1) == b"\n":
        return
    start = _last_line(file, size)
    try:
        json.loads(os.pread(file, size - start, start))
    except ValueError:
        os.ftruncate(file, start)
    else:
        os.write(file, b"\n")


def _last_line(file: int, size: int) -> int:
    """Where the last line begins."""
    end = size
    while end > 0:
        begin = max(0, end - _CHUNK_BYTES)
        at = os.pread(file, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _lines(file: int, begin: int, end: int) -> Iterator[bytes]:
    """The lines between two places; at most ``tail_bytes`` and what other processes append between two batches."""
    rest = b""
    while begin < end:
        chunk = os.pread(file, min(_CHUNK_BYTES, end - begin), begin)
        if not chunk:
            return
        begin += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
