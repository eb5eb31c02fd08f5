"""Rows taken out of a Delta table: by Delta itself, which writes only those files anew that hold such rows.

Rows are taken out by a MERGE with the ids that were found, which flow there as data: in no plan and no log. A DELETE whose
condition is a function of Python's can't be relied on: it says that it deleted a row, and writes it back into its file.

Deletion vectors are not used for it: with them the rows would stay in their files. What older vectors hide is purged as well. The
old files, and the minima and maxima in the table's log, stay until their retention is over: when, is told.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from hookline.core.text import quoted
from hookline.governance.erasure.columns import column_at, meant, place_of
from hookline.governance.erasure.matching import Matcher
from hookline.governance.erasure.parquet import Found

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_WITHOUT_VECTORS = {
    "spark.databricks.delta.delete.deletionVectors.persistent": "false",
    "spark.databricks.delta.merge.deletionVectors.persistent": "false",
    "spark.databricks.delta.update.deletionVectors.persistent": "false",
}
_NOTE = "spark.databricks.delta.commitInfo.userMetadata"
_MARK = "hookline erase"
# Names in the MERGE of the table and of what was found in it.
_ROWS, _FOUND, _ID = "hookline_rows", "hookline_found", "id"
_LOOK_BACK = 100


@dataclass(frozen=True)
class Done:
    """What was done to a dataset.

    Attributes:
        found: what there was of it.
        version: the table's, that came of it; None where nothing had to be done.
        vacuum_due: from when on VACUUM takes the old files of the last erasure away, ISO 8601, UTC.
        log_due: from when on the table's log may forget the old files' statistics.
    """

    found: Found
    version: int | None = None
    vacuum_due: str | None = None
    log_due: str | None = None


class Table:
    """A Delta table at a path."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._spark = spark
        self._uri = uri
        self._jvm: Any = spark._jvm

    def frame(self) -> DataFrame:
        """Its rows."""
        return self._spark.read.format("delta").load(self._uri)

    def find(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
        """What is meant. Nothing is collected but numbers.

        Args:
            columns: count only rows in which one of these is not null.

        Raises:
            ProtectionError: there is no such column, or not of such a type.
        """
        from pyspark.sql import functions as F

        frame = self.frame()
        parts = list(self._detail()["partitionColumns"])
        folder = F.struct(*(column_at((name,)) for name in parts)) if parts else F.lit(None)
        rows = frame.where(meant(frame, column, matcher, columns))
        counted = rows.select(F.col("_metadata.file_path").alias("f"), folder.alias("p"))
        row = counted.agg(F.count(F.lit(1)), F.countDistinct("f"), F.countDistinct("p")).first()
        return Found(*row) if row is not None else Found()

    def rows(self, column: str, matcher: Matcher) -> DataFrame:
        """The rows that are meant.

        Raises:
            ProtectionError: see ``find``.
        """
        frame = self.frame()
        return frame.where(meant(frame, column, matcher))

    def take_out(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Done:
        """Delete what is meant; or make columns null there.

        Raises:
            ProtectionError: see ``find``.
        """
        found = self.find(column, matcher, columns)
        mark = f"{_MARK} {uuid.uuid4()}"
        if found.rows:
            self._change(column, matcher, columns, mark)
        if "deletionVectors" in (self._detail()["tableFeatures"] or ()):
            with self._set({_NOTE: mark}):
                self._spark.sql(f"REORG TABLE delta.`{self._uri.replace('`', '``')}` APPLY (PURGE)")
        own, version, moment = self._commit(mark)
        if moment is None:
            return Done(found)
        files_s, log_s = self._retentions_s()
        return Done(found, version if own else None, _iso(moment, files_s), _iso(moment, log_s))

    def vacuum(self) -> None:
        """Take files away that nobody can read any more, as the table's retention has it."""
        self._table().vacuum()

    def _change(self, column: str, matcher: Matcher, columns: Sequence[str], mark: str) -> None:
        from pyspark.sql import functions as F

        frame = self.frame()
        names, _ = place_of(frame, column)
        found: Any = (
            frame.where(meant(frame, column, matcher, columns))
            .select(column_at(names).alias(_ID))
            .distinct()
            .alias(_FOUND)
        )
        places = [place_of(frame, name, cut=True) for name in columns]
        same: Any = column_at((_ROWS, *names)) == column_at((_FOUND, _ID))
        with self._set({**_WITHOUT_VECTORS, _NOTE: mark}):
            merge = getattr(self._table(), "as")(_ROWS).merge(found._jdf, same._jc)
            if not places:
                merge.whenMatched().delete().execute()
                return
            # By their own values: of one id some rows may have something there, and some not.
            full: Any = reduce(or_, (column_at((_ROWS, *place)).isNotNull() for place, _ in places))
            nulls = self._jvm.java.util.HashMap()
            for place, kind in places:
                null: Any = F.lit(None).cast(kind)
                nulls.put(".".join(map(quoted, place)), null._jc)
            merge.whenMatched(full._jc).update(nulls).execute()

    def _table(self) -> Any:
        return self._jvm.io.delta.tables.DeltaTable.forPath(self._spark._jsparkSession, self._uri)

    def _detail(self) -> dict[str, Any]:
        from pyspark.sql import DataFrame

        detail = DataFrame(self._table().detail(), self._spark)
        row = detail.select("partitionColumns", "properties", "tableFeatures").first()
        return {} if row is None else row.asDict()

    def _commit(self, mark: str) -> tuple[bool, int | None, dt.datetime | None]:
        """The last erasure's commit: whether it is this one's. One that was killed may not have told of its own."""
        from pyspark.sql import DataFrame
        from pyspark.sql import functions as F

        history = DataFrame(self._table().history(_LOOK_BACK), self._spark)
        erasures = history.where(F.col("userMetadata").startswith(_MARK)).orderBy(F.col("version").desc())
        row = erasures.select("version", "userMetadata", F.unix_timestamp("timestamp").alias("at")).first()
        if row is None:
            return False, None, None
        return row["userMetadata"] == mark, row["version"], dt.datetime.fromtimestamp(row["at"], dt.timezone.utc)

    def _retentions_s(self) -> tuple[float, float]:
        """How long old files, and the log, are kept: the table's own properties, else Delta's defaults."""
        properties = self._detail()["properties"]
        files = properties.get("delta.deletedFileRetentionDuration", "interval 1 week")
        return self._seconds(files), self._seconds(properties.get("delta.logRetentionDuration", "interval 30 days"))

    def _seconds(self, interval: str) -> float:
        text = self._jvm.org.apache.spark.unsafe.types.UTF8String.fromString(interval)
        found = self._jvm.org.apache.spark.sql.catalyst.util.IntervalUtils.stringToInterval(text)
        period, duration = found.extractAsPeriod(), found.extractAsDuration()
        return float((period.toTotalMonths() * 31 + period.getDays()) * 86_400 + duration.getSeconds())

    @contextmanager
    def _set(self, settings: dict[str, str]) -> Iterator[None]:
        conf = self._spark.conf
        before = {name: conf.get(name, None) for name in settings}
        try:
            for name, value in settings.items():
                conf.set(name, value)
            yield
        finally:
            for name, old in before.items():
                if old is None:
                    conf.unset(name)
                else:
                    conf.set(name, old)


def is_delta(spark: SparkSession, uri: str) -> bool:
    """Whether a Delta table is there, and Spark can read it."""
    try:
        jvm: Any = spark._jvm
        return bool(jvm.io.delta.tables.DeltaTable.isDeltaTable(spark._jsparkSession, uri))
    except TypeError:  # Delta Lake is not on Spark's class path: the gateway finds a package there
        return False


def _iso(moment: dt.datetime, seconds: float) -> str:
    return (moment + dt.timedelta(seconds=seconds)).isoformat(timespec="seconds")
