"""OpenLineage events from ours, as plain dicts that the 2-0-2 schemas accept.

**One child run per write.** A job is an application run (START when it begins, RUNNING while it goes on, one of COMPLETE,
FAIL, ABORT when it ended) without outputs; each of its writes is a run of its own, with the application as its parent,
exactly that write's inputs and one output. The specification's events are accumulative: a back end unites all inputs and
all outputs of a run, and then draws an edge from each to each. A job that writes ``a → x`` and ``b → y`` in one run would
so be shown to have made ``x`` from ``b``. RUNNING events do not help, since they add to the same union. Back ends also
keep, per job, the datasets of its latest run only (Marquez #2543), so the name of a write's job holds its operation and
dataset: the same write of tomorrow's run is the same job.

**Both events of a write are made when it ends.** Its inputs, rows and verdicts are known only then, their times are
the write's own, and a driver killed in the middle of a write leaves no run open for ever in the back end.

Reads that fed no write are inputs of the application's last event. A refused or failed write is a FAIL; a run found
dead later is an ABORT. Nothing here looks at the clock or makes a random id: the same event gives the same dict.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import Dataset, ErrorInfo, Read, Run, RunEnded, RunStarted, RunStatus, Write, content_id
from hookline.lineage.about import AboutJob, AboutWrite
from hookline.lineage.facets import Facet, FacetMaker, JobRun, columns, datasets, quality, runs
from hookline.lineage.parents import is_uuid

Event = dict[str, Any]
PRODUCER = "https://pypi.org/project/hookline/"
SCHEMA_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
_END_OF_RUN: Mapping[RunStatus, str] = {
    "running": "RUNNING",
    "finished": "COMPLETE",
    "failed": "FAIL",
    "refused": "FAIL",
    "abandoned": "ABORT",
}


@dataclass(frozen=True)
class EventBuilder:
    """Makes the events of runs.

    Attributes:
        namespace: the namespace of jobs.
        producer: the URI that says who made the events.
        spark_version: stated in each event of a Spark run, when known.
        parent: the run that started ours, such as a scheduler's task.
        root: the run at the top of that chain.
        about: what the configuration and the surroundings say of job and datasets.
    """

    namespace: str
    producer: str
    spark_version: str | None = None
    parent: JobRun | None = None
    root: JobRun | None = None
    about: AboutJob = field(default_factory=AboutJob)

    def run_started(self, event: RunStarted, run: Run) -> Event:
        """START of the application."""
        return self._event("START", event.started_at, self._application(run))

    def run_goes_on(self, at: dt.datetime, run: Run, **counts: int) -> Event:
        """RUNNING of the application: it is alive, and so far."""
        what = self._application(run)
        what["run"]["facets"] |= runs.progress(self._make, **counts)
        return self._event("RUNNING", at, what)

    def run_ended(self, event: RunEnded, run: Run, **counts: int) -> Event:
        """COMPLETE, FAIL or ABORT of the application."""
        fed = {read.dataset for write in event.writes for read in write.inputs}
        rest = [read for read in event.reads if read.dataset not in fed]
        what = self._application(run, event.error) | {"inputs": self._inputs(rest)}
        verdicts = [verdict for write in event.writes for verdict in write.verdicts]
        what["run"]["facets"] |= quality.test(self._make, verdicts)
        if counts:
            what["run"]["facets"] |= runs.progress(self._make, **counts)
        return self._event(_END_OF_RUN[event.status], event.finished_at, what)

    def write_ended(
        self, write: Write, run: Run, *, failed: bool, about: AboutWrite | None = None
    ) -> tuple[Event, Event]:
        """START, and COMPLETE or FAIL, of one write.

        Args:
            about: what is known of the write besides what it says itself.
        """
        about = about or AboutWrite()
        start = self._event("START", write.started_at, self._written(write, run, about))
        ended_at = write.finished_at or write.started_at
        what = self._written(write, run, about)
        what["run"]["facets"] |= runs.write(self._make, write) | runs.failure(self._make, write.error)
        what["run"]["facets"] |= runs.dependencies(self._make, about.upstream)
        output = what["outputs"][0]
        output["facets"] |= columns.column_lineage(self._make, write.column_lineage)
        output["facets"] |= datasets.version(self._make, write.data_version) | quality.metrics(self._make, write)
        output["facets"] |= quality.assertions(self._make, write.verdicts)
        output["facets"] |= datasets.schema_change(self._make, about.schema_change)
        output["outputFacets"] = datasets.output_statistics(self._make, write)
        return start, self._event("FAIL" if failed else "COMPLETE", ended_at, what)

    @property
    def _make(self) -> FacetMaker:
        return FacetMaker(self.producer)

    def _application(self, run: Run, error: ErrorInfo | None = None) -> Event:
        facets = self._of_run(run) | runs.failure(self._make, error)
        facets |= runs.environment(self._make, self.about.environment)
        above = self._above(run)
        if above:
            facets |= runs.parent(self._make, above, self.root or self.parent or above)
        return {
            "run": {"runId": run.run_id, "facets": facets},
            "job": self._job(run, run.job, "APPLICATION", runs.source(self._make, *self.about.source())),
        }

    def _written(self, write: Write, run: Run, about: AboutWrite) -> Event:
        own = JobRun(self.namespace, run.job, run.run_id)
        root = self.root or self.parent or self._above(run) or own
        facets = self._of_run(run) | runs.parent(self._make, own, root)
        of_output = self._dataset(write.dataset, write.columns, about.personal) | datasets.change(
            self._make, write.operation
        )
        of_job = runs.sql(self._make, about.sql)
        streaming = write.batch_id is not None
        return {
            "run": {"runId": write_run_id(write), "facets": facets},
            "job": self._job(run, write_job(run.job, write), "COMMAND", of_job, streaming=streaming),
            "inputs": self._inputs(write.inputs),
            "outputs": [_named(write.dataset, of_output)],
        }

    def _of_run(self, run: Run) -> Facet:
        facets = runs.engine(self._make, self.spark_version) if run.engine == "spark" else {}
        facets |= runs.nominal_time(self._make, self.about.nominal_start, self.about.nominal_end)
        return facets | runs.parameters(self._make, {"environment": run.environment})

    def _above(self, run: Run) -> JobRun | None:
        """The run's parent: the environment knows its namespace; the run itself may know a nearer one."""
        known = run.parent_run_id
        if known is None or (self.parent and known == self.parent.run_id) or not is_uuid(known):
            return self.parent
        return JobRun(self.namespace, run.parent_job or known, known)

    def _job(self, run: Run, name: str, kind: str, facets: Facet, *, streaming: bool = False) -> Event:
        integration = "SPARK" if run.engine == "spark" else "HOOKLINE"
        facets |= runs.job_type(self._make, kind, streaming=streaming, integration=integration)
        facets |= runs.job_ownership(self._make, self.about.owners) | runs.job_tags(self._make, self.about.tags)
        return {"namespace": self.namespace, "name": name, "facets": facets}

    def _inputs(self, reads: Iterable[Read]) -> list[Event]:
        return [
            _named(read.dataset, self._dataset(read.dataset, read.columns))
            | {"inputFacets": datasets.input_statistics(self._make, read)}
            for read in reads
        ]

    def _dataset(self, dataset: Dataset, known: Iterable[Any], personal: Iterable[tuple[str, str]] = ()) -> Facet:
        told = self.about.of_dataset(dataset)
        facets = datasets.dataset(self._make, dataset, known) | datasets.ownership(self._make, told.owners)
        return facets | datasets.tags(self._make, told.tags, told.columns, personal)

    def _event(self, event_type: str, time: dt.datetime, what: Event) -> Event:
        head = {
            "eventType": event_type,
            "eventTime": time.astimezone(dt.timezone.utc).isoformat(),
            "producer": self.producer,
            "schemaURL": f"{SCHEMA_URL}/RunEvent",
        }
        return head | {"inputs": [], "outputs": []} | what


def event_id(event: Event) -> str:
    """What makes two deliveries the same event: its run and its transition. Readable from the event itself."""
    return content_id("openlineage", event["run"]["runId"], event["eventType"], event["eventTime"])


def write_run_id(write: Write) -> str:
    """The UUID of the run that stands for a write, from the write's id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"hookline:write:{write.write_id}"))


def write_job(job: str, write: Write) -> str:
    """The name of the job that stands for a write: ``retail.overwrite.silver_sales.1f2e3d``.

    The last part is from the whole dataset name, since two datasets may end alike.
    """
    words = re.findall(r"\w+", write.dataset.name)[-2:]
    mark = content_id(write.dataset.namespace, write.dataset.name)[:6]
    return f"{job}.{write.operation}.{'_'.join(words)[-80:]}.{mark}"


def job_namespace(configured: object) -> str:
    """The namespace of jobs: the plugin's option, else ``$OPENLINEAGE_NAMESPACE``, else ``hookline``."""
    return str(configured or os.environ.get("OPENLINEAGE_NAMESPACE") or "hookline")


def _named(dataset: Dataset, facets: Facet) -> Event:
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": facets}
