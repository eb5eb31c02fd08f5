"""What a check is: options and terms in, measures out; measured values in, a verdict out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from hookline.core.events import ROW_KINDS, Column, Measure, Measured, Verdict, VerdictStatus, Way
from hookline.quality.checks.scalars import ColumnName
from hookline.quality.checks.terms import Terms

Results = Mapping[Measure, Measured]

_COST: tuple[Way, ...] = ("none", "proof", "vectorised", "observe", "spark")


class Options(BaseModel):
    """What a kind of check can be told; a subclass names its keys.

    Attributes:
        short: what ``expand`` takes besides a mapping, in words for an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
    short: ClassVar[str] = ""

    @classmethod
    def expand(cls, given: object) -> object:
        """The mapping that a short form (``completeness: id``) stands for; anything else comes back as it is."""
        return given


class OptionError(ValueError):
    """Options and terms that are right by themselves and wrong together.

    Attributes:
        key: the key to change.
    """

    def __init__(self, key: str, what: str) -> None:
        self.key = key
        super().__init__(what)


OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Check(ABC, Generic[OptionsT]):
    """A rule about the rows of a dataset. Subclasses raise OptionError from ``__post_init__``.

    Attributes:
        kind: its key in a suite; ``register`` sets it.
        takes_where: whether it can be about some of the rows only.
        bears_unknowns: whether it is asked for a verdict when some of its measures have no value.
        no_exceptions: what to do in place of a tolerance, where there are no failing rows to bear; empty where there are.
    """

    kind: ClassVar[str] = ""
    takes_where: ClassVar[bool] = False
    bears_unknowns: ClassVar[bool] = False
    no_exceptions: ClassVar[str] = ""
    options: OptionsT
    terms: Terms

    def __post_init__(self) -> None:
        """Refuse the terms that this kind of check has no use for."""
        if self.terms.where is not None and not self.takes_where:
            raise OptionError("where", f"{self.kind} is about the dataset as a whole: it can't be about some rows only")
        if self.no_exceptions and self.terms.tolerance:
            raise OptionError("tolerance", f"{self.kind} has no failing rows to bear: {self.no_exceptions}")

    def fitted(self, columns: Sequence[Column]) -> Check[OptionsT]:
        """The same check, for data with these columns; none when they are not known. Most checks need not know."""
        return self

    @property
    def set_aside(self) -> Measure | None:
        """Of a check about rows, what counts those that fail by themselves; None when there are none to set aside."""
        return None

    @property
    def keeps_first(self) -> bool:
        """Whether setting rows aside leaves the first of those that fail together."""
        return False

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What must hold, in words."""

    @abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """What has to be known about the rows."""

    @abstractmethod
    def judge(self, results: Results) -> Verdict:
        """The verdict on the values of ``measures()``, all of which have one when this is called."""

    @property
    def name(self) -> str:
        """The name given, or ``kind(column, column)``."""
        return self.terms.name or self.kind + (f"({', '.join(self.columns)})" if self.columns else "")

    def verdict(self, status: VerdictStatus, results: Results, **facts: Any) -> Verdict:
        """A verdict of this check, filled in as far as the check itself knows; its way is none when a value is missing."""
        taken = [results[measure] for measure in self.measures() if measure in results]
        return Verdict(
            check=self.name,
            severity=self.terms.severity,
            status=status,
            expected=self.expected,
            columns=self.columns,
            way=costliest(one.way for one in taken) if all(one.ok for one in taken) else "none",
            required=self.terms.must_answer,
            kind=self.kind,
            **facts,
        )


@dataclass(frozen=True)
class RowCheck(Check[OptionsT], ABC):
    """A check that counts the rows that fail it, and bears as many as its tolerance says.

    With ``where`` it is about the rows for which that holds; a share is then one of these.
    """

    takes_where: ClassVar[bool] = True

    @property
    @abstractmethod
    def rule(self) -> str:
        """What must hold for each row, in words."""

    @abstractmethod
    def failing(self) -> Measure:
        """The measure that counts the failing rows, among all rows."""

    @property
    def set_aside(self) -> Measure | None:
        """Unless it looks at rows together, or at another dataset."""
        measure = self.counted()
        return measure if measure.kind in ROW_KINDS else None

    @property
    def expected(self) -> str:
        """The rule, the exceptions that are borne, and the rows that it is about."""
        borne = f", save for {self.terms.tolerance}" if self.terms.tolerance else ""
        return self.rule + borne + self.terms.about

    def counted(self) -> Measure:
        """The measure that counts the failing rows among those that the check is about."""
        return replace(self.failing(), where=self.terms.where, required=self.terms.must_answer)

    def population(self) -> Measure:
        """The measure that counts the rows that the check is about."""
        if self.terms.where is None:
            return Measure.rows(required=self.terms.must_answer)
        return Measure.matching(self.terms.where, required=self.terms.must_answer)

    def measures(self) -> tuple[Measure, ...]:
        """The failing rows, and all rows where a share of them is borne."""
        if self.terms.tolerance.share is None:
            return (self.counted(),)
        return (self.counted(), self.population())

    def judge(self, results: Results) -> Verdict:
        """Failed when more rows fail than are borne; observed is in the tolerance's unit, rows or a share of them."""
        failing, rows = count(results, self.counted()), None
        observed: int | float = failing
        if self.terms.tolerance.share is not None:
            rows = count(results, self.population())
            observed = failing / rows if rows else 0.0
        status: VerdictStatus = "passed" if self.terms.tolerance.bears(failing, rows) else "failed"
        return self.verdict(status, results, observed=observed, failing_rows=failing)


class ColumnOptions(Options):
    """Options of a check on one column."""

    column: ColumnName


class PlainColumnOptions(ColumnOptions):
    """As ``ColumnOptions``, of a check that may be said by its column alone."""

    short: ClassVar[str] = "a column"

    @classmethod
    def expand(cls, given: object) -> object:
        """A text is a column."""
        return {"column": given} if isinstance(given, str) else given


ColumnOptionsT = TypeVar("ColumnOptionsT", bound=ColumnOptions)


@dataclass(frozen=True)
class ColumnCheck(RowCheck[ColumnOptionsT], ABC):
    """A check on the values of one column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.options.column,)


def count(results: Results, measure: Measure) -> int:
    """A measured number of rows.

    Raises:
        TypeError: when the measurement gave something else.
    """
    value = results[measure].value
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{measure} gave {type(value).__name__} where a number of rows was due")
    return value


def costliest(ways: Iterable[Way]) -> Way:
    """The way that cost most among several."""
    return max(ways, key=_COST.index, default="none")
