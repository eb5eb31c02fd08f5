"""One write, in order: authorize → transform → Spark writes → measure → judge → publish → finished or failed.

Nothing here knows how a write was asked for (``intercept``) or where it goes (``targets``). A write's way is in
``performance``, what is measured of it in ``measuring``, how it is held back until it is judged in ``holding``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from hookline.core.errors import WriteRefusedError
from hookline.core.events import ErrorInfo
from hookline.core.runtime import RunScope
from hookline.core.spending import WriteSpending
from hookline.pipelines.chain.performance import Performance
from hookline.pipelines.chain.request import Request
from hookline.pipelines.chain.start import Start
from hookline.pipelines.targets import Written
from hookline.pipelines.wording import describe

__all__ = ["Request", "assess_afterwards", "perform", "record_failure", "start_stream"]

logger = logging.getLogger(__name__)


def perform(
    scope: RunScope,
    describe_request: Callable[[], Request],
    bare: Callable[[], Any],
    kind: Callable[[RunScope, Request], Performance] | None = None,
) -> Any:
    """Take a write through the chain.

    Args:
        scope: the run that it belongs to.
        describe_request: finds out what the job asks for. When that fails, no gate can know the write: it is refused if
            one is there to decide on it, else it is written as if nothing were attached, and the listener reports it.
        bare: the job's own call.

    Returns:
        What the job's own call returns.

    Raises:
        WriteRefusedError: when a gate refuses, or can't say yes.
        Exception: whatever the write itself raises, unchanged.
    """
    try:
        with scope.overhead():
            performance = (kind or Performance)(scope, describe_request())
    except Exception as error:
        logger.warning(
            "a write could not be described: %s", describe(error), exc_info=logger.isEnabledFor(logging.DEBUG)
        )
        if scope.runtime.decides_on_writes:
            scope.refuse()
            reason = f"the write could not be described ({describe(error)}), and plugins are configured that decide on writes"
            raise WriteRefusedError("an unknown dataset", (reason,)) from None
        scope.note("a write could not be described and was left alone; see the log")
        return bare()
    return performance.run()


def start_stream(
    scope: RunScope,
    describe_request: Callable[[], Request],
    bare: Callable[[], Any],
    follow: Callable[[Request, Any], None],
    blind: str | None,
) -> Any:
    """Start a streaming query into one of Spark's own sinks: authorize and transform now, the batches are followed later.

    Args:
        follow: gets the request, whose frame is the one that is written, and the JVM's query. It may refuse.
        blind: why the batches can't be followed, or None; where plugins judge, the start is refused then.
    """

    def start(*arguments: Any) -> Start:
        return Start(*arguments, follow=follow, blind=blind)

    def unseen() -> Any:
        if scope.runtime.judges_writes:  # no listener reports a stream that was left alone
            scope.refused = True
            raise WriteRefusedError(
                "an unknown dataset", ("a stream could not be described, and plugins judge writes",)
            )
        return bare()

    return perform(scope, describe_request, unseen, start)


def assess_afterwards(
    scope: RunScope,
    request: Request,
    written: Written,
    *,
    job_s: float = 0.0,
    spends: Callable[[WriteSpending], None] | None = None,
    **facts: Any,
) -> WriteRefusedError | None:
    """Report, measure and judge a write that is done already: a streaming batch, or one that only the listener saw.

    Args:
        job_s: how long the write itself took.
        spends: says which Spark jobs were the write's.
        facts: what is known of the write, as fields of ``Write``.

    Returns:
        The refusal, when a gate refuses what can't be undone, or can't be asked; the caller stops what goes on.
    """
    return Performance(scope, request, spends).run_afterwards(written, job_s, facts)


def record_failure(
    scope: RunScope,
    request: Request,
    error: ErrorInfo,
    *,
    spends: Callable[[WriteSpending], None] | None = None,
    **facts: Any,
) -> None:
    """Report a write that failed where nobody could see it fail: a streaming batch in one of Spark's own sinks."""
    Performance(scope, request, spends).run_failure(error, facts)
