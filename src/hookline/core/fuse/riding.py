"""Measures that ride along with the user's own job, by ``observe`` at the very top of its plan.

For targets that can't be read again. What is known to go wrong with ``observe`` is handled here: it may report more
rows than were written (a sampled sort, a re-run stage) or fewer (a limit), so the count is reconciled; it may never
report, so nothing waits past a deadline; and an expression that fails would fail the user's job: only total ones ride.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.core.events import Measure, Measured
from hookline.core.fuse.binding import TESTS, WHOLE, Bound, bind
from hookline.core.fuse.expressions import aggregates, read_all, width_of
from hookline.core.fuse.target import columns_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Observation

_POLL_S = 0.02
_NEVER = {
    "columns": "it is not about rows",
    "rejected": "its function could fail, and with it the job that it would ride along with",
    "returned": "a query needs a pass of its own",
    "examined": "a function needs the rows as a frame",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Riding:
    """What rides, and what can't. ``collect`` it after the job's action."""

    bound: tuple[Bound, ...]
    errors: dict[Measure, Measured]
    observation: Observation | None = None

    def collect(self, deadline_s: float = 5.0, expected_rows: int | None = None) -> dict[Measure, Measured]:
        """The values, or for each measure why there is none. Waits ``deadline_s`` at most.

        Only for an action that succeeded: of one that failed Spark reports what it had seen until then, or nothing, and
        the two can't be told apart from a result.

        Args:
            expected_rows: how many rows the writer says it wrote; when that's known and differs, nothing is believed.
        """
        if self.observation is None:
            return dict(self.errors)
        problem, row = _wait(self.observation, deadline_s)
        if problem is None and expected_rows is not None and row["rows"] != expected_rows:
            problem = f"what rode along saw {row['rows']} rows and {expected_rows} were written"
        if problem is not None:
            return self.errors | {one.measure: Measured(error=f"{one.measure}: {problem}") for one in self.bound}
        return self.errors | read_all(self.bound, row, _names(self.bound), "observe")


def ride(frame: DataFrame, measures: Iterable[Measure]) -> tuple[DataFrame, Riding]:
    """The frame with everything that can ride on top of it, to be written instead of ``frame``.

    ``duplicates`` can't ride, nor can a pattern on which Java's engine might blow up.
    """
    from pyspark.sql import Observation

    columns = columns_of(frame.schema)
    bound, errors = bind(measures, columns)
    riders = [one for one in bound if _can_ride(one)]
    errors |= {one.measure: Measured(error=_why_not(one)) for one in bound if one not in riders}
    if not riders or not hasattr(frame, "_jdf"):
        errors |= {one.measure: Measured(error=f"{one.measure}: Spark Connect lets nothing ride") for one in riders}
        return frame, Riding((), errors)
    observation = Observation(f"hookline-{uuid.uuid4().hex}")
    try:
        return frame.observe(observation, *_expressions(riders)), Riding(tuple(riders), errors, observation)
    except Exception as error:  # noqa: BLE001 - the job goes on without what would have ridden
        _log.warning("measures can't ride along: %s", type(error).__name__)
        failed = {one.measure: Measured(error=f"{one.measure}: Spark refused to let it ride") for one in riders}
        return frame, Riding((), errors | failed)


def _wait(observation: Observation, deadline_s: float) -> tuple[str | None, dict[str, Any]]:
    ends = time.monotonic() + deadline_s
    try:
        # Asking for the result blocks for ever when the plan never runs; asking whether it is there does not.
        future = observation._jo.future()  # type: ignore[union-attr]
        while not future.isCompleted():
            if time.monotonic() >= ends:
                return f"the job did not report what rode along within {deadline_s:.0f} s", {}
            time.sleep(_POLL_S)
        row = observation.get
    except Exception as error:  # noqa: BLE001 - a failed job reports its failure here
        return f"the job reported no result for what rode along ({type(error).__name__})", {}
    return (None, row) if "rows" in row else ("the job reported an empty result for what rode along", {})


def _can_ride(bound: Bound) -> bool:
    if bound.measure.kind == "unmatched" and (bound.regex is None or not bound.regex.tame):
        return False
    if bound.measure.dataset is not None or (bound.repeated and bound.measure.kind not in TESTS):
        return False
    return bound.measure.kind not in (*WHOLE, *_NEVER) and bound.portable


def _why_not(bound: Bound) -> str:
    reason = "bringing values together needs a pass of its own"
    if bound.measure.dataset is not None:
        reason = "it is about another dataset"
    elif bound.measure.kind in _NEVER:
        reason = _NEVER[bound.measure.kind]
    elif not bound.portable:
        reason = "its condition could fail, and with it the job that it would ride along with"
    elif bound.measure.kind == "unmatched":
        reason = "its pattern could endanger the job that it would ride along with"
    return f"{bound.measure}: {reason}"


def _names(bound: Sequence[Bound]) -> list[list[str]]:
    return [[f"m{i}_{j}" for j in range(width_of(one))] for i, one in enumerate(bound)]


def _expressions(bound: Sequence[Bound]) -> list[Any]:
    from pyspark.sql import functions as F

    expressions = [F.count(F.lit(1)).alias("rows")]
    for one, names in zip(bound, _names(bound), strict=True):
        expressions += [column.alias(name) for column, name in zip(aggregates(one), names, strict=True)]
    return expressions
