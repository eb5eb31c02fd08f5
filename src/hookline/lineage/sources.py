"""Where a graph comes from: the store, files of OpenLineage events, a Marquez server."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.lineage.configured import tell
from hookline.lineage.graph import LineageGraph
from hookline.lineage.history import read_events, works_of
from hookline.lineage.marquez import Marquez
from hookline.lineage.openlineage import job_namespace
from hookline.lineage.select import Filters
from hookline.lineage.sink import events_path
from hookline.lineage.stored import works_from_store
from hookline.lineage.works import Period, graph_of

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store import StoredLineage
    from hookline.lineage.networked import Lineage


def graph(
    source: Any = None,
    *,
    config: str | os.PathLike[str] | None = None,
    env: str | None = None,
    as_of: str | dt.date | None = None,
    since: str | dt.date | None = None,
    latest: bool = False,
    environment: str | Iterable[str] = (),
    run: str | Iterable[str] = (),
    namespace: str | Iterable[str] = (),
    layer: str | Iterable[str] = (),
    job: str | Iterable[str] = (),
    owner: str | Iterable[str] = (),
    tag: str | Iterable[str] = (),
    api_key: str | None = None,
) -> Lineage:
    """The lineage of all jobs, as a networkx ``MultiDiGraph`` that shows itself in a notebook.

    Args:
        source: nothing for the store that the configuration names; a file of OpenLineage events, or several; the address
            of a Marquez server (``http://…``); an open ``Store``.
        config, env: the configuration, as for ``hookline.attach``.
        as_of: the graph as it was then: a day (until its end) or a moment.
        since: without what was last done before.
        latest: of each job's work on each dataset only the last; what it does no longer is left out.
        run: only what this run did; the beginning of its id will do.
        environment, namespace, layer, job, owner, tag: only these; ``*`` and ``?`` stand for text, several are any of them.
        api_key: for Marquez. Default: ``$OPENLINEAGE_API_KEY``.

    Raises:
        HooklineError: the source can't be read, or a time is none.
    """
    from hookline.lineage.networked import Lineage

    period = Period.of(as_of, since, _several(environment), latest=latest, runs=_several(run))
    filters = Filters(_several(namespace), _several(layer), _several(owner), _several(tag), _several(job))
    return Lineage.of(filters.of(load(source, period, config=config, env=env, api_key=api_key)))


def load(
    source: Any,
    period: Period,
    *,
    config: str | os.PathLike[str] | None = None,
    env: str | None = None,
    api_key: str | None = None,
) -> LineageGraph:
    """The whole graph of a source in a period: see ``graph``.

    Raises:
        HooklineError: the source can't be read.
    """
    from hookline.core.store import Store

    if source is None:
        from hookline.core.config import load_config

        return of_config(load_config(None if config is None else Path(config), environment=env), period)
    if isinstance(source, Store):
        return graph_of(works_from_store(source.lineage(), job_namespace=job_namespace(None)), period)
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return graph_of(Marquez(source, api_key=api_key).works(period), period)
    files = [source] if isinstance(source, (str, os.PathLike)) else [*source]
    return of_files((Path(file) for file in files), period)


def of_files(paths: Iterable[Path], period: Period) -> LineageGraph:
    """The graph of all events in NDJSON files; a file that is not there has none.

    Raises:
        HooklineError: a file can't be read.
    """
    return graph_of(works_of(event for path in paths for event in read_events(path)), period)


def of_config(config: Config, period: Period, *, events: bool = False) -> LineageGraph:
    """The graph of the store that a configuration names.

    Args:
        events: read the lineage plugin's own file of events instead.

    Raises:
        HooklineError: it can't be read.
    """
    from hookline.core.store import Store

    if events:
        path = next((entry.options.get("path") for entry in config.plugins if entry.name == "lineage"), None)
        place = events_path(Path(path) if path else None, state_dir=config.state_dir, base_dir=config.base_dir)
        return of_files([place], period)
    store = Store.existing(config.store_url())
    if store is None:
        return LineageGraph()
    try:
        return of_lineage(store.lineage(), config, period)
    finally:
        store.close()


def of_lineage(lineage: StoredLineage, config: Config, period: Period | None = None) -> LineageGraph:
    """The graph of what a store knows, or of a part of that, with what the configuration tells of its datasets."""
    options = _lineage_options(config)
    works = works_from_store(lineage, job_namespace=job_namespace(options.get("namespace")))
    graph = graph_of(works, period or Period())
    tell(graph, options)
    return graph


def _lineage_options(config: Config) -> Mapping[str, Any]:
    plugins = {entry.name: entry.options for entry in config.plugins}
    return plugins.get("lineage") or plugins.get("openlineage") or {}


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
