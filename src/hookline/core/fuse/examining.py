"""Measures by a function that is given the rows as a frame, in a job of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError
from hookline.core.events import Measure, Measured
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.jobs import DeadlineError, run_job
from hookline.core.fuse.target import Target

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def describe(error: BaseException) -> str:
    """An error without its text, which may quote a row: its class and Spark's error condition. Ours quote none."""
    if isinstance(error, HooklineError):
        return str(error)
    condition = None
    if hasattr(error, "getCondition"):
        condition = error.getCondition()
    return f"{type(error).__name__}, {condition}" if condition else type(error).__name__


def examine(
    bound: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame], deadline_s: float
) -> dict[Measure, Measured]:
    """Every function once, with all that is wanted of it; one that fails costs the others nothing."""
    wanted: defaultdict[Callable[..., Any], list[Measure]] = defaultdict(list)
    for one in bound:
        if one.measure.function is not None:
            wanted[one.measure.function].append(one.measure)
    found: dict[Measure, Measured] = {}
    for function, measures in wanted.items():
        found |= _call(function, measures, target, read_back, deadline_s)
    return found


def _call(
    function: Callable[..., Any],
    measures: Sequence[Measure],
    target: Target,
    read_back: Callable[[], DataFrame],
    deadline_s: float,
) -> dict[Measure, Measured]:
    asked = [measure.pattern for measure in measures]
    try:
        values = run_job(target.spark, str(measures[0]), deadline_s, lambda: list(function(read_back(), asked)))
    except DeadlineError as error:
        return {measure: Measured(error=f"{measure}: {error}") for measure in measures}
    except Exception as error:  # noqa: BLE001 - whatever a function raises, a measure only loses its value
        return {measure: Measured(error=f"{measure} failed ({describe(error)})") for measure in measures}
    if len(values) != len(measures):
        return {
            measure: Measured(error=f"{measure} gave {len(values)} values, not {len(asked)}") for measure in measures
        }
    return {measure: Measured(value, "spark") for measure, value in zip(measures, values, strict=True)}
