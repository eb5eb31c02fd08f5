"""An expectation as a suite has it, how it is to be found out, and what was found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import Measure, Severity

SEVERITIES: Mapping[str, Severity] = {"critical": "critical", "warning": "warn", "info": "info"}


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite.

    Attributes:
        type: ``expect_column_values_to_be_unique``.
        text: its arguments as JSON; see ``kwargs``.
        severity: None when the suite does not say.
        where: the place in the suite, for errors.
    """

    type: str
    text: str
    severity: Severity | None = None
    notes: str = ""
    meta: str = "{}"
    id: str | None = None
    where: str = field(default="", compare=False)

    @classmethod
    def of(cls, kind: str, kwargs: Mapping[str, Any], **facts: Any) -> Expectation:
        """One with these arguments."""
        return cls(kind, json.dumps(kwargs, sort_keys=True, ensure_ascii=False), **facts)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The arguments, JSON-ready."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""
        kwargs = self.kwargs
        single = (kwargs.get(name) for name in ("column", "column_A", "column_B"))
        many = kwargs.get("column_list") if not self.type.startswith("expect_table_") else ()
        names = [*single, *(many if isinstance(many, list) else ())]
        return tuple(name for name in names if isinstance(name, str))

    def as_json(self) -> dict[str, Any]:
        """As a suite of Great Expectations 1.x has it."""
        severity = next((name for name, ours in SEVERITIES.items() if ours == self.severity), None)
        found = {"type": self.type, "kwargs": self.kwargs, "meta": json.loads(self.meta)}
        if severity is not None:
            found["severity"] = severity
        if self.notes:
            found["notes"] = self.notes
        return found | ({"id": self.id} if self.id is not None else {})


@dataclass(frozen=True)
class Outcome:
    """What was found, in Great Expectations' words.

    Attributes:
        result: what its result of this expectation holds.
        error: why there is none; such an expectation is not met.
    """

    success: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def failing_rows(self) -> int | None:
        """How many rows fail, where rows were counted."""
        if "element_count" not in self.result:
            return None
        return self.result.get("unexpected_count") or 0


Values = Sequence[Any]


@dataclass(frozen=True)
class Plan:
    """How an expectation is found out.

    Attributes:
        read: makes the outcome of the measures' values, in their order.
        rows: of the measures, the one that counts the failing rows one by one; None when there is none.
    """

    measures: tuple[Measure, ...]
    read: Callable[[Values], Outcome]
    rows: Measure | None = None
