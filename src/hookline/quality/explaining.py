"""What checks take: the way and the price of each, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.core.events import Measure, Verdict, Way
from hookline.core.fuse import Price
from hookline.quality.checks.base import costliest
from hookline.quality.judging import AnyCheck

PLAN_HEAD = ("CHECK", "WAY", "READS", "AT MOST", "WHY NOT CHEAPER")
_UNITS = ("B", "kB", "MB", "GB", "TB")
_MOST_SHOWN = 3


@dataclass(frozen=True)
class Planned:
    """What a check takes by itself; checks share what they read.

    Attributes:
        way: the costliest of its measures' ways; none when one has no value.
        columns: what is read for it.
        size_bytes: how large that is, None when not known.
    """

    check: str
    way: Way
    columns: tuple[str, ...]
    size_bytes: int | None
    why: str

    def as_row(self) -> tuple[str, ...]:
        """A line under ``PLAN_HEAD``."""
        shown = ", ".join(self.columns[:_MOST_SHOWN]) + (" …" if len(self.columns) > _MOST_SHOWN else "")
        return self.check, self.way, shown or "-", _size(self.size_bytes), self.why or "-"

    def as_json(self, verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
        """JSON-ready values, with the way that was taken in the end."""
        taken = verdicts.get(self.check)
        return {
            "check": self.check,
            "planned": self.way,
            "taken": None if taken is None else taken.way,
            "columns": list(self.columns),
            "bytes": self.size_bytes,
            "why": self.why,
        }


def plan_of(checks: Sequence[AnyCheck], prices: Mapping[Measure, Price]) -> Iterator[Planned]:
    """What each check takes."""
    for check in checks:
        own = [prices[measure] for measure in check.measures() if measure in prices]
        sizes = {price.columns: price.size_bytes for price in own}
        known = [size for size in sizes.values() if size is not None]
        yield Planned(
            check.name,
            "none" if any(price.way == "none" for price in own) else costliest(price.way for price in own),
            tuple(dict.fromkeys(column for price in own for column in price.columns)),
            sum(known) if len(known) == len(sizes) else None,
            "; ".join(dict.fromkeys(price.why for price in own if price.why)),
        )


def _size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "?"
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"
