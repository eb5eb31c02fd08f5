"""The SVG: tables with a port for each column, lines between them, layers behind. Every text from outside is escaped."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib.resources import files

from hookline.lineage.graph import LineageGraph
from hookline.lineage.picture import place as places
from hookline.lineage.picture.extent import drawn_part
from hookline.lineage.picture.order import Arrangement, arrange
from hookline.lineage.picture.place import BADGES, HEAD, ROW, WIDTH, Box, height_of, place
from hookline.lineage.picture.ranks import rank
from hookline.lineage.picture.scene import LAYER_ORDER, Link, Row, Scene, Table, scene_of

MARGIN = 28
BAND = 34
_MOST_ROWS = 420  # more columns than that are not legible at once: tables begin folded
_CELL = 6.7
KINDS = ("condition", "direct", "direct masked")  # of a line, by its way
Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """A scene with everything in its place."""

    scene: Scene
    arrangement: Arrangement
    unfolded: bool
    note: str

    @classmethod
    def of(cls, graph: LineageGraph) -> Drawing:
        """The drawing of a graph."""
        part, note = drawn_part(graph)
        scene = scene_of(part)
        ranks = rank([table.layer for table in scene.tables], scene.pairs())
        for table, own in zip(scene.tables, ranks, strict=True):
            table.rank = own
        rows = sum(len(table.rows) for table in scene.tables)
        return cls(scene, arrange(ranks, scene.pairs()), rows <= _MOST_ROWS, note)

    @cached_property
    def boxes(self) -> dict[int, Box]:
        """The place of every table and lane."""
        lanes = (item for column in self.arrangement.columns for item in column if item >= len(self.scene.tables))
        heights: dict[int, float] = dict.fromkeys(lanes, places.LANE)
        for number, table in enumerate(self.scene.tables):
            heights[number] = height_of(len(table.rows), badges=bool(table.badges), unfolded=self.unfolded)
        return place(self.arrangement.columns, heights, [*self._pulls()])

    def _pulls(self) -> Iterator[tuple[int, int]]:
        for source, target in self.scene.pairs():
            if self.scene.tables[source].rank < self.scene.tables[target].rank:
                chain = [source, *self.arrangement.lanes.get((source, target), ()), target]
                yield from itertools.pairwise(chain)

    @property
    def layered(self) -> bool:
        """Whether layers are drawn: where there are at least two."""
        return len({table.layer for table in self.scene.tables if table.layer in LAYER_ORDER}) > 1

    @property
    def size(self) -> Point:
        """Width and height of all."""
        right = max((box.x for box in self.boxes.values()), default=0) + WIDTH
        bottom = max((box.y + box.height for box in self.boxes.values()), default=0)
        return right + 2 * MARGIN, bottom + 2 * MARGIN + (BAND if self.layered else 0)


def svg(graph: LineageGraph) -> str:
    """The picture of a graph as a file of its own."""
    return draw(Drawing.of(graph), style=css()) + "\n"


def draw(drawing: Drawing, *, style: str = "") -> str:
    """The SVG element of a drawing.

    Args:
        style: what it brings along; a page has its own.
    """
    width, height = drawing.size
    tables, links = drawing.scene.tables, drawing.scene.links
    columns = sum(len(table.rows) for table in tables)
    about = (
        f"{len(tables)} tables with {columns} columns, from left to right in the order in which data flows. "
        f"{sum(link.is_whole for link in links)} links between tables, {sum(not link.is_whole for link in links)} of columns."
        f"{f' Shown: {escape(drawing.note)}.' if drawing.note else ''}"
    )
    top = BAND if drawing.layered else 0
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="hl{" hl-vars" if style else ""}" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="group" aria-labelledby="hl-title hl-desc">',
            f'<title id="hl-title">Lineage</title><desc id="hl-desc">{about}</desc>',
            f"<style>{style}</style>" if style else "",
            '<defs><marker id="hl-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path class="tip" d="M0 0.5 8 4 0 7.5z"/></marker></defs>',
            f'<text class="place" x="{MARGIN}" y="18">{escape(drawing.note)}</text>' if drawing.note and style else "",
            f'<g class="bands">{"".join(_bands(drawing))}</g>',
            f'<g class="all" transform="translate({MARGIN} {MARGIN + top})">',
            f'<g class="links">{"".join(_lines(drawing))}</g>',
            f'<g class="tables">{"".join(_tables(drawing))}</g>',
            "</g></svg>",
        ]
    )


def css() -> str:
    """The style of the picture, which a page extends."""
    dark = resource("dark.css")
    return (
        f"{resource('picture.css')}.hl-vars.dark{{{dark}}}\n"
        f"@media (prefers-color-scheme:dark){{.hl-vars:not(.light){{{dark}}}}}\n"
    )


def resource(name: str) -> str:
    """A file beside this one."""
    return files(__package__).joinpath(name).read_text("utf-8")


def curve(start: Point, end: Point, through: Iterable[Box] = ()) -> str:
    """A line from one port to another, through lanes; one that leads back swings out on both sides."""
    points = [start]
    for box in through:
        points += [(box.x, box.middle), (box.x + WIDTH, box.middle)]
    points.append(end)
    path = [f"M{start[0]:g} {start[1]:g}"]
    for number in range(1, len(points)):
        (x, y), (u, v) = points[number - 1], points[number]
        if number % 2 == 0:
            path.append(f"L{u:g} {v:g}")
        else:
            bend = max(44.0, (u - x) / 2) if u > x else 90.0
            path.append(f"C{x + bend:g} {y:g} {u - bend:g} {v:g} {u:g} {v:g}")
    return "".join(path)


def _bands(drawing: Drawing) -> Iterator[str]:
    """Behind the tables of each layer, with its name."""
    if not drawing.layered:
        return
    height = drawing.size[1]
    for layer in LAYER_ORDER:
        xs = [drawing.boxes[number].x for number, table in enumerate(drawing.scene.tables) if table.layer == layer]
        if xs:
            x, width = min(xs) + MARGIN - 16, max(xs) - min(xs) + WIDTH + 32
            yield (
                f'<g class="band {_word(layer)}"><rect x="{x:g}" y="6" width="{width:g}" height="{height - 12:g}" rx="10"/>'
                f'<text x="{x + 16:g}" y="28">{escape(layer)}</text></g>'
            )


def _lines(drawing: Drawing) -> Iterator[str]:
    """The lines of columns where they can be seen, else those of tables."""
    shown = (
        {(link.source, link.target) for link in drawing.scene.links if not link.is_whole} if drawing.unfolded else set()
    )
    for link in drawing.scene.links:
        if link.source == link.target or (link.is_whole and (link.source, link.target) in shown):
            continue
        if link.is_whole or drawing.unfolded:
            yield _line(drawing, link)


def _line(drawing: Drawing, link: Link) -> str:
    kind = "whole" if link.is_whole else KINDS[link.way]
    start = _port(drawing, link.source, link.source_row)
    end = _port(drawing, link.target, link.target_row)
    lanes = [drawing.boxes[item] for item in drawing.arrangement.lanes.get((link.source, link.target), ())]
    path = curve((start[0] + WIDTH, start[1]), end, lanes)
    tip = ' marker-end="url(#hl-tip)"' if link.is_whole else ""
    return f'<path class="line {kind}" d="{path}"{tip}><title>{escape(link.words)}</title></path>'


def _port(drawing: Drawing, table: int, row: int) -> Point:
    """At the left of a row, or of the head."""
    box, one = drawing.boxes[table], drawing.scene.tables[table]
    head = HEAD + (BADGES if one.badges else 0)
    return box.x, box.y + (HEAD / 2 if row < 0 else head + row * ROW + ROW / 2)


def _tables(drawing: Drawing) -> Iterator[str]:
    for number, table in enumerate(drawing.scene.tables):
        box = drawing.boxes[number]
        rows = "".join(_row(number, place, row, table) for place, row in enumerate(table.rows))
        folded = "" if drawing.unfolded else " folded"
        yield (
            f'<g class="table{" job" if table.is_job else ""}{folded} {_word(table.layer)}" id="hl-t{number}" role="group" '
            f'aria-label="{escape(_spoken(table))}" tabindex="0" transform="translate({box.x:g} {box.y:g})">'
            f"<title>{escape(table.name)}</title>"
            f'<rect class="box" width="{WIDTH}" height="{box.height:g}" rx="8"/>'
            f'<path class="strip" d="M8 .5h{WIDTH - 16}" />'
            f'<text class="name" x="14" y="20">{escape(table.title)}</text>'
            f'<text class="place" x="14" y="36">{escape(table.place)}</text>'
            f"{_corner(table)}{''.join(_badges(table))}"
            f'<g class="rows">{rows}</g></g>'
        )


def _corner(table: Table) -> str:
    """How many columns, and whether it comes from itself."""
    signs = ["⟲" if table.turns else "", str(len(table.rows)) if table.rows else "", "job" if table.is_job else ""]
    return f'<text class="count" x="{WIDTH - 12}" y="20">{" ".join(filter(None, signs))}</text>'


def _badges(table: Table) -> Iterator[str]:
    x = 12.0
    for kind, shown, words in table.badges:
        width = len(shown) * _CELL + 14
        yield (
            f'<g class="badge {kind}" transform="translate({x:g} {HEAD - 3})"><title>{escape(words)}</title>'
            f'<rect width="{width:g}" height="17" rx="8.5"/><text x="{width / 2:g}" y="12.5">{escape(shown)}</text></g>'
        )
        x += width + 6


def _row(table: int, place: int, row: Row, of: Table) -> str:
    y = HEAD + (BADGES if of.badges else 0) + place * ROW
    words = ", ".join(filter(None, (row.name, row.type, row.tags)))
    tone = f" {row.tone}" if row.tone else ""
    return (
        f'<g class="row{tone}" id="hl-t{table}r{place}" role="listitem" tabindex="-1" aria-label="{escape(words)}" '
        f'transform="translate(0 {y})"><title>{escape(words)}</title>'
        f'<rect class="hit" x="1" width="{WIDTH - 2}" height="{ROW}"/>'
        f'<circle class="port" cx="0" cy="{ROW / 2:g}" r="2.5"/><circle class="port" cx="{WIDTH}" cy="{ROW / 2:g}" r="2.5"/>'
        f'<text class="column" x="14" y="14">{escape(row.shown)}</text>'
        + (f'<text class="side" x="{WIDTH - 12}" y="14">{escape(row.side)}</text></g>' if row.side else "</g>")
    )


def _spoken(table: Table) -> str:
    kind = "job" if table.is_job else f"table{f' of layer {table.layer}' if table.layer else ''}"
    words = [f"{kind} {table.name}", f"{len(table.rows)} columns" if table.rows else ""]
    words += [words for _, _, words in table.badges]
    return ", ".join(filter(None, words))


def _word(layer: str) -> str:
    """A class of ours for a layer of ours; other names have no colour."""
    return f"layer-{layer}" if layer in LAYER_ORDER else ""
