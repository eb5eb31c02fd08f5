"""A file that is locked says all that it was told, or the error says that it does not."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hookline.core.lockfile import LockFile


@contextmanager
def room(size: int) -> Iterator[None]:
    """Files end here, as on a disk that is full: the kernel takes what fits, and says so only when nothing does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_does_not_fit_leaves_what_was_there(tmp_path: Path) -> None:
    lock = LockFile.create(tmp_path / "a.lock", b"first\n")
    with room(10), pytest.raises(OSError, match="too large"):
        lock.append(b"second\n")
    assert (tmp_path / "a.lock").read_bytes() == b"first\n"
    lock.append(b"third\n")
    lock.leave()
    assert (tmp_path / "a.lock").read_bytes() == b"first\nthird\n"


def test_a_file_that_does_not_fit_is_not_there(tmp_path: Path) -> None:
    with room(3), pytest.raises(OSError, match="too large"):
        LockFile.create(tmp_path / "a.lock", b"first\n")
    assert list(tmp_path.iterdir()) == []
