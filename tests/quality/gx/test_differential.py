"""What an expectation gives here is what it gives in Great Expectations, on the same rows; the differences are listed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from tests.quality.gx.conftest import Asked, check_of, in_hookline
from tests.quality.gx.matrix import MATRIX

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

pytestmark = [pytest.mark.spark, pytest.mark.slow]
Itself = Callable[["DataFrame", Sequence[Asked]], list[dict[str, Any]]]


@pytest.mark.parametrize("group", MATRIX)
@pytest.mark.parametrize("table", ["nasty_table", "empty_table"])
def test_results_are_those_of_great_expectations(
    group: str, table: str, in_great_expectations: Itself, request: pytest.FixtureRequest
) -> None:
    frame, target = request.getfixturevalue(table)
    asked = MATRIX[group] if table == "nasty_table" or group == "broken" else MATRIX[group][::4]
    theirs = in_great_expectations(frame, asked)
    ours = in_hookline(target, [check_of(one, target) for one in asked])
    differences = [
        f"{kind} {kwargs}\n  theirs {their}\n  ours   {our}"
        for (kind, kwargs), their, our in zip(asked, theirs, ours, strict=True)
        if not _same(their, our)
    ]
    assert not differences, f"{len(differences)} of {len(asked)}:\n" + "\n".join(differences)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        if one.get("raised") and other.get("raised"):
            return True
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return bool(one == other)
