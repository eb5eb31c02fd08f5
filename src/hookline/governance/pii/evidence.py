"""What is known of a column from its values: counts, and none of the values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from hookline.governance.pii.shapes import shapes_of

if TYPE_CHECKING:
    from hookline.governance.pii.analyzer import Analyzer, Finding

# From this score on a finding is one that a checksum or its equal has confirmed.
_CONFIRMED = 0.99
# A finding that covers this much of a value is the value, and not something in it.
_WHOLE = 0.8


class Part(NamedTuple):
    """What was found in one value of an entity: whether it is the value, whether that is certain, and Presidio's score."""

    entity: str
    whole: bool
    confirmed: bool
    score: float


class Look(NamedTuple):
    """All that one value tells; many values tell the same."""

    shapes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


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

    def add(self, look: Look, values: int, rows: int) -> None:
        """Values that tell the same, and how many rows have them."""
        self.values += values
        self.rows += rows
        for shape in look.shapes:
            self.shapes[shape] += rows
        for part in look.parts:
            own = self.found.setdefault(part.entity, Found())
            if part.whole:
                own.whole += rows
                own.confirmed += rows * part.confirmed
                own.scores += rows * part.score
            else:
                own.inside += rows

    def spread_over(self, numbers: Iterable[int]) -> None:
        """Of a column of whole numbers it is noted how far apart they are."""
        distinct = sorted(set(numbers))
        if self.shape("digits") > 0.95 and len(distinct) > 1:
            self.spread = (distinct[-1] - distinct[0] + 1) / len(distinct)


def looks(analyzer: Analyzer, values: Sequence[str]) -> Iterator[Look]:
    """What each value tells."""
    for text, findings in zip(values, analyzer.find(values), strict=True):
        yield Look(tuple(shapes_of(text)), tuple(_parts(text.strip(), findings)))


def whole_number(text: str) -> int | None:
    """The number that a text is, if it is one of fewer than 30 digits."""
    return int(text) if text.isascii() and text.strip().isdigit() and len(text) < 30 else None


def gather(analyzer: Analyzer, values: Sequence[str], counts: Iterable[int] | None = None) -> Evidence:
    """What is known from distinct values, each with how many rows have it; by default one."""
    evidence = Evidence()
    weights = [1] * len(values) if counts is None else [*counts]
    for look, weight in zip(looks(analyzer, values), weights, strict=True):
        evidence.add(look, 1, weight)
    numbers = map(whole_number, values)
    evidence.spread_over(number for number in numbers if number is not None)
    return evidence


def _parts(text: str, findings: Iterable[Finding]) -> Iterator[Part]:
    best: dict[str, Finding] = {}
    for finding in findings:
        if finding.entity not in best or finding.score > best[finding.entity].score:
            best[finding.entity] = finding
    for entity, finding in best.items():
        whole = finding.end - finding.start >= _WHOLE * len(text)
        yield Part(entity, whole, finding.score >= _CONFIRMED, finding.score)
