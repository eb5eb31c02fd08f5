"""Checks of one's own: by a function of columns, by a module that is named, by an entry point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hookline
from hookline.core.errors import ConfigError
from hookline.core.fuse import ride, take
from hookline.quality.checks import kinds, registry
from hookline.quality.judging import judge, measures_of
from hookline.quality.suite import parse_suites

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MODULE = """\
import hookline

LIMIT = 100

@hookline.check
def plausible(price, quantity):
    '''Price times quantity is plausible.

    More words.
    '''
    return price * quantity < LIMIT

@hookline.check(name="shouting")
def loud(text):
    return text.str.upper() == text

@hookline.check
def broken(price):
    raise ValueError(f"a secret: {price.tolist()}")

@hookline.check
def wordy(price):
    return ["yes"] * len(price)

@hookline.check
def short(price):
    return [True]

@hookline.check
def some(price):
    return [None if p != p else p > 1 for p in price]
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    before, modules = kinds(), set(sys.modules)
    yield
    registry._kinds.clear()
    registry._kinds.update(before)
    for name in set(sys.modules) - modules:
        if name.startswith("own_checks"):
            del sys.modules[name]


@pytest.fixture
def own_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "own_checks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    return "own_checks"


def suite(entries: str) -> tuple[Any, ...]:
    text = "dataset: x\nchecks:\n" + "".join(f"  - {line.strip()}\n" for line in entries.strip().splitlines())
    return parse_suites(text, "s.yaml")[0].checks


def test_a_function_becomes_a_kind(own_checks: str) -> None:
    registry.import_modules([own_checks])
    first, second, third = suite("plausible: [a, b]\nplausible: {quantity: b, price: a.c}\nshouting: t")
    assert (first.name, first.columns, first.expected) == (
        "plausible(a, b)",
        ("a", "b"),
        "Price times quantity is plausible (a, b)",
    )
    assert second.columns == ("a.c", "b")
    assert third.expected == "shouting (t)"
    assert first.measures() != second.measures()
    assert first.measures() == suite("plausible: [a, b]")[0].measures()


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("plausible: [a]", "should be a list of 2 columns, or a mapping with these keys: price, quantity"),
        ("plausible: a", "should be a list of 2 columns"),
        ("plausible: {price: a}", "'quantity' is missing"),
        ("plausible: {price: a, quantity: b, colour: c}", "colour"),
        ("shouting: [a, b]", "should be a column"),
        ("shoutin: a", "did you mean 'shouting'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(own_checks: str, entry: str, why: str) -> None:
    registry.import_modules([own_checks])
    with pytest.raises(ConfigError) as caught:
        suite(entry)
    assert why in str(caught.value)


def test_a_function_that_takes_no_columns_is_refused() -> None:
    for function in (lambda: True, lambda *a: True, lambda a=1: True, lambda **a: True):
        with pytest.raises(ValueError, match="plain parameters, at least one, without defaults"):
            hookline.check(name="odd")(function)
    with pytest.raises(ValueError, match="is already"):
        hookline.check(name="range")(lambda a: True)


@pytest.mark.spark
def test_functions_judge_rows_and_those_that_fail_are_errors(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, own_checks: str
) -> None:
    registry.import_modules([own_checks])
    frame = spark.sql(
        "SELECT * FROM VALUES (1D, 5, 'A'), (50D, 2, 'b'), (NULL, 1, NULL), (60D, 9, 'C') t(price, quantity, text)"
    )
    frame.repartition(2).write.parquet(str(tmp_path / "t"))
    target = parquet_target(tmp_path / "t", frame.schema)
    checks = suite(
        """
        plausible: [price, quantity]
        {plausible: [price, quantity], where: quantity < 9}
        shouting: text
        some: price
        completeness: text
        broken: price
        wordy: price
        short: price
        """
    )
    verdicts = judge(checks, take(measures_of(checks), target))
    assert [(v.status, v.failing_rows, v.way) for v in verdicts[:5]] == [
        ("failed", 3, "spark"),  # for pandas a comparison with nothing is false
        ("failed", 2, "spark"),
        ("failed", 2, "spark"),
        ("failed", 1, "spark"),
        ("failed", 1, "proof"),
    ]
    assert {v.status for v in verdicts[5:]} == {"error"}
    assert not any("secret" in v.message for v in verdicts)
    _, riding = ride(target.read_back(), measures_of(checks[:1]))
    assert "could fail" in next(iter(riding.errors.values())).error


def test_modules_that_cannot_be_imported_are_told(own_checks: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'own_checks_2'.* \(ModuleNotFoundError\): check the spelling"):
        registry.import_modules(["own_checks_2"])
    (tmp_path / "modules" / "own_checks_3.py").write_text("1 / 0")
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        registry.import_modules(["own_checks_3"])


def test_an_entry_point_is_imported_when_a_suite_names_it(own_checks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = tuple(
        metadata.EntryPoint(name, value, registry.GROUP)
        for name, value in {"plausible": "own_checks", "elsewhere": "own_checks_9", "missing": "own_checks"}.items()
    )
    monkeypatch.setattr(registry, "_offered", lambda: points)
    suite("completeness: a")
    assert own_checks not in sys.modules
    assert suite("plausible: [a, b]")[0].kind == "plausible"
    with pytest.raises(ConfigError, match=r"s\.yaml:3: checks\[0\]: the module 'own_checks_9'"):
        suite("elsewhere: a")
    with pytest.raises(ConfigError, match="registers no check of this name"):
        suite("missing: a")
    monkeypatch.undo()
    assert registry._offered() == tuple(metadata.entry_points(group=registry.GROUP))
