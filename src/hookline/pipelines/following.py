"""Which streaming queries are followed now: asked at every end of a run and of a context, most of which have none."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.core.runtime import RunScope
    from hookline.pipelines.followers import Follower

SETTLE_DEADLINE_S = 10.0
_lock = threading.Lock()
_followers: list[Follower] = []
_refused: dict[str, Follower] = {}


def add(follower: Follower) -> None:
    """A query is followed from now on."""
    with _lock:
        _followers.append(follower)


def refuse(follower: Follower) -> None:
    """Keep what stopped a query, for whoever waits for it."""
    _refused[follower.run_id] = follower


def settle(deadline_s: float = SETTLE_DEADLINE_S) -> None:
    """See every batch reported that is committed by now; waits no longer than the deadline."""
    end = time.monotonic() + deadline_s
    for follower in _current():
        follower.settle(end)


def release(scope: RunScope) -> None:
    """A run ends: its queries are not followed any longer."""
    for follower in _current():
        if follower.scope is scope:
            follower.release()
    for run_id in [run_id for run_id, follower in list(_refused.items()) if follower.scope is scope]:
        _refused.pop(run_id, None)


def stop_queries(deadline_s: float = SETTLE_DEADLINE_S) -> None:
    """Spark is about to stop, and would cut its queries off in the middle: end them, so that each batch is reported."""
    end = time.monotonic() + deadline_s
    for follower in _current():
        follower.stop_query(end)


def raise_refusal(java_query: Any) -> None:
    """Raise what stopped a query, for a job that waits for it."""
    follower = _refused.get(str(java_query.runId().toString())) if _refused else None
    if follower is not None and follower.refusal is not None:
        raise follower.refusal


def raise_any_refusal() -> None:
    """Raise, once, what stopped a query, for a job that waits for whichever query ends first."""
    for run_id in list(_refused):
        follower = _refused.pop(run_id, None)
        if follower is not None and follower.refusal is not None:
            raise follower.refusal


def _current() -> list[Follower]:
    with _lock:
        return list(_followers)


def forget(follower: Follower) -> None:
    """It ended."""
    with _lock:
        if follower in _followers:
            _followers.remove(follower)
