"""Results as Great Expectations' Spark engine gives them, from numbers."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from hookline.quality.gx.model import Outcome


def counted(
    total: int, unexpected: int, mostly: float, *, considered: int, missing: bool = True, windowed: bool = False
) -> Outcome:
    """Of an expectation that every row has to meet.

    Args:
        total: all rows.
        unexpected: those that fail.
        considered: those that are looked at.
        missing: whether the result tells how many are not.
        windowed: of an empty table, such an expectation counts 0 rows; others have no count.
    """
    success = True if not considered else (float(considered) - float(unexpected)) / float(considered) >= mostly
    count = None if total == 0 and not windowed else unexpected
    of_all = None if count is None or not total else count / total * 100
    of_considered = None if of_all is None or count is None or not considered else count / considered * 100
    result = {"element_count": total, "unexpected_count": count, "unexpected_percent": of_considered}
    if missing:
        result["missing_count"] = total - considered
        result["missing_percent"] = None if of_all is None else (total - considered) / total * 100
        result["unexpected_percent_total"] = of_all
        result["unexpected_percent_nonmissing"] = of_considered
    return Outcome(success, result)


def between(found: Any, low: Any, high: Any, *, strict_low: bool = False, strict_high: bool = False) -> Outcome:
    """Of a number (or date) that has to lie between two ends. One that is not there lies nowhere."""
    if found is None or (isinstance(found, float) and math.isnan(found)):
        return Outcome(False, {"observed_value": None})
    above = low is None or (found > low if strict_low else found >= low)
    below = high is None or (found < high if strict_high else found <= high)
    return Outcome(bool(above and below), {"observed_value": found})


def close(found: float, wanted: float) -> bool:
    """As ``numpy.isclose`` with Great Expectations' relative tolerance of quantiles."""
    if math.isinf(wanted) or math.isinf(found):
        return found == wanted
    return abs(found - wanted) <= 1e-8 + 1e-4 * abs(wanted)


def plain(value: Any) -> Any:
    """A result as JSON can carry it."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    return value
