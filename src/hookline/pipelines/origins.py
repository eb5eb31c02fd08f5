"""What a plan forgets: which query a checkpoint, or a batch of a stream, holds the rows of.

Both go on as an RDD. What it was made by is remembered here by the RDD's number, for the latest ones.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)
_KEPT = 500
_plans: OrderedDict[tuple[str, int], Any] = OrderedDict()
_lock = threading.Lock()


def remember_safely(frame: Any, plan: Callable[[], Any]) -> None:
    """The same as ``remember``; that it fails costs lineage, and never the job."""
    try:
        remember(frame, plan())
    except Exception as error:  # noqa: BLE001
        logger.debug("the origin of a frame was not remembered: %s", type(error).__name__)


def remember(frame: Any, plan: Any) -> None:
    """A frame's rows are those of this analyzed plan, column by column."""
    leaf = frame._jdf.queryExecution().analyzed()
    key = _key(leaf)
    if key is None:
        return
    with _lock:
        _plans[key] = plan
        while len(_plans) > _KEPT:
            _plans.popitem(last=False)


def of(leaf: Any) -> Any:
    """The plan that a leaf's rows were made by; None when it is not known."""
    if not _plans:
        return None
    key = _key(leaf)
    with _lock:
        return None if key is None else _plans.get(key)


def _key(leaf: Any) -> tuple[str, int] | None:
    """An RDD's number counts within its application."""
    if not str(leaf.getClass().getName()).endswith(".LogicalRDD"):
        return None
    rdd = leaf.rdd()
    return str(rdd.sparkContext().applicationId()), int(rdd.id())
