"""Who is downstream of a dataset: the datasets that were made from it, at any remove, and the jobs that read it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from hookline.core.store.records import Dependant, Name
from hookline.core.store.schema import edges, reads, runs, writes


def dependants(connection: Connection, namespace: str, name: str) -> tuple[Dependant, ...]:
    """See ``Store.dependants``."""
    return downstream((namespace, name), _made(connection), _readers(connection))


def downstream(
    start: Name, made: Mapping[Name, Iterable[Name]], readers: Mapping[Name, Iterable[str]]
) -> tuple[Dependant, ...]:
    """Who is downstream of a dataset.

    Args:
        made: by source, what was made of it.
        readers: by dataset, the jobs that read it.
    """
    distances = {start: 0}
    waiting = deque([start])
    while waiting:
        source = waiting.popleft()
        for target in made.get(source, ()):
            if target not in distances:
                distances[target] = distances[source] + 1
                waiting.append(target)
    found = [Dependant("dataset", *one, distance) for one, distance in distances.items() if distance]
    jobs: dict[str, int] = {}
    for one, distance in distances.items():
        for job in readers.get(one, ()):
            jobs[job] = min(distance, jobs.get(job, distance))
    found += [Dependant("job", "", job, distance) for job, distance in jobs.items()]
    return tuple(sorted(found, key=lambda one: (one.kind, one.distance, one.namespace, one.name)))


def _made(connection: Connection) -> dict[Name, set[Name]]:
    """By source, what published writes made of it; a MERGE's target is not downstream of itself."""
    columns = (edges.c.source_namespace, edges.c.source_name, edges.c.target_namespace, edges.c.target_name)
    joined = edges.join(writes, writes.c.write_id == edges.c.write_id)
    found: defaultdict[Name, set[Name]] = defaultdict(set)
    for source_namespace, source_name, *target in connection.execute(
        select(*columns).select_from(joined).where(writes.c.published).distinct()
    ):
        found[(source_namespace, source_name)].add((target[0], target[1]))
    return found


def _readers(connection: Connection) -> dict[Name, set[str]]:
    query = select(reads.c.namespace, reads.c.name, runs.c.job).select_from(
        reads.join(runs, runs.c.run_id == reads.c.run_id)
    )
    found: defaultdict[Name, set[str]] = defaultdict(set)
    for namespace, name, job in connection.execute(query.distinct()):
        found[(namespace, name)].add(job)
    return found
