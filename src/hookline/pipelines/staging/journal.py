"""What is being published, on disk: enough for another process to undo it when this one dies.

One file per staged write, locked by its writer for as long as that lives. Each line is the whole state, and the last whole
line counts.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hookline.core.lockfile import LockFile
from hookline.pipelines.staging import FOLDER, SUFFIX
from hookline.pipelines.staging.catalog import Registration

logger = logging.getLogger(__name__)
# Enough that two places seldom share one, few enough to leave lying about.
_TURNS = 64
Move = tuple[str, str]


@dataclass(frozen=True)
class Swap:
    """What goes and what comes in one place: all of it, or nothing.

    Attributes:
        going, coming: renames (from, to), in their order.
        names: the files of a folder that comes in one piece, relative to it.
    """

    going: tuple[Move, ...] = ()
    coming: tuple[Move, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    """What tells whether a write elsewhere was published.

    Attributes:
        kind: ``file`` (it was when ``path`` exists), ``delta`` (when a commit after ``version`` of the table at ``place``
            adds ``path``), or ``unknown`` (nobody can tell).
    """

    kind: str
    place: str
    path: str = ""
    version: int = -1


@dataclass(frozen=True)
class Entry:
    """What to undo when the writer is gone.

    Attributes:
        folder: the URI of the staging folder, deleted in the end.
        target: the URI of what is written to.
        swaps: renames that were made or begun.
        made: folders and markers that were made, deleted when they are empty.
        proof: where this goes with another write, whether that was published: nothing is undone then.
        table: what becomes of the table that the files belong to, where one is made.
    """

    folder: str
    target: str
    swaps: tuple[Swap, ...] = ()
    made: tuple[str, ...] = ()
    proof: Proof | None = None
    table: Registration | None = None

    @property
    def cleared(self) -> Entry:
        """The same when nothing but the folder is left to remove."""
        return Entry(self.folder, self.target)


class Journal(LockFile):
    """The file of one staged write. A state folder that can't be written costs the recovery, not the write."""

    @classmethod
    def begin(cls, state_dir: Path, entry: Entry) -> Journal:
        """Say what is to be staged."""
        path = state_dir / FOLDER / f"{uuid.uuid4()}{SUFFIX}"
        try:
            return cls.create(path, _line(entry), durable=True)
        except OSError as error:
            _warn(path, error)
            return cls(path, None)

    def record(self, entry: Entry) -> None:
        """Make a state durable, before it is acted upon."""
        try:
            self.append(_line(entry))
        except OSError as error:
            _warn(self._path, error)


def _line(entry: Entry) -> bytes:
    # A line that the disk had no room for ends here, and does not spoil this one.
    return b"\n" + json.dumps(dataclasses.asdict(entry)).encode() + b"\n"


def _warn(path: Path, error: OSError) -> None:
    logger.warning(
        "a write that is killed will not be cleaned up: %s can't be written (%s)", path.parent, error.strerror
    )


def claim_abandoned(state_dir: Path) -> Iterator[tuple[Entry, Journal]]:
    """Staged writes of this state folder whose process is gone, each to one caller only."""
    for path in sorted((state_dir / FOLDER).glob(f"*{SUFFIX}")):
        journal = None
        try:
            journal = Journal.claim(path)
            if journal is None:
                continue
            entry = _entry(journal.read().split(b"\n")[:-1])  # what follows the last line's end was never whole
        except (OSError, ValueError, TypeError, KeyError):
            logger.warning("%s does not say what was staged; look for folders named .hookline-* and remove it", path)
            if journal is not None:
                journal.leave()
        else:
            yield entry, journal


def _entry(lines: list[bytes]) -> Entry:
    for line in reversed(lines):
        try:
            facts = json.loads(line)
        except ValueError:
            continue
        swaps = tuple(Swap(_moves(one["going"]), _moves(one["coming"]), tuple(one["names"])) for one in facts["swaps"])
        proof = Proof(**facts["proof"]) if facts.get("proof") else None
        table = Registration(**facts["table"]) if facts.get("table") else None
        return Entry(facts["folder"], facts["target"], swaps, tuple(facts["made"]), proof, table)
    raise ValueError("no whole line")


def _moves(pairs: list[list[str]]) -> tuple[Move, ...]:
    return tuple((source, target) for source, target in pairs)


@contextmanager
def turn(state_dir: Path, uri: str) -> Iterator[None]:
    """Of all who share a state folder, one at a time publishes to a place."""
    number = int.from_bytes(hashlib.sha256(uri.encode()).digest()[:4], "big") % _TURNS
    path = state_dir / FOLDER / f"{number}.turn"
    descriptor = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        logger.debug("no turns are taken: %s can't be locked (%s)", path, error.strerror)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
