"""The start of a streaming query."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from hookline.core import fuse
from hookline.core.errors import WriteRefusedError
from hookline.core.runtime import RunScope
from hookline.core.sealing import Sealed
from hookline.pipelines.chain.holding import insist
from hookline.pipelines.chain.performance import Performance
from hookline.pipelines.targets import OpaqueTarget

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.pipelines.chain.request import Request


class Start(Performance):
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
        self._scope.bus.authorize(self._write, self._scope.run)
        changed = self._scope.bus.transform(self._write, self._scope.run, cast("DataFrame", self._frame))
        if isinstance(changed, Sealed):
            # The options would get there; but whether the files are as they are to be is seen when others see them already.
            unseen = (
                "what Spark's own streaming sinks write is visible before it can be looked at: write in foreachBatch"
            )
            raise WriteRefusedError(str(self._write.dataset), (f"its files are to be encrypted, and {unseen}",))
        self._frame = changed
        self._write = dataclasses.replace(self._write, columns=fuse.columns_of(self._frame.schema))
        if self._blind is not None:
            if self._scope.runtime.judges_writes:
                reason = f"its batches can't be followed ({self._blind}), and plugins judge what is written"
                raise WriteRefusedError(str(self._write.dataset), (reason,))
            self._scope.note(f"the batches of a streaming query to {self._write.dataset} are not seen: {self._blind}")
        self._measuring.ask(self._write)
        breaker = self._scope.bus.breaker(self._measuring.wanted)
        insist(self._write, breaker, "Spark's own streaming sinks write inside the JVM; foreachBatch can be held back")
        if isinstance(self._request.target, OpaqueTarget):
            self._measuring.give_up(self._write, "what a batch leaves in this sink can't be measured")
        else:
            self._measuring.resolve(self._write, self._written_columns())
