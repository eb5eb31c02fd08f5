"""A Spark job of ours beside the user's: its own thread, its own tag, a deadline that is kept."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
_log = logging.getLogger(__name__)
_CANCEL_AGAIN_S = 0.5
# What the job must not take over from the thread that it is started for: cancelling the user's group would cancel ours.
_NOT_INHERITED = ("spark.jobGroup.id", "spark.job.tags", "spark.job.interruptOnCancel", "spark.job.description")


class DeadlineError(Exception):
    """A job did not end in time."""


def run_job(spark: SparkSession, description: str, deadline_s: float, action: Callable[[], T]) -> T:
    """What ``action``, which starts Spark jobs, returns. The caller's local properties stay as they are.

    Raises:
        DeadlineError: it took longer than ``deadline_s``; its jobs have been cancelled.
        Exception: whatever ``action`` raised.
    """
    from pyspark import InheritableThread

    tag = f"hookline-{uuid.uuid4().hex}"
    outcome: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            _enter(spark, tag, description)
            outcome.put((True, action()))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            outcome.put((False, error))

    thread = InheritableThread(target=run, session=spark, name="hookline-measure", daemon=True)
    thread.start()
    try:
        succeeded, value = outcome.get(timeout=max(deadline_s, 0.001))
    except queue.Empty:
        _cancel_for_good(spark, tag, thread)
        raise DeadlineError(f"it was cancelled after {deadline_s:.0f} s") from None
    except BaseException:  # the user interrupts the job: ours must not go on
        _cancel_for_good(spark, tag, thread)
        raise
    thread.join()
    if succeeded:
        return value  # type: ignore[no-any-return]
    raise value


def _enter(spark: SparkSession, tag: str, description: str) -> None:
    if _is_connect(spark):
        spark.addTag(tag)
        return
    context = spark.sparkContext
    for name in _NOT_INHERITED:
        context.setLocalProperty(name, None)  # type: ignore[arg-type]
    context.addJobTag(tag)
    context.setInterruptOnCancel(True)
    context.setJobDescription(f"hookline: measure {description}")


def _cancel_for_good(spark: SparkSession, tag: str, thread: threading.Thread) -> None:
    """Cancel now, and again until the thread has ended: one that was still planning starts its job only afterwards."""
    _cancel(spark, tag)

    def go_on() -> None:
        while thread.is_alive():
            thread.join(_CANCEL_AGAIN_S)
            _cancel(spark, tag)

    threading.Thread(target=go_on, name="hookline-cancel", daemon=True).start()


def _cancel(spark: SparkSession, tag: str) -> None:
    try:
        if _is_connect(spark):
            spark.interruptTag(tag)
        else:
            spark.sparkContext.cancelJobsWithTag(tag)
    except Exception as error:  # noqa: BLE001 - the session may be gone; then so is the job
        _log.debug("a measuring job could not be cancelled: %s", type(error).__name__)


def _is_connect(spark: SparkSession) -> bool:
    return ".connect." in type(spark).__module__


def has_jvm(spark: SparkSession) -> bool:
    """Whether this process stands beside Spark's driver, so that there are RDDs and py4j."""
    return not _is_connect(spark)
