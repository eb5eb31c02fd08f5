"""What is in the picture: tables with their columns, and what leads from one to another. Nothing about places."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from hookline.core.text import display_width, printable, shorten, shorten_path
from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import About, Node, iso
from hookline.lineage.select import LAYERS, layer_of

_TITLE_CELLS = 25
_PLACE_CELLS = 36
_ROW_CELLS = 33
_SIDE_CELLS = 14
_LONGEST = 400
LAYER_ORDER = tuple(layer for layer, _ in LAYERS)
# Words in a column's tags, and the tone that they are drawn in; the first that fits.
TONES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("personal", ("pii", "personal", "gdpr", "email", "phone", "name", "address", "iban", "ssn", "health")),
    ("secret", ("confidential", "restricted", "secret", "sensitive", "internal")),
    ("public", ("public", "open")),
)
OTHER_TONE = "tagged"


CONDITION, VALUE, MASKED = range(3)


@dataclass(frozen=True)
class Row:
    """A column in its table.

    Attributes:
        name: all of it, printable; ``shown`` is what fits.
        side: what stands at the right: its classification, else its type.
        tone: of the classification, or empty.
    """

    id: str
    name: str
    shown: str
    side: str
    tone: str
    type: str
    tags: str


@dataclass
class Table:
    """A dataset, or a job that reads or writes without a dataset at the other end."""

    id: str
    name: str
    title: str
    place: str
    layer: str
    cluster: str
    is_job: bool
    rows: list[Row]
    badges: list[tuple[str, str, str]]
    facts: list[tuple[str, str]]
    written_at: float = 0.0
    turns: bool = False
    rank: int = 0
    order: int = 0


@dataclass(frozen=True)
class Link:
    """From table to table, or between two of their rows; -1 is the table as a whole.

    Attributes:
        way: CONDITION, VALUE or MASKED.
    """

    source: int
    source_row: int
    target: int
    target_row: int
    way: int
    words: str

    @property
    def is_whole(self) -> bool:
        """Whether it leads between tables, not columns."""
        return self.source_row < 0


@dataclass
class Scene:
    """All tables and links; links of whole tables first."""

    tables: list[Table] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    def pairs(self) -> list[tuple[int, int]]:
        """Which tables are linked, each pair once, in order; not with themselves."""
        return sorted({(link.source, link.target) for link in self.links if link.source != link.target})


def scene_of(graph: LineageGraph) -> Scene:
    """The scene of a graph; the same graph gives the same scene."""
    numbers = sorted(
        (one for one, node in enumerate(graph.nodes) if node.kind != "column"), key=graph.nodes.__getitem__
    )
    scene = Scene([_table(graph, number) for number in numbers])
    tables = {number: place for place, number in enumerate(numbers)}
    rows = {one: place for number in numbers for place, one in enumerate(graph.columns.get(number, ()))}
    links = set()
    for number in graph.edges:
        edge = graph.edge(number)
        source, target = (tables[graph.owner(end)] for end in (edge.source, edge.target))
        if source == target:
            scene.tables[source].turns = True
        words = " ".join(filter(None, (edge.how.transformation, "masked" if edge.how.masking else "", edge.how.note)))
        way = CONDITION if edge.how.kind == "INDIRECT" else MASKED if edge.how.masking else VALUE
        by = "" if edge.source in rows else _jobs(edge.jobs)
        text = _text(" ".join(filter(None, (words, by))), 120)
        links.add(Link(source, rows.get(edge.source, -1), target, rows.get(edge.target, -1), way, text))
    scene.links = sorted(links, key=lambda one: (not one.is_whole, *vars(one).values()))
    return scene


def _table(graph: LineageGraph, number: int) -> Table:
    node, about = graph.nodes[number], graph.told(number)
    name = _text(node.label)
    path, _, last = name.rstrip("/").rpartition("/")
    layer = "" if node.kind == "job" else _text(layer_of(node, about), 30)
    owners = graph.job_owners.get((node.namespace, node.name), set()) if node.kind == "job" else about.owners
    return Table(
        id=node.id,
        name=name,
        title=shorten(last or name, _TITLE_CELLS),
        place=shorten_path(path or _text(node.namespace), _PLACE_CELLS),
        layer=layer,
        cluster=layer or ("jobs" if node.kind == "job" else _text(node.namespace, 60)),
        is_job=node.kind == "job",
        rows=[_row(graph.nodes[one], graph.told(one)) for one in graph.columns.get(number, ())],
        badges=[*_badges(about)],
        facts=_facts(node, about, owners),
        written_at=about.written_at,
    )


def _row(node: Node, about: About) -> Row:
    name, tags = _text(node.column), _tags(about)
    tone = _tone(about)
    side = shorten(_classification(about) if tone else _text(about.type), _SIDE_CELLS)
    cells = _ROW_CELLS - display_width(side)
    return Row(node.id, name, shorten(name, cells), side, tone, _text(about.type), tags)


def _tone(about: About) -> str:
    words = " ".join((*about.tags, *about.tags.values())).lower()
    fitting = (tone for tone, parts in TONES if any(part in words for part in parts))
    return next(fitting, OTHER_TONE) if about.tags else ""


def _classification(about: About) -> str:
    """The first tag in few words: of a key that says no more than that there is a class, the value alone."""
    key, value = next(iter(about.tags.items()))
    says_little = key.lower() in ("classification", "class", "sensitivity", "tag") and value
    return _text(value if says_little else _pair(key, value))


def _badges(about: About) -> list[tuple[str, str, str]]:
    """(kind, shown, in words)."""
    badges = []
    checks = about.passed + about.failed
    if about.failed:
        badges.append(("failed", f"✗ {about.failed} of {checks}", f"{about.failed} of {checks} checks failed"))
    elif checks:
        badges.append(("passed", f"✓ {checks}", f"all {checks} checks passed"))
    if about.incomplete:
        badges.append(("incomplete", "?", f"may come from more: {_text(about.incomplete, 200)}"))
    if about.written_at:
        moment = dt.datetime.fromtimestamp(about.written_at, dt.timezone.utc)
        badges.append(("written", f"{moment:%Y-%m-%d %H:%M}", f"last written {moment:%Y-%m-%d %H:%M} UTC"))
    return badges


def _facts(node: Node, about: About, owners: set[str]) -> list[tuple[str, str]]:
    facts = [
        ("namespace", node.namespace),
        ("also named", ", ".join(sorted(about.aliases))),
        ("owners", ", ".join(sorted(owners))),
        ("tags", _tags(about)),
        ("last written", iso(about.written_at) or ""),
        ("rows written", "" if about.rows is None else f"{about.rows:,}"),
        ("checks", f"{about.passed} passed, {about.failed} failed" if about.passed or about.failed else ""),
        ("incomplete", about.incomplete),
    ]
    return [(key, _text(value)) for key, value in facts if value]


def _tags(about: About) -> str:
    return _text(", ".join(_pair(*pair) for pair in about.tags.items()))


def _pair(key: str, value: str) -> str:
    return f"{key}: {value}" if value and value.lower() != "true" else key


def _jobs(jobs: frozenset[tuple[str, str]]) -> str:
    names = sorted(name for _, name in jobs)
    return f"by {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "") if names else ""


def _text(text: str, longest: int = _LONGEST) -> str:
    """Text from outside: no control characters, no endless names."""
    return shorten(printable(text), longest)
