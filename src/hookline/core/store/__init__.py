"""Run history: runs, reads, writes, verdicts, lineage and schemas. SQLAlchemy is loaded when a store is opened."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.core.store.database import Store
    from hookline.core.store.documents import KeptColumns
    from hookline.core.store.lazy import LazyStore
    from hookline.core.store.records import (
        Dependant,
        JudgedWrite,
        Measurement,
        PastVerdict,
        PastWrite,
        PluginRecord,
        QuarantineRecord,
        RunRecord,
        SchemaVersion,
        SeriesPoint,
        StoredColumns,
        StoredLineage,
        StoredProfile,
        StoredRun,
        StoredWork,
        Subject,
    )
    from hookline.core.store.sink import StoreSink

_HOMES = {
    "Dependant": "records",
    "LazyStore": "lazy",
    "JudgedWrite": "records",
    "KeptColumns": "documents",
    "Measurement": "records",
    "PastVerdict": "records",
    "PastWrite": "records",
    "PluginRecord": "records",
    "QuarantineRecord": "records",
    "RunRecord": "records",
    "SchemaVersion": "records",
    "SeriesPoint": "records",
    "Store": "database",
    "StoreSink": "sink",
    "StoredColumns": "records",
    "StoredLineage": "records",
    "StoredProfile": "records",
    "StoredRun": "records",
    "StoredWork": "records",
    "Subject": "records",
}
__all__ = [
    "Dependant",
    "JudgedWrite",
    "KeptColumns",
    "LazyStore",
    "Measurement",
    "PastVerdict",
    "PastWrite",
    "PluginRecord",
    "QuarantineRecord",
    "RunRecord",
    "SchemaVersion",
    "SeriesPoint",
    "Store",
    "StoreSink",
    "StoredColumns",
    "StoredLineage",
    "StoredProfile",
    "StoredRun",
    "StoredWork",
    "Subject",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
