"""What is called unusual: the false alarms that are promised, and faults of known size that are found."""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline.core.store.records import SeriesPoint, Subject
from hookline.observability.history import baseline_of, judge
from hookline.observability.history.anomalies import FALSE_ALARMS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "what-is-unusual.md"
SUBJECT = Subject("nightly")
BEGIN = dt.datetime(2026, 1, 5, 3, tzinfo=dt.timezone.utc)
FAULTS = (1.2, 1.5, 2.0, 5.0, 0.5, 0.0)


def series(rnd: random.Random, days: int, shape: Callable[[dt.datetime], float], spread: float) -> list[SeriesPoint]:
    """A number a day, of a log-normal distribution around what the day is like."""
    moments = [BEGIN + dt.timedelta(days=day) for day in range(days)]
    return [SeriesPoint(at.isoformat(), shape(at) * math.exp(rnd.gauss(0, spread))) for at in moments]


def flat(at: dt.datetime) -> float:
    return 600.0


def weekly(at: dt.datetime) -> float:
    return 1_000_000.0 if at.weekday() < 5 else 300_000.0


def called(points: list[SeriesPoint], factor: float = 1.0) -> bool:
    """Whether the last number of a series, times a factor, is called unusual."""
    *earlier, last = points
    at = dt.datetime.fromisoformat(last.at)
    return judge(last.value * factor, earlier, at, subject=SUBJECT, metric="hookline.write.rows") is not None


def measured(
    shape: Callable[[dt.datetime], float], days: int, spread: float, tries: int
) -> dict[str, tuple[float, float]]:
    """Of each fault: recall, and precision when one of twenty runs has it."""
    rnd = random.Random(7)
    made = [series(rnd, days, shape, spread) for _ in range(tries)]
    false_alarms = sum(map(called, made)) / tries
    found = {}
    for fault in FAULTS:
        recall = sum(called(points, fault) for points in made) / tries
        true, false = 0.05 * recall, 0.95 * false_alarms
        found[f"{fault:g}"] = (recall, true / (true + false) if true else 0.0)
    return found


@pytest.mark.parametrize(("count", "days"), [(8, 8), (20, 20), (60, 60)])
def test_usual_numbers_are_called_unusual_as_rarely_as_is_said(count: int, days: int) -> None:
    """At a rate that can be counted; the usual one is a tenth of it."""
    rnd = random.Random(count)
    wanted, tries, alarms = 0.01, 4_000, 0
    for _ in range(tries):
        values = [rnd.gauss(100.0, 5.0) for _ in range(days + 1)]
        points = [SeriesPoint(f"2026-01-01T00:{place:02d}:00+00:00", value) for place, value in enumerate(values)]
        baseline = baseline_of(points[:-1], dt.datetime(2026, 1, 1, 1, tzinfo=dt.timezone.utc))
        assert baseline is not None
        lowest, highest = baseline.limits(wanted)
        alarms += not lowest <= values[-1] <= highest
    assert alarms / tries <= 2 * wanted
    assert FALSE_ALARMS == 0.001


CASES = {
    "60 days alike, 10 % spread": (flat, 60, 0.1),
    "90 days with quiet weekends, 10 % spread": (weekly, 90, 0.1),
    "15 days alike, 10 % spread": (flat, 15, 0.1),
    "60 days alike, 30 % spread": (flat, 60, 0.3),
}


@pytest.mark.parametrize("case", CASES)
def test_faults_of_known_size_are_found_as_the_page_says(case: str) -> None:
    shape, days, spread = CASES[case]
    found = measured(shape, days, spread, tries=200)
    text = DOCS.read_text()
    row = next(line for line in text.splitlines() if line.startswith(f"| {case} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    assert cells == [f"{recall:.2f} / {precision:.2f}" for recall, precision in found.values()]
    heads = re.findall(r"times ([0-9.]+)", next(line for line in text.splitlines() if "times 1.2" in line))
    assert heads == list(found)


def test_a_quiet_weekend_is_no_anomaly_and_a_busy_one_is() -> None:
    points = series(random.Random(3), 90, weekly, 0.05)
    sunday = BEGIN + dt.timedelta(days=90)
    while sunday.weekday() != 6:
        sunday += dt.timedelta(days=1)
    quiet = judge(300_000, points, sunday, subject=SUBJECT, metric="hookline.write.rows")
    busy = judge(1_000_000, points, sunday, subject=SUBJECT, metric="hookline.write.rows")
    assert quiet is None
    assert busy is not None
    assert busy.baseline.season == "weekday"
    assert "usual" in busy.sentence


def test_only_what_gets_worse_is_told() -> None:
    points = series(random.Random(3), 60, flat, 0.05)
    at = BEGIN + dt.timedelta(days=60)
    for value, expected in ((100.0, False), (2_000.0, True)):
        found = judge(value, points, at, subject=SUBJECT, metric="hookline.run.duration_s")
        assert (found is not None) == expected


def test_too_little_history_says_nothing_and_outliers_of_the_past_change_nothing() -> None:
    points = series(random.Random(3), 60, flat, 0.05)
    at = BEGIN + dt.timedelta(days=60)
    assert baseline_of(points[:7], at) is None
    spoilt = [*points[:-3], *(point._replace(value=point.value * 1000) for point in points[-3:])]
    before, after = baseline_of(points, at), baseline_of(spoilt, at)
    assert before is not None
    assert after is not None
    assert after.middle == pytest.approx(before.middle, rel=0.02)


@pytest.mark.parametrize("values", [[5.0] * 20, [0.0] * 20])
def test_what_never_moved_may_move_a_little(values: list[float]) -> None:
    points = [SeriesPoint(f"2026-01-{day:02d}T03:00:00+00:00", value) for day, value in enumerate(values, 1)]
    at = dt.datetime(2026, 2, 1, 3, tzinfo=dt.timezone.utc)
    metric = "hookline.write.rows"
    assert judge(values[0] * 1.001, points, at, subject=SUBJECT, metric=metric) is None
    found = judge(values[0] + 100, points, at, subject=SUBJECT, metric=metric)
    assert found is not None
    assert math.isfinite(found.highest)
