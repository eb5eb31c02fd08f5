"""The Spark session of commands that read data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def spark_settings(given: Iterable[str], *, delta: bool) -> dict[str, str]:
    """Spark's settings: ours first, so that the user's (``KEY=VALUE``) win.

    Raises:
        ConfigError: for a setting without a value.
    """
    from hookline.core.errors import ConfigError

    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Whatever rows Spark shuffles or spills on the way are nobody's to read.
        "spark.io.encryption.enabled": "true",
    }
    if delta:
        settings["spark.sql.extensions"] = "io.delta.sql.DeltaSparkSessionExtension"
        settings["spark.sql.catalog.spark_catalog"] = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    for setting in given:
        key, equals, value = setting.partition("=")
        if not (equals and key):
            raise ConfigError(f"--conf {key}: a setting is KEY=VALUE")
        settings[key] = value
    return settings


@contextmanager
def open_session(settings: Mapping[str, str], command: str) -> Iterator[SparkSession]:
    """A session; one that was there before is used as it is, and stays."""
    from hookline.core.errors import HooklineError

    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise HooklineError(f"{command} needs PySpark, which is not installed: pip install pyspark") from None
    # Asked of the context: a session is active in some threads only, and another one would be stopped with it.
    if SparkContext._active_spark_context is not None:
        yield SparkSession.getActiveSession() or SparkSession.Builder().getOrCreate()
        return
    builder = SparkSession.Builder().appName(f"hookline {command}")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()
