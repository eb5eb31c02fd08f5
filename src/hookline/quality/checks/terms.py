"""What a check says besides its own options: how grave a failure is, how much of it is borne, whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StrictStr

from hookline.core.config_problems import suggestion
from hookline.core.events import Severity
from hookline.quality.checks.scalars import exact_fraction, percent, read_condition_text


@dataclass(frozen=True)
class Tolerance:
    """How many failing rows are borne: a count, or a share of all the rows of the write (nulls included in "all")."""

    count: int = 0
    share: Fraction | None = None

    def bears(self, failing: int, rows: int | None) -> bool:
        """Whether so many failing rows are borne; ``rows`` is needed for a share only."""
        if self.share is None:
            return failing <= self.count
        if rows is None:
            raise ValueError("a share needs the number of rows")
        return failing <= self.share * rows

    def __str__(self) -> str:
        if self.share is not None:
            return f"at most {percent(self.share)} of the rows"
        return f"at most {self.count} row{'s' if self.count != 1 else ''}"

    def __bool__(self) -> bool:
        return self.share is not None or self.count > 0


def read_tolerance(given: object) -> Tolerance:
    """A share below 1 or a whole number of rows, told apart by how it is written: ``0.01`` and ``1``."""
    if isinstance(given, Tolerance):
        return given
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError("a share below 1 (0.01 bears 1 % of the rows) or a whole number of rows is allowed")
    if not given >= 0:
        raise ValueError("a tolerance is not negative, and is a number")
    if isinstance(given, int):
        return Tolerance(count=given)
    if given >= 1:
        raise ValueError("a share is below 1; write a number of rows as a whole number, without a decimal point")
    return Tolerance(share=exact_fraction(given)) if given else Tolerance()


def read_severity(given: object) -> object:
    """One of the four, with a hint for a misspelt one."""
    if isinstance(given, str) and given not in get_args(Severity):
        raise ValueError(
            f"should be one of {', '.join(get_args(Severity))}{suggestion(given.lower(), get_args(Severity))}"
        )
    return given


class Terms(BaseModel):
    """The keys that stand beside a check in a suite.

    Attributes:
        where: the rows that the check is about: a condition in Spark's SQL. None: all of them.
        required: when the check can't be evaluated, the write is refused. None: required when critical.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    severity: Annotated[Severity, BeforeValidator(read_severity)] = "error"
    tolerance: Annotated[Tolerance, PlainValidator(read_tolerance)] = Tolerance()
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    description: str = ""
    owner: str = ""
    where: Annotated[str | None, AfterValidator(read_condition_text)] = None
    tags: Annotated[tuple[StrictStr, ...], Field(strict=False)] = ()
    required: bool | None = None

    @property
    def about(self) -> str:
        """The rows that the check is about, as the end of a sentence; empty when it is about all."""
        return "" if self.where is None else f", where {self.where}"

    @property
    def must_answer(self) -> bool:
        """Whether a write is refused when this check has no answer."""
        return self.severity == "critical" if self.required is None else self.required
