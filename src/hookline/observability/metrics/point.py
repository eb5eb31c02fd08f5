"""A point, and what makes points of an event."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import Dataset
from hookline.observability.metrics.catalogue import Metric, metric
from hookline.observability.metrics.tags import CardinalityGuard, tag_value


@dataclass(frozen=True)
class Point:
    """One value of a metric.

    Attributes:
        value: finite.
        at: aware, UTC.
        tags: the metric's own tags that have a value, and the configuration's; values are safe and short.
    """

    metric: Metric
    value: float
    at: dt.datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name

    def as_payload(self) -> dict[str, Any]:
        """The point as an outbox message's payload carries it."""
        return {"metric": self.name, "value": self.value, "at": self.at.isoformat(), "tags": dict(self.tags)}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Point:
        """What ``as_payload`` made a payload of.

        Raises:
            KeyError: the catalogue of this version has no such metric.
        """
        at = dt.datetime.fromisoformat(payload["at"])
        return cls(metric(payload["metric"]), float(payload["value"]), at, dict(payload["tags"]))


@dataclass
class Maker:
    """Makes points of one event."""

    at: dt.datetime
    own: Mapping[str, str | None]
    extra: Mapping[str, str]
    guard: CardinalityGuard | None

    def __call__(self, name: str, value: float | None, **tags: str | None) -> Iterator[Point]:
        """One point, or none where there is no number."""
        if value is None or not math.isfinite(value):
            return
        described = metric(f"hookline.{name}")
        known = {**self.own, **tags}
        chosen = {key: tag_value(known.get(key)) for key in described.tags}
        extra = {key: tag_value(text) for key, text in self.extra.items() if key not in chosen}
        kept = {key: text if self.guard is None else self.guard(key, text) for key, text in chosen.items() if text}
        yield Point(described, float(value), self.at, kept | extra)


@dataclass(frozen=True)
class Stored:
    """What lies at a dataset's place.

    Attributes:
        month: what a month of it costs; None without a price.
    """

    dataset: Dataset
    files: int
    bytes: int
    month: float | None = None


@dataclass(frozen=True)
class RunCost:
    """What a run cost.

    Attributes:
        total: in ``currency``; what is called dollars in names is this currency.
        by_dataset: the shares of the datasets that it wrote, by their executor time; (namespace, name) to amount. They
            add up to less than the total: the rest belongs to no write.
        price: which price of the book it was made with.
        formula: how, in words with numbers.
    """

    total: float
    currency: str
    price: str
    formula: str
    by_dataset: Mapping[tuple[str, str], float] = field(default_factory=dict)
