"""Sketches of columns: what to ask for, how the states of several parts become one, and what a state tells."""

from __future__ import annotations

import base64
import bisect
import itertools
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hookline.core.fuse.moments import estimate, merge_correlation, merge_moments, merge_pairs
from hookline.core.fuse.shape_task import MOST_SHAPES
from hookline.core.fuse.sketch_task import FEW, KLL_K, REGISTER_BITS, packed

State = Mapping[str, Any]
# How far a rank may be off, and how far a number of different values: 99 of 100 are nearer.
RANK_ERROR = 0.0133
DISTINCT_ERROR = 3 * 1.04 / math.sqrt(2**REGISTER_BITS)
# How extremes are compared that are told as text.
_ORDER: Mapping[str, Callable[[str], Any]] = {"decimal": Decimal, "string": str.encode}
_SUMMED = ("rows", "nulls", "nan", "infinite", "zeros", "negatives", "true", "empty", "blank")


def merge(states: Sequence[State]) -> State:
    """The state of all parts together, in whichever order they come."""
    failed = [state for state in states if "error" in state]
    if failed or len(states) == 1:
        return (failed or states)[0]
    filled = [state for state in states if state["rows"] > state["nulls"]]
    merged: dict[str, Any] = {"kind": states[0]["kind"]}
    # A part without rows knows of nothing but that.
    merged |= {name: sum(one.get(name, 0) for one in states) for name in _SUMMED if any(name in one for one in states)}
    if not filled:
        return merged | {name: value for name, value in states[0].items() if name not in merged}
    if "finite" in filled[0]:
        moments = [(state["finite"], state["mean"], state["squares"]) for state in filled if state["finite"]]
        merged["finite"], merged["mean"], merged["squares"] = merge_moments(moments)
    for name, pick in (("shortest", min), ("longest", max)):
        if name in filled[0]:
            merged[name] = pick(state[name] for state in filled)
    for name, pick in (("least", min), ("greatest", max)) if "least" in filled[0] else ():
        known = [state[name] for state in filled if state[name] is not None]
        merged[name] = pick(known, key=_ORDER.get(merged["kind"])) if known else None
    if "registers" in filled[0]:
        columns = zip(*(unpacked(state["registers"]) for state in filled), strict=True)
        merged["registers"] = packed(bytes(map(max, columns)))
    if "counts" in filled[0]:
        merged["counts"], all_there = _summed(filled, "counts", FEW)
        merged["complete"] = all_there and all(state["complete"] for state in filled)
    if all("numbers" in state for state in filled) and merged.get("complete"):
        merged["numbers"] = _added([pair for state in filled for pair in state["numbers"]])
    elif any("numbers" in state or "kll" in state for state in filled):
        merged["kll"] = _merged_kll([_as_kll(state) for state in filled])
    if "shapes" in filled[0]:
        merged["shapes"], _ = _summed(filled, "shapes", MOST_SHAPES)
        merged["shaped"] = sum(state["shaped"] for state in filled)
        merged["formats"] = {name: sum(state["formats"][name] for state in filled) for name in filled[0]["formats"]}
    return merged


def _summed(states: Sequence[State], name: str, most: int) -> tuple[list[list[Any]], bool]:
    sums: dict[str, int] = {}
    for state in states:
        for value, count in state[name]:
            sums[value] = sums.get(value, 0) + count
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return [list(pair) for pair in ordered[:most]], len(ordered) <= most


def merge_relations(parts: Sequence[State]) -> State:
    """What holds in all samples, and co-moments of all of them."""
    told = [part for part in parts if part["sampled"]]
    if len(told) < 2:
        return told[0] if told else parts[0]
    moments: dict[tuple[str, str], list[list[Any]]] = {}
    for part in told:
        for one, other, *numbers in part["moments"]:
            moments.setdefault((one, other), []).append(numbers)
    common = {
        name: [pair for pair in told[0][name] if all(pair in part[name] for part in told)]
        for name in ("keys", "decides", "ordered")
    }
    merged = [[*pair, *merge_pairs(numbers)] for pair, numbers in moments.items()]
    return {"sampled": sum(part["sampled"] for part in told), "moments": merged, **common}


def correlations(relations: State) -> dict[tuple[str, str], float]:
    """Pearson's coefficient of each pair of columns that has one."""
    found = {}
    for one, other, *numbers in relations["moments"]:
        value = merge_correlation([numbers])
        if value is not None and math.isfinite(value):
            found[one, other] = value
    return found


def unpacked(text: str) -> bytes:
    """What ``packed`` made a text of."""
    return zlib.decompress(base64.b64decode(text))


class Numbers:
    """A column's numbers, each with how often it occurs: what KLL tells about, exactly."""

    def __init__(self, pairs: Sequence[Sequence[Any]]) -> None:
        self._values = [float(value) for value, _ in pairs]
        self._upto = list(itertools.accumulate(int(count) for _, count in pairs))

    @property
    def n(self) -> int:
        """How many there are."""
        return self._upto[-1]

    def is_estimation_mode(self) -> bool:
        """Never."""
        return False

    def get_min_value(self) -> float:
        """The least."""
        return self._values[0]

    def get_max_value(self) -> float:
        """The greatest."""
        return self._values[-1]

    def get_quantiles(self, fractions: Sequence[float]) -> list[float]:
        """The least values of which, with all below, there is such a share."""
        places = (bisect.bisect_left(self._upto, math.ceil(fraction * self.n)) for fraction in fractions)
        return [self._values[min(place, len(self._values) - 1)] for place in places]

    def get_cdf(self, points: Sequence[float], inclusive: bool) -> list[float]:
        """The share that is not above each point, and 1."""
        find = bisect.bisect_right if inclusive else bisect.bisect_left
        places = (find(self._values, point) for point in points)
        return [*(self._upto[place - 1] / self.n if place else 0.0 for place in places), 1.0]


def kll_of(state: State) -> Any:
    """The sketch of a column's numbers, or all of them; None where there are none."""
    if "numbers" in state:
        return Numbers(state["numbers"]) if state["numbers"] else None
    if "kll" not in state:
        return None
    import datasketches

    found = datasketches.kll_doubles_sketch.deserialize(base64.b64decode(state["kll"]))
    return None if found.is_empty() else found


def _added(pairs: Sequence[Sequence[Any]]) -> list[list[Any]]:
    sums: dict[Any, int] = {}
    for value, count in pairs:
        sums[value] = sums.get(value, 0) + count
    return [list(pair) for pair in sorted(sums.items())]


def _as_kll(state: State) -> str:
    if "kll" in state:
        return str(state["kll"])
    import datasketches
    import numpy as np

    found = datasketches.kll_doubles_sketch(KLL_K)
    values, counts = ([pair[place] for pair in state["numbers"]] for place in (0, 1))
    found.update(np.repeat(np.array(values, dtype="float64"), np.array(counts, dtype="int64")))
    return base64.b64encode(found.serialize()).decode()


def _merged_kll(texts: Sequence[str]) -> str:
    import datasketches

    first, *others = (datasketches.kll_doubles_sketch.deserialize(base64.b64decode(text)) for text in texts)
    for other in others:
        first.merge(other)
    return base64.b64encode(first.serialize()).decode()


def distinct_of(state: State) -> int | None:
    """How many different values there are: exactly where all are counted, else within ``DISTINCT_ERROR``."""
    if state.get("complete"):
        return len(state["counts"])
    if "registers" not in state:
        return None
    registers = unpacked(state["registers"])
    filled = sum(1 for bit in registers if bit)
    inverse = math.fsum(2.0**-bit for bit in registers if bit)
    return estimate(inverse, filled, len(registers))
