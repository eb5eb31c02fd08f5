"""A column with few different values: each is counted, and everything else follows from that.

Run by ``sketch_task``, and shipped by value as that is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_BLANK = re.compile(r"[ \t\n\x0b\f\r]+")
_LONGEST_TEXT = 200
Counted = Sequence[tuple[str, int, Any, int]]
"""Each value as text, its hash, as a number, and how often it occurs; the most frequent first."""


def of_counts(kind: str, found: Counted) -> dict[str, Any]:
    """The part of a column's state that is about its values."""
    state: dict[str, Any] = {"counts": [[value, n] for value, _, _, n in found], "complete": True}
    if kind == "boolean":
        return state | {"true": sum(n for value, _, _, n in found if value == "true")}
    numbers = sorted((number, n) for _, _, number, n in found if math.isfinite(number))
    state["numbers"] = [list(pair) for pair in numbers]
    if kind == "string":
        return state | _of_texts(found, [number for number, _ in numbers])
    if kind in ("int", "decimal", "float", "double"):
        state |= _of_numbers(found, numbers)
    if kind in ("float", "double"):
        state["nan"] = sum(n for _, _, number, n in found if math.isnan(number))
        state["infinite"] = sum(n for _, _, number, n in found if math.isinf(number))
    order: Any = (lambda one: Decimal(one[0])) if kind == "decimal" else (lambda one: one[2])
    ordered = sorted((one for one in found if not math.isnan(one[2])), key=order)
    for name, place in (("least", 0), ("greatest", -1)):
        value = None if not ordered else ordered[place][0] if kind == "decimal" else ordered[place][2]
        state[name] = value
    return state


def _of_texts(found: Counted, lengths: Sequence[int]) -> dict[str, Any]:
    texts = sorted((value for value, *_ in found), key=lambda text: text.encode("utf-8", "surrogatepass"))
    return {
        "empty": sum(n for value, _, _, n in found if not value),
        "blank": sum(n for value, _, _, n in found if _BLANK.fullmatch(value)),
        "shortest": lengths[0] if lengths else None,
        "longest": lengths[-1] if lengths else None,
        "least": texts[0][:_LONGEST_TEXT] if texts else None,
        "greatest": texts[-1][:_LONGEST_TEXT] if texts else None,
    }


def _of_numbers(found: Counted, numbers: Sequence[tuple[Any, int]]) -> dict[str, Any]:
    finite = sum(n for _, n in numbers)
    mean = math.fsum(number * n for number, n in numbers) / finite if finite else 0.0
    return {
        "zeros": sum(n for _, _, number, n in found if number == 0),
        "negatives": sum(n for _, _, number, n in found if number < 0),
        "finite": finite,
        "mean": mean,
        "squares": math.fsum((number - mean) ** 2 * n for number, n in numbers),
    }


def registers_of(hashes: Sequence[int], bits: int) -> bytes:
    """HyperLogLog's registers."""
    registers = bytearray(1 << bits)
    for value in hashes:
        rest = value >> bits
        place = value & (len(registers) - 1)
        registers[place] = max(registers[place], (rest & -rest).bit_length())
    return bytes(registers)
