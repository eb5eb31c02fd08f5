"""One piece of work after another becomes a graph: a job's run made datasets from datasets, and columns from columns.

All sources (the store, files of events, Marquez) tell their history as works, so that choosing among them by time and
environment is the same for all.
"""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from hookline.core.collector import paused
from hookline.core.errors import HooklineError
from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import About, How, Node, seconds

Name = tuple[str, str]
_MANY_OBJECTS = 100_000


@dataclass
class Described:
    """A dataset as one event describes it.

    Attributes:
        columns: the names of its columns to their types, in the order of its schema.
        column_tags: by column and key.
    """

    name: Name
    about: About = field(default_factory=About)
    columns: Mapping[str, str] = field(default_factory=dict)
    column_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class Traced:
    """Where the columns of an output came from.

    Attributes:
        edges: (column, namespace, dataset and column that it came from, way); without a column, what decided on all rows.
    """

    edges: list[tuple[str | None, str, str, str, How]] = field(default_factory=list)


@dataclass
class Work:
    """What one run of a job did, once it is done.

    Attributes:
        job: (namespace, name), as a person knows it; None when nothing was done and datasets are only described.
        key: what the next work of the same kind replaces where only the latest counts.
        run: its id.
        at: seconds since 1970.
        operation: how, such as ``append``.
        traced: by output; an output without an entry has no column lineage.
    """

    job: Name | None
    at: float
    run: str = ""
    operation: str = ""
    environment: str | None = None
    inputs: list[Described] = field(default_factory=list)
    outputs: list[Described] = field(default_factory=list)
    traced: dict[Name, Traced] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    key: str = ""


@dataclass(frozen=True)
class Period:
    """Which works count.

    Attributes:
        as_of: none that was done later (a day: its end).
        since: none that was done before (a day: its beginning).
        environments: patterns of names; of several any.
        runs: beginnings of their ids; of several any.
        latest: of the works of one job on one dataset only the last.
    """

    as_of: float = float("inf")
    since: float = float("-inf")
    environments: tuple[str, ...] = ()
    latest: bool = False
    runs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        as_of: str | dt.date | None = None,
        since: str | dt.date | None = None,
        environments: Iterable[str] = (),
        *,
        latest: bool = False,
        runs: Iterable[str] = (),
    ) -> Period:
        """From what a person wrote.

        Raises:
            HooklineError: a text is no time.
        """
        until = float("inf") if as_of is None else moment(as_of, end=True)
        return cls(until, float("-inf") if since is None else moment(since), tuple(environments), latest, tuple(runs))

    def chosen(self, works: Iterable[Work]) -> Iterator[Work]:
        """The works that count."""
        fitting = (work for work in works if self._fits(work))
        if not self.latest:
            return fitting
        last: dict[tuple[object, ...], Work] = {}
        for work in fitting:
            outputs = tuple(output.name for output in work.outputs)
            key = (work.job, work.key, outputs or tuple(one.name for one in work.inputs), work.environment)
            if key not in last or work.at >= last[key].at:
                last[key] = work
        return iter(last.values())

    def _fits(self, work: Work) -> bool:
        environment = work.environment or ""
        known = not self.environments or any(fnmatchcase(environment, pattern) for pattern in self.environments)
        meant = not self.runs or work.run.lower().startswith(tuple(run.lower() for run in self.runs))
        return known and meant and self.since <= work.at <= self.as_of


def moment(when: str | dt.date, *, end: bool = False) -> float:
    """Seconds since 1970 of a time, or of a day's beginning or end, in UTC.

    Raises:
        HooklineError: a text is no time.
    """
    if isinstance(when, dt.datetime):
        return (when if when.tzinfo else when.replace(tzinfo=dt.timezone.utc)).timestamp()
    text = when.isoformat() if isinstance(when, dt.date) else when.strip()
    found = seconds(text)
    if not found:
        raise HooklineError(f"{text[:40]!r} is no time: write a day (2026-05-04) or a moment (2026-05-04T03:00:00Z)")
    return found + (86_400 - 1e-6 if end and len(text) <= len("2026-05-04") else 0)


def graph_of(works: Iterable[Work], period: Period | None = None) -> LineageGraph:
    """The graph of all works that count."""
    graph = LineageGraph()
    with _without_collections():
        for work in (period or Period()).chosen(works):
            add_work(graph, work)
    return graph


@contextmanager
def _without_collections() -> Iterator[None]:
    """Loading makes millions of objects and no circles of them: looking for these again and again takes a fifth of it.

    One look at the end tells the collector that they stay, so that the first questions are not held up by it.
    """
    enabled, before = gc.isenabled(), gc.get_count()[0]
    with paused():
        try:
            yield
        finally:
            if enabled and gc.get_count()[0] - before > _MANY_OBJECTS:
                gc.collect()


def add_work(graph: LineageGraph, work: Work) -> None:
    """Add a work's nodes and edges."""
    inputs = [_describe(graph, dataset) for dataset in work.inputs]
    outputs = [_describe(graph, dataset) for dataset in work.outputs]
    if work.job is None:
        return
    job, table = Node("job", *work.job), graph.edges
    seen = (table.number_of_jobs(frozenset({work.job})), table.number_of_run(work.run), work.at, work.at)
    if work.owners:
        graph.job_owners.setdefault(work.job, set()).update(work.owners)
    how = table.number_of_how(How("DIRECT", work.operation if outputs else "read"))
    clear = {graph.number(Node("dataset", *name)) for name in work.traced}
    for source in inputs or ([graph.add(job)] if outputs else []):
        for target in outputs or [graph.add(job)]:
            table.put_whole(source, target, how, *seen, vague=target not in clear)
    for name, traced in work.traced.items():
        _trace(graph, name, traced, seen)


def _trace(graph: LineageGraph, target: Name, traced: Traced, seen: tuple[int, int, float, float]) -> None:
    """The inner loop of loading: a million edges pass here."""
    table, add, put = graph.edges, graph.add, graph.edges.put
    whole = add(Node("dataset", *target))
    sources: dict[tuple[str, str, str], int] = {}
    hows: dict[int, int] = {}  # by the object: a work has few ways, and tells each of them often
    column: str | None = None
    end = whole
    for name, namespace, dataset, source, how in traced.edges:
        if name != column:
            column = name
            end = whole if name is None else add(Node("column", target[0], target[1], name))
        key = (namespace, dataset, source)
        start = sources.get(key)
        if start is None:
            start = sources[key] = add(Node("column", *key))
        way = hows.get(id(how))
        if way is None:
            way = hows[id(how)] = table.number_of_how(how)
        put(start, end, way, *seen, rows=name is None)


def _describe(graph: LineageGraph, dataset: Described) -> int:
    number = graph.add(Node("dataset", *dataset.name))
    for column, of_type in dataset.columns.items():
        known = graph.add(Node("column", *dataset.name, column))
        if of_type:
            graph.know(known).type = of_type
    for column, tags in dataset.column_tags.items():
        graph.know(graph.add(Node("column", *dataset.name, column))).tags.update(tags)
    _learn(graph, number, dataset.about)
    return number


def _learn(graph: LineageGraph, number: int, told: About) -> None:
    """Add what a later event says of a dataset; its last write is told by the latest one that speaks of a write."""
    if told == About():
        return
    known = graph.know(number)
    known.aliases |= told.aliases
    known.owners |= told.owners
    known.tags.update(told.tags)
    known.incomplete = told.incomplete or known.incomplete
    if told.written_at and told.written_at >= known.written_at:
        known.written_at, known.rows = told.written_at, told.rows
        if told.passed or told.failed:
            known.passed, known.failed = told.passed, told.failed
