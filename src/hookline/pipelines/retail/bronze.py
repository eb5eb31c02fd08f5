"""Bronze: every landing file as it was received, with where it came from and when.

All columns stay text. What can't be read as a number today may be understood tomorrow, and then it is still there.
"""

from __future__ import annotations

import datetime as dt

from hookline.pipelines.retail.lake import Lake
from hookline.pipelines.retail.schemas import LANDED


def ingest(lake: Lake, dataset: str) -> bool:
    """Append the landing days that bronze does not have yet, as one batch.

    Returns:
        Whether there was anything new.
    """
    from pyspark.sql import functions as F

    table = f"bronze/{dataset}"
    landing = lake.root / "landing" / dataset
    days = new_days(lake, dataset)
    if not days:
        return False

    schema = ", ".join(f"{column} STRING" for column in LANDED[dataset]) + ", landed_on DATE"
    files = [str(landing / f"landed_on={day}") for day in days]
    batch = lake.watermark(table) + 1
    (
        lake.spark.read.option("basePath", str(landing))
        # A file whose header differs from what was agreed is an error, not a shift of columns.
        .csv(files, schema=schema, header=True, enforceSchema=False)
        .withColumns(
            {
                "source_file": F.col("_metadata.file_path"),
                "ingested_at": F.current_timestamp(),
                "batch": F.lit(batch),
            }
        )
        .write.format("delta")
        .mode("append")
        .partitionBy("landed_on")
        # Should two runs load the same batch, Delta keeps the first.
        .option("txnAppId", table)
        .option("txnVersion", batch)
        .save(lake.path(table))
    )
    return True


def new_days(lake: Lake, dataset: str) -> list[dt.date]:
    """The days of landing that are not in bronze yet."""
    folders = (lake.root / "landing" / dataset).glob("landed_on=*")
    landed = {dt.date.fromisoformat(folder.name.removeprefix("landed_on=")) for folder in folders}
    if lake.exists(f"bronze/{dataset}"):
        rows = lake.read(f"bronze/{dataset}").select("landed_on").distinct().collect()
        landed -= {row.landed_on for row in rows}
    return sorted(landed)
