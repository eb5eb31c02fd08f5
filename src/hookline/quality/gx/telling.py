"""What was found on each write, on its way into a data context: through the outbox, so that it costs the job nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.events import Run, Write, content_id
from hookline.quality.breaker import Rule
from hookline.quality.gx import exporting, itself
from hookline.quality.gx.check import ExpectationCheck
from hookline.quality.gx.context import EPHEMERAL, ContextSink, context_at
from hookline.quality.gx.results import result_of, result_of_verdict, validation
from hookline.quality.suite import Suite, checks_for, find_suites

if TYPE_CHECKING:
    from hookline.core.plugin import PluginContext


class Teller:
    """Puts validation results into the outbox.

    Args:
        place: the context's folder, or ``ephemeral``.
        suites: those of Great Expectations, by name.
        checks: globs of suites of our own, whose verdicts are told too.
        docs: whether data docs are built when a run ends.

    Raises:
        ConfigError: when Great Expectations, or one of our suites, can't be used.
    """

    def __init__(
        self, place: str, suites: Mapping[str, Suite], checks: Sequence[str], context: PluginContext, *, docs: bool
    ) -> None:
        itself.ready()
        self._suites = suites
        self._own = find_suites(checks, context.base_dir) if checks else ()
        self._docs = docs
        self._outbox = context.outbox
        self._sink = f"{context.name} context"
        self._told: set[str] = set()
        target = context_at(place, context.base_dir)
        context.outbox.register(self._sink, ContextSink(target))
        self.in_process = place == EPHEMERAL

    def tell(self, write: Write, run: Run, rules: Sequence[Rule]) -> None:
        """What the suites found on a write."""
        verdicts = {verdict.check: verdict for verdict in write.verdicts}
        measured = dict(write.measured)
        for name, suite in self._suites.items():
            mine = [
                (rule.check, verdicts[rule.check.name])
                for rule in rules
                if rule.suite is suite and isinstance(rule.check, ExpectationCheck) and rule.check.name in verdicts
            ]
            results = [result_of(check, verdict, measured) for check, verdict in mine]
            if results:
                self._put(validation(name, [check.expectation for check, _ in mine], results, write, run), write, run)
        own = [suite for suite in self._own if suite.matches(write.dataset)]
        told = []
        for check in checks_for(write.dataset, own):
            expectation = exporting.counterpart_of(check).expectation
            if expectation is not None and check.name in verdicts:
                told.append((expectation, result_of_verdict(expectation, verdicts[check.name], write.rows)))
        if told:
            name = f"hookline {write.dataset.name.strip('/').replace('/', '.')}"[-120:]
            self._put(
                validation(name, [one for one, _ in told], [result for _, result in told], write, run), write, run
            )

    def _put(self, told: Mapping[str, Any], write: Write, run: Run) -> None:
        message = content_id("validation", told["suite"]["name"], write.write_id)
        self._outbox.put(self._sink, told, kind="validation", id=message, order_key=run.run_id)
        self._told.add(run.run_id)

    def end(self, run: Run) -> None:
        """A run ended: its results go into the data docs."""
        if self._docs and run.run_id in self._told:
            message = content_id("data docs", run.run_id)
            self._outbox.put(self._sink, {"run": run.run_id}, kind="data_docs", id=message, order_key=run.run_id)
        self._told.discard(run.run_id)
