"""What a dataset's storage costs a month, from a listing of its place."""

from __future__ import annotations

import fnmatch
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline.core.events import Dataset, RunEnded
from hookline.observability.cost.book import StoragePrice
from hookline.observability.metrics.points import Stored

if TYPE_CHECKING:
    import pyarrow.fs as fs

logger = logging.getLogger(__name__)
_GIB = 1024.0**3
# One listing serves all plugins of the process.
_AS_GOOD_AS_NEW_S = 600.0
_MOST_PLACES = 1_000
_lock = threading.Lock()
_listed: dict[str, tuple[float, Listed | None]] = {}


class Listed(NamedTuple):
    """What lies at a place.

    Attributes:
        requests: how many requests of a thousand names the listing itself took, about.
    """

    files: int
    bytes: int
    requests: int


class StorageCost(NamedTuple):
    """In the price book's currency.

    Attributes:
        month: what a month costs as it lies there now.
        rewrite: what the requests cost that write as many files again.
    """

    month: float
    rewrite: float


def listing(place: str, filesystem: fs.FileSystem | None = None) -> Listed:
    """List a folder with all that is in it, older versions of a Delta table included, as these are paid for as well.

    Args:
        place: a path, or a URI that pyarrow knows (``s3://bucket/prefix``).
        filesystem: where the path is; by default what the URI says.

    Raises:
        OSError: it can't be listed.
    """
    from pyarrow import fs as arrow

    if filesystem is None:
        plain = str(Path(place).absolute()) if "://" not in place else place
        filesystem, place = arrow.FileSystem.from_uri(plain) if "://" in plain else (arrow.LocalFileSystem(), plain)
    selector: Any = arrow.FileSelector(place, recursive=True, allow_not_found=True)
    found = [info for info in filesystem.get_file_info(selector) if info.type == arrow.FileType.File]
    return Listed(len(found), sum(info.size or 0 for info in found), 1 + len(found) // 1000)


def storage_cost(listed: Listed, price: StoragePrice) -> StorageCost:
    """GiB * the price of a GiB for a month; files * the price of writing one."""
    return StorageCost(listed.bytes / _GIB * price.gib_month, listed.files / 1000 * price.put_1000)


def stored(datasets: Iterable[Dataset], patterns: Sequence[str], price: StoragePrice | None = None) -> list[Stored]:
    """What lies at the places of those datasets that a pattern matches; one that can't be listed is left out.

    A place is listed once in ten minutes, whoever asks.
    """
    found = []
    for dataset in dict.fromkeys(datasets):
        place = _place(dataset)
        if place is None or not any(fnmatch.fnmatchcase(str(dataset), pattern) for pattern in patterns):
            continue
        listed = _listing_of(place)
        if listed is not None:
            month = None if price is None else storage_cost(listed, price).month
            found.append(Stored(dataset, listed.files, listed.bytes, month))
    return found


def stored_by(ended: RunEnded, patterns: Sequence[str], price: StoragePrice | None = None) -> list[Stored]:
    """The same of the datasets that a run wrote."""
    return stored((write.dataset for write in ended.writes if write.error is None), patterns, price)


def _place(dataset: Dataset) -> str | None:
    if dataset.namespace == "file":
        return dataset.name if dataset.name.startswith("/") else None
    if dataset.namespace.startswith(("s3://", "gs://")):
        return f"{dataset.namespace}/{dataset.name.lstrip('/')}"
    return None


def _listing_of(place: str) -> Listed | None:
    with _lock:
        at, listed = _listed.get(place, (float("-inf"), None))
        if time.monotonic() - at < _AS_GOOD_AS_NEW_S:
            return listed
        try:
            listed = listing(place)
        except Exception as error:  # noqa: BLE001 - a place that is away, or closed to us
            logger.debug("a dataset's place can't be listed: %s", type(error).__name__)
            listed = None
        if len(_listed) >= _MOST_PLACES:
            _listed.clear()
        _listed[place] = (time.monotonic(), listed)
        return listed
