"""Reads OpenLineage events, ours or another producer's, as works.

Events are accumulative: a run's inputs and outputs are united over its events, and become work when the run completes. A
run that failed did no work. Our own events say of each write whether its data is visible to readers, and that alone
counts. Events of jobs and of datasets, which have no run, tell of work and of what is known at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.core.errors import HooklineError
from hookline.lineage.described import described, environment_of, mapping, owners_of, traced
from hookline.lineage.nodes import seconds
from hookline.lineage.works import Described, Name, Traced, Work

Event = dict[str, Any]
_ENDS = frozenset({"COMPLETE", "FAIL", "ABORT"})


@dataclass
class _Pending:
    """What the events of one run have said so far."""

    inputs: dict[Name, Described] = field(default_factory=dict)
    outputs: dict[Name, Described] = field(default_factory=dict)
    traced: dict[Name, Traced] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    environment: str | None = None

    def add(self, event: Event) -> None:
        """Take in one event."""
        own = bool(_our_facet(event) or _work_facet(event))
        for dataset in event.get("inputs") or ():
            _unite(self.inputs, described(dataset))
        for dataset in event.get("outputs") or ():
            _unite(self.outputs, described(dataset))
            found = traced(dataset, notes=own)
            if found is not None:
                self.traced[(str(dataset["namespace"]), str(dataset["name"]))] = found
        self.owners |= owners_of(mapping(event.get("job")).get("facets"))
        self.environment = environment_of(event) or self.environment


def read_events(path: Path) -> Iterator[Event]:
    """The events of an NDJSON file. Lines that are no events, such as half of one, are passed over."""
    try:
        with path.open("rb") as lines:
            for line in lines:
                event = _parse(line)
                if event:
                    yield event
    except FileNotFoundError:
        return
    except OSError as error:
        raise HooklineError(f"lineage can't be read from {path}: {error.strerror}") from error


def works_of(events: Iterable[Event]) -> Iterator[Work]:
    """What the events tell to have been done."""
    pending: dict[str, _Pending] = {}
    for event in events:
        if "run" not in event:
            yield _without_run(event)
            continue
        run_id = str(event["run"]["runId"])
        so_far = pending.setdefault(run_id, _Pending())
        so_far.add(event)
        if event.get("eventType") in _ENDS:
            del pending[run_id]
            work = _end(event, so_far)
            if work:
                yield work


def is_event(event: Any) -> bool:
    """Whether a value has what every reader of events relies on."""
    try:
        datasets = [*(event.get("inputs") or ()), *(event.get("outputs") or ())]
        names = [] if "dataset" in event else [event["job"]["namespace"], event["job"]["name"]]
        names += [event["run"]["runId"]] if "run" in event else []
        datasets += [event["dataset"]] if "dataset" in event else []
        names += [dataset[key] for dataset in datasets for key in ("namespace", "name")]
    except (KeyError, TypeError, AttributeError):
        return False
    return bool(names) and all(names)


def _end(event: Event, so_far: _Pending) -> Work | None:
    own = _our_facet(event)
    visible = own.get("published", event["eventType"] == "COMPLETE")
    outputs = so_far.outputs if visible else {}
    if so_far.outputs and not outputs:
        return None
    at = seconds(str(event.get("eventTime", "")))
    job, run = _job_and_run(event)
    for output in outputs.values():
        output.about.written_at = at
        output.about.incomplete = str(own.get("opaque") or "") or output.about.incomplete
    return Work(
        job=(str(event["job"]["namespace"]), job),
        at=at,
        run=run,
        operation=str(own.get("operation", "")),
        environment=so_far.environment,
        inputs=[*so_far.inputs.values()],
        outputs=[*outputs.values()],
        traced={name: found for name, found in so_far.traced.items() if name in outputs},
        owners=so_far.owners,
        key=str(event["job"]["name"]),
    )


def _without_run(event: Event) -> Work:
    """A job's or a dataset's event. A dataset alone is an input of nothing: it is only described."""
    at = seconds(str(event.get("eventTime", "")))
    if "dataset" in event:
        return Work(job=None, at=at, inputs=[described(event["dataset"])])
    so_far = _Pending()
    so_far.add(event)
    return Work(
        job=(str(event["job"]["namespace"]), str(event["job"]["name"])),
        at=at,
        environment=so_far.environment,
        inputs=[*so_far.inputs.values()],
        outputs=[*so_far.outputs.values()],
        traced=so_far.traced,
        owners=so_far.owners,
        operation=str(_work_facet(event).get("operation", "")),
        key=str(event["job"]["name"]),
    )


def _our_facet(event: Event) -> Event:
    return mapping(mapping(mapping(event.get("run")).get("facets")).get("hookline_write"))


def _work_facet(event: Event) -> Event:
    """What our own export says of a job."""
    return mapping(mapping(mapping(event.get("job")).get("facets")).get("hookline_work"))


def _job_and_run(event: Event) -> tuple[str, str]:
    """Those that a person knows: of our writes the application's, named by the parent facet."""
    own = str(event["job"]["name"]), str(event["run"]["runId"])
    if not _our_facet(event):
        return own
    parent = mapping(mapping(event["run"]["facets"]).get("parent"))
    job, run = mapping(parent.get("job")).get("name"), mapping(parent.get("run")).get("runId")
    return str(job or own[0]), str(run or own[1])


def _unite(side: dict[Name, Described], dataset: Described) -> None:
    known = side.get(dataset.name)
    if known is None:
        side[dataset.name] = dataset
        return
    known.columns = dataset.columns or known.columns
    known.column_tags = dataset.column_tags or known.column_tags
    about, told = known.about, dataset.about
    about.aliases |= told.aliases
    about.owners |= told.owners
    about.tags.update(told.tags)
    about.incomplete = told.incomplete or about.incomplete
    about.rows = told.rows if told.rows is not None else about.rows
    about.passed, about.failed = max(about.passed, told.passed), max(about.failed, told.failed)


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and is_event(event) else None
