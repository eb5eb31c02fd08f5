"""What a check is: options and terms in, measures out; measured values in, a verdict out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from hookline.core.events import Measure, Measured, Verdict, VerdictStatus, Way
from hookline.quality.checks.scalars import ColumnName
from hookline.quality.checks.terms import Terms

Results = Mapping[Measure, Measured]

_COST: tuple[Way, ...] = ("none", "proof", "vectorised", "observe", "spark")


class Options(BaseModel):
    """What a kind of check can be told; a subclass names its keys.

    Attributes:
        short: what ``expand`` takes besides a mapping, in words for an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
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
    """

    kind: ClassVar[str] = ""
    options: OptionsT
    terms: Terms

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
        """A verdict of this check, filled in as far as the check itself knows."""
        return Verdict(
            check=self.name,
            severity=self.terms.severity,
            status=status,
            expected=self.expected,
            columns=self.columns,
            way=costliest(results[measure].way for measure in self.measures() if measure in results),
            required=self.terms.must_answer,
            **facts,
        )


@dataclass(frozen=True)
class RowCheck(Check[OptionsT], ABC):
    """A check that counts the rows that fail it, and bears as many as its tolerance says."""

    @property
    @abstractmethod
    def rule(self) -> str:
        """What must hold for each row, in words."""

    @abstractmethod
    def failing(self) -> Measure:
        """The measure that counts the failing rows."""

    @property
    def expected(self) -> str:
        """The rule, and the exceptions that are borne."""
        return f"{self.rule}, save for {self.terms.tolerance}" if self.terms.tolerance else self.rule

    def measures(self) -> tuple[Measure, ...]:
        """The failing rows, and all rows where a share of them is borne."""
        if self.terms.tolerance.share is None:
            return (self.failing(),)
        return (self.failing(), Measure.rows(required=self.terms.must_answer))

    def judge(self, results: Results) -> Verdict:
        """Failed when more rows fail than are borne; observed is in the tolerance's unit, rows or a share of them."""
        failing, rows = count(results, self.failing()), None
        observed: int | float = failing
        if self.terms.tolerance.share is not None:
            rows = count(results, Measure.rows())
            observed = failing / rows if rows else 0.0
        status: VerdictStatus = "passed" if self.terms.tolerance.bears(failing, rows) else "failed"
        return self.verdict(status, results, observed=observed, failing_rows=failing)


class ColumnOptions(Options):
    """Options of a check on one column."""

    column: ColumnName


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
