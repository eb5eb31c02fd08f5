"""A write on its way through the chain."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from hookline.core import fuse
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Column, ErrorInfo, Partition, Read, Verdict, Write, utc_now
from hookline.core.runtime import RunScope
from hookline.core.sealing import Sealed
from hookline.core.spending import WriteSpending
from hookline.core.tracing import Trace, Work
from hookline.pipelines import announced, batches, columns, leaves
from hookline.pipelines.chain import sealing
from hookline.pipelines.chain.holding import hold, tell_unstaged
from hookline.pipelines.chain.measuring import Measuring
from hookline.pipelines.quarantine import current_along, dividing
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.targets import Written
from hookline.pipelines.wording import describe, error_info, refusal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from hookline.pipelines.chain.request import Request
    from hookline.pipelines.quarantine import Along, Deposit
    from hookline.pipelines.staging.choice import Stage
    from hookline.pipelines.staging.journal import Proof

logger = logging.getLogger(__name__)


class Performance:
    """The state of one write on its way."""

    def __init__(
        self, scope: RunScope, request: Request, spends: Callable[[WriteSpending], None] | None = None
    ) -> None:
        self._scope = scope
        self._request = request
        self._frame = request.frame
        self._measuring = Measuring(scope, request)
        self._before: Any = None
        self._measurable = request.measurable
        self._job_s = 0.0
        self._examine_s = 0.0
        self._examined = False
        self._stage: Stage | None = None
        self._judged_first = False
        # What has to come about with this write, or not at all.
        self._aboard: list[Deposit | Along] = [] if (along := current_along()) is None else [along]
        self._proof: Proof | None = None
        self._trace = request.trace
        self._late: Work | None = None
        self._seen: leaves.Leaves | None = None
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

    def run_afterwards(self, written: Written, job_s: float, facts: Mapping[str, Any]) -> WriteRefusedError | None:
        """Everything but the write itself; a write that nobody intercepted is authorized late rather than never."""
        self._write = dataclasses.replace(self._write, published=True, **facts)
        if self._scope.runtime.judges_writes:
            self._write = dataclasses.replace(self._write, unstaged="it was done before anybody could judge")
        self._job_s = job_s
        self._began -= job_s
        try:
            if not self._write.intercepted:
                self._scope.bus.authorize(self._write, self._scope.run)
            self._measuring.ask(self._write)
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
            target_columns=self._target_columns(),
            batch_id=None if batch is None else batch.batch_id,
        )

    def _target_columns(self) -> tuple[Column, ...] | None:
        """What plugins that decide have to know beforehand; a target that is not there is Spark's to complain of."""
        if self._request.schema is None or not self._scope.runtime.decides_on_writes:
            return None
        try:
            return fuse.columns_of(self._request.schema())
        except Exception as error:  # noqa: BLE001
            logger.debug("the target's columns are not known: %s", describe(error))
            return None

    def _inputs(self) -> tuple[tuple[Read, ...], str | None]:
        if self._request.inputs is not None:
            return self._request.inputs
        if self._request.opaque is not None:
            return (), self._request.opaque
        if self._request.plan is not None:
            return leaves.inputs_of(self._request.spark, self._request.plan)
        if self._request.frame is None:
            return (), None
        plan = self._request.frame._jdf.queryExecution().analyzed()
        self._seen = leaves.look_at(self._request.spark, plan)
        return self._seen.inputs

    def _prepare(self) -> None:
        self._scope.bus.authorize(self._write, self._scope.run)
        if self._frame is not None:
            self._transform(self._frame)
            self._write = dataclasses.replace(self._write, columns=fuse.columns_of(self._frame.schema))
        self._measuring.ask(self._write)
        self._hold()
        if self._frame is not None and self._measuring.wants:
            columns = self._written_columns()
            self._frame = self._measuring.get_ready(self._write, self._frame, columns, self._stage)
        elif not self._measurable:
            self._measuring.give_up(self._write, "what is written there can't be measured")
        if self._stage is None or not self._stage.always_judges:
            self._remember_state()

    def _transform(self, frame: DataFrame) -> None:
        changed = self._scope.bus.transform(self._write, self._scope.run, frame)
        if isinstance(changed, Sealed):
            self._frame = changed.frame
            self._request = sealing.sealed(self._request, changed, self._write)
        else:
            self._frame = changed

    def _remember_state(self) -> None:
        """Look at the target; that it can't be looked at is the write's own business, and later a measure's error."""
        try:
            self._before = self._request.target.before() if self._measurable else None
        except Exception as error:  # noqa: BLE001
            self._measurable = False
            logger.warning("%s can't be looked at before the write: %s", self._write.dataset, describe(error))

    def _hold(self) -> None:
        companions = bool(self._aboard)
        wanted = self._measuring.wanted
        holding = hold(self._scope, self._request, self._write, self._frame, wanted, companions=companions)
        self._stage, self._judged_first = holding.stage, holding.judged_first
        if holding.unstaged is not None:
            self._write = dataclasses.replace(self._write, unstaged=holding.unstaged)

    def _begin_trace(self) -> Trace | None:
        """Have it found out, beside the job, where the columns come from; what can't be shown yet is left for the end."""
        request = self._request
        if self._trace is not None:
            return self._trace
        if request.late:
            self._late = columns.of_late(request.spark, self._write.dataset, request.assigned)
            return None
        seen = self._seen if self._frame is request.frame else None
        plan = None if seen is None else seen.plan
        if plan is None and self._frame is not None:
            plan = self._frame._jdf.queryExecution().analyzed()
        if (command := request.command) is not None:
            changed = self._changed_frame
            work = columns.of_command(
                request.spark, lambda: command(changed), plan, request.assigned, request.target.generated
            )
        elif plan is not None:
            work = columns.of_frame(request.spark, plan, seen, request.target.generated)
        else:
            work = columns.unknown(request.opaque or "there is no plan to read")
        return self._scope.trace(work)

    # -- the write itself ----------------------------------------------------------------------------------------------

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
                reason = "its commit was not seen"
                self._write = dataclasses.replace(self._write, unstaged=reason)
                tell_unstaged(self._scope, self._write, reason)
            self._examine(written)
        return answer

    @property
    def _changed_frame(self) -> DataFrame | None:
        return None if self._frame is self._request.frame else self._frame

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
        if self._request.seal is not None:
            written = sealing.checked(self._request.seal, written, self._write)
        self._write = dataclasses.replace(
            self._write,
            rows=self._write.rows if written.rows is None else written.rows,
            bytes=self._write.bytes if written.bytes is None else written.bytes,
            files=None if written.files is None else len(written.files),
            data_version=self._write.data_version if written.version is None else written.version,
            columns=self._write.columns if written.columns is None else written.columns,
            partitions=_partitions(written),
        )
        held = isinstance(self._stage, HeldStage)
        if self._request.seal is not None:
            written = dataclasses.replace(written, files=None)  # only Spark has the keys to read them
        self._write = self._measuring.take(self._write, written, self._written_columns, held=held)

    def _decide(self, written: Written | None = None) -> None:
        verdicts = self._measuring.judge(self._write)
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
            division.check(written, self._measuring.results)
            deposit = division.open(self._scope.runtime.config.state_dir, self._scope.run.job)
            self._aboard.append(deposit)
            with announced.window("measure", self._write.dataset):
                left = division.split(cast("Written", written), deposit)
            self._proof = left.proof
            self._measuring.forget()
            self._write = dataclasses.replace(
                self._write,
                rows=None,
                bytes=None,
                rows_quarantined=deposit.rows,
                quarantine=deposit.dataset,
            )
            self._take_measures(left)
            division.reconcile(self._measuring.results, deposit)
            return division.merge(self._measuring.judge(self._write))
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


def _partitions(written: Written) -> tuple[Partition, ...] | None:
    if written.files is None:
        return None
    return tuple(dict.fromkeys(tuple(file.partition.items()) for file in written.files if file.partition))
