"""A Spark session with Delta Lake for one machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JARS = "HOOKLINE_JARS"
"""Environment variable: a folder with the Delta jars."""

SETTINGS: dict[str, bool | float | int | str | None] = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    # A day's sales fit in memory; more partitions than cores only cost scheduling and make small files.
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Most of a short job is compilation: one quick compiler instead of two saves a third of its CPU time.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def build_session(app: str = "retail", *, log_level: str = "ERROR") -> SparkSession:
    """The session that runs already, or a new one on all cores of this machine.

    The Delta jars come from the folder that ``HOOKLINE_JARS`` names, else from ``.cache/jars`` of the repository, else
    Spark fetches them through Ivy, which takes the network and up to a minute.
    """
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    # Without it the workers take whichever python3 the system has.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app).master("local[*]").config(map=SETTINGS)
    folder = jar_folder()
    if folder is None:
        spark = configure_spark_with_delta_pip(builder).getOrCreate()
    else:
        jars = sorted(str(jar) for jar in folder.glob("*.jar"))
        spark = builder.config("spark.jars", ",".join(jars)).getOrCreate()
    spark.sparkContext.setLogLevel(log_level)
    return spark


def jar_folder() -> Path | None:
    """The folder with the Delta jars, if there is one.

    Raises:
        FileNotFoundError: ``HOOKLINE_JARS`` names a folder without Delta's jar.
    """
    named = os.environ.get(JARS)
    if named:
        if not any(Path(named).glob("delta-spark_*.jar")):
            raise FileNotFoundError(f"{JARS}={named} holds no delta-spark jar; point it elsewhere, or unset it")
        return Path(named)
    for parent in Path(__file__).resolve().parents:
        folder = parent / ".cache" / "jars"
        if any(folder.glob("delta-spark_*.jar")):
            return folder
    return None
