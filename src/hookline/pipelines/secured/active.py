"""Spark asks the settings of whichever session is active when its parser or its catalogs are spoken to directly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hookline.pipelines import plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def active(spark: SparkSession) -> Iterator[None]:
    """This session is the active one meanwhile: what is looked through is then read as it will be when it is run."""
    sessions = plans.jvm(spark).org.apache.spark.sql.classic.SparkSession
    before = plans.option(sessions.getActiveSession())
    sessions.setActiveSession(spark._jsparkSession)
    try:
        yield
    finally:
        if before is None:
            sessions.clearActiveSession()
        else:
            sessions.setActiveSession(before)
