"""The safety net: queries that the listener saw, compared with the writes that interception announced."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hookline.core.events import Dataset, Operation
from hookline.pipelines import announced, chain, columns, leaves, names, plans, storage, tables, targets
from hookline.pipelines.state import current_scope

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
_SETTLE_AFTER_S = 60.0
_PHASE = re.compile(r"PhaseSummary\((\d+)")
_REMEMBERED = 1_000
# CREATE TABLE AS SELECT is told as a whole; the name of its step's target is not the table's.
_STEP = "inner data writing"

_WRITES: Mapping[str, Operation] = {
    "InsertIntoHadoopFsRelationCommand": "unknown",
    "SaveIntoDataSourceCommand": "unknown",
    "InsertIntoDataSourceCommand": "insert",
    "InsertIntoDataSourceDirCommand": "overwrite",
    "InsertIntoHiveTable": "insert",
    "InsertIntoHiveDirCommand": "overwrite",
    "CreateDataSourceTableAsSelectCommand": "create",
    "CreateHiveTableAsSelectCommand": "create",
    "SaveAsV1TableCommand": "create",
    "CreateTableAsSelect": "create",
    "ReplaceTableAsSelect": "replace",
    "AppendData": "append",
    "OverwriteByExpression": "overwrite",
    "OverwritePartitionsDynamic": "overwrite",
    "MergeIntoCommand": "merge",
    "UpdateCommand": "update",
    "DeleteCommand": "delete",
}


@dataclass(frozen=True)
class Execution:
    """A query that ran: Spark's QueryExecution, the action's name, and how long it took."""

    java: Any
    action: str
    duration_s: float


@dataclass
class _Write:
    spark: SparkSession
    execution: Execution
    operation: Operation
    dataset: Dataset | None
    uri: str | None
    start_ms: float
    end_ms: float
    ok: bool
    arrived: float = field(default_factory=time.monotonic)

    def contains(self, other: _Write) -> bool:
        """Whether the other is a step of this one: CREATE TABLE AS SELECT inserts, saveAsTable creates."""
        inside = self.start_ms <= other.start_ms and other.end_ms <= self.end_ms
        related = self.dataset is None or other.dataset is None or announced.same(self.dataset, other.dataset)
        return self is not other and inside and related


class Net:
    """Collects what the listener saw. Used by one thread, ``settle`` by any."""

    def __init__(self, since_ms: int) -> None:
        self._since_ms = since_ms
        self._pending: list[_Write] = []
        self._looked_at: deque[int] = deque(maxlen=_REMEMBERED)

    def look(self, spark: SparkSession, execution: Execution, ok: bool) -> None:
        """One query: a write to compare with the announced ones, or reads."""
        try:
            plan = execution.java.analyzed()
        except Exception:
            if ok:
                raise
            return  # a query that could not be analyzed did nothing
        kind = plans.node_class(plan)
        start_ms = _start_ms(execution.java)
        if execution.action.startswith(_STEP):
            return
        if kind in _WRITES:
            self._look_at_write(spark, execution, plan, kind, start_ms, ok)
        elif ok:
            _record_reads(spark, plan, start_ms)
        if self._pending and time.monotonic() - self._pending[0].arrived > _SETTLE_AFTER_S:
            self.settle()

    def settle(self) -> None:
        """Report the writes that nobody announced; a step of another one is not a write of its own."""
        pending, self._pending = self._pending, []
        for write in pending:
            if not any(other.contains(write) for other in pending):
                _report(write)

    def _look_at_write(
        self, spark: SparkSession, execution: Execution, plan: Any, kind: str, start_ms: float, ok: bool
    ) -> None:
        if start_ms < self._since_ms:  # Spark tells late: a write from before anything was attached
            return
        dataset, uri = _target(spark, plan, kind)
        columns.offer(dataset, plan)
        if announced.covers("write", dataset, start_ms) or (dataset is not None and storage.is_staged(dataset.name)):
            return
        # The session of a streaming query is a copy, listeners included: such a query is told twice.
        if (identity := int(execution.java.id())) in self._looked_at:
            return
        self._looked_at.append(identity)
        end_ms = start_ms + execution.duration_s * 1000
        self._pending.append(_Write(spark, execution, _WRITES[kind], dataset, uri, start_ms, end_ms, ok))


def _record_reads(spark: SparkSession, plan: Any, start_ms: float) -> None:
    scope = current_scope()
    if scope is None:
        return
    for read in leaves.inputs_of(spark, plan)[0]:
        if "/_delta_log" in read.dataset.name or storage.is_staged(read.dataset.name):
            continue
        if not announced.covers("measure", read.dataset, start_ms):
            scope.record_read(read)


def _report(write: _Write) -> None:
    scope = current_scope()
    if scope is None:
        return
    dataset = write.dataset or names.other_dataset("unknown", write.execution.action)
    target = (
        targets.OpaqueTarget(dataset) if write.uri is None else targets.place_target(write.spark, dataset, write.uri)
    )
    metrics = _metrics(write.execution.java)
    started_at = datetime.fromtimestamp(write.start_ms / 1000, timezone.utc)
    plan = write.execution.java.analyzed()
    request = chain.Request(
        spark=write.spark,
        target=target,
        operation=write.operation,
        execute=lambda _: None,
        plan=plan,
        schema=lambda: _schema(write, dataset),
        command=lambda _: plan,
    )
    with announced.window("measure", dataset):
        written = target.during(write.start_ms, write.end_ms, metrics) if write.ok else targets.Written()
        refused = chain.assess_afterwards(
            scope,
            request,
            written,
            spends=lambda spending: spending.of_window(started_at, write.execution.duration_s),
            intercepted=False,
            transformable=False,
            started_at=started_at,
            rows=metrics.get("numOutputRows"),
            bytes=metrics.get("numOutputBytes"),
        )
    if refused is not None:
        scope.note(f"a write that could not be stopped: {refused}")


def _schema(write: _Write, dataset: Dataset) -> Any:
    if write.uri is not None and dataset.format is not None:
        return write.spark.read.format(dataset.format).load(write.uri).schema
    return write.spark.createDataFrame([], "unknown string").schema


def _start_ms(execution: Any) -> float:
    """When the first of a query's phases began; asked for as one text, since many queries are only looked at for this."""
    starts = _PHASE.findall(str(execution.tracker().phases().toString()))
    return float(min(map(int, starts))) if starts else time.time() * 1000


def _metrics(execution: Any) -> dict[str, int]:
    """The command's own counts, from its physical plan."""
    try:
        pairs = plans.sequence(execution.executedPlan().metrics())
        return {str(pair._1()): int(pair._2().value()) for pair in pairs}
    except Exception:  # noqa: BLE001 - counts are welcome, not needed
        return {}


def _target(spark: SparkSession, plan: Any, kind: str) -> tuple[Dataset | None, str | None]:
    """Where a command writes: name and place, as far as it tells."""
    for finder in (_FINDERS.get(kind), _by_catalog_table):
        try:
            if finder is not None and (found := finder(spark, plan)) is not None:
                return found
        except Exception as error:  # noqa: BLE001 - not every command has every accessor
            logger.debug("the target of a %s was not found: %s", kind, type(error).__name__)
    return None, None


_Found = tuple[Dataset, str | None] | None
_Finder = Callable[["SparkSession", Any], _Found]


def _by_output_path(spark: SparkSession, plan: Any) -> _Found:
    table = plans.option(plan.catalogTable())
    uri = str(plan.outputPath().toString())
    format_name = plans.format_name(plan.fileFormat())
    named = names.path_dataset if table is None else names.place_dataset
    place = named(uri, format_name)
    symlinks = plans.of_catalog_table(spark, table).symlinks if table is not None else ()
    return Dataset(place.namespace, place.name, format_name, symlinks), uri


def _by_options(spark: SparkSession, plan: Any) -> _Found:
    options = {str(pair._1()).lower(): str(pair._2()) for pair in plans.sequence(plan.options())}
    source = plans.simple_class(plan.dataSource())
    format_name = "delta" if source == "DeltaDataSource" else "jdbc" if source.startswith("Jdbc") else source.lower()
    if "path" in options:
        target = targets.path_target(spark, options["path"], format_name)
        return target.dataset, getattr(target, "uri", None)
    return targets.option_target(format_name, options).dataset, None


def _by_v2_relation(spark: SparkSession, plan: Any) -> _Found:
    dataset = plans.of_v2_relation(spark, plan.table())[0]
    return dataset, dataset.name if dataset.namespace == "file" else None


def _by_delta_log(spark: SparkSession, plan: Any) -> _Found:
    uri = str(_delta_log(plan).dataPath().toString())
    return names.path_dataset(uri, "delta"), uri


def _delta_log(plan: Any) -> Any:
    kind = plans.simple_class(plan)
    if kind == "DeleteCommand":
        return plan.deltaLog()
    return (plan.targetFileIndex() if kind == "MergeIntoCommand" else plan.tahoeFileIndex()).deltaLog()


def _by_new_name(spark: SparkSession, plan: Any) -> _Found:
    identifier = plan.name().identifier()
    parts = (*[str(part) for part in identifier.namespace()], str(identifier.name()))
    place = tables.TableTarget(spark, parts).place()
    return place.dataset, getattr(place, "uri", None)


def _by_catalog_table(spark: SparkSession, plan: Any) -> _Found:
    identifier = plan.table().identifier()
    parts = [part for part in (plans.option(identifier.database()), identifier.table()) if part]
    place = tables.TableTarget(spark, tuple(map(str, parts))).place()
    return place.dataset, getattr(place, "uri", None)


_FINDERS: Mapping[str, _Finder] = {
    "InsertIntoHadoopFsRelationCommand": _by_output_path,
    "SaveIntoDataSourceCommand": _by_options,
    "AppendData": _by_v2_relation,
    "OverwriteByExpression": _by_v2_relation,
    "OverwritePartitionsDynamic": _by_v2_relation,
    "CreateTableAsSelect": _by_new_name,
    "ReplaceTableAsSelect": _by_new_name,
    "MergeIntoCommand": _by_delta_log,
    "UpdateCommand": _by_delta_log,
    "DeleteCommand": _by_delta_log,
}
