"""Files that are locked for as long as their process lives: the lock dies with it, ``kill -9`` included."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TypeVar

from hookline.core import forks

LockFileT = TypeVar("LockFileT", bound="LockFile")


class LockFile:
    """A file that this process holds; without a descriptor it holds nothing, and everything here does nothing."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor
        forks.guard(self)

    def before_fork(self) -> None:
        """Nothing: the lock is this process's."""

    def after_fork_in_parent(self) -> None:
        """Nothing: the lock still is."""

    def after_fork_in_child(self) -> None:
        """Let go: a child that outlives its parent must not make the parent look alive."""
        self.leave()

    @classmethod
    def create(cls: type[LockFileT], path: Path, content: bytes, *, durable: bool = False) -> LockFileT:
        """Lock a new file and give it its name only then, so that nobody finds it unlocked.

        Args:
            durable: whether the content must be on the disk before the name is.

        Raises:
            OSError: when it can't be written; nothing is left then.
        """
        hidden = path.with_suffix(".new")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            write_all(descriptor, content, durable=durable)
            os.rename(hidden, path)
        except OSError:
            hidden.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    @classmethod
    def claim(cls: type[LockFileT], path: Path) -> LockFileT | None:
        """Take over a file whose process is gone; None when it lives, or another claimant was faster."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_APPEND)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                return cls(path, descriptor)
        except BlockingIOError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def read(self) -> bytes:
        """All that is in the file."""
        if self._descriptor is None:
            return b""
        with open(self._descriptor, "rb", closefd=False) as file:
            return file.read()

    def append(self, content: bytes) -> None:
        """Add to the file; it is on the disk afterwards. Raises OSError."""
        if self._descriptor is not None:
            write_all(self._descriptor, content, durable=True)

    def release(self) -> None:
        """What the file stands for is over, or was ended by somebody else."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Let another process claim the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def write_all(descriptor: int, content: bytes, *, durable: bool) -> None:
    """All of it or nothing: a disk that fills up takes the beginning without a complaint.

    Args:
        durable: whether it must be on the disk afterwards.

    Raises:
        OSError: it can't be written; the file has its former end.
    """
    size = os.fstat(descriptor).st_size
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if durable:
            os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
