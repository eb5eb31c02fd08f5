"""Run history: runs, reads, writes, verdicts and lineage edges. SQLAlchemy is loaded when a store is opened."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.core.store.database import RunRecord, Store
    from hookline.core.store.lazy import LazyStore
    from hookline.core.store.sink import StoreSink

_HOMES = {"LazyStore": "lazy", "RunRecord": "database", "Store": "database", "StoreSink": "sink"}
__all__ = ["LazyStore", "RunRecord", "Store", "StoreSink"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
