"""Two runs beside each other, number by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hookline.core.store.records import Measurement, Subject


@dataclass(frozen=True)
class Difference:
    """A metric in two runs.

    Attributes:
        dataset: (namespace, name) of what was written; None of the run as a whole.
        before, after: added up over the run's writes to the dataset where it is an amount, else the last one's; None where
            a run has none.
    """

    dataset: tuple[str, str] | None
    metric: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """By which share of ``before`` it grew; None when that can't be said."""
        if self.before is None or self.after is None or not self.before:
            return None
        return (self.after - self.before) / abs(self.before)


Numbers = dict[tuple[tuple[str, str] | None, str], float]


def compare(
    before: Iterable[Measurement], after: Iterable[Measurement], amounts: Mapping[str, bool]
) -> list[Difference]:
    """All numbers that either run has, those of the runs first, then dataset by dataset.

    Args:
        amounts: by metric, whether it is an amount that adds up over writes.
    """
    one, other = _numbers(before, amounts), _numbers(after, amounts)
    keys = sorted({*one, *other}, key=lambda key: (key[0] is not None, key[0] or ("", ""), key[1]))
    return [
        Difference(dataset, metric, one.get((dataset, metric)), other.get((dataset, metric)))
        for dataset, metric in keys
    ]


def _numbers(measurements: Iterable[Measurement], amounts: Mapping[str, bool]) -> Numbers:
    found: Numbers = {}
    for one in measurements:
        key = _dataset(one.subject)
        for metric, value in one.document.get("points", {}).items():
            adds = amounts.get(metric.partition("|")[0], False)
            found[key, metric] = value + (found.get((key, metric), 0.0) if adds else 0.0)
    return found


def _dataset(subject: Subject) -> tuple[str, str] | None:
    return None if subject.namespace is None or subject.name is None else (subject.namespace, subject.name)
