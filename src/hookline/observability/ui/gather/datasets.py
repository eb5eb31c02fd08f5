"""Lists of datasets: when each was last written, how well, how much, at what cost."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from statistics import median
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from hookline.core.events import utc_now
from hookline.core.labels import LabelsConfig
from hookline.core.store.browse import datasets as browse
from hookline.core.store.browse import runs, spending
from hookline.observability.ui.asking import since
from hookline.observability.ui.documents import DatasetRow, Datasets, Percent
from hookline.observability.ui.gather.runs import money

COST_DAYS = 30
# So many datasets are looked at; beyond that a search by name is of more use than a list.
MOST_DATASETS = 5_000
_TREND = 20
_LATE = 3.0
_REFUSED = "WriteRefusedError"


class DatasetFilter(NamedTuple):
    """Which datasets: text that is in their names, a layer, an owner."""

    named: str = ""
    layer: str = ""
    owner: str = ""


def datasets(connection: Connection, labels: LabelsConfig, wanted: DatasetFilter, *, skip: int, limit: int) -> Datasets:
    """A page of datasets."""
    found = [one for one in browse.all_datasets(connection, MOST_DATASETS) if _fits(one, labels, wanted)]
    shown = found[skip : skip + limit]
    more = skip + limit if len(found) > skip + limit else None
    return Datasets(datasets=rows(connection, shown, labels), total=len(found), next=more)


def rows(connection: Connection, found: Sequence[browse.ListedDataset], labels: LabelsConfig) -> list[DatasetRow]:
    """Datasets with the trends of their last writes."""
    ids = [one.dataset_id for one in found]
    written = browse.last_writes(connection, ids, _TREND)
    checks = runs.check_counts(connection, [one.write_id for own in written.values() for one in own])
    costs = spending.of_datasets(connection, ids, since(COST_DAYS))
    return [_row(one, written[one.dataset_id], checks, costs.get(one.dataset_id), labels) for one in found]


def _fits(one: browse.ListedDataset, labels: LabelsConfig, wanted: DatasetFilter) -> bool:
    if wanted.named and wanted.named.lower() not in str(one.dataset).lower():
        return False
    if not (wanted.layer or wanted.owner):
        return True
    known = labels.of(one.dataset)
    return wanted.layer in ("", known.layer) and wanted.owner in ("", known.owner)


def _row(
    one: browse.ListedDataset,
    written: list[browse.ListedWrite],
    checks: dict[str, dict[str, int]],
    cost: spending.Spent | None,
    labels: LabelsConfig,
) -> DatasetRow:
    known = labels.of(one.dataset)
    last = written[-1]
    published = browse.last_published(written)
    every_s = _every(written)
    at = None if published is None else published.finished_at or published.started_at
    return DatasetRow(
        dataset_id=one.dataset_id,
        namespace=one.namespace,
        name=one.name,
        format=one.format,
        layer=known.layer,
        owner=known.owner,
        last_write_at=last.started_at,
        last_published_at=at,
        last_run_id=last.run_id,
        last_status=status_of(last),
        every_s=every_s,
        late=at is not None and every_s is not None and _age(at) > max(_LATE * every_s, 3600.0),
        rows=None if published is None else published.rows,
        bytes=None if published is None else published.bytes,
        rows_trend=[write.rows for write in written],
        quality_trend=[pass_rate(checks.get(write.write_id, {})) for write in written],
        cost=money(cost),
    )


def status_of(write: browse.ListedWrite) -> Literal["published", "refused", "failed", "unpublished"]:
    """What became of a write."""
    if write.error:
        return "refused" if _REFUSED in write.error else "failed"
    return "published" if write.published else "unpublished"


def pass_rate(counts: dict[str, int]) -> Percent | None:
    """The share of checks that passed among those with an answer; None without any."""
    answered = counts.get("passed", 0) + counts.get("failed", 0)
    return counts.get("passed", 0) / answered if answered else None


def _every(written: list[browse.ListedWrite]) -> float | None:
    """The usual time between two published writes: of a few, nothing can be said."""
    times = [dt.datetime.fromisoformat(one.started_at) for one in written if one.published]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    return median(gaps) if len(gaps) >= 3 else None


def _age(at: str) -> float:
    return (utc_now() - dt.datetime.fromisoformat(at)).total_seconds()
