"""One write, in order: authorize → transform → Spark writes → measure → judge → publish → finished or failed.

Nothing here knows how a write was asked for (``intercept``) or where it goes (``targets``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hookline.core import fuse
from hookline.core.errors import WriteRefusedError
from hookline.core.events import (
    Breaker,
    Column,
    ErrorInfo,
    Measure,
    Measured,
    Operation,
    Read,
    Statement,
    Verdict,
    Way,
    Write,
    utc_now,
)
from hookline.core.runtime import RunScope
from hookline.core.spending import WriteSpending
from hookline.core.tracing import Trace, Work
from hookline.pipelines import announced, batches, columns, plans
from hookline.pipelines.at_rest import Finder
from hookline.pipelines.quarantine import current_along, dividing
from hookline.pipelines.staging.choice import Choice, Stage, choose
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.targets import FILES_TO_MEASURE, OpaqueTarget, WriteTarget, Written
from hookline.pipelines.wording import describe, error_info, refusal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.pipelines.quarantine import Along, Deposit
    from hookline.pipelines.staging.choice import Redirect
    from hookline.pipelines.staging.journal import Proof

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
        inputs: what is read, with why that may be incomplete, when that is known beforehand.
        redirect: tells how the write goes to another folder, or None when it can't.
        stored: makes of the frame's rows those that the target will have, where ``schema`` differs from the frame's; may
            raise where Spark refuses the write.
        statement: the SQL that asks for it.
        command: analyzes the statement that is asked for, over changed data where there is some; tells then what each of the
            target's columns is made from, where that is not the frame's column of this name.
        late: what is asked for can't be shown before it ran.
        trace: where the columns come from, when somebody finds that out already.
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
    inputs: tuple[tuple[Read, ...], str | None] | None = None
    redirect: Callable[[], Redirect | None] | None = None
    stored: Callable[[DataFrame], DataFrame] | None = None
    statement: Statement | None = None
    command: Callable[[DataFrame | None], Any] | None = None
    late: bool = False
    trace: Trace | None = None


def perform(
    scope: RunScope,
    describe_request: Callable[[], Request],
    bare: Callable[[], Any],
    kind: Callable[[RunScope, Request], _Performance] | None = None,
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

    def start(*arguments: Any) -> _Start:
        return _Start(*arguments, follow=follow, blind=blind)

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
    return _Performance(scope, request, spends).run_afterwards(written, job_s, facts)


def record_failure(
    scope: RunScope,
    request: Request,
    error: ErrorInfo,
    *,
    spends: Callable[[WriteSpending], None] | None = None,
    **facts: Any,
) -> None:
    """Report a write that failed where nobody could see it fail: a streaming batch in one of Spark's own sinks."""
    _Performance(scope, request, spends).run_failure(error, facts)


class _Performance:
    """The state of one write on its way."""

    def __init__(
        self, scope: RunScope, request: Request, spends: Callable[[WriteSpending], None] | None = None
    ) -> None:
        self._scope = scope
        self._bus = scope.bus
        self._request = request
        self._frame = request.frame
        self._wanted: dict[str, tuple[Measure, ...]] = {}
        self._results: dict[Measure, Measured] = {}
        self._riding: fuse.Riding | None = None
        self._find = Finder(request.spark)
        self._before: Any = None
        self._measurable = request.measurable
        self._job_s = 0.0
        self._examine_s = 0.0
        self._examined = False
        self._stage: Stage | None = None
        self._judged_first = False
        self._breaker: Breaker | None = None
        # What has to come about with this write, or not at all.
        self._aboard: list[Deposit | Along] = [] if (along := current_along()) is None else [along]
        self._proof: Proof | None = None
        self._trace = request.trace
        self._late: Work | None = None
        self._began = time.perf_counter()
        batch = batches.current(request.spark)
        self._write = self._describe(batch)
        spending = scope.runtime.spending
        stream = None if batch is None else batch.progress
        self._spending = None if spending is None else spending.of_write(self._write.write_id, stream)
        if self._spending is not None and spends is not None:
            spends(self._spending)

    def run(self) -> Any:
        """Everything, in order; the run's overhead is what did not go into the job's own write."""
        try:
            self._prepare()
            self._trace = self._begin_trace()
            self._scope.record_write_started(self._write)
            answer = self._carry(self._stage)
            self._close(failed=False)
            return answer
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._scope.add_overhead(time.perf_counter() - self._began - self._job_s)

    def _carry(self, stage: Stage | None) -> Any:
        """The write, and what comes about with it or not at all."""
        try:
            answer = self._write_directly() if stage is None else self._write_staged(stage)
        except BaseException:
            for one in self._aboard:
                one.give_up()
            raise
        for one in self._aboard:
            one.keep()
        return answer

    def _write_directly(self) -> Any:
        self._place_companions()
        if self._judged_first:
            self._decide()
        answer = self._execute(lambda: self._request.execute(self._changed_frame))
        self._write = dataclasses.replace(self._write, published=True)
        self._take_measures(self._look())
        if not self._judged_first:
            self._decide()
        return answer

    def _write_staged(self, stage: Stage) -> Any:
        answer = stage.run(self._execute, self._examine, self._changed_frame, self._written_schema)
        self._write = dataclasses.replace(self._write, published=True, data_version=stage.version)
        if not self._examined:
            written = self._look()
            if written.files is None or written.files:
                self._tell_unstaged("its commit was not seen")
            self._examine(written)
        return answer

    def _choose_stage(self) -> Stage | None:
        """How the write is held back until it is judged; None where it is not, which log, summary and event tell."""
        runtime = self._scope.runtime
        if not runtime.judges_writes and not self._aboard:
            return None
        self._breaker = self._bus.breaker(self._wanted)
        direct = "the breaker's mode is audit" if self._breaker == "audit" else None
        if runtime.config.publish == "direct":
            direct = "publish is direct in the configuration"
        if direct is not None and not self._aboard:
            self._write = dataclasses.replace(self._write, unstaged=direct)
            self._insist(direct)
            return None
        try:
            splits = self._breaker == "quarantine"
            choice = choose(self._request, self._frame, runtime.config.state_dir, splits=splits)
        except Exception as error:
            logger.debug("the reason", exc_info=True)
            choice = Choice(reason=f"it could not be prepared ({describe(error)})")
        if choice.stage is None and choice.reason is not None:
            self._insist(choice.reason)
        elif choice.unsplit is not None and self._request.operation != "delete":
            self._insist(choice.unsplit, ("quarantine",))
        awkward = choice.reason is not None or isinstance(choice.stage, HeldStage)
        if awkward and not self._aboard and not self._bus.judges_by(self._wanted):
            # Nobody judges by the rows, so that judging does not have to wait for them.
            self._judged_first = True
            return None
        if choice.reason is not None and choice.stage is None:
            self._tell_unstaged(choice.reason)
        elif choice.reason is not None:
            self._tell(
                f"rows for {self._write.dataset} are kept by the executors until they are judged: {choice.reason}"
            )
        return choice.stage

    def _insist(self, reason: str, modes: tuple[Breaker, ...] = ("publish", "quarantine")) -> None:
        """Refuse the write where its breaker can't be had, before anything is written."""
        if self._breaker not in modes:
            return
        can_not = "rows can't be set aside" if self._breaker == "quarantine" else "it can't be held back"
        cure = "give its suite another breaker (on judges it when it is visible), or write it in another way"
        sentence = (
            f"the breaker's mode is {self._breaker}, and {can_not} in this {self._request.operation}: {reason}; {cure}"
        )
        raise WriteRefusedError(str(self._write.dataset), (sentence,))

    def _tell_unstaged(self, reason: str) -> None:
        self._write = dataclasses.replace(self._write, unstaged=reason)
        self._tell(f"writes to {self._write.dataset} are judged when they are visible already: {reason}")

    def _tell(self, sentence: str) -> None:
        if self._scope.note(sentence):
            logger.warning("%s", sentence)

    @property
    def _changed_frame(self) -> DataFrame | None:
        return None if self._frame is self._request.frame else self._frame

    def run_afterwards(self, written: Written, job_s: float, facts: Mapping[str, Any]) -> WriteRefusedError | None:
        """Everything but the write itself; a write that nobody intercepted is authorized late rather than never."""
        self._write = dataclasses.replace(self._write, published=True, **facts)
        if self._scope.runtime.judges_writes:
            self._write = dataclasses.replace(self._write, unstaged="it was done before anybody could judge")
        self._job_s = job_s
        self._began -= job_s
        try:
            if not self._write.intercepted:
                self._bus.authorize(self._write, self._scope.run)
            self._wanted = self._bus.measures(self._write, self._scope.run)
            self._trace = self._begin_trace()
            self._scope.record_write_started(self._write)
            self._examine(written)
            self._close(failed=False)
        except WriteRefusedError as error:
            self._fail(error)
            return error
        except Exception as error:  # the write is done and the job elsewhere: there is nobody to raise to
            logger.warning("a write to %s could not be looked at: %s", self._write.dataset, describe(error))
            logger.debug("the reason", exc_info=True)
            if self._scope.runtime.judges_writes:
                reason = f"it could not be looked at ({describe(error)}), and plugins judge what is written"
                refused = WriteRefusedError(str(self._write.dataset), (reason,), published=True)
                self._fail(refused)
                return refused
            self._fail(error)
        return None

    def run_failure(self, error: ErrorInfo, facts: Mapping[str, Any]) -> None:
        """Nothing but the telling."""
        self._write = dataclasses.replace(self._write, **facts)
        self._scope.record_write_started(self._write)
        self._write = dataclasses.replace(self._write, error=error)
        self._close(failed=True)

    def _begin_trace(self) -> Trace | None:
        """Have it found out, beside the job, where the columns come from; what can't be shown yet is left for the end."""
        request = self._request
        if self._trace is not None:
            return self._trace
        if request.late:
            self._late = columns.of_late(request.spark, self._write.dataset)
            return None
        plan = None if self._frame is None else self._frame._jdf.queryExecution().analyzed()
        if (command := request.command) is not None:
            changed = self._changed_frame
            work = columns.of_command(request.spark, lambda: command(changed), plan)
        elif plan is not None:
            work = columns.of_frame(request.spark, plan)
        else:
            work = columns.unknown(request.opaque or "there is no plan to read")
        return self._scope.trace(work)

    # -- before --------------------------------------------------------------------------------------------------------

    def _describe(self, batch: batches.Batch | None) -> Write:
        request = self._request
        inputs, opaque = self._inputs()
        if batch is not None:
            inputs, opaque = tuple(dict.fromkeys((*inputs, *batch.inputs))), None if batch.inputs else opaque
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
            statement=request.statement,
            batch_id=None if batch is None else batch.batch_id,
        )

    def _inputs(self) -> tuple[tuple[Read, ...], str | None]:
        if self._request.inputs is not None:
            return self._request.inputs
        if self._request.opaque is not None:
            return (), self._request.opaque
        plan = self._request.plan
        if plan is None and self._request.frame is not None:
            plan = self._request.frame._jdf.queryExecution().analyzed()
        return plans.inputs_of(self._request.spark, plan) if plan is not None else ((), None)

    def _prepare(self) -> None:
        self._bus.authorize(self._write, self._scope.run)
        if self._frame is not None:
            self._frame = self._bus.transform(self._write, self._scope.run, self._frame)
            self._write = dataclasses.replace(self._write, columns=fuse.columns_of(self._frame.schema))
        self._wanted = self._bus.measures(self._write, self._scope.run)
        self._stage = self._choose_stage()
        measures = _distinct(self._wanted)
        if self._frame is not None and measures:
            measures = self._resolve(measures)
            self._ride(measures)
        elif not self._measurable:
            reason = Measured(error="what is written there can't be measured")
            self._results.update(dict.fromkeys(measures, reason))
            self._refuse_unmeasured(published=False)
        if self._stage is None or not self._stage.always_judges:
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
        good, bad = fuse.resolve(measures, columns, self._columns_elsewhere)
        self._results.update(bad)
        self._refuse_unmeasured(published=False)
        return good

    def _columns_elsewhere(self, place: str) -> tuple[Column, ...]:
        return self._find(place).columns

    def _ride(self, measures: list[Measure]) -> None:
        # What lands in files is measured there; the rest can only be counted while it passes.
        held = self._stage if isinstance(self._stage, HeldStage) else None
        lands_in_files = self._write.dataset.format in FILES_TO_MEASURE and held is None
        if lands_in_files and "vectorised" in self._ways():
            fuse.get_ready(measures, self._request.spark, partition_by=self._write.partition_by)
        if self._frame is None or lands_in_files or "observe" not in self._ways():
            return
        if self._stage is not None and self._request.stored is not None:
            return  # what rides along must know the columns as the target has them
        if held is not None:
            measures = list(dict.fromkeys((*measures, Measure.rows())))
        self._frame, self._riding = fuse.ride(self._frame, measures)

    # -- the write itself ----------------------------------------------------------------------------------------------

    def _execute(self, call: Callable[[], Any]) -> Any:
        """The job's own part; what a stage judges meanwhile is not."""
        began, examined_s = time.perf_counter(), self._examine_s
        try:
            with announced.window("write", self._write.dataset), self._tagged():
                return call()
        finally:
            self._job_s = time.perf_counter() - began - (self._examine_s - examined_s)

    def _tagged(self) -> contextlib.AbstractContextManager[None]:
        if self._spending is None:
            return contextlib.nullcontext()
        return self._spending.tagged(self._request.spark)

    # -- after ---------------------------------------------------------------------------------------------------------

    def _examine(self, written: Written) -> None:
        """Measure and judge.

        Raises:
            WriteRefusedError: when a gate refuses, or can't be asked.
        """
        began = time.perf_counter()
        self._examined = True
        try:
            self._proof = written.proof
            self._take_measures(written)
            self._decide(written)
            self._place_companions()
        finally:
            self._examine_s += time.perf_counter() - began

    def _take_measures(self, written: Written) -> None:
        self._write = dataclasses.replace(
            self._write,
            rows=self._write.rows if written.rows is None else written.rows,
            bytes=self._write.bytes if written.bytes is None else written.bytes,
            files=None if written.files is None else len(written.files),
            data_version=self._write.data_version if written.version is None else written.version,
            columns=self._write.columns if written.columns is None else written.columns,
        )
        if self._wanted or self._counts_rows(written):
            self._measure(written)

    def _decide(self, written: Written | None = None) -> None:
        verdicts = self._judge()
        self._write = dataclasses.replace(self._write, verdicts=verdicts)
        if dividing.asks(verdicts) and not dividing.unanswered(verdicts):
            verdicts = self._set_aside(verdicts, written)
            self._write = dataclasses.replace(self._write, verdicts=verdicts)
        reasons = tuple(refusal(verdict) for verdict in verdicts if verdict.refuses)
        if reasons:
            raise WriteRefusedError(str(self._write.dataset), reasons, published=self._write.published)

    def _place_companions(self) -> None:
        try:
            for one in self._aboard:
                one.place(self._proof)
        except Exception as error:
            logger.debug("the reason", exc_info=True)
            reason = f"what goes with it could not be put in its place: {describe(error)}"
            raise WriteRefusedError(str(self._write.dataset), (reason,), published=self._write.published) from None

    def _set_aside(self, verdicts: tuple[Verdict, ...], written: Written | None) -> tuple[Verdict, ...]:
        """Take the bad rows out of what was written, and judge what is left as it will be published.

        Raises:
            WriteRefusedError: when that can't be done, or is not proved to be done.
        """
        try:
            division = dividing.Division(self._request, self._write, verdicts, self._written_columns())
            division.check(written, self._results)
            deposit = division.open(self._scope.runtime.config.state_dir, self._scope.run.job)
            self._aboard.append(deposit)
            with announced.window("measure", self._write.dataset):
                left = division.split(cast("Written", written), deposit)
            self._proof = left.proof
            self._results = {measure: result for measure, result in self._results.items() if not result.ok}
            self._riding = None  # what rode along was counted before
            self._write = dataclasses.replace(
                self._write,
                rows=None,
                bytes=None,
                rows_quarantined=deposit.rows,
                quarantine=deposit.dataset,
            )
            self._take_measures(left)
            division.reconcile(self._results, deposit)
            return division.merge(self._judge())
        except WriteRefusedError:
            raise
        except Exception as error:
            logger.debug("the reason", exc_info=True)
            reason = f"rows that fail could not be set aside: {describe(error)}"
            raise WriteRefusedError(str(self._write.dataset), (reason,), published=self._write.published) from None

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
            measures, bad = fuse.resolve(measures, columns, self._columns_elsewhere)
            self._results.update(bad)
        target = fuse.Target(
            spark=self._request.spark,
            format=self._write.dataset.format,
            columns=columns,
            files=written.files,
            rows=written.rows,
            read_back=written.read_back,
            ridden={} if self._riding is None else self._riding.collect(self._deadline_s(), written.rows),
            others=self._find,
        )
        with contextlib.ExitStack() as stack:
            for dataset in (self._write.dataset, *(other.dataset for other in self._find.found.values())):
                stack.enter_context(announced.window("measure", dataset))
            self._results.update(fuse.take(measures, target, ways=self._ways(), deadline_s=self._deadline_s()))
        rows = self._results.get(Measure.rows())
        self._write = dataclasses.replace(
            self._write,
            way=_costliest(self._results),
            rows=rows.value if rows is not None and rows.ok else self._write.rows,
            measured=tuple(self._results.items()),
        )
        self._refuse_unmeasured(published=self._write.published)
        self._bus.show_measured(self._write, self._scope.run, self._wanted, self._results)

    def _counts_rows(self, written: Written) -> bool:
        """The number of rows is worth knowing by itself where files say it; nothing is read again for it alone."""
        if isinstance(self._stage, HeldStage):
            return True  # other measures are taken in any case, and this with them
        return written.files is not None and self._write.dataset.format in FILES_TO_MEASURE

    def _judge(self) -> tuple[Verdict, ...]:
        try:
            return self._bus.judge(self._write, self._scope.run, self._wanted, self._results)
        except WriteRefusedError as error:
            raise WriteRefusedError(error.dataset, error.reasons, published=self._write.published) from None

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
        if self._late is not None:
            self._trace = self._scope.trace(self._late)
        spent = None if self._spending is None else self._spending.spent
        self._scope.record_write_ended(self._write, failed=failed, trace=self._trace, spent=spent)

    def _fail(self, error: BaseException) -> None:
        self._write = dataclasses.replace(self._write, error=error_info(error))
        if isinstance(error, WriteRefusedError):
            self._scope.refuse()
            self._scope.note(str(error))
        self._close(failed=True)

    # -- shapes --------------------------------------------------------------------------------------------------------

    def _written_schema(self) -> StructType:
        if self._request.schema is not None:
            return self._request.schema()
        return cast("DataFrame", self._frame).schema

    def _written_columns(self) -> tuple[Column, ...]:
        if self._request.schema is None and self._frame is None:
            return ()  # an RDD has no columns
        return fuse.columns_of(self._written_schema())

    def _ways(self) -> tuple[Way, ...]:
        return self._scope.runtime.config.measure.ways

    def _deadline_s(self) -> float:
        return self._scope.runtime.config.measure.deadline_s


class _Start(_Performance):
    """The start of a streaming query: not a write yet, but what decides on writes decides here."""

    def __init__(
        self, scope: RunScope, request: Request, *, follow: Callable[[Request, Any], None], blind: str | None
    ) -> None:
        super().__init__(scope, request)
        self._spending = None  # a query's thread would carry the tag for as long as it runs
        self._follow = follow
        self._blind = blind

    def run(self) -> Any:
        """Authorize, transform, start, follow."""
        try:
            self._prepare()
            query = self._execute(lambda: self._request.execute(self._changed_frame))
            for read in self._write.inputs:
                self._scope.record_read(read)
            if self._blind is None:
                request = dataclasses.replace(self._request, frame=self._frame, inputs=self._inputs())
                self._follow(dataclasses.replace(request, trace=self._begin_trace()), query)
            return query
        except WriteRefusedError as error:
            self._fail(error)
            raise
        finally:
            self._scope.add_overhead(time.perf_counter() - self._began - self._job_s)

    def _prepare(self) -> None:
        self._bus.authorize(self._write, self._scope.run)
        self._frame = self._bus.transform(self._write, self._scope.run, cast("DataFrame", self._frame))
        self._write = dataclasses.replace(self._write, columns=fuse.columns_of(self._frame.schema))
        if self._blind is not None:
            if self._scope.runtime.judges_writes:
                reason = f"its batches can't be followed ({self._blind}), and plugins judge what is written"
                raise WriteRefusedError(str(self._write.dataset), (reason,))
            self._scope.note(f"the batches of a streaming query to {self._write.dataset} are not seen: {self._blind}")
        self._wanted = self._bus.measures(self._write, self._scope.run)
        self._breaker = self._bus.breaker(self._wanted)
        self._insist("Spark's own streaming sinks write inside the JVM; foreachBatch can be held back")
        measures = _distinct(self._wanted)
        if isinstance(self._request.target, OpaqueTarget):
            reason = "what a batch leaves in this sink can't be measured"
            self._results.update({measure: Measured(error=reason) for measure in measures})
            self._refuse_unmeasured(published=False)
        else:
            self._resolve(measures)


def _distinct(wanted: Mapping[str, Sequence[Measure]]) -> list[Measure]:
    return list(dict.fromkeys(measure for own in wanted.values() for measure in own))


def _costliest(results: Mapping[Measure, Measured]) -> Way:
    return max((result.way for result in results.values()), key=_COST.index, default="none")
