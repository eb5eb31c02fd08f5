"""Reads a graph from OpenLineage events, ours or another producer's.

Events are accumulative: a run's inputs and outputs are united over its events, and become edges when the run
completes. A run that failed leaves no edges, unless the event says that its data is visible all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.core.errors import HooklineError
from hookline.lineage.graph import LineageGraph, Node

_ENDS = frozenset({"COMPLETE", "FAIL", "ABORT"})


@dataclass
class _Pending:
    """What the events of one run have said so far."""

    inputs: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, set[str]] = field(default_factory=dict)

    def add(self, side: dict[str, Node], datasets: Any) -> None:
        """Take in an event's list of datasets, on one of the two sides."""
        for dataset in datasets or ():
            node = Node("dataset", str(dataset["namespace"]), str(dataset["name"]))
            side[node.id] = node
            self.aliases.setdefault(node.id, set()).update(_other_names(dataset.get("facets")))


def read_graph(paths: Iterable[Path]) -> LineageGraph:
    """The graph of all events in NDJSON files; a file that is not there has none.

    Raises:
        HooklineError: when a file can't be read.
    """
    graph = LineageGraph()
    for path in paths:
        add_events(graph, read_events(path))
    return graph


def read_events(path: Path) -> Iterator[dict[str, Any]]:
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


def add_events(graph: LineageGraph, events: Iterable[dict[str, Any]]) -> None:
    """Add the edges that the events tell of."""
    pending: dict[str, _Pending] = {}
    for event in events:
        run_id = str(event["run"]["runId"])
        so_far = pending.setdefault(run_id, _Pending())
        so_far.add(so_far.inputs, event.get("inputs"))
        so_far.add(so_far.outputs, event.get("outputs"))
        if event.get("eventType") in _ENDS:
            del pending[run_id]
            _end(graph, event, so_far)


def _end(graph: LineageGraph, event: dict[str, Any], so_far: _Pending) -> None:
    own = _our_facet(event)
    outputs = so_far.outputs if event["eventType"] == "COMPLETE" or own.get("published") else {}
    if outputs or not so_far.outputs:
        job = Node("job", str(event["job"]["namespace"]), _job_name(event))
        operation = str(own.get("operation", ""))
        at = str(event.get("eventTime", ""))
        graph.add_work(job, so_far.inputs.values(), outputs.values(), transformation=operation, at=at)
    for key in graph.nodes.keys() & so_far.aliases.keys():
        graph.aliases.setdefault(key, set()).update(so_far.aliases[key])
    if own.get("opaque"):
        graph.incomplete.update(dict.fromkeys(outputs, str(own["opaque"])))


def _our_facet(event: dict[str, Any]) -> dict[str, Any]:
    return _mapping(_mapping(event["run"].get("facets")).get("hookline_write"))


def _job_name(event: dict[str, Any]) -> str:
    """The job that a person knows: of our writes the application, named by the parent facet."""
    if not _our_facet(event):
        return str(event["job"]["name"])
    parent = _mapping(_mapping(event["run"]["facets"]).get("parent"))
    return str(_mapping(parent.get("job")).get("name") or event["job"]["name"])


def _other_names(facets: Any) -> set[str]:
    links = _mapping(_mapping(facets).get("symlinks")).get("identifiers") or ()
    return {str(link["name"]) for link in links if "name" in _mapping(link)}


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
        datasets = [*(event.get("inputs") or ()), *(event.get("outputs") or ())]
        names = [event["run"]["runId"], event["job"]["namespace"], event["job"]["name"]]
        names += [dataset[key] for dataset in datasets for key in ("namespace", "name")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return event if all(names) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
