"""How many there may be: the options of checks that count something."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator, model_validator

from hookline.quality.checks.base import Options
from hookline.quality.checks.scalars import ends


def read_row_limit(given: object) -> int:
    """A number of rows."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ValueError("a whole number of rows, 0 or more, is allowed")
    return given


RowLimit = Annotated[int | None, PlainValidator(read_row_limit)]


class LimitOptions(Options):
    """The least and the greatest number; one may be left out."""

    min: RowLimit = None
    max: RowLimit = None

    @model_validator(mode="after")
    def _check_ends(self) -> LimitOptions:
        if self.min is None and self.max is None:
            raise ValueError("min, max or both are needed")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min}) is greater than max ({self.max}): swap them")
        return self

    def words(self, unit: str) -> str:
        """What is wanted, in words; ``unit`` in the singular."""
        wanted = str(self.min) if self.min == self.max else ends(self.min, self.max)
        last = self.min if self.max is None else self.max
        return f"{wanted} {unit if last == 1 else unit + 's'}"

    def holds(self, number: int) -> bool:
        """Whether the number lies between the two."""
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)
