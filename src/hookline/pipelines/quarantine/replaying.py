"""Rows of a quarantine brought back to their target, through the same chain as any write, each at most once.

Which rows came back is written down in the quarantine by the very write that brings them: both come about, or neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.core.config import Config
from hookline.core.errors import HooklineError
from hookline.core.events import utc_now
from hookline.core.text import quoted
from hookline.pipelines import attach, plans, storage
from hookline.pipelines.quarantine.companion import Companion, along
from hookline.pipelines.quarantine.holdings import REPLAYED, Held, Quarantine
from hookline.pipelines.staging.held import hold, let_go
from hookline.pipelines.staging.journal import turn
from hookline.pipelines.staging.recovery import recover
from hookline.pipelines.state import current_scope

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

JOB = "hookline quarantine replay"
_ID = "hookline id"
# What a job wrote as text (csv, text, xml) is not known well enough to write more of it.
_FORMATS = ("parquet", "delta", "orc", "json")


@dataclass(frozen=True)
class Wanted:
    """Which rows come back, and what is done to them first.

    Attributes:
        reason: only rows that were set aside for this one alone.
        changes: a column to an expression in Spark's SQL for its new value.
        repaired: the path of Parquet files with ``quarantine_id`` and the row's own columns, in place of what is held.
    """

    reason: str | None = None
    changes: Mapping[str, str] | None = None
    repaired: str | None = None


@dataclass(frozen=True)
class Replayed:
    """What became of the rows: how many came back, and how many were set aside again."""

    appended: int
    set_aside: int


def replay(
    spark: SparkSession, quarantine: Quarantine, held: Sequence[Held], wanted: Wanted, config: Config
) -> Replayed:
    """Bring rows back to where they belong.

    Raises:
        HooklineError: it is not possible, or a gate refuses; nothing of that write was done then.
    """
    root = plans.qualified(spark, quarantine.place)
    with turn(config.state_dir, root):
        recover(spark, config.state_dir)
        done = quarantine.again().replayed()
        attachment = attach.open_run(JOB, config=config)
        attach.watch_active_session()
        try:
            scope = current_scope()
            if scope is None or not scope.runtime.judges_writes:
                raise HooklineError("no plugin of the configuration judges writes: name quality and its suites there")
            for files in _alike(spark, quarantine, held):
                _bring_back(spark, files, root, wanted, done, config, attachment.run.run_id)
        finally:
            ended = attachment.detach()
    writes = () if ended is None else ended.writes
    return Replayed(sum(write.rows or 0 for write in writes), sum(write.rows_quarantined or 0 for write in writes))


def _alike(spark: SparkSession, quarantine: Quarantine, held: Sequence[Held]) -> Iterator[list[str]]:
    """Files whose rows have the same columns and the same target."""
    groups: dict[Any, list[str]] = defaultdict(list)
    for one in held:
        uris = [quarantine.uri(path) for path in one.files]
        frame = _read(spark, uris)
        target = frame.select("target_uri", "target_format", "target_table", "partition_by").first()
        groups[(frame.schema["row"].dataType.json(), str(target))] += uris
    yield from groups.values()


def _read(spark: SparkSession, uris: list[str]) -> DataFrame:
    from pyspark.sql import DataFrame

    java = spark._jsparkSession.read().parquet(plans.jvm(spark).PythonUtils.toSeq(uris))
    return DataFrame(java, spark)


def _bring_back(
    spark: SparkSession, files: list[str], root: str, wanted: Wanted, done: set[str], config: Config, run_id: str
) -> None:
    from pyspark.sql import functions as F

    stored = _read(spark, files)
    target = stored.select("target_uri", "target_format", "target_table", "partition_by").first()
    if done:
        known = spark.createDataFrame([(one,) for one in done], "quarantine_id string")
        stored = stored.join(known, "quarantine_id", "left_anti")
    if wanted.reason is not None:
        stored = stored.where(F.col("reasons") == F.array(F.lit(wanted.reason)))
    # What is written and what is marked are the same rows, whatever becomes of a repaired file meanwhile.
    rows = hold(_repaired(spark, stored, wanted))
    try:
        if rows.isEmpty():
            return
        companion = Companion(spark, root, config.state_dir)
        data = f"{companion.folder}/data"
        marks = rows.select(
            F.col(quoted(_ID)).alias("quarantine_id"),
            F.lit(run_id).alias("replay_id"),
            F.lit(utc_now()).alias("replayed_at"),
        )
        marks.coalesce(1)._jdf.write().parquet(data)
        names = [name for name in companion.files.below(data) if name.endswith(".parquet")]
        moves = {f"data/{name}": f"{REPLAYED}/{run_id}-{name}" for name in names}
        with along(companion, moves):
            _append(spark, rows.drop(_ID), target)
    finally:
        let_go(rows)


def _repaired(spark: SparkSession, stored: DataFrame, wanted: Wanted) -> DataFrame:
    """The rows as they are to be written, with their ids."""
    from pyspark.sql import functions as F

    columns = [field.name for field in stored.schema["row"].dataType.fields]  # type: ignore[attr-defined]
    rows = stored.select(F.col("quarantine_id").alias(_ID), *(F.col("row").getField(c).alias(c) for c in columns))
    if wanted.repaired is not None:
        rows = _replaced(spark, rows, columns, wanted.repaired)
    for column, expression in (wanted.changes or {}).items():
        if column not in columns:
            raise HooklineError(f"the rows have no column {column!r}; they have {', '.join(columns[:20])}")
        rows = rows.withColumn(column, F.expr(expression).cast(rows.schema[column].dataType))
    return rows


def _replaced(spark: SparkSession, rows: DataFrame, columns: list[str], place: str) -> DataFrame:
    from pyspark.sql import functions as F

    given = _read(spark, [plans.qualified(spark, place)])
    missing = [name for name in ("quarantine_id", *columns) if name not in given.columns]
    if missing:
        raise HooklineError(f"{place} lacks {', '.join(missing)}: it needs quarantine_id and all columns of the rows")
    ids = given.select("quarantine_id")
    if ids.distinct().count() != ids.count():
        raise HooklineError(f"{place} has a quarantine_id twice; each row can come back once")
    kinds = {field.name: field.dataType for field in rows.schema.fields}
    given = given.select(
        F.col("quarantine_id").alias(_ID), *(F.col(quoted(c)).cast(kinds[c]).alias(c) for c in columns)
    )
    return given.join(rows.select(_ID), _ID, "left_semi")


def _append(spark: SparkSession, rows: DataFrame, target: Any) -> None:
    """As a job would."""
    kind = str(target.target_format).lower()
    if target.target_table is not None:
        _into_table(spark, rows, target.target_table)
    elif target.target_uri is None or kind not in _FORMATS:
        place = target.target_uri or "a place that is not known"
        raise HooklineError(
            f"rows can't be brought back to {place} ({kind}): write them there from the quarantine's files"
        )
    else:
        writer = rows.write.format(kind).mode("append")
        if kind != "delta" and target.partition_by:
            writer = writer.partitionBy(*target.partition_by)
        writer.save(storage.local_path(target.target_uri) or target.target_uri)


def _into_table(spark: SparkSession, rows: DataFrame, table: str) -> None:
    """By name: a column that the table got since is null, and one that it lost is an error."""
    from pyspark.sql import functions as F

    there = spark.table(table).schema
    known = {name.lower() for name in rows.columns}
    lost = known - {field.name.lower() for field in there.fields}
    if lost:
        raise HooklineError(f"{table} has no column {', '.join(sorted(lost))} any more: repair the rows without them")
    chosen = [
        F.col(quoted(field.name)) if field.name.lower() in known else F.lit(None).cast(field.dataType).alias(field.name)
        for field in there.fields
    ]
    rows.select(*chosen).write.insertInto(table)
