"""Distributions and categories against a baseline: what each distance says, and what it can't."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from scipy.spatial import distance

from hookline.core.errors import ConfigError
from hookline.core.events import Measured, Verdict, utc_now
from hookline.core.fuse.sketch_task import sketch
from hookline.core.fuse.sketches import RANK_ERROR
from hookline.core.store import StoredProfile
from hookline.quality.judging import judge
from hookline.quality.profile.column import ColumnProfile
from hookline.quality.profile.model import Profile
from hookline.quality.suite import parse_suites

SPARK_TYPES = {"int": "bigint", "double": "double", "string": "string", "date": "date", "boolean": "boolean"}


@dataclass
class Past:
    profiles: Sequence[StoredProfile] = ()
    writes: Sequence[Any] = ()
    rows_before: int | None = None
    now: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def column(kind: str, values: Any, path: Path) -> ColumnProfile:
    pq.write_table(pa.table({"a": values}), path / "a.parquet")
    asked = {"digits": 0, "scale": 0, "name": "a", "kind": kind, "value": '"a"', "key": '"a"'}
    item = {"columns": [asked], "from": "hookline_rows", "params": {}, "relations": False}
    reading = "WITH hookline_rows AS NOT MATERIALIZED (SELECT * FROM read_parquet($files))"
    (state,) = sketch(duckdb.connect(), item, reading, {"files": [str(path / "a.parquet")]}, 1)
    return ColumnProfile("a", SPARK_TYPES[kind], state)


def judged(entry: str, after: ColumnProfile, past: Past | None) -> Verdict:
    ((check,),) = (suite.checks for suite in parse_suites(f"dataset: x\nchecks:\n  - {entry}\n", "s.yaml"))
    (verdict,) = judge([check], {check.measures()[0]: Measured(after.state, "vectorised")}, past)
    return verdict


def known(*columns: ColumnProfile) -> Past:
    """A history of profiles, as they are kept: values are digests."""
    profiles = [Profile(one.rows, (one,)).kept() for one in columns]
    return Past([StoredProfile("w", "r", utc_now().isoformat(), one.rows, one.document()) for one in profiles])


@pytest.fixture
def made(tmp_path: Path) -> Any:
    return lambda kind, values: column(kind, values, tmp_path)


def test_ks_is_scipys_within_the_error_of_sketches(made: Any) -> None:
    draw = np.random.default_rng(5)
    for apart in (0.0, 0.1, 0.5, 2.0):
        before, after = draw.normal(size=80_000), draw.normal(apart, 1, size=50_000)
        exact = stats.ks_2samp(before, after).statistic
        verdict = judged("distribution: {column: a, method: ks}", made("double", after), known(made("double", before)))
        assert isinstance(verdict.observed, float)
        assert abs(verdict.observed - exact) <= 2 * RANK_ERROR + 0.01
        assert (verdict.status, "off by at most" in verdict.message) == ("failed" if apart > 0.3 else "passed", True)


def test_few_values_are_compared_exactly(made: Any) -> None:
    before, after = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 3.0, 3.0, 7.0]
    verdict = judged(
        "distribution: {column: a, method: ks, max: 0.3}", made("double", after), known(made("double", before))
    )
    assert verdict.observed == pytest.approx(stats.ks_2samp(before, after).statistic)
    assert verdict.message == ""


def test_categories_are_compared_by_their_digests(made: Any) -> None:
    before = made("string", ["A"] * 50 + ["B"] * 30 + ["C"] * 20)
    after = made("string", ["A"] * 20 + ["B"] * 30 + ["D"] * 50 + [None] * 7)
    counts = [[50, 30, 20, 0], [20, 30, 0, 50]]
    verdict = judged("distribution: {column: a, method: jensen_shannon}", after, known(before))
    assert verdict.observed == pytest.approx(distance.jensenshannon(*counts, base=2))
    p = judged("distribution: {column: a, method: chi_square, min_p: 0.01}", after, known(before))
    assert (p.status, p.observed) == ("failed", pytest.approx(stats.chi2_contingency(counts).pvalue))
    assert judged("distribution: {column: a}", before, known(before)).observed == pytest.approx(0, abs=1e-12)


def test_psi_of_numbers_is_taken_in_tenths_of_the_baseline(made: Any) -> None:
    draw = np.random.default_rng(8)
    before, after = draw.normal(size=100_000), draw.normal(0.5, 1, size=100_000)
    edges = np.quantile(before, [place / 10 for place in range(1, 10)])
    shares = [np.bincount(np.searchsorted(edges, values), minlength=10) / len(values) for values in (before, after)]
    exact = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    verdict = judged("distribution: {column: a, method: psi}", made("double", after), known(made("double", before)))
    assert (verdict.status, verdict.observed) == ("failed", pytest.approx(exact, rel=0.1))
    same = judged("distribution: {column: a}", made("double", draw.normal(size=100_000)), known(made("double", before)))
    assert same.status == "passed"


def test_several_earlier_writes_are_one_baseline(made: Any) -> None:
    parts = [made("string", [value] * 10) for value in ("A", "B")]
    both = made("string", ["A", "B"] * 5)
    assert judged("category_drift: a", both, known(*parts)).status == "passed"
    assert judged("category_drift: a", both, known(parts[0])).observed == 0.5


@pytest.mark.parametrize(
    ("entry", "status", "observed", "message"),
    [
        ("category_drift: a", "failed", 0.1, "2 categories are new, 1 category is gone"),
        ("category_drift: {column: a, max_new: 0.1}", "passed", 0.1, "2 categories are new, 1 category is gone"),
        ("category_drift: {column: a, max_new: 0.0999}", "failed", 0.1, "2 categories are new, 1 category is gone"),
        (
            "category_drift: {column: a, max_new: 0.1, max_gone: 0}",
            "failed",
            0.1,
            "2 categories are new, 1 category is gone",
        ),
    ],
)
def test_new_categories_are_counted_and_not_told(
    entry: str, status: str, observed: float, message: str, made: Any
) -> None:
    after = made("string", ["A"] * 18 + ["secret", "other"] + [None] * 5)
    verdict = judged(entry, after, known(made("string", ["A", "B"])))
    assert (verdict.status, verdict.observed, verdict.failing_rows, verdict.message) == (status, observed, 2, message)
    assert "secret" not in repr(verdict)


def test_without_a_profile_of_earlier_writes_there_is_no_verdict(made: Any) -> None:
    now = made("string", ["A"])
    verdict = judged("{category_drift: a, severity: critical}", now, Past())
    assert (verdict.status, verdict.refuses) == ("skipped", False)
    assert "no earlier write has a profile" in verdict.message
    without = judged("{category_drift: a, severity: critical}", now, None)
    assert (without.status, without.refuses) == ("error", True)


@pytest.mark.parametrize(
    ("kind", "before", "after", "says"),
    [
        ("string", [str(number) for number in range(5000)], ["a"], "too many different values"),
        ("int", [1, 2], [None, None], "the data has no value in it"),
        ("int", [None], [1], "the baseline has no value in it"),
    ],
)
def test_what_can_not_be_compared_is_an_error(kind: str, before: Any, after: Any, says: str, made: Any) -> None:
    types = {"string": pa.string(), "int": pa.int64()}
    past = known(made(kind, pa.array(before, types[kind])))
    verdict = judged("distribution: {column: a}", made(kind, pa.array(after, types[kind])), past)
    assert (verdict.status, says in verdict.message) == ("error", True), verdict.message


def test_ks_of_texts_is_an_error(made: Any) -> None:
    text = made("string", ["A"])
    verdict = judged("distribution: {column: a, method: ks}", text, known(text))
    assert (verdict.status, "ks is about numbers" in verdict.message) == ("error", True)


def test_a_baseline_may_be_a_file(made: Any, tmp_path: Path) -> None:
    profile = Profile(3, (made("string", ["A", "B", "A"]),)).kept()
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"version": 1, **profile.as_json()}))
    entry = f"category_drift: {{column: a, baseline: {file}}}"
    assert judged(entry, made("string", ["B"]), None).status == "passed"
    assert judged(entry, made("string", ["C"]), Past()).status == "failed"
    file.write_text("{}")
    verdict = judged(entry, made("string", ["B"]), None)
    assert (verdict.status, "is no profile" in verdict.message) == ("error", True)
    missing = judged(f"category_drift: {{column: a, baseline: {tmp_path}/none}}", made("string", ["B"]), None)
    assert "can't be read: No such file" in missing.message


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("distribution: {column: a, min_p: 0.1}", "min_p belongs to method: chi_square"),
        ("distribution: {column: a, method: chi_square, min_p: 0.1, max: 1}", "give min_p or max"),
        ("distribution: {column: a, method: kl}", "method"),
        ("category_drift: {column: a, max_new: 2}", "max_new"),
        ("{distribution: {column: a}, where: a > 1}", "can't be about some rows only"),
        ("{category_drift: a, tolerance: 1}", "raise its limit instead"),
    ],
)
def test_a_wrong_entry_is_told(entry: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"s\.yaml:3") as caught:
        parse_suites(f"dataset: x\nchecks:\n  - {entry}\n", "s.yaml")
    assert says in str(caught.value)
