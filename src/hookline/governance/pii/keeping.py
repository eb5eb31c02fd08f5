"""What a scan gave goes where it is asked for: into the store, and its happening into the audit log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hookline.core.events import Column, Dataset, content_id, utc_now
from hookline.core.store.classifying import StoredClassification, StoredScan
from hookline.governance.audit import Entry

if TYPE_CHECKING:
    from hookline.governance.pii.settings import DetectionSettings


def columns_id(columns: Iterable[Column], settings: DetectionSettings) -> str:
    """Of the names and types that a dataset had, and of what was looked for, to tell whether to look again."""
    return content_id([[column.name, column.type] for column in columns], settings.model_dump_json())


def stored(dataset: Dataset, document: dict[str, Any], columns: str, run_id: str | None) -> StoredScan:
    """A scan's document as the store keeps it.

    Args:
        columns: by ``columns_id``.
    """
    found = tuple(StoredClassification(**{**one, "reasons": tuple(one["reasons"])}) for one in document["found"])
    at = utc_now().isoformat(timespec="microseconds")
    own = (dataset.namespace, dataset.name, at, run_id, columns, document["rows"], document["sampled"])
    return StoredScan(*own, found=found)


def entry_of(scan: StoredScan, actor: str | None) -> Entry:
    """For the audit log: which entities were found in how many columns."""
    entities = Counter(one.entity for one in scan.found)
    what = {
        "dataset": f"{scan.namespace}/{scan.name}",
        "rows": scan.rows,
        "sampled": scan.sampled,
        "found": dict(entities),
    }
    return Entry("presidio.scan", what | ({"run": scan.run_id} if scan.run_id else {}), actor)
