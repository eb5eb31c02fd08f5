"""Bronze: every landing file as it was received, with where it came from and when.

All columns stay text. What can't be read as a number today may be understood tomorrow, and then it is still there.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hookline.pipelines.retail.lake import Lake
from hookline.pipelines.retail.schemas import LANDED

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def ingest(lake: Lake, dataset: str) -> bool:
    """Append the landing days that bronze does not have yet, as one batch.

    Afterwards there is a table even if nothing has landed: what reads it need not ask whether it is there.

    Returns:
        Whether anything was written.
    """
    table, days = f"bronze/{dataset}", new_days(lake, dataset)
    # A file with a header alone leaves no row to be known by, so its day looks new each time.
    if lake.exists(table) and (not days or read_landing(lake, dataset, days).isEmpty()):
        return False

    batch = lake.watermark(table) + 1
    (
        read_landing(lake, dataset, days)
        .withColumns(_provenance(batch))
        .write.format("delta")
        .mode("append")
        .partitionBy("landed_on")
        .save(lake.path(table))
    )
    # A load without rows leaves no batch behind.
    if days:
        lake.advance(table, batch)
    return True


def read_landing(lake: Lake, dataset: str, days: list[dt.date]) -> DataFrame:
    """A dataset's files of some days, all columns as text. A file whose header is not as agreed is an error."""
    folder = lake.root / "landing" / dataset
    schema = ", ".join(f"{column} STRING" for column in LANDED[dataset]) + ", landed_on DATE"
    reader = lake.spark.read.option("basePath", str(folder))
    files = [str(folder / f"landed_on={day}") for day in days] or [str(folder)]
    return reader.csv(files, schema=schema, header=True, enforceSchema=False)


def _provenance(batch: int) -> dict[str, Column]:
    from pyspark.sql import functions as F

    return {
        "source_file": F.col("_metadata.file_path"),
        "ingested_at": F.current_timestamp(),
        "batch": F.lit(batch),
    }


def new_days(lake: Lake, dataset: str) -> list[dt.date]:
    """The days of landing that are not in bronze yet."""
    folders = (lake.root / "landing" / dataset).glob("landed_on=*")
    landed = {dt.date.fromisoformat(folder.name.removeprefix("landed_on=")) for folder in folders}
    if lake.exists(f"bronze/{dataset}"):
        rows = lake.read(f"bronze/{dataset}").select("landed_on").distinct().collect()
        landed -= {row.landed_on for row in rows}
    return sorted(landed)
