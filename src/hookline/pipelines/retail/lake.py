"""Where the platform's tables are, and how far each one has got."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Lake:
    """Delta tables in folders below one root, named ``bronze/transactions``, ``gold/daily_sales`` and so on.

    Every table has a column ``batch``: the number of the load that brought the row to bronze. It is the watermark of
    the whole platform. A step takes the rows of its source whose batch is above the highest one in its own table, and
    since rows and batch numbers arrive in one Delta commit, a step that dies half-way has simply not happened.

    Batches count arrivals, not calendar days: a day's file that turns up a week late is a new batch like any other.
    One run at a time, as a scheduler sees to: two at once would give one number to two batches.
    """

    spark: SparkSession
    root: Path
    _watermarks: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def path(self, table: str) -> str:
        """The folder of a table."""
        return str(self.root / table)

    def exists(self, table: str) -> bool:
        """Whether anything was ever written to a table."""
        return (self.root / table / "_delta_log").is_dir()

    def read(self, table: str) -> DataFrame:
        """A table as it is now."""
        return self.spark.read.format("delta").load(self.path(table))

    def read_after(self, table: str, batch: int) -> DataFrame:
        """The rows of a table that came with a later batch than the given one."""
        from pyspark.sql import functions as F

        return self.read(table).where(F.col("batch") > batch)

    def watermark(self, table: str) -> int:
        """The highest batch that a table has seen; 0 when it has seen none. The table is asked once in a run."""
        if table not in self._watermarks:
            self._watermarks[table] = self._highest_batch(table) if self.exists(table) else 0
        return self._watermarks[table]

    def _highest_batch(self, table: str) -> int:
        from pyspark.sql import functions as F

        row = self.read(table).agg(F.max("batch")).first()
        return int(row[0]) if row and row[0] is not None else 0

    def advance(self, table: str, batch: int) -> None:
        """Note that a table holds everything up to a batch now."""
        self._watermarks[table] = batch

    def look_again(self, *tables: str) -> None:
        """Forget the watermarks of some tables, or of all: at the next question the table itself answers."""
        for table in tables or tuple(self._watermarks):
            self._watermarks.pop(table, None)

    def upsert(self, table: str, rows: DataFrame, key: tuple[str, ...]) -> None:
        """Insert rows, or replace those with the same key. Doing it twice is the same as doing it once."""
        if not self.exists(table):
            rows.write.format("delta").save(self.path(table))
            return
        target = self.delta(table).alias("old")
        same = " AND ".join(f"old.{column} = new.{column}" for column in key)
        target.merge(rows.alias("new"), same).whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    def delta(self, table: str) -> Any:
        """A table's Delta handle, for MERGE and for its history."""
        from delta.tables import DeltaTable

        return DeltaTable.forPath(self.spark, self.path(table))
