"""The rows that an expectation looks at, as measures of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from hookline.core.events import Column, Measure
from hookline.core.fuse.domain import Domain, domain_of
from hookline.core.fuse.paths import fields_of, steps_of
from hookline.quality.gx.conditions import both

_OTHER = Domain("other")


@dataclass(frozen=True)
class Rows:
    """The rows for which a condition holds, of data with these columns.

    Attributes:
        where: in Spark's SQL; None: all rows.
    """

    columns: tuple[Column, ...]
    where: str | None = None

    def that(self, condition: str | None) -> Rows:
        """Those of them for which this holds too."""
        return dataclasses.replace(self, where=both(self.where, condition))

    @property
    def count(self) -> Measure:
        """How many there are."""
        return Measure.rows() if self.where is None else Measure.matching(self.where)

    def nulls(self, column: str) -> Measure:
        """In how many a column is null."""
        return Measure.nulls(column, where=self.where)

    def violations(self, condition: str) -> Measure:
        """For how many a condition is false."""
        return Measure.violations(condition, where=self.where)

    def column(self, name: str) -> Column | None:
        """The column, or field of a struct, whose name this is without case; None when there is none, or several."""
        if any(sign in name for sign in "`\"'[]") or ("." in name and any(c.name == name for c in self.columns)):
            return None  # quoted, or a name that Great Expectations has its own ways to look for
        found = _only(name, self.columns)
        steps = None if found is not None else steps_of(name)
        if steps is None or len(steps) < 2:
            return found
        found = _only(steps[0], self.columns)
        for step in steps[1:]:
            fields = [Column(field, kind) for field, kind in fields_of(found.type).items()] if found else []
            found = _only(step, fields)
        return found

    def domain(self, name: str) -> Domain:
        """What the values of a column are; ``other`` when that is not known."""
        found = self.column(name)
        return _OTHER if found is None else domain_of(found.type)

    def simple(self, *names: str) -> bool:
        """Whether these are columns with values that are compared by their bytes, all of one kind."""
        domains = [self.domain(name) for name in names]
        kinds = {"number" if domain.numeric else domain.kind for domain in domains}
        return len(kinds) == 1 and "other" not in kinds and not any(domain.collated for domain in domains)


def _only(name: str, columns: Sequence[Column]) -> Column | None:
    same = [column for column in columns if column.name == name]
    same = same or [column for column in columns if column.name.lower() == name.lower()]
    return same[0] if len(same) == 1 else None
