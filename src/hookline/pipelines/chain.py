"""One write, in order: authorize → transform → Spark writes → measure → judge → finished or failed.

Nothing here knows how a write was asked for (``intercept``) or where it goes (``targets``).
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hookline.core import fuse
from hookline.core.errors import WriteRefusedError
from hookline.core.events import (
    Column,
    Measure,
    Measured,
    Operation,
    Read,
    Verdict,
    Way,
    Write,
    utc_now,
)
from hookline.core.runtime import RunScope
from hookline.pipelines import announced, batches, plans
from hookline.pipelines.targets import FILES_TO_MEASURE, WriteTarget, Written
from hookline.pipelines.wording import describe, error_info, refusal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

logger = logging.getLogger(__name__)
_COST: Sequence[Way] = ("none", "proof", "vectorised", "observe", "spark")


@dataclass(frozen=True)
class Request:
    """A write that a job asks for.

    Attributes:
        execute: performs the write; handed another frame than ``frame`` when the data was changed, else None.
        frame: the data, when it passes as a DataFrame.
        plan: an analyzed plan to find the inputs in, when there is no frame.
        schema: what the target's rows look like, when that differs from the frame (an INSERT by position).
        measurable: False when there is nothing to look at afterwards.
        opaque: why the inputs can't be told, when that is known beforehand.
    """

    spark: SparkSession
    target: WriteTarget
    operation: Operation
    execute: Callable[[DataFrame | None], Any]
    frame: DataFrame | None = None
    plan: Any = None
    schema: Callable[[], StructType] | None = None
    partition_by: tuple[str, ...] = ()
    measurable: bool = True
    opaque: str | None = None


def perform(
    scope: RunScope,
    describe_request: Callable[[], Request],
    bare: Callable[[], Any],
    kind: type[_Performance] | None = None,
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
            performance = (kind or _Performance)(scope, describe_request())
    except Exception as error:
        logger.warning(
            "a write could not be described: %s", describe(error), exc_info=logger.isEnabledFor(logging.DEBUG)
        )
        if scope.runtime.decides_on_writes:
            scope.refused = True
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
) -> Any:
    """Start a streaming query into one of Spark's own sinks: authorize and transform now, the batches are followed later.

    Args:
        follow: gets the request, whose frame is the one that is written, and the JVM's query.
    """

    def describe_start() -> Request:
        request = describe_request()
        return dataclasses.replace(request, execute=lambda frame: _started(request, frame, follow))

    return perform(scope, describe_start, bare, _Start)


def _started(request: Request, frame: DataFrame | None, follow: Callable[[Request, Any], None]) -> Any:
    query = request.execute(frame)
    follow(request if frame is None else dataclasses.replace(request, frame=frame), query)
    return query


def assess_afterwards(scope: RunScope, request: Request, written: Written, **facts: Any) -> WriteRefusedError | None:
    """Report, measure and judge a write that is done already: a streaming batch, or one that only the listener saw.

    Args:
        facts: what is known of the write, as fields of ``Write``.

    Returns:
        The refusal, when a gate refuses what can't be undone; the caller stops what goes on.
    """
    performance = _Performance(scope, request)
    return performance.run_afterwards(written, facts)


class _Performance:
    """The state of one write on its way."""

    def __init__(self, scope: RunScope, request: Request) -> None:
        self._scope = scope
        self._bus = scope.bus
        self._request = request
        self._frame = request.frame
        self._wanted: dict[str, tuple[Measure, ...]] = {}
        self._results: dict[Measure, Measured] = {}
        self._riding: fuse.Riding | None = None
        self._before: Any = None
        self._measurable = request.measurable
        self._job_s = 0.0
        self._began = time.perf_counter()
        self._write = self._describe()

    def run(self) -> Any:
        """Everything, in order; the run's overhead is what did not go into the job's own write."""
        try:
            self._prepare()
            self._scope.record_write_started(self._write)
            answer = self._execute()
            self._assess(self._look())
            return answer
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._scope.add_overhead(time.perf_counter() - self._began - self._job_s)

    def run_afterwards(self, written: Written, facts: Mapping[str, Any]) -> WriteRefusedError | None:
        """Everything but the write itself; a write that nobody intercepted is authorized late rather than never."""
        self._write = dataclasses.replace(self._write, **facts)
        try:
            if not self._write.intercepted:
                self._bus.authorize(self._write, self._scope.run)
            self._wanted = self._bus.measures(self._write, self._scope.run)
            self._scope.record_write_started(self._write)
            self._assess(written)
        except WriteRefusedError as error:
            self._fail(error)
            return error
        return None

    # -- before --------------------------------------------------------------------------------------------------------

    def _describe(self) -> Write:
        request = self._request
        inputs, opaque = self._inputs()
        return Write(
            write_id=self._scope.next_write_id(),
            dataset=request.target.dataset,
            operation=request.operation,
            started_at=utc_now(),
            columns=fuse.columns_of(request.frame.schema) if request.frame is not None else (),
            inputs=inputs,
            opaque=opaque,
            partition_by=request.partition_by,
            transformable=request.frame is not None,
            batch_id=batches.current_batch_id(),
        )

    def _inputs(self) -> tuple[tuple[Read, ...], str | None]:
        if self._request.opaque is not None:
            return (), self._request.opaque
        plan = self._request.plan
        if plan is None and self._request.frame is not None:
            plan = self._request.frame._jdf.queryExecution().analyzed()
        found, opaque = plans.inputs_of(self._request.spark, plan) if plan is not None else ((), None)
        streamed = batches.current_inputs()
        if streamed:
            return tuple(dict.fromkeys((*found, *streamed))), None
        return found, opaque

    def _prepare(self) -> None:
        self._bus.authorize(self._write, self._scope.run)
        if self._frame is not None:
            self._frame = self._bus.transform(self._write, self._scope.run, self._frame)
            self._write = dataclasses.replace(self._write, columns=fuse.columns_of(self._frame.schema))
        self._wanted = self._bus.measures(self._write, self._scope.run)
        measures = _distinct(self._wanted)
        if self._frame is not None and measures:
            measures = self._resolve(measures)
            self._ride(measures)
        self._remember_state()

    def _remember_state(self) -> None:
        """Look at the target; that it can't be looked at is the write's own business, and later a measure's error."""
        try:
            self._before = self._request.target.before() if self._measurable else None
        except Exception as error:  # noqa: BLE001
            self._measurable = False
            logger.warning("%s can't be looked at before the write: %s", self._write.dataset, describe(error))

    def _resolve(self, measures: list[Measure]) -> list[Measure]:
        """Find out before the write what can't be measured; a required measure then stops it."""
        columns = self._written_columns()
        good, bad = fuse.resolve(measures, columns)
        self._results.update(bad)
        self._refuse_unmeasured(published=False)
        return good

    def _ride(self, measures: list[Measure]) -> None:
        # What lands in files is measured there; the rest can only be counted while it passes.
        lands_in_files = self._write.dataset.format in FILES_TO_MEASURE
        if self._frame is None or lands_in_files or "observe" not in self._ways():
            return
        self._frame, self._riding = fuse.ride(self._frame, measures)

    # -- the write itself ----------------------------------------------------------------------------------------------

    def _execute(self) -> Any:
        began = time.perf_counter()
        try:
            with announced.window("write", self._write.dataset):
                return self._request.execute(None if self._frame is self._request.frame else self._frame)
        finally:
            self._job_s = time.perf_counter() - began

    # -- after ---------------------------------------------------------------------------------------------------------

    def _assess(self, written: Written) -> None:
        self._write = dataclasses.replace(
            self._write,
            rows=self._write.rows if written.rows is None else written.rows,
            bytes=self._write.bytes if written.bytes is None else written.bytes,
            files=None if written.files is None else len(written.files),
            published=True,
        )
        if self._wanted or self._counts_rows(written):
            self._measure(written)
        verdicts = self._judge()
        self._write = dataclasses.replace(self._write, verdicts=verdicts)
        reasons = tuple(refusal(verdict) for verdict in verdicts if verdict.refuses)
        if reasons:
            raise WriteRefusedError(str(self._write.dataset), reasons, published=True)
        self._close(failed=False)

    def _look(self) -> Written:
        if not self._measurable:
            return Written()
        try:
            return self._request.target.after(self._before, self._written_schema())
        except Exception as error:  # noqa: BLE001 - the write is done; that we can't look at it is a measure's error
            logger.warning("what was written to %s can't be told: %s", self._write.dataset, describe(error))
            return Written()

    def _measure(self, written: Written) -> None:
        always = [Measure.rows()] if self._counts_rows(written) else []
        asked = dict.fromkeys((*_distinct(self._wanted), *always))
        measures = [measure for measure in asked if measure not in self._results]
        columns = self._written_columns()
        if self._request.frame is None:
            measures, bad = fuse.resolve(measures, columns)
            self._results.update(bad)
        target = fuse.Target(
            spark=self._request.spark,
            format=self._write.dataset.format,
            columns=columns,
            files=written.files,
            rows=written.rows,
            read_back=written.read_back,
            ridden={} if self._riding is None else self._riding.collect(self._deadline_s(), written.rows),
        )
        with announced.window("measure", self._write.dataset):
            self._results.update(fuse.take(measures, target, ways=self._ways(), deadline_s=self._deadline_s()))
        rows = self._results.get(Measure.rows())
        self._write = dataclasses.replace(
            self._write,
            way=_costliest(self._results),
            rows=rows.value if rows is not None and rows.ok else self._write.rows,
        )
        self._refuse_unmeasured(published=True)
        self._bus.show_measured(self._write, self._scope.run, self._wanted, self._results)

    def _counts_rows(self, written: Written) -> bool:
        """The number of rows is worth knowing by itself where files say it; nothing is read again for it alone."""
        return written.files is not None and self._write.dataset.format in FILES_TO_MEASURE

    def _judge(self) -> tuple[Verdict, ...]:
        return self._bus.judge(self._write, self._scope.run, self._wanted, self._results)

    def _refuse_unmeasured(self, *, published: bool) -> None:
        reasons = [
            f"{measure} is required and could not be measured: {result.error}"
            for measure, result in self._results.items()
            if not result.ok and any(m == measure and m.required for own in self._wanted.values() for m in own)
        ]
        if reasons:
            raise WriteRefusedError(str(self._write.dataset), tuple(reasons), published=published)

    def _close(self, *, failed: bool) -> None:
        elapsed = time.perf_counter() - self._began
        self._write = dataclasses.replace(
            self._write, finished_at=utc_now(), duration_s=elapsed, overhead_s=elapsed - self._job_s
        )
        self._scope.record_write_ended(self._write, failed=failed)

    def _fail(self, error: BaseException) -> None:
        self._write = dataclasses.replace(self._write, error=error_info(error))
        if isinstance(error, WriteRefusedError):
            self._scope.refused = True
            self._scope.note(str(error))
        self._close(failed=True)

    # -- shapes --------------------------------------------------------------------------------------------------------

    def _written_schema(self) -> StructType:
        if self._request.schema is not None:
            return self._request.schema()
        return cast("DataFrame", self._frame).schema

    def _written_columns(self) -> tuple[Column, ...]:
        return fuse.columns_of(self._written_schema())

    def _ways(self) -> tuple[Way, ...]:
        return self._scope.runtime.config.measure.ways

    def _deadline_s(self) -> float:
        return self._scope.runtime.config.measure.deadline_s


class _Start(_Performance):
    """The start of a streaming query: not a write yet, but what decides on writes decides here."""

    def run(self) -> Any:
        """Authorize, transform, start."""
        try:
            self._bus.authorize(self._write, self._scope.run)
            self._frame = self._bus.transform(self._write, self._scope.run, cast("DataFrame", self._frame))
            return self._execute()
        except WriteRefusedError as error:
            self._fail(error)
            raise
        finally:
            self._scope.add_overhead(time.perf_counter() - self._began - self._job_s)


def _distinct(wanted: Mapping[str, Sequence[Measure]]) -> list[Measure]:
    return list(dict.fromkeys(measure for own in wanted.values() for measure in own))


def _costliest(results: Mapping[Measure, Measured]) -> Way:
    return max((result.way for result in results.values()), key=_COST.index, default="none")
