"""The shared measurement: what all plugins want to know about a write, taken once, the cheapest way that is exact.

Its parts are loaded by the first write, not at start-up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.core.fuse.binding import resolve
    from hookline.core.fuse.division import Leaf, Left, Receipt, divide
    from hookline.core.fuse.pricing import Price
    from hookline.core.fuse.riding import Riding, ride
    from hookline.core.fuse.sifting import Sieve
    from hookline.core.fuse.taking import WAYS, explain, get_ready, take
    from hookline.core.fuse.target import Target, WrittenFile, columns_of

_HOMES = {
    "WAYS": "taking",
    "Leaf": "division",
    "Left": "division",
    "Price": "pricing",
    "Receipt": "division",
    "Riding": "riding",
    "Sieve": "sifting",
    "Target": "target",
    "WrittenFile": "target",
    "columns_of": "target",
    "divide": "division",
    "explain": "taking",
    "get_ready": "taking",
    "resolve": "binding",
    "ride": "riding",
    "take": "taking",
}
__all__ = [
    "WAYS",
    "Leaf",
    "Left",
    "Price",
    "Receipt",
    "Riding",
    "Sieve",
    "Target",
    "WrittenFile",
    "columns_of",
    "divide",
    "explain",
    "get_ready",
    "resolve",
    "ride",
    "take",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
