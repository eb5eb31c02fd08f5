"""The bad rows of one write, as a quarantine keeps them.

A quarantine is a folder of Parquet files, partitioned by the run's date. A row in it has the columns of ``COLUMNS``, and in
``row`` what the job wanted to write, with its own types. Each write brings files of its own, so that a target whose columns
change has files of several shapes in its quarantine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError
from hookline.core.events import Dataset, Write, jsonable, utc_now
from hookline.core.fuse.division import Receipt
from hookline.core.fuse.expressions import named
from hookline.core.fuse.footers import read_one_footer
from hookline.core.fuse.sifting import REASONS
from hookline.pipelines import names, plans, storage, targets
from hookline.pipelines.quarantine.companion import Companion
from hookline.pipelines.staging.journal import Proof

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SUFFIX = "_quarantine"
# Fewer rows than this go into one file.
_FEW = 500_000


@dataclass(frozen=True)
class Origin:
    """What the rows of a quarantine were meant for.

    Attributes:
        uri: the target's place, where it is one.
        table: its name, as Spark's parser reads it, where the job wrote to a name.
    """

    dataset: Dataset
    uri: str | None = None
    table: str | None = None


def place_of(spark: SparkSession, configured: str | None, origin: Origin) -> str:
    """The folder of a dataset's quarantine, as a URI.

    Raises:
        HooklineError: there is none beside the target, and none was given.
    """
    if configured is not None:
        return plans.qualified(spark, configured).rstrip("/")
    if origin.uri is None:
        raise HooklineError(
            f"there is no place beside {origin.dataset} for rows that are set aside: "
            "give one in its suite (quarantine: {path: …})"
        )
    return plans.qualified(spark, origin.uri).rstrip("/") + SUFFIX


class Deposit:
    """Where one write's bad rows go.

    Attributes:
        rows: how many there are, counted in what was written; None before that.
    """

    def __init__(
        self,
        spark: SparkSession,
        root: str,
        state_dir: Path,
        write: Write,
        job: str,
        origin: Origin,
        columns: tuple[str, ...],
    ) -> None:
        self._spark = spark
        self._write = write
        self._job = job
        self._origin = origin
        self._columns = columns
        self._companion = Companion(spark, root, state_dir)
        self._data = f"{self._companion.folder}/data"
        self.dataset = names.place_dataset(root, "parquet")
        self.rows: int | None = None

    def put(self, marked: DataFrame, expected: int) -> None:
        """Write the rows that fail something down, where nobody sees them yet."""
        from pyspark.sql import DataFrame
        from pyspark.sql import functions as F

        bad = marked.where(F.size(named(REASONS)) > 0)
        facts = {name: F.lit(value).cast(kind) for name, (value, kind) in self._facts.items()}
        shown = bad.coalesce(1 if expected < _FEW else 8).select(
            F.concat(F.lit(f"{self._write.write_id}/"), F.monotonically_increasing_id().cast("string")).alias(
                "quarantine_id"
            ),
            *(column.alias(name) for name, column in facts.items()),
            named(REASONS).alias("reasons"),
            F.struct(*(named(name).alias(name) for name in self._columns)).alias("row"),
        )
        # Not by the job's own writer, which asks the bus.
        shown._jdf.write().mode("errorifexists").parquet(self._data)
        java = self._spark._jsparkSession.read().parquet(plans.jvm(self._spark).PythonUtils.toSeq([self._data]))
        self.rows = DataFrame(java, self._spark).count()

    def receipt(self) -> Receipt | None:
        """Where they may be put without Spark: on a local disk."""
        folder = storage.local_path(self._data)
        if folder is None:
            return None
        facts = {name: (jsonable(value), kind) for name, (value, kind) in self._facts.items()}
        return Receipt(Path(folder, "part-00000.parquet"), f"{self._write.write_id}/", facts)

    def took(self, rows: int) -> None:
        """What is there has to be as many."""
        folder = storage.local_path(self._data) or ""
        if sum(read_one_footer(f"{folder}/part-00000.parquet").rows) != rows:
            raise HooklineError("the rows that were set aside are not all there")
        self.rows = rows

    def place(self, proof: Proof | None) -> None:
        """Show them in the quarantine, before the write is published."""
        slug = self._write.write_id.replace("/", "-")
        day = f"run_date={self._write.started_at.date().isoformat()}"
        files = [name for name in self._companion.files.below(self._data) if name.endswith(".parquet")]
        moves = {f"data/{name}": f"{day}/{slug}-{number:05d}.parquet" for number, name in enumerate(files)}
        self._companion.place(moves, proof)

    def keep(self) -> None:
        """The write is published."""
        self._companion.keep()

    def give_up(self) -> None:
        """The write failed."""
        self._companion.give_up()

    @cached_property
    def _facts(self) -> dict[str, tuple[Any, str]]:
        return {
            "run_id": (self._write.write_id.rpartition("/")[0], "string"),
            "write_id": (self._write.write_id, "string"),
            "job": (self._job, "string"),
            "dataset": (str(self._origin.dataset), "string"),
            "target_uri": (self._origin.uri, "string"),
            "target_format": (self._origin.dataset.format, "string"),
            "target_table": (self._origin.table, "string"),
            "partition_by": (list(self._write.partition_by), "array<string>"),
            "batch_id": (self._write.batch_id, "bigint"),
            "quarantined_at": (utc_now(), "timestamp"),
        }


def origin_of(target: Any) -> Origin:
    """What a write's target is, so that rows can be brought to it later."""
    table = getattr(target, "parts", None)
    place = target.place() if table is not None else target
    uri = place.uri if isinstance(place, (targets.DeltaTarget, targets.FolderTarget)) else None
    from hookline.pipelines.tables import quoted

    is_path = table is not None and len(table) == 2 and "/" in table[1]
    return Origin(place.dataset, uri, quoted(table) if table is not None and not is_path else None)
