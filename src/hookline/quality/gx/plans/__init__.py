"""Which measures give an expectation's result, by the expectation's type and the types of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from hookline.core.events import Column
from hookline.quality.gx import arguments
from hookline.quality.gx.conditions import is_usable
from hookline.quality.gx.model import Plan
from hookline.quality.gx.plans import compared, numbers, patterns, tables, values
from hookline.quality.gx.rows import Rows

_PLANS = {**compared.PLANS, **numbers.PLANS, **patterns.PLANS, **tables.PLANS, **values.PLANS}
MAPPED = tuple(_PLANS)


def plan_for(kind: str, text: str, columns: Sequence[Column]) -> Plan | None:
    """How an expectation of this type, with these arguments as JSON, is found out of data with these columns.

    None: only Great Expectations itself can tell, or has the right words for what is wrong.
    """
    return _plan_for(kind, text, tuple(columns))


@lru_cache(maxsize=4096)
def _plan_for(kind: str, text: str, columns: tuple[Column, ...]) -> Plan | None:
    import json

    if kind not in _PLANS:
        return None
    read = arguments.read(kind, json.loads(text))
    where = read.pop("where")
    return _PLANS[kind](Rows(columns, where), read) if is_usable(where) else None
