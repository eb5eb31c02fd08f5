"""OpenLineage events from ours, as plain dicts that the 2-0-2 schemas accept.

**One child run per write.** A job is an application run (START when it begins, one of COMPLETE, FAIL, ABORT when it
ends) without outputs; each of its writes is a run of its own, with the application as its parent, exactly that write's
inputs and one output. The specification's events are accumulative: a back end unites all inputs and all outputs of a
run, and then draws an edge from each to each. A job that writes ``a → x`` and ``b → y`` in one run would so be shown
to have made ``x`` from ``b``. RUNNING events do not help, since they add to the same union. Back ends also keep, per
job, the datasets of its latest run only (Marquez #2543), so the name of a write's job holds its operation and dataset:
the same write of tomorrow's run is the same job.

**Both events of a write are made when it ends.** Its inputs, rows and verdicts are known only then, their times are
the write's own, and a driver killed in the middle of a write leaves no run open for ever in the back end.

Reads that fed no write are inputs of the application's last event. A refused or failed write is a FAIL; a run found
dead later is an ABORT. Nothing here looks at the clock or makes a random id: the same event gives the same dict.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hookline.core.events import Dataset, ErrorInfo, Read, Run, RunEnded, RunStarted, RunStatus, Write, content_id
from hookline.lineage.facets import Facet, Facets, JobRun

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
        spark_version: stated in each event, when known.
        parent: the run that started ours, such as a scheduler's task.
        root: the run at the top of that chain.
    """

    namespace: str
    producer: str
    spark_version: str | None = None
    parent: JobRun | None = None
    root: JobRun | None = None

    def run_started(self, event: RunStarted, run: Run) -> Event:
        """START of the application."""
        return self._event("START", event.started_at, self._application(run))

    def run_ended(self, event: RunEnded, run: Run) -> Event:
        """COMPLETE, FAIL or ABORT of the application."""
        fed = {read.dataset for write in event.writes for read in write.inputs}
        rest = [read for read in event.reads if read.dataset not in fed]
        what = self._application(run, event.error) | {"inputs": self._inputs(rest)}
        return self._event(_END_OF_RUN[event.status], event.finished_at, what)

    def write_ended(self, write: Write, run: Run, *, failed: bool) -> tuple[Event, Event]:
        """START, and COMPLETE or FAIL, of one write."""
        start = self._event("START", write.started_at, self._written(write, run))
        ended_at = write.finished_at or write.started_at
        what = self._written(write, run)
        what["run"]["facets"] |= self._facets.write(write) | self._facets.failure(write.error)
        what["outputs"][0]["facets"] |= self._facets.assertions(write.verdicts)
        what["outputs"][0]["outputFacets"] = self._facets.statistics(write)
        return start, self._event("FAIL" if failed else "COMPLETE", ended_at, what)

    @property
    def _facets(self) -> Facets:
        return Facets(self.producer)

    def _application(self, run: Run, error: ErrorInfo | None = None) -> Event:
        facets = self._facets.engine(self.spark_version) | self._facets.failure(error)
        above = self._above(run)
        if above:
            facets |= self._facets.parent(above, self.root or self.parent or above)
        return {
            "run": {"runId": run.run_id, "facets": facets},
            "job": self._job(run.job, self._facets.job_type("APPLICATION", streaming=False)),
        }

    def _written(self, write: Write, run: Run) -> Event:
        own = JobRun(self.namespace, run.job, run.run_id)
        root = self.root or self.parent or self._above(run) or own
        facets = self._facets.engine(self.spark_version) | self._facets.parent(own, root)
        kind = self._facets.job_type("COMMAND", streaming=write.batch_id is not None)
        about = self._facets.dataset(write.dataset, write.columns) | self._facets.change(write.operation)
        return {
            "run": {"runId": write_run_id(write), "facets": facets},
            "job": self._job(write_job(run.job, write), kind),
            "inputs": self._inputs(write.inputs),
            "outputs": [_dataset(write.dataset, about)],
        }

    def _above(self, run: Run) -> JobRun | None:
        """The run's parent: the environment knows its namespace; the run itself may know a nearer one."""
        known = run.parent_run_id
        if known is None or (self.parent and known == self.parent.run_id) or not is_uuid(known):
            return self.parent
        return JobRun(self.namespace, run.parent_job or known, known)

    def _job(self, name: str, facets: Facet) -> Event:
        return {"namespace": self.namespace, "name": name, "facets": facets}

    def _inputs(self, reads: Iterable[Read]) -> list[Event]:
        return [_dataset(read.dataset, self._facets.dataset(read.dataset, read.columns)) for read in reads]

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


def parse_parent(text: str | None) -> JobRun | None:
    """``namespace/job/run id``, as OPENLINEAGE_PARENT_ID holds it; None when it is not that.

    The namespace may have slashes of its own (``k8s/prod``, ``https://…``). A run id that is no UUID would make every
    event invalid, so such a parent is not stated.
    """
    rest, _, run_id = (text or "").rpartition("/")
    namespace, _, job = rest.rpartition("/")
    return JobRun(namespace, job, run_id) if namespace and job and is_uuid(run_id) else None


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in the form that the schema wants, with its four hyphens."""
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def _dataset(dataset: Dataset, facets: Facet) -> Event:
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": facets}
