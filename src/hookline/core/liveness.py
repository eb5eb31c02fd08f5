"""Which runs are alive: each holds a lock on a file that says who it is. A lock dies with its process, ``kill -9`` included."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from hookline.core import forks
from hookline.core.events import Run, as_dict

logger = logging.getLogger(__name__)
_FOLDER = "live"
_SUFFIX = ".lock"


class RunLock:
    """A run's sign of life. A folder that can't be written costs the sign, not the run."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor
        forks.guard(self)

    def before_fork(self) -> None:
        """Nothing: the lock is this process's."""

    def after_fork_in_parent(self) -> None:
        """Nothing: the lock still is."""

    def after_fork_in_child(self) -> None:
        """Let go: a child that outlives its parent must not make the run look alive, nor end it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @classmethod
    def take(cls, state_dir: Path, run: Run) -> RunLock:
        """Lock a new file and give it its name only then, so that nobody finds it unlocked."""
        path = state_dir / _FOLDER / f"{run.run_id}{_SUFFIX}"
        hidden = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, json.dumps(as_dict(run)).encode())
            os.rename(hidden, path)
        except OSError as error:
            logger.warning("a run that dies will not be noticed: %s can't be written (%s)", path.parent, error.strerror)
            return cls(path, None)
        return cls(path, descriptor)

    def release(self) -> None:
        """The run is over, or was closed by somebody else."""
        if self._descriptor is None:
            return
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None


def claim_dead_runs(state_dir: Path) -> Iterator[tuple[Run, RunLock]]:
    """Runs of this folder whose process is gone, each to one caller only, who ends the run and then releases the lock."""
    for path in sorted((state_dir / _FOLDER).glob(f"*{_SUFFIX}")):
        claimed = _claim(path)
        if claimed is not None:
            yield claimed


def _claim(path: Path) -> tuple[Run, RunLock] | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not path.exists():  # its owner, or another claimant, was faster
            raise BlockingIOError
        facts = json.loads(os.read(descriptor, 1 << 20))
        facts["started_at"] = dt.datetime.fromisoformat(facts["started_at"])
        return Run(**facts), RunLock(path, descriptor)
    except BlockingIOError:
        os.close(descriptor)
    except (ValueError, TypeError, KeyError):
        logger.warning("%s does not say which run it belonged to; it is removed", path)
        path.unlink(missing_ok=True)
        os.close(descriptor)
    return None
