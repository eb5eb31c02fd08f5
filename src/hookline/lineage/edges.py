"""A million edges in little memory: arrays of numbers, a node's edges as lists of places in them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from hookline.lineage.nodes import How

_HOWS = 20  # bits of a key that say how; a node's number has 31
_NODES = 31


class EdgeTable:
    """Edges between numbered nodes.

    A *whole* edge (between datasets, or a dataset and a job) is one for each pair, and keeps how it was last done. An
    edge from a column is one for each pair and each way.

    Attributes:
        source, target, how, jobs, run: numbers, by the edge's own.
        first, last: seconds since 1970.
        vague: see ``Edge``.
        out, into: the edges that leave a node and that enter it. Those from columns to a whole dataset are not in ``into``
            but in ``rows``.
        after, before: the far ends of these edges, once for each: a walk over a hundred thousand nodes that had to look
            at the edges would take twice as long.
    """

    def __init__(self) -> None:
        self.source, self.target, self.how, self.jobs, self.run = (array("i") for _ in range(5))
        self.first, self.last = array("d"), array("d")
        self.vague = bytearray()
        self.out: dict[int, list[int]] = {}
        self.into: dict[int, list[int]] = {}
        self.rows: dict[int, list[int]] = {}
        self.after: dict[int, list[int]] = {}
        self.before: dict[int, list[int]] = {}
        self.hows: list[How] = []
        self.job_sets: list[frozenset[tuple[str, str]]] = [frozenset()]
        self.runs: list[str] = [""]
        self._numbers: dict[int, int] = {}
        self._wholes_told = 0
        self._how_numbers: dict[How, int] = {}
        self._run_numbers: dict[str, int] = {"": 0}
        self._set_numbers: dict[frozenset[tuple[str, str]], int] = {frozenset(): 0}

    def __len__(self) -> int:
        return len(self.source)

    def number_of_how(self, how: How) -> int:
        """A small number for a way."""
        number = self._how_numbers.setdefault(how, len(self.hows))
        if number == len(self.hows):
            self.hows.append(how)
        return number

    def number_of_run(self, run: str) -> int:
        """A small number for a run's id."""
        number = self._run_numbers.setdefault(run, len(self.runs))
        if number == len(self.runs):
            self.runs.append(run)
        return number

    def number_of_jobs(self, jobs: frozenset[tuple[str, str]]) -> int:
        """A small number for a set of jobs; most edges share theirs with many others."""
        number = self._set_numbers.setdefault(jobs, len(self.job_sets))
        if number == len(self.job_sets):
            self.job_sets.append(jobs)
        return number

    def put_whole(
        self, source: int, target: int, how: int, jobs: int, run: int, first: float, last: float, *, vague: bool
    ) -> None:
        """Have an edge between two nodes that are no columns; the latest word on it counts."""
        self._wholes_told += 1
        key = (source << _NODES | target) << _HOWS
        known = self._numbers.get(key)
        if known is None:
            self._add(key, source, target, how, jobs, run, first, last)
            self._enter(source, target)
            self.vague.append(vague)
            return
        if last >= self.last[known]:
            self.vague[known] = vague
            if self.hows[how].transformation:
                self.how[known] = how
        self._again(known, jobs, run, first, last)

    def put(
        self, source: int, target: int, how: int, jobs: int, run: int, first: float, last: float, *, rows: bool
    ) -> None:
        """Have an edge from a column: to a column, or to all ``rows`` of a dataset."""
        key = (source << _NODES | target) << _HOWS | how + 1
        known = self._numbers.get(key)
        if known is None:
            self._add(key, source, target, how, jobs, run, first, last)
            if rows:
                self.rows.setdefault(target, []).append(len(self) - 1)
            else:
                self._enter(source, target)
            self.vague.append(False)
        else:
            self._again(known, jobs, run, first, last)

    def _add(
        self, key: int, source: int, target: int, how: int, jobs: int, run: int, first: float, last: float
    ) -> None:
        number = self._numbers[key] = len(self.source)
        self.source.append(source)
        self.target.append(target)
        self.how.append(how)
        self.jobs.append(jobs)
        self.run.append(run)
        self.first.append(first)
        self.last.append(last)
        known = self.out.get(source)
        if known is None:
            self.out[source], self.after[source] = [number], [target]
        else:
            known.append(number)
            self.after[source].append(target)

    def _enter(self, source: int, target: int) -> None:
        number = len(self.source) - 1
        known = self.into.get(target)
        if known is None:
            self.into[target], self.before[target] = [number], [source]
        else:
            known.append(number)
            self.before[target].append(source)

    def _again(self, known: int, jobs: int, run: int, first: float, last: float) -> None:
        if last >= self.last[known]:
            self.last[known], self.run[known] = last, run
        self.first[known] = min(first, self.first[known])
        if jobs != self.jobs[known]:
            self.jobs[known] = self.number_of_jobs(self.job_sets[self.jobs[known]] | self.job_sets[jobs])

    @property
    def state(self) -> tuple[int, int]:
        """Another one whenever anything changed that a walk looks at."""
        return len(self.source), self._wholes_told

    def entering(self, node: int) -> Sequence[int]:
        """All edges that enter a node."""
        rows = self.rows.get(node)
        into = self.into.get(node, ())
        return [*into, *rows] if rows else into

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))
