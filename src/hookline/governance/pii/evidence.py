"""What is known of a column from its values: counts, and none of the values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.governance.pii.shapes import shapes_of

if TYPE_CHECKING:
    from hookline.governance.pii.analyzer import Analyzer

# From this score on a finding is one that a checksum or its equal has confirmed.
_CONFIRMED = 0.99
# A finding that covers this much of a value is the value, and not something in it.
_WHOLE = 0.8


@dataclass
class Found:
    """Of one entity: the rows whose value it is, those of them that are certain, those whose text has it; scores added up."""

    whole: int = 0
    confirmed: int = 0
    inside: int = 0
    scores: float = 0.0

    @property
    def score(self) -> float:
        """The average score, where the value is it."""
        return self.scores / self.whole if self.whole else 0.0


@dataclass
class Evidence:
    """Of one column.

    Attributes:
        values: how many distinct values were looked at.
        rows: how many rows of the sample these stand for.
        found: by entity.
        shapes: how many rows have a value of a shape (``shapes.SHAPES``).
        spread: of values that are whole numbers, (greatest - least + 1) / their count: 1 is a row without gaps.
    """

    values: int = 0
    rows: int = 0
    found: dict[str, Found] = field(default_factory=dict)
    shapes: Counter[str] = field(default_factory=Counter)
    spread: float | None = None

    def share(self, entity: str) -> float:
        """Of the rows, those whose value it is."""
        return self.found[entity].whole / self.rows if entity in self.found and self.rows else 0.0

    def shape(self, name: str) -> float:
        """Of the rows, those with a value of this shape."""
        return self.shapes[name] / self.rows if self.rows else 0.0


def gather(analyzer: Analyzer, values: Sequence[str], counts: Iterable[int] | None = None) -> Evidence:
    """What is known from distinct values, each with how many rows have it; by default one."""
    weights = [1] * len(values) if counts is None else [*counts]
    evidence = Evidence(len(values), sum(weights))
    for text, weight, findings in zip(values, weights, analyzer.find(values), strict=True):
        for shape in shapes_of(text):
            evidence.shapes[shape] += weight
        _count(evidence.found, text.strip(), weight, findings)
    evidence.spread = _spread(values) if evidence.shape("digits") > 0.95 else None
    return evidence


def _count(found: dict[str, Found], text: str, weight: int, findings: Iterable[Any]) -> None:
    best: dict[str, Any] = {}
    for finding in findings:
        if finding.entity not in best or finding.score > best[finding.entity].score:
            best[finding.entity] = finding
    for entity, finding in best.items():
        own = found.setdefault(entity, Found())
        if finding.end - finding.start >= _WHOLE * len(text):
            own.whole += weight
            own.confirmed += weight * (finding.score >= _CONFIRMED)
            own.scores += weight * finding.score
        else:
            own.inside += weight


def _spread(texts: Sequence[str]) -> float | None:
    numbers = sorted({int(text) for text in texts if text.isascii() and text.strip().isdigit() and len(text) < 30})
    return (numbers[-1] - numbers[0] + 1) / len(numbers) if len(numbers) > 1 else None
