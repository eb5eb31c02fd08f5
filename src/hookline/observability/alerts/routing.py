"""Which channels a fact goes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from hookline.observability.alerts.facts import Fact, rank
from hookline.observability.alerts.options import AlertsConfig, Route


class Way(NamedTuple):
    """Where a fact goes, and where it goes when it is not over: (failures or None, seconds or None, channels)."""

    channels: tuple[str, ...]
    steps: tuple[tuple[int | None, float | None, tuple[str, ...]], ...]

    def document(self) -> dict[str, Any]:
        """As a message carries it."""
        return {"to": list(self.channels), "steps": [list(step) for step in self.steps]}


class Router:
    """The routes of a configuration; without any, everything from warn up goes to every channel."""

    def __init__(self, config: AlertsConfig) -> None:
        self._routes: Sequence[Route] = config.routes or (Route(to=tuple(config.channels)),)

    def way(self, fact: Fact) -> Way:
        """Where it goes; no channels when nobody wants to know."""
        channels: dict[str, None] = {}
        steps = []
        for route in self._routes:
            if not _fits(route, fact):
                continue
            channels |= dict.fromkeys(route.to)
            steps += [(one.after_failures, one.after_s, one.to) for one in route.escalate]
            if route.final:
                break
        return Way(tuple(channels), tuple(steps))


def _fits(route: Route, fact: Fact) -> bool:
    return (
        rank(fact.severity or "info") >= rank(route.severity)
        and (not route.kinds or fact.kind in route.kinds)
        and _matches(route.owners, (fact.owner or "",))
        and (not route.datasets or (fact.dataset is not None and fact.dataset.matches(*route.datasets)))
        and _matches(route.jobs, (fact.job,))
    )


def _matches(patterns: tuple[str, ...], names: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
