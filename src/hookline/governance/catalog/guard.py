"""What a plugin with rules of schemas does on the bus, wherever it knows the versions from."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from hookline.core.errors import HooklineError, SchemaError
from hookline.core.events import Denial, Run, Write
from hookline.core.fuse import columns_of
from hookline.governance.audit import AuditLog, Entry
from hookline.governance.catalog.compatibility import Columns
from hookline.governance.catalog.options import SchemaRule

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

logger = logging.getLogger(__name__)
Check = Callable[[SchemaRule, Write, Columns], None]


class SchemaGuard:
    """Holds each write against its dataset's rule where its columns are known, and records what was refused.

    Args:
        rules: of those that match a dataset the first holds.
        check: raises SchemaError for a write that may not pass.
    """

    def __init__(self, rules: tuple[SchemaRule, ...], check: Check, log: AuditLog) -> None:
        self._rules, self._check, self._log = rules, check, log

    def authorize(self, event: Write, run: Run) -> Denial | None:
        """A write whose rows don't pass as a DataFrame, or go into the target's own columns."""
        if event.transformable and event.target_columns is None:
            return None
        try:
            self._hold(event, run, event.target_columns or event.columns)
        except SchemaError as error:
            return Denial(str(error))
        return None

    def see(self, event: Write, run: Run, frame: DataFrame) -> None:
        """Any other one, as its rows will be written."""
        if event.target_columns is None:
            self._hold(event, run, columns_of(frame.schema))

    def _hold(self, event: Write, run: Run, columns: Columns) -> None:
        rule = next((one for one in self._rules if event.dataset.matches(*one.datasets)), None)
        if rule is None or rule.compatibility == "NONE":
            return
        try:
            self._check(rule, event, columns)
        except SchemaError as error:
            what = {**about(event, run), "compatibility": rule.compatibility, "reason": str(error)}
            try:
                self._log.append(Entry("catalog.refused", what, run.user))
            except HooklineError as trouble:  # it is refused whether or not that can be recorded
                logger.warning("%s", trouble)
            raise


def about(event: Write, run: Run) -> dict[str, object]:
    """Which write, for the audit log."""
    return {
        "run": run.run_id,
        "job": run.job,
        "write": event.write_id,
        "dataset": str(event.dataset),
        "operation": event.operation,
    }
