"""A graph as OpenLineage events: for each dataset and each job that made it, what it was made from, to the column.

They are events of jobs, not of runs: a graph unites many runs. Read back, they give the same graph.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import Edge, Node, iso
from hookline.lineage.openlineage import PRODUCER, SCHEMA_URL

Facet = dict[str, Any]
_FACETS = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "tags": "1-0-0/TagsDatasetFacet",
    "ownership": "1-0-1/OwnershipDatasetFacet",
}
_LONG_AGO = "1970-01-01T00:00:00+00:00"


class _Made(NamedTuple):
    """What one event tells of: a dataset that a job made; apart where nobody knows of columns, and where from nothing."""

    job: tuple[str, str]
    target: int
    vague: bool
    from_nothing: bool


def to_openlineage(graph: LineageGraph) -> str:
    """One event a line."""
    return "".join(json.dumps(event) + "\n" for event in _events(graph))


def _events(graph: LineageGraph) -> Iterator[dict[str, Any]]:
    made: dict[_Made, list[Edge]] = {}
    lone: set[int] = set(graph.datasets())
    for number in graph.edges:
        edge = graph.edge(number)
        for job in edge.jobs:
            from_nothing = graph.nodes[edge.source].kind == "job"
            made.setdefault(_Made(job, graph.owner(edge.target), edge.vague, from_nothing), []).append(edge)
        lone -= {graph.owner(edge.source), graph.owner(edge.target)}
    for key in sorted(made, key=lambda key: (key.job, graph.nodes[key.target], key[2:])):
        yield _job_event(graph, key, made[key])
    for number in sorted(lone, key=lambda one: graph.nodes[one]):
        yield {
            "eventTime": iso(graph.told(number).written_at) or _LONG_AGO,
            "producer": PRODUCER,
            "schemaURL": f"{SCHEMA_URL}/DatasetEvent",
            "dataset": _dataset(graph, number),
        }


def _job_event(graph: LineageGraph, made: _Made, edges: list[Edge]) -> dict[str, Any]:
    job, target = made.job, made.target
    sources = sorted({graph.owner(edge.source) for edge in edges}, key=lambda number: graph.nodes[number])
    of_columns = [edge for edge in edges if graph.nodes[edge.source].kind == "column"]
    facet = {} if made.vague else _column_lineage(graph, of_columns)
    outputs = [_dataset(graph, target, facet)] if _is_dataset(graph, target) else []
    operation = next((edge.how.transformation for edge in edges if edge not in of_columns), "")
    owners = _owners(sorted(graph.job_owners.get(job, ())), "OwnershipJobFacet")
    return {
        "eventTime": iso(max(edge.last_seen for edge in edges)) or _LONG_AGO,
        "producer": PRODUCER,
        "schemaURL": f"{SCHEMA_URL}/JobEvent",
        "job": {"namespace": job[0], "name": job[1], "facets": _operation(operation) | owners},
        "inputs": [_dataset(graph, number) for number in sources if _is_dataset(graph, number)],
        "outputs": outputs,
    }


def _dataset(graph: LineageGraph, number: int, more: Facet | None = None) -> dict[str, Any]:
    node, about = graph.nodes[number], graph.told(number)
    columns = [(graph.nodes[one].column, graph.told(one)) for one in graph.columns.get(number, ())]
    fields = [{"name": name, "type": told.type} if told.type else {"name": name} for name, told in columns]
    tags = [{"key": key, "value": value} for key, value in about.tags.items()]
    tags += [{"key": key, "value": value, "field": name} for name, told in columns for key, value in told.tags.items()]
    facets = _facet("schema", fields=fields) if fields else {}
    facets |= _facet("tags", tags=tags) if tags else {}
    facets |= _owners(sorted(about.owners), "OwnershipDatasetFacet")
    return {"namespace": node.namespace, "name": node.name, "facets": facets | (more or {})}


def _column_lineage(graph: LineageGraph, edges: list[Edge]) -> Facet:
    """The facet; one entry for each field that something came from, with all ways."""
    fields: dict[str, dict[Node, list[Facet]]] = {}
    rows: dict[Node, list[Facet]] = {}
    for edge in sorted(edges, key=lambda one: (graph.nodes[one.target], graph.nodes[one.source], one.how)):
        target = graph.nodes[edge.target]
        into = fields.setdefault(target.column, {}) if target.kind == "column" else rows
        into.setdefault(graph.nodes[edge.source], []).append(_way(edge))
    listed = {column: {"inputFields": _input_fields(sources)} for column, sources in fields.items()}
    return _facet("columnLineage", fields=listed, **({"dataset": _input_fields(rows)} if rows else {}))


def _input_fields(sources: dict[Node, list[Facet]]) -> list[Facet]:
    return [
        {"namespace": node.namespace, "name": node.name, "field": node.column, "transformations": ways}
        for node, ways in sources.items()
    ]


def _way(edge: Edge) -> Facet:
    how = edge.how
    way: Facet = {"type": how.kind, "masking": how.masking}
    way |= {"subtype": how.transformation} if how.transformation else {}
    return way | ({"description": how.note} if how.note else {})


def _owners(names: list[str], schema: str) -> Facet:
    if not names:
        return {}
    url = f"https://openlineage.io/spec/facets/1-0-1/{schema}.json#/$defs/{schema}"
    owners = [{"name": name} for name in names]
    return {"ownership": {"_producer": PRODUCER, "_schemaURL": url, "owners": owners}}


def _operation(operation: str) -> Facet:
    """How, in a facet of our own; the base facet's schema says all that a reader needs."""
    if not operation:
        return {}
    url = f"{SCHEMA_URL}/JobFacet"
    return {"hookline_work": {"_producer": PRODUCER, "_schemaURL": url, "operation": operation}}


def _facet(name: str, **content: Any) -> Facet:
    version, schema = _FACETS[name].split("/")
    url = f"https://openlineage.io/spec/facets/{version}/{schema}.json#/$defs/{schema}"
    return {name: {"_producer": PRODUCER, "_schemaURL": url, **content}}


def _is_dataset(graph: LineageGraph, number: int) -> bool:
    return graph.nodes[number].kind == "dataset"
