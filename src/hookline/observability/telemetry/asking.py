"""Spark's status store, asked over py4j: each answer is serialised inside the JVM and crosses over as one string."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
# What advice and prices are about. None of them holds a credential.
SETTINGS = (
    "spark.default.parallelism",
    "spark.driver.memory",
    "spark.dynamicAllocation.enabled",
    "spark.executor.cores",
    "spark.executor.instances",
    "spark.executor.memory",
    "spark.executor.memoryOverhead",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes",
    "spark.sql.adaptive.coalescePartitions.enabled",
    "spark.sql.adaptive.enabled",
    "spark.sql.adaptive.skewJoin.enabled",
    "spark.sql.autoBroadcastJoinThreshold",
    "spark.sql.files.maxPartitionBytes",
    "spark.sql.files.maxRecordsPerFile",
    "spark.sql.shuffle.partitions",
)
_MOST_RECENT = 200


class Grabbed(NamedTuple):
    """Answers of Spark's that are still in the JVM: it takes a moment to have them, and longer to read them."""

    executors: Any
    cached: Any

    @classmethod
    def of(cls, context: SparkContext) -> Grabbed:
        """Executors and what is persisted, as they are now."""
        store = context._jsc.sc().statusStore()
        return cls(store.executorList(False), store.rddList(True))


class Application:
    """A Spark application as its driver knows it.

    Every method may raise what py4j raises when the JVM or the context is gone.

    Args:
        context: a classic one; there is no JVM to ask under Spark Connect.
    """

    def __init__(self, context: SparkContext) -> None:
        self._java = context._jsc.sc()
        self._store = self._java.statusStore()
        jvm: Any = context._jvm
        self._mapper = jvm.com.fasterxml.jackson.databind.ObjectMapper()
        scala = getattr(jvm.com.fasterxml.jackson.module.scala, "DefaultScalaModule$")
        self._mapper.registerModule(getattr(scala, "MODULE$"))
        gateway: Any = context._gateway
        self._quantiles = gateway.new_array(jvm.double, len(QUANTILES))
        for place, fraction in enumerate(QUANTILES):
            self._quantiles[place] = fraction
        self._no_quantiles = gateway.new_array(jvm.double, 0)
        self.id = str(self._java.applicationId())
        self.version = str(self._java.version())
        self.master = str(self._java.master())
        self.started_ms = int(self._java.startTime())

    @property
    def stopped(self) -> bool:
        """Whether it is over, so that there is nothing to ask any more."""
        return bool(self._java.isStopped())

    def settle(self, deadline_s: float) -> bool:
        """Wait until the store knows all that happened so far; whether it does."""
        try:
            self._java.listenerBus().waitUntilEmpty(int(deadline_s * 1000))
        except Exception as error:  # noqa: BLE001 - a timeout, or a bus that has stopped
            logger.debug("Spark's listener bus was not drained: %s", type(error).__name__)
            return False
        return True

    def jobs_of_tag(self, tag: str) -> list[int]:
        """The ids of jobs that carry this tag, as far as Spark still knows them; the earliest first."""
        return sorted(self._read(self._java.statusTracker().getJobIdsForTag(tag)))

    def jobs_of_group(self, group: str) -> list[int]:
        """Those of a job group; the earliest first."""
        return sorted(self._read(self._java.statusTracker().getJobIdsForGroup(group)))

    def jobs_since(self, started_ms: float, most: int = _MOST_RECENT) -> tuple[list[dict[str, Any]], bool]:
        """The jobs that were submitted since a time (epoch milliseconds), and whether these are all; the earliest first."""
        found: list[dict[str, Any]] = []
        for number in range(int(self._java.dagScheduler().numTotalJobs()) - 1, -1, -1):
            job = self.job(number)
            if job is None or (job["submissionTime"] or 0) < started_ms:
                return found[::-1], job is not None
            if len(found) >= most:
                return found[::-1], False
            found.append(job)
        return found[::-1], True

    def job(self, number: int) -> dict[str, Any] | None:
        """A job, as Spark's REST API shows it; None when Spark has forgotten it."""
        found: dict[str, Any] | None = self._found(lambda: self._store.job(number))
        return found

    def stage(self, number: int, *, spreads: bool = True) -> list[dict[str, Any]]:
        """All attempts of a stage, as the REST API shows them; none when Spark has forgotten it.

        Args:
            spreads: with how the tasks differ; these take a little longer.
        """
        quantiles = self._quantiles if spreads else self._no_quantiles
        return self._found(lambda: self._store.stageData(number, False, None, spreads, quantiles)) or []

    def executors(self, grabbed: Grabbed | None = None) -> list[dict[str, Any]]:
        """Executors and the driver, those that are gone included; as they were when that was grabbed, else as they are."""
        return list(self._read(self._store.executorList(False) if grabbed is None else grabbed.executors))

    def cached(self, grabbed: Grabbed | None = None) -> list[dict[str, Any]]:
        """What is persisted, without a name: a DataFrame's is its plan, which may hold values."""
        found = self._read(self._store.rddList(True) if grabbed is None else grabbed.cached)
        return [{key: value for key, value in one.items() if key not in ("name", "partitions")} for one in found]

    def settings(self, spark: SparkSession | None = None) -> dict[str, str]:
        """Those of ``SETTINGS`` that have a value, the session's before the application's."""
        conf = self._java.conf() if spark is None else spark._jsparkSession.conf()
        found: dict[str, str] = {}
        for name in SETTINGS:
            value = conf.get(name, None)
            if value is not None:
                found[name] = str(value)[:64]
        return found

    def _found(self, call: Any) -> Any:
        from py4j.protocol import Py4JJavaError

        try:
            return self._read(call())
        except Py4JJavaError as error:
            if "NoSuchElementException" in str(error.java_exception.getClass().getName()):
                return None
            raise

    def _read(self, answer: Any) -> Any:
        return json.loads(self._mapper.writeValueAsString(answer))


def own_jobs(jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the job itself, without hookline's measuring."""
    return [job for job in jobs if not any(is_measuring(tag) for tag in job.get("jobTags") or ())]


def is_measuring(tag: str) -> bool:
    """Whether a tag is that of a job of hookline's own."""
    return tag.startswith("hookline-") and not tag.startswith(WRITE_TAG)


WRITE_TAG = "hookline-write-"
