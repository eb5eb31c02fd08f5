"""Why a principal sees what it sees of a table, in words and as JSON. For those who write policies: filters are quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hookline.governance.access.decide import Decision, KnownTable, Rectangle, freest
from hookline.governance.access.filters import to_text
from hookline.governance.access.leaves import SchemaError, leaves
from hookline.governance.access.model import Mask
from hookline.governance.access.names import Names, written


def document(decision: Decision, table: KnownTable) -> dict[str, Any]:
    """As JSON."""
    return {
        "principal": decision.principal,
        "table": decision.table,
        "actions": sorted(decision.actions | ({"select"} if decision.readable else set())),
        "rows": [{"rule": one.rule, "filter": _rows(one)} for one in decision.rectangles],
        "columns": [
            {
                "column": written(names),
                "shown": [{"rule": rule, "mask": _mask(mask)} for rule, mask in _shown(decision, names)],
            }
            for names in _all(table)
        ],
        "reasons": [{"rule": one.rule, "counts": one.counts, "text": one.text} for one in decision.reasons],
    }


def text(decision: Decision, table: KnownTable) -> Iterator[str]:
    """Line by line."""
    if not decision.exists:
        yield f"{decision.principal} sees nothing of {decision.table}: there is no such table for it"
    elif decision.actions:
        yield f"{decision.principal} may {', '.join(sorted(decision.actions))} on {decision.table}"
    if decision.readable:
        yield f"{decision.principal} sees rows of {decision.table} that are in one of these:"
        for one in decision.rectangles:
            rows = _rows(one)
            yield f"  {one.rule}: {'all rows' if rows is None else rows}"
        yield "columns:"
        for names in _all(table):
            yield f"  {written(names)}: {_cell(decision, names)}"
    if decision.reasons:
        yield "rules:"
        yield from (f"  {one.rule or '-'}: {one.text}" for one in decision.reasons)
    else:
        yield "no rule is about this principal and table; what no rule allows is denied"


def _cell(decision: Decision, names: Names) -> str:
    shown = _shown(decision, names)
    if not shown:
        return "hidden"
    plain = [rule for rule, mask in shown if mask is None]
    parts = [f"as it is in rows of {', '.join(plain)}"] if plain else []
    for mask in freest([mask for _, mask in shown if mask is not None]):
        rules = [rule for rule, one in shown if one == mask]
        parts.append(f"{_mask(mask)} in {'other ' if parts else ''}rows of {', '.join(rules)}")
    if len(shown) < len(decision.rectangles):
        parts.append("null in all others")
    return "; ".join(parts)


def _shown(decision: Decision, names: Names) -> list[tuple[str, Mask | None]]:
    return [(one.rule, one.shown[names]) for one in decision.rectangles if names in one.shown]


def _rows(one: Rectangle) -> str | None:
    return None if one.condition is None else to_text(one.condition)


def _mask(mask: Mask | None) -> str | None:
    if mask is None or mask.mask != "partial":
        return None if mask is None else mask.mask
    return f"partial (first {mask.keep_first}, last {mask.keep_last})"


def _all(table: KnownTable) -> list[Names]:
    try:
        return [names for names, _ in leaves(table.columns)]
    except SchemaError:
        return []
