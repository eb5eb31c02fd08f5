"""What is made from what, kept for a while: it changes rarely, and every page of a dataset needs it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property

from hookline.core.events import Dataset, utc_now
from hookline.core.store.browse.ancestors import last_works
from hookline.core.store.dependants import downstream
from hookline.core.store.reader import StoreReader
from hookline.core.store.records import Dependant, Name, StoredLineage
from hookline.observability.ui.documents import LineageDocument, LineageLink
from hookline.observability.ui.gather.run import named

_FRESH_S = 30.0


class Ancestry:
    """The last works of all jobs, and who is beside whom by them."""

    def __init__(self, lineage: StoredLineage) -> None:
        self.lineage = lineage
        self.as_of = utc_now().isoformat()

    @cached_property
    def links(self) -> dict[tuple[Name, Name], set[str]]:
        """By source and target, the jobs that make one from the other."""
        found: defaultdict[tuple[Name, Name], set[str]] = defaultdict(set)
        for work in self.lineage.works:
            if work.target is not None:
                for source in work.inputs:
                    found[source, work.target].add(work.job)
        return dict(found)

    @cached_property
    def _sides(self) -> tuple[dict[Name, set[Name]], dict[Name, set[Name]], dict[Name, set[str]]]:
        made: defaultdict[Name, set[Name]] = defaultdict(set)
        sources: defaultdict[Name, set[Name]] = defaultdict(set)
        readers: defaultdict[Name, set[str]] = defaultdict(set)
        for source, target in self.links:
            made[source].add(target)
            sources[target].add(source)
        for work in self.lineage.works:
            for source in work.inputs:
                readers[source].add(work.job)
        return made, sources, readers

    def made_from(self, name: Name) -> list[Name]:
        """What a dataset is made from, directly."""
        return sorted(self._sides[1].get(name, set()) - {name})

    def downstream(self, name: Name) -> tuple[Dependant, ...]:
        """What is made from a dataset, at any remove, and the jobs that read it or that."""
        made, _, readers = self._sides
        return downstream(name, made, readers)

    def document(self) -> LineageDocument:
        """All of it."""
        names = {name for link in self.links for name in link} | {
            work.target for work in self.lineage.works if work.target is not None
        }
        links = [
            LineageLink(source=named(Dataset(*source)), target=named(Dataset(*target)), jobs=sorted(jobs))
            for (source, target), jobs in sorted(self.links.items())
        ]
        return LineageDocument(
            datasets=[named(Dataset(*name)) for name in sorted(names)], links=links, as_of=self.as_of
        )


class Ancestries:
    """The present ancestry, not older than half a minute; one thread at a time asks for it. Thread-safe."""

    def __init__(self, reader: StoreReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, Ancestry] | None = None

    def get(self) -> Ancestry:
        """The ancestry.

        Raises:
            StoreError: it can't be read.
        """
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] > _FRESH_S:
                with self._reader.reading() as connection:
                    self._kept = (self._clock(), Ancestry(last_works(connection)))
            return self._kept[1]
