"""Lineage: where data came from and where it went, to the column. In notebooks: ``hookline.lineage.graph(…)``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.lineage.sources import graph as graph

__all__ = ["graph"]


def __getattr__(name: str) -> Any:
    if name != "graph":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.graph")  # callable: see there
