"""The log on disk: a file that only grows, and beside it its signed end.

Every process of a machine may append: the file is locked for the time that it takes. What was appended is on the disk before
``append`` returns. A process that is killed while it writes leaves half a line: the next one cuts it off and says so in the log.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import AuditError
from hookline.core.lockfile import write_all
from hookline.governance.audit.records import START, Entry, NotARecordError, Record, following, parse
from hookline.governance.audit.signing import Checkpoint, Signer

if TYPE_CHECKING:
    from hookline.core.safekeeping import AuditConfig

OPENED, TORN = "audit.opened", "audit.torn"
_STEP_BYTES = 64 << 10


def open_log(config: AuditConfig, base_dir: Path, state_dir: Path) -> AuditLog:
    """The log that a configuration tells of. Nothing is written yet."""
    path = base_dir / config.path if config.path else state_dir / "audit.log"
    return AuditLog(path, base_dir / config.signing_key if config.signing_key else None)


class AuditLog:
    """A log and what it is signed with.

    Args:
        path: the log.
        signing_key: the private key's file; by default beside the log, made when the log is.
    """

    def __init__(self, path: Path, signing_key: Path | None = None) -> None:
        self.path = path
        self.head_path = path.with_name(path.name + ".head")
        self.signing_key = signing_key or path.with_suffix(".key")
        self._signer = Signer(self.signing_key)

    def append(self, *entries: Entry) -> Checkpoint:
        """Keep these, in this order, all or none.

        Raises:
            AuditError: they could not be kept. What they tell of must then not be done.
        """
        return self.append_by(lambda _: entries)

    def append_by(self, decide: Callable[[Iterator[Record]], Sequence[Entry]]) -> Checkpoint:
        """Keep what follows from what is in the log; nobody else appends meanwhile.

        Raises:
            AuditError: as ``append``.
        """
        try:
            with self._locked() as descriptor:
                return self._append(descriptor, decide(self.records()))
        except OSError as error:
            raise AuditError(f"the audit log {self.path} can't be written: {error.strerror}") from None

    def records(self) -> Iterator[Record]:
        """What is in it, oldest first.

        Raises:
            AuditError: it can't be read, or a line is no record.
        """
        lines = 0
        try:
            with self.path.open("rb") as file:
                for line in file:
                    lines += 1
                    if line.endswith(b"\n"):
                        yield parse(line[:-1])
        except FileNotFoundError:
            return
        except OSError as error:
            raise AuditError(f"the audit log {self.path} can't be read: {error.strerror}") from None
        except NotARecordError as error:
            raise AuditError(f"{self.path}, line {lines}: {error}; see `hookline audit verify`") from None

    def id(self) -> str:
        """The log's own id, which its first record tells; empty when there is none.

        Raises:
            AuditError: it can't be read, or its first line is no record.
        """
        first = next(self.records(), None)
        return "" if first is None else str(first.entry.what.get("log", ""))

    def head(self) -> Checkpoint | None:
        """Its signed end, as the file beside it tells; None when there is none that can be read."""
        try:
            return Checkpoint.parse(json.loads(self.head_path.read_bytes()))
        except (OSError, ValueError):
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, entries: Sequence[Entry]) -> Checkpoint:
        last, log, torn = self._end(descriptor)
        more: list[Entry] = []
        if last is None:
            log = str(uuid.uuid4())
            more.append(Entry(OPENED, {"log": log}))
        if torn:
            more.append(Entry(TORN, {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}))
        seq, prev = (last.seq, last.hash) if last else (0, START)
        lines: list[bytes] = []
        for entry in (*more, *entries):
            record = following(seq, prev, entry)
            seq, prev, at = record.seq, record.hash, record.at
            lines.append(record.line())
        if not lines:
            return self._signer.sign(log, seq, prev, last.at if last else "")
        checkpoint = self._signer.sign(log, seq, prev, at)
        if torn:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - len(torn))
        write_all(descriptor, b"".join(lines), durable=True)
        self._keep_head(checkpoint)
        return checkpoint

    def _end(self, descriptor: int) -> tuple[Record | None, str, bytes]:
        """The last record, the log's id, and what follows the last line's end."""
        size = os.fstat(descriptor).st_size
        tail, start = b"", size
        while start and tail.count(b"\n") < 2:
            step = min(_STEP_BYTES, start)
            start -= step
            tail = os.pread(descriptor, step, start) + tail
        whole, _, torn = tail.rpartition(b"\n")
        if not whole:
            if size > len(torn):
                raise AuditError(f"{self.path} is not an audit log: its first line is empty")
            return None, "", torn
        try:
            last = parse(whole.rpartition(b"\n")[2])
            first = parse(os.pread(descriptor, _STEP_BYTES, 0).partition(b"\n")[0])
        except NotARecordError as error:
            raise AuditError(
                f"the audit log {self.path} was changed ({error}): look at it with `hookline audit verify`, and move it away"
            ) from None
        return last, str(first.entry.what.get("log", "")), torn

    def _keep_head(self, checkpoint: Checkpoint) -> None:
        hidden = self.head_path.with_name(f"{self.head_path.name}.new")
        with hidden.open("wb") as file:
            file.write(json.dumps(checkpoint.document(), indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        hidden.rename(self.head_path)
