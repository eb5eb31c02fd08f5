"""``presidio``: writes are looked through for personal data; what is found is kept, and gates refuse what may not be there."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.core.errors import HooklineError
from hookline.core.events import Measure, Measured, Run, Verdict, Write, content_id, utc_now
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.governance.audit import open_log
from hookline.governance.pii.keeping import columns_id, entry_of, stored
from hookline.governance.pii.options import Gate, PresidioConfig
from hookline.governance.pii.recognizers import PACKAGES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.core.plugin import PluginContext

logger = logging.getLogger(__name__)


class PresidioPlugin:
    """Detection on the bus."""

    Config: ClassVar[type[PluginConfig]] = PresidioConfig
    requires: ClassVar[tuple[str, ...]] = PACKAGES

    def __init__(self, config: PresidioConfig, context: PluginContext) -> None:
        self._config = config
        self._settings = config.detection()
        self._measure = Measure.examined(look_for_personal_data, self._settings.model_dump_json())
        self._required = Measure.examined(look_for_personal_data, self._settings.model_dump_json(), required=True)
        self._store = context.store
        self._outbox = context.outbox
        self._log = open_log(context.audit, context.base_dir, context.state_dir)

    @hookimpl
    def measure_write(self, event: Write, run: Run) -> list[Measure] | None:
        """A write into a dataset with a gate is always looked through, another where its columns are new or it is time."""
        if self._config.gates_of(event.dataset):
            return [self._required]
        return [self._measure] if self._wanted(event) else None

    @hookimpl
    def judge_write(self, event: Write, run: Run, results: Mapping[Measure, Measured]) -> list[Verdict]:
        """A verdict for every gate of the dataset."""
        measured = next(iter(results.values()), None)
        return [_verdict(gate, measured) for gate in self._config.gates_of(event.dataset)]

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """What was found is kept, of what readers can see."""
        measured = next((one for measure, one in event.measured if measure in (self._measure, self._required)), None)
        if measured is None or not measured.ok or not event.published:
            return
        scan = stored(event.dataset, measured.value, columns_id(event.columns, self._settings), run.run_id)
        self._outbox.put(
            "store", scan.payload(), kind="scan", id=content_id("scan", event.write_id), order_key=run.run_id
        )
        self._log.append(entry_of(scan, run.user))

    def _wanted(self, event: Write) -> bool:
        if not event.dataset.matches(*self._config.datasets):
            return False
        if self._store is None or not self._config.again_after_days:
            return True
        from hookline.core.store.classifying import scan_of

        try:
            last = scan_of(self._store.get(), event.dataset.namespace, event.dataset.name)
        except HooklineError as error:
            logger.warning("the last scan of %s is not known: %s", event.dataset, error)
            return True
        if last is None or last.columns_id != columns_id(event.columns, self._settings):
            return True
        return utc_now() - dt.datetime.fromisoformat(last.scanned_at) > dt.timedelta(days=self._config.again_after_days)


def look_for_personal_data(frame: DataFrame, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Scans with settings that are given as JSON."""
    from hookline.governance.pii.scan import scan
    from hookline.governance.pii.settings import DetectionSettings

    return [scan(frame, DetectionSettings.model_validate(json.loads(one))).document() for one in wanted]


look_for_personal_data.why = "Presidio looks at a sample of the rows"  # type: ignore[attr-defined]


def _verdict(gate: Gate, measured: Measured | None) -> Verdict:
    about: dict[str, Any] = {
        "check": f"no personal data in {', '.join(gate.datasets)}",
        "severity": gate.severity,
        "expected": "none of " + (", ".join(gate.entities) if gate.entities != ("*",) else "any entity"),
        "kind": "personal_data",
        "required": gate.severity == "critical",
        "way": "spark",
    }
    if measured is None or not measured.ok:
        return Verdict(
            status="error", message=measured.error or "" if measured else "it was not looked through", **about
        )
    found = [*_forbidden(gate, measured.value)]
    told = ", ".join(f"{one['column']}: {one['entity']} ({one['confidence']:.2f})" for one in found)
    columns = tuple(dict.fromkeys(one["column"] for one in found))
    return Verdict(status="failed" if found else "passed", observed=told or "none", columns=columns, **about)


def _forbidden(gate: Gate, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in document["found"]:
        if one["confidence"] >= gate.confidence and ("*" in gate.entities or one["entity"] in gate.entities):
            yield one
