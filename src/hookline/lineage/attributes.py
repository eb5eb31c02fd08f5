"""What nodes and edges have to say, as plain values: the same in networkx and in JSON."""

from __future__ import annotations

from typing import Any

from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import About, Edge, How, Node, iso, seconds

Attributes = dict[str, Any]


def node_attributes(graph: LineageGraph, number: int) -> Attributes:
    """What a node has in networkx and in JSON."""
    node, about = graph.nodes[number], graph.told(number)
    plain: Attributes = {"kind": node.kind, "namespace": node.namespace}
    plain |= {"name": node.column, "dataset": node.name} if node.kind == "column" else {"name": node.name}
    owners = graph.job_owners.get((node.namespace, node.name), set()) if node.kind == "job" else about.owners
    more = {
        "type": about.type,
        "incomplete": about.incomplete,
        "aliases": sorted(about.aliases),
        "owners": sorted(owners),
        "tags": about.tags,
        "written_at": iso(about.written_at),
        "rows": about.rows,
        "checks": {"passed": about.passed, "failed": about.failed} if about.passed or about.failed else None,
    }
    return plain | {key: value for key, value in more.items() if value or (key == "rows" and value is not None)}


def edge_attributes(edge: Edge) -> Attributes:
    """What an edge has in networkx and in JSON."""
    return {
        "kind": edge.how.kind,
        "transformation": edge.how.transformation,
        "masking": edge.how.masking,
        **({"note": edge.how.note} if edge.how.note else {}),
        **({"vague": True} if edge.vague else {}),
        "jobs": [{"namespace": namespace, "name": name} for namespace, name in sorted(edge.jobs)],
        "run": edge.run or None,
        "first_seen": iso(edge.first_seen),
        "last_seen": iso(edge.last_seen),
    }


def rebuilt(graph: Any) -> LineageGraph:
    """The lineage graph of a networkx graph with these attributes."""
    made = LineageGraph()
    nodes = {key: _node(attributes) for key, attributes in graph.nodes(data=True)}
    for key, node in nodes.items():
        _take(made, made.add(node), graph.nodes[key])
    for source, target, one in graph.edges(data=True):
        how = How(one["kind"], one["transformation"], one["masking"], one.get("note", ""))
        jobs = [(job["namespace"], job["name"]) for job in one["jobs"]]
        seen = (seconds(one[key] or "") for key in ("first_seen", "last_seen"))
        made.link(
            nodes[source],
            nodes[target],
            how,
            jobs=jobs,
            run=one["run"] or "",
            first=next(seen),
            last=next(seen),
            vague=one.get("vague", False),
        )
    return made


def _node(attributes: Attributes) -> Node:
    if attributes["kind"] == "column":
        return Node("column", attributes["namespace"], attributes["dataset"], attributes["name"])
    return Node(attributes["kind"], attributes["namespace"], attributes["name"])


def _take(graph: LineageGraph, number: int, attributes: Attributes) -> None:
    checks = attributes.get("checks", {})
    about = About(
        aliases=set(attributes.get("aliases", ())),
        incomplete=attributes.get("incomplete", ""),
        owners=set(attributes.get("owners", ())),
        tags=dict(attributes.get("tags", {})),
        type=attributes.get("type", ""),
        written_at=seconds(attributes.get("written_at", "")),
        rows=attributes.get("rows"),
        passed=checks.get("passed", 0),
        failed=checks.get("failed", 0),
    )
    node = graph.nodes[number]
    if node.kind == "job" and about.owners:
        graph.job_owners[(node.namespace, node.name)] = about.owners
    elif about != About():
        graph.about[number] = about
