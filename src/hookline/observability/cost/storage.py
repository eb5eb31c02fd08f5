"""What a dataset's storage costs a month, from a listing of its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline.observability.cost.book import StoragePrice

if TYPE_CHECKING:
    import pyarrow.fs as fs

_GIB = 1024.0**3


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
