from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hookline.core.events import Measure
from hookline.quality.checks import ColumnCheck, ColumnOptions, kinds, register, registry


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    before = kinds()
    yield
    registry._kinds.clear()
    registry._kinds.update(before)


@dataclass(frozen=True)
class Positive(ColumnCheck[ColumnOptions]):
    @property
    def rule(self) -> str:
        return f"{self.options.column} is positive"

    def failing(self) -> Measure:
        return Measure.outside(self.options.column, minimum=1, required=self.terms.must_answer)


def test_the_built_in_kinds() -> None:
    assert sorted(set(kinds()) - {"expectation"}) == [  # which a suite that names it brings in
        "anomaly", "castable", "category_drift", "compare", "completeness", "correlation", "date_format", "distinct_count",
        "distinct_share", "distribution", "entropy", "expression", "format", "freshness", "latency", "length", "maximum", "mean",
        "median", "minimum", "monotonic", "not_blank", "pattern", "quantile", "range", "reconcile", "references", "row_count",
        "row_count_change", "schema", "set", "sql", "stddev", "sum", "unique",
    ]  # fmt: skip


def test_a_plugin_adds_a_kind() -> None:
    assert register("positive", ColumnOptions)(Positive) is Positive
    assert kinds()["positive"].check is Positive
    assert Positive.kind == "positive"


def test_a_reloaded_module_may_register_again() -> None:
    register("positive", ColumnOptions)(Positive)
    register("positive", ColumnOptions)(Positive)
    assert kinds()["positive"].check is Positive


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match=r"check 'range' is already hookline\.quality\.checks\.values\.Range"):
        register("range", ColumnOptions)(Positive)
    assert Positive.kind != "range"


@pytest.mark.parametrize("name", ["", "Range", "a-b", "1a", "severity", "tolerance", "name"])
def test_a_name_that_no_suite_could_use_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't name a kind of check"):
        register(name, ColumnOptions)
