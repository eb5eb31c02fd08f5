"""Columns, order and places of tables; what is drawn when nothing moves."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.picture import frame, page, svg
from hookline.lineage.picture.draw import Drawing
from hookline.lineage.picture.order import arrange
from hookline.lineage.picture.place import GAP_Y, MOST_IN_COLUMN, place
from hookline.lineage.picture.ranks import rank
from hookline.lineage.picture.scene import scene_of

SVG = "{http://www.w3.org/2000/svg}"


def test_everything_stands_to_the_right_of_what_it_comes_from() -> None:
    assert rank([""] * 5, [(0, 1), (1, 2), (0, 2), (3, 2), (2, 4)]) == [0, 1, 2, 1, 3]


def test_an_edge_that_leads_back_has_no_say() -> None:
    assert rank([""] * 4, [(0, 1), (1, 2), (2, 0), (2, 3)]) == [0, 1, 2, 3]
    assert rank(["gold", "silver"], [(0, 1)]) == [1, 0]


def test_layers_stand_one_after_the_other() -> None:
    layers = ["bronze", "bronze", "silver", "gold", "gold", ""]
    ranks = rank(layers, [(0, 1), (2, 3), (3, 4), (5, 4)])
    assert ranks[:5] == [0, 1, 2, 3, 4]
    assert ranks[5] == 3


def test_a_long_chain_is_no_recursion() -> None:
    assert rank([""] * 5_000, [(number, number + 1) for number in range(4_999)]) == list(range(5_000))


@pytest.mark.parametrize("seed", range(15))
def test_all_that_is_known_leads_on(seed: int) -> None:
    chance = random.Random(seed)
    layers = [chance.choice(["", "landing", "bronze", "silver", "gold"]) for _ in range(40)]
    pairs = sorted({(chance.randrange(40), chance.randrange(40)) for _ in range(80)})
    pairs = [(source, target) for source, target in pairs if source < target]
    ranks = rank(layers, pairs)
    assert sorted(set(ranks)) == list(range(max(ranks) + 1))
    order = ["landing", "bronze", "silver", "gold"]
    for source, target in pairs:
        if not layers[source] or not layers[target]:
            continue
        if order.index(layers[source]) < order.index(layers[target]):
            assert ranks[source] < ranks[target]
    for one, other in pairwise(order):
        left = [ranks[n] for n in range(40) if layers[n] == one]
        right = [ranks[n] for n in range(40) if layers[n] == other]
        assert max(left, default=-1) < min(right, default=99)


def test_lines_that_need_not_cross_do_not() -> None:
    ranks = [0, 0, 0, 1, 1, 1]
    made = arrange(ranks, [(0, 5), (1, 4), (2, 3)])
    places = {item: column.index(item) for column in made.columns for item in column}
    assert [places[target] for target in (5, 4, 3)] == [places[source] for source in (0, 1, 2)]


def test_a_link_over_columns_has_a_lane_in_each() -> None:
    made = arrange([0, 1, 2, 3], [(0, 1), (1, 2), (2, 3), (0, 3)])
    (lanes,) = made.lanes.values()
    assert len(lanes) == 2
    assert [sum(item in column for item in lanes) for column in made.columns] == [0, 1, 1, 0]


@pytest.mark.parametrize("seed", range(15))
def test_nothing_overlaps(seed: int) -> None:
    chance = random.Random(seed)
    ranks = [chance.randrange(4) for _ in range(150)]
    pairs = sorted({(a, b) for a in range(150) for b in chance.sample(range(150), 2) if ranks[a] < ranks[b]})
    made = arrange(ranks, pairs)
    items = [item for column in made.columns for item in column]
    heights = {item: float(chance.randrange(20, 400)) for item in items}
    boxes = place(made.columns, heights, pairs)
    assert sorted(boxes) == sorted(items)
    assert min(box.y for box in boxes.values()) == 0
    by_column: dict[float, list[int]] = {}
    for item, box in boxes.items():
        by_column.setdefault(box.x, []).append(item)
    for column in by_column.values():
        assert len(column) <= MOST_IN_COLUMN
        column.sort(key=lambda item: boxes[item].y)
        for above, below in pairwise(column):
            assert boxes[below].y - boxes[above].y - heights[above] >= GAP_Y - 1


def test_the_svg_is_xml_that_says_what_it_shows(shop: LineageGraph) -> None:
    root = ET.fromstring(svg(shop))  # noqa: S314 - it is ours
    assert root.find(f"{SVG}title").text == "Lineage"
    assert root.find(f"{SVG}desc").text.startswith("5 tables with 9 columns, from left to right")
    labels = [one.get("aria-label") for one in root.iter(f"{SVG}g") if one.get("aria-label")]
    assert "table of layer silver /lake/silver/sales, 3 columns" in labels
    assert "mail, pii: email" in labels
    kinds = [one.get("class") for one in root.iter(f"{SVG}path") if "line" in (one.get("class") or "")]
    assert sorted(set(kinds)) == ["line condition", "line direct", "line whole"]
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert {"✗ 1 of 4", "2026-05-04 03:02", "⟲ 2"} <= set(texts)


@pytest.mark.parametrize("make", [svg, page, frame])
def test_nothing_comes_from_elsewhere(shop: LineageGraph, make: object) -> None:
    text = make(shop)  # type: ignore[operator]
    assert set(re.findall(r"https?:[^\s'\"&<]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\((?!#)|\ssrc=|\shref=|\son\w+=|\sstyle=", text)


@pytest.mark.parametrize("make", [svg, page, frame])
def test_the_same_graph_gives_the_same_picture(shop: LineageGraph, make: object) -> None:
    again = shop.part(reversed(range(len(shop))), edges=reversed(range(len(shop.edges))))
    assert make(again) == make(shop.part(range(len(shop))))  # type: ignore[operator]


def test_an_empty_graph() -> None:
    root = ET.fromstring(svg(LineageGraph()))  # noqa: S314 - it is ours
    assert root.find(f"{SVG}desc").text.startswith("0 tables")
    assert "<iframe" in frame(LineageGraph())


def test_endless_names_are_cut_and_their_whole_beginning_and_end_are_told() -> None:
    graph = LineageGraph()
    graph.add(Node("column", "file", "/" + "a" * 3_000 + "/end", "b" * 5_000))
    (table,) = scene_of(graph).tables
    assert table.title == "end"
    assert len(table.name) == 400
    assert len(table.rows[0].shown) <= 33
    assert len(svg(graph)) < 12_000


def test_of_a_graph_that_nobody_could_read_a_part_is_drawn_and_that_is_said() -> None:
    graph = LineageGraph()
    hub = Node("dataset", "db", "hub")
    for number in range(1_500):
        graph.link(hub, Node("dataset", "db", f"t{number}"), How("DIRECT", "append"))
    drawing = Drawing.of(graph)
    assert len(drawing.scene.tables) == 300
    note = "300 of 1,501 tables, those nearest to db/hub: ask for another one, or filter"
    assert drawing.note == note
    assert note in svg(graph)
    assert note in page(graph)
