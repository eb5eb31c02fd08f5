"""Which runs are alive: each holds a lock on a file that says who it is."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from hookline.core.events import Run, as_dict
from hookline.core.lockfile import LockFile

logger = logging.getLogger(__name__)
_FOLDER = "live"
_SUFFIX = ".lock"


class RunLock(LockFile):
    """A run's sign of life. A folder that can't be written costs the sign, not the run."""

    @classmethod
    def take(cls, state_dir: Path, run: Run) -> RunLock:
        """Say that a run lives."""
        path = state_dir / _FOLDER / f"{run.run_id}{_SUFFIX}"
        try:
            return cls.create(path, json.dumps(as_dict(run)).encode())
        except OSError as error:
            logger.warning("a run that dies will not be noticed: %s can't be written (%s)", path.parent, error.strerror)
            return cls(path, None)


def claim_dead_runs(state_dir: Path) -> Iterator[tuple[Run, RunLock]]:
    """Runs of this folder whose process is gone, each to one caller only, who ends the run and then releases the lock."""
    for path in sorted((state_dir / _FOLDER).glob(f"*{_SUFFIX}")):
        lock = RunLock.claim(path)
        if lock is None:
            continue
        try:
            run = _run(lock.read())
        except (ValueError, TypeError, KeyError):
            logger.warning("%s does not say which run it belonged to; it is removed", path)
            lock.release()
        else:
            yield run, lock


def _run(content: bytes) -> Run:
    facts = json.loads(content)
    facts["started_at"] = dt.datetime.fromisoformat(facts["started_at"])
    return Run(**facts)
