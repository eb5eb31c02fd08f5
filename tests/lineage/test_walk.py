"""What a change reaches, up and down, with the way; from datasets and from columns."""

from __future__ import annotations

import itertools
import random

import networkx
import pytest

from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.walk import Direction, Impact, around

IDENTITY, SUM = How("DIRECT", "IDENTITY"), How("DIRECT", "AGGREGATION")
FILTER, JOIN = How("INDIRECT", "FILTER"), How("INDIRECT", "JOIN")


def dataset(name: str) -> Node:
    return Node("dataset", "db", name)


def node(text: str) -> Node:
    name, _, column = text.partition(".")
    return Node("column", "db", name, column) if column else dataset(name)


def graph_of(*edges: tuple[str, str, How] | tuple[str, str], vague: bool = False) -> LineageGraph:
    """Edges between ``dataset.column`` or whole datasets; those of columns bring those of their datasets along."""
    graph = LineageGraph()
    for source, target, *how in edges:
        ends = node(source), node(target)
        way = how[0] if how else How("DIRECT", "append")
        graph.link(*ends, way, jobs=[("jobs", "etl")], vague=vague)
        if ends[0].kind == "column":
            graph.link(ends[0].dataset, ends[1].dataset, How("DIRECT", "append"), jobs=[("jobs", "etl")])
    return graph


def reached(graph: LineageGraph, start: str, direction: Direction = "down", **options: bool) -> dict[str, int]:
    impact = Impact(graph, graph.number(node(start)), direction, **options)
    return {f"{one.node.name}.{one.node.column}".rstrip("."): one.steps for one in impact}


def way(graph: LineageGraph, start: str, end: str, direction: Direction = "down") -> list[str]:
    impact = Impact(graph, graph.number(node(start)), direction)
    return [
        f"{graph.nodes[one.source].label} {one.how.transformation} {graph.nodes[one.target].label}".replace("db/", "")
        for one in impact.path(graph.number(node(end)))
    ]


def test_the_fewest_steps_both_ways() -> None:
    graph = graph_of(("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("x", "d"))
    assert reached(graph, "a") == {"b": 1, "c": 1, "d": 2}
    assert reached(graph, "d", "up") == {"c": 1, "x": 1, "a": 2, "b": 2}


def test_cycles_end() -> None:
    assert reached(graph_of(("a", "a"), ("a", "b"), ("b", "a")), "a") == {"b": 1}


def test_a_long_chain_is_no_recursion() -> None:
    graph = graph_of(*((f"t{number}", f"t{number + 1}") for number in range(20_000)))
    impact = Impact(graph, graph.number(dataset("t0")), "down")
    assert len(impact) == 20_000
    assert len(impact.path(graph.number(dataset("t20000")))) == 20_000


def test_columns_follow_columns_and_not_their_neighbours() -> None:
    graph = graph_of(
        ("raw.price", "sales.amount", IDENTITY), ("raw.id", "sales.id", IDENTITY), ("sales.amount", "daily.sum", SUM)
    )
    assert reached(graph, "raw.price") == {"sales.amount": 1, "daily.sum": 2}
    assert reached(graph, "daily.sum", "up") == {"sales.amount": 1, "raw.price": 2}
    assert way(graph, "raw.price", "daily.sum") == [
        "raw.price IDENTITY sales.amount",
        "sales.amount AGGREGATION daily.sum",
    ]
    assert way(graph, "daily.sum", "raw.price", "up") == [
        "sales.amount AGGREGATION daily.sum",
        "raw.price IDENTITY sales.amount",
    ]


def test_a_column_that_decides_on_rows_reaches_the_whole_dataset_and_all_after_it() -> None:
    graph = graph_of(
        ("raw.flag", "sales", FILTER), ("raw.id", "sales.id", IDENTITY), ("sales.id", "daily.n", SUM), ("daily", "out")
    )
    assert reached(graph, "raw.flag") == {"sales": 1, "daily": 2, "out": 3}
    assert reached(graph, "daily.n", "up") == {"sales.id": 1, "raw.flag": 2, "raw.id": 2}
    assert way(graph, "daily.n", "raw.flag", "up")[-1] == "raw.flag FILTER sales"
    assert reached(graph, "daily.n", "up", direct_only=True) == {"sales.id": 1, "raw.id": 2}
    assert reached(graph, "raw.flag", direct_only=True) == {}


def test_where_nobody_knows_of_columns_the_walk_goes_on_with_datasets() -> None:
    graph = graph_of(("raw.price", "sales.amount", IDENTITY))
    graph.link(dataset("sales"), dataset("model"), How("DIRECT", "overwrite"), vague=True)
    graph.link(dataset("model"), dataset("page"), How("DIRECT", "overwrite"))
    assert reached(graph, "raw.price") == {"sales.amount": 1, "model": 2, "page": 3}
    assert way(graph, "raw.price", "page")[-2:] == ["sales overwrite model", "model overwrite page"]
    graph.add(node("model.score"))
    assert reached(graph, "model.score", "up") == {"sales": 1, "raw": 2}


def test_a_job_that_only_reads_notices_a_change_of_each_column() -> None:
    graph = graph_of(("raw.price", "sales.amount", IDENTITY))
    graph.link(dataset("sales"), Node("job", "jobs", "report"), How("DIRECT", "read"))
    assert reached(graph, "sales.amount") == {"report": 1}


def test_a_way_over_values_is_preferred() -> None:
    graph = graph_of(("a.x", "b.y", JOIN), ("a.x", "b.y", SUM), ("b.y", "c.z", IDENTITY))
    assert way(graph, "a.x", "c.z")[0] == "a.x AGGREGATION b.y"


def test_the_table_and_the_counts() -> None:
    graph = graph_of(("raw.mail", "sales.hash", How("DIRECT", "TRANSFORMATION", True, "a Python function")))
    graph.know(graph.number(dataset("sales"))).owners.add("team:sales")
    impact = Impact(graph, graph.number(node("raw.mail")), "down")
    assert impact.counts == {"column": 1}
    assert impact.table() == [
        {
            "steps": 1,
            "kind": "column",
            "namespace": "db",
            "dataset": "sales",
            "column": "hash",
            "owners": ["team:sales"],
            "path": [
                {
                    "source": "db|raw|mail",
                    "target": "db|sales|hash",
                    "kind": "DIRECT",
                    "transformation": "TRANSFORMATION",
                    "masking": True,
                    "note": "a Python function",
                    "jobs": ["etl"],
                }
            ],
        }
    ]


def test_owners_to_tell_are_those_of_datasets_and_of_jobs_on_the_way() -> None:
    graph = graph_of(("a.x", "b.y", IDENTITY), ("b.y", "c.z", IDENTITY), ("other.x", "d.x", IDENTITY))
    graph.know(graph.number(dataset("a"))).owners.add("team:self")
    graph.know(graph.number(dataset("c"))).owners.update({"team:c", "user:x"})
    graph.job_owners[("jobs", "etl")] = {"team:jobs"}
    owners = Impact(graph, graph.number(node("a.x")), "down").owners
    assert owners == {
        "team:c": [dataset("c")],
        "team:jobs": [Node("job", "jobs", "etl")],
        "user:x": [dataset("c")],
    }


@pytest.mark.parametrize("seed", range(20))
def test_columns_against_networkx(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"t{table}.c{number}" for table in range(6) for number in range(4)]
    pairs = [(chance.choice(names), chance.choice(names), chance.choice([IDENTITY, SUM, JOIN])) for _ in range(40)]
    graph, other = graph_of(*pairs), networkx.DiGraph([pair[:2] for pair in pairs])
    for start in other.nodes:
        for direction, peer in (("down", other), ("up", other.reverse())):
            expected = dict(networkx.single_source_shortest_path_length(peer, start))
            del expected[start]
            assert reached(graph, start, direction) == expected
            impact = Impact(graph, graph.number(node(start)), direction)
            for one in impact:
                path = impact.path(one.number)
                assert len(path) == one.steps
                ends = [
                    (edge.source, edge.target) if direction == "down" else (edge.target, edge.source) for edge in path
                ]
                assert ends[0][0] == impact.start
                assert ends[-1][1] == one.number
                assert all(before[1] == after[0] for before, after in itertools.pairwise(ends))


def test_around_a_column_keeps_its_datasets() -> None:
    graph = graph_of(("a.x", "b.y", IDENTITY), ("b.y", "c.z", IDENTITY), ("a.o", "b.p", IDENTITY))
    part = around(graph, graph.number(node("b.y")), up=True, down=False)
    assert sorted(one.label for one in part.nodes) == ["db/a", "db/a.x", "db/b", "db/b.y"]


def test_around_a_dataset_keeps_all_columns_of_what_is_reached_within_the_steps() -> None:
    graph = graph_of(("a.x", "b.y", IDENTITY), ("b.y", "c.z", IDENTITY), ("c.z", "d.z", IDENTITY))
    part = around(graph, graph.number(dataset("a")), up=True, down=True, most=2)
    assert {one.label for one in part.nodes if one.kind == "column"} == {"db/a.x", "db/b.y", "db/c.z"}
