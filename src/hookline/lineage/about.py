"""What events say of job and datasets besides what happened: owners, tags, times, source; from options and surroundings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from hookline.core.events import Dataset
from hookline.lineage.facets import JobRun
from hookline.lineage.source import code_of, location_of

_OWN_FOLDER = Path(__file__).resolve().parents[1]
_ENTRY_POINTS = ("hookline",)
Source = tuple[Mapping[str, Any] | None, str | None]


@dataclass(frozen=True)
class AboutDataset:
    """Owners and tags of a dataset, and tags of its columns."""

    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class AboutWrite:
    """What is known of one write.

    Attributes:
        sql: its SQL without values.
        upstream: the runs that wrote its inputs.
        schema_change: what it changed of the dataset's schema, as fields of a facet.
        personal: what its columns are known to hold, column and entity.
    """

    sql: str | None = None
    upstream: tuple[JobRun, ...] = ()
    schema_change: Mapping[str, Any] | None = None
    personal: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class AboutJob:
    """What is known of the job.

    Attributes:
        owners: who answers for it.
        environment: the environment variables that were allowed, with their values.
        nominal_start, nominal_end: the time that the run is for, ISO 8601 with offset.
        datasets: a pattern (as in file names) on a dataset's whole name, and what holds for those that it fits.
        source: gives the fields of the source-code location, and the code when it may be sent.
    """

    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    nominal_start: str | None = None
    nominal_end: str | None = None
    datasets: tuple[tuple[str, AboutDataset], ...] = ()
    source: Callable[[], Source] = lambda: (None, None)

    def of_dataset(self, dataset: Dataset) -> AboutDataset:
        """All that fits the dataset, united; what stands later in the configuration wins."""
        names = {str(dataset), dataset.name, *(name for _, name in dataset.symlinks)}
        owners: dict[str, None] = {}
        tags: dict[str, str] = {}
        columns: dict[str, dict[str, str]] = {}
        for pattern, told in self.datasets:
            if any(fnmatchcase(name, pattern) for name in names):
                owners |= dict.fromkeys(told.owners)
                tags |= told.tags
                for column, own in told.columns.items():
                    columns.setdefault(column, {}).update(own)
        return AboutDataset(tuple(owners), tags, columns)


def source_of_main(*, with_code: bool) -> Source:
    """Of the script that runs in this process, once it does."""
    script = _main_script()
    if script is None:
        return None, None
    return _source(script, with_code)


@lru_cache(maxsize=8)
def _source(script: Path, with_code: bool) -> Source:
    return location_of(script), code_of(script) if with_code else None


def _main_script() -> Path | None:
    """The job's own file; before it runs, the main module is hookline's."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not file:
        return None
    path = Path(file).absolute()
    ours = _OWN_FOLDER in path.parents and path.name == "__main__.py"
    return None if ours or path.name in _ENTRY_POINTS else path
