"""Checks that compare rows with others: of another dataset, or those before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from hookline.core.conditions import ConditionError
from hookline.core.events import Measure, Order, Other
from hookline.core.queries import MEASURED, read_query
from hookline.quality.checks.base import Options, RowCheck
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnName, ColumnNames, one_or_many


class ReferencesOptions(Options):
    """A key, and the dataset that has to know it: a path or a table; left out, the rows themselves."""

    columns: ColumnNames
    dataset: Annotated[str, Field(min_length=1)] | None = None
    to: ColumnNames | None = None

    @model_validator(mode="after")
    def _check_columns(self) -> ReferencesOptions:
        if self.to is None and self.dataset is None:
            raise ValueError(
                "'dataset' is missing; to refer to other rows of the same data, name their columns in 'to'"
            )
        if self.to is not None and len(self.to) != len(self.columns):
            raise ValueError("'to' has as many columns as 'columns', in the same order")
        return self


@register("references", ReferencesOptions)
@dataclass(frozen=True)
class References(RowCheck[ReferencesOptions]):
    """Every key is a key of another dataset. A key with a null part is not evaluated."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The key."""
        return self.options.columns

    @property
    def rule(self) -> str:
        """In words."""
        to = ", ".join(self.options.to or self.columns)
        place = f" of {self.options.dataset}" if self.options.dataset else ""
        return f"{', '.join(self.columns)} is a {to}{place}"

    def failing(self) -> Measure:
        """The rows whose key is not known there."""
        among = Other(self.options.dataset or "", self.options.to or self.columns)
        return Measure.orphans(*self.columns, among=among)


class MonotonicOptions(Options):
    """A column, what it is ordered by, and within which rows."""

    column: ColumnName
    by: ColumnName
    within: Annotated[tuple[ColumnName, ...], BeforeValidator(one_or_many), Field(strict=False)] = ()
    order: Literal["increasing", "decreasing"] = "increasing"
    strict: bool = False


@register("monotonic", MonotonicOptions)
@dataclass(frozen=True)
class Monotonic(RowCheck[MonotonicOptions]):
    """The column goes one way when the rows are ordered by another one.

    A value is compared with those at the step before: rows of the same step are not compared with each other.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it needs."""
        return (self.options.column, self.options.by, *self.options.within)

    @property
    def name(self) -> str:
        """The name given, or by the column."""
        return self.terms.name or f"monotonic({self.options.column})"

    @property
    def rule(self) -> str:
        """In words."""
        within = f" within the same {', '.join(self.options.within)}" if self.options.within else ""
        return f"{self.options.column} is {self._order} by {self.options.by}{within}"

    def failing(self) -> Measure:
        """The rows that go the other way."""
        return Measure.unordered(self.options.column, self.options.by, within=self.options.within, order=self._order)

    @property
    def _order(self) -> Order:
        if self.options.order == "increasing":
            return "strictly increasing" if self.options.strict else "increasing"
        return "strictly decreasing" if self.options.strict else "decreasing"


class QueryOptions(Options):
    """``sql: {query: SELECT …, datasets: {name: path or table}}``, or the query alone."""

    short: ClassVar[str] = "a query that selects the failing rows"
    query: str
    datasets: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)

    @classmethod
    def expand(cls, given: object) -> object:
        """A text is the query."""
        return {"query": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check_query(self) -> QueryOptions:
        if MEASURED in map(str.lower, self.datasets):
            raise ValueError(f"{MEASURED!r} is the checked rows: call the other dataset something else")
        try:
            read_query(self.query, (MEASURED, *self.datasets))
        except ConditionError as error:
            raise ValueError(str(error)) from None
        return self


@register("sql", QueryOptions)
@dataclass(frozen=True)
class Query(RowCheck[QueryOptions]):
    """A query over the rows, as ``data``, and over other datasets returns nothing; what it returns has failed."""

    takes_where: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """What it reads is its own business."""
        return ()

    @property
    def rule(self) -> str:
        """The query."""
        return f"no rows are returned by {self.options.query}"

    def failing(self) -> Measure:
        """The rows that it returns."""
        others = tuple(Other(dataset, alias=name) for name, dataset in self.options.datasets.items())
        return Measure.returned(self.options.query, others=others)
