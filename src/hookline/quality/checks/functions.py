"""Checks by a Python function of columns: ``@hookline.check``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, overload

from pydantic import create_model

from hookline.core.events import Measure
from hookline.quality.checks.base import Options, RowCheck
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnName

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class FunctionOptions(Options):
    """Which column each parameter is given: a mapping, a list in the parameters' order, or the only column."""

    @classmethod
    def expand(cls, given: object) -> object:
        """A text or a list names the columns in the order of the parameters."""
        names = list(cls.model_fields)
        columns = [given] if isinstance(given, str) else given
        return (
            dict(zip(names, columns, strict=True))
            if isinstance(columns, list) and len(columns) == len(names)
            else given
        )


@dataclass(frozen=True)
class FunctionCheck(RowCheck[FunctionOptions]):
    """Rows for which the function gives false fail; null is not evaluated."""

    function: ClassVar[Callable[..., Any]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in the order of the parameters."""
        return tuple(getattr(self.options, name) for name in type(self.options).model_fields)

    @property
    def rule(self) -> str:
        """What the function's own words say, or its name."""
        told = (inspect.getdoc(type(self).function) or "").partition("\n")[0].rstrip(".")
        return f"{told or self.kind} ({', '.join(self.columns)})"

    def failing(self) -> Measure:
        """The rows that it rejects."""
        return Measure.rejected(type(self).function, *self.columns)


@overload
def check(function: FunctionT) -> FunctionT: ...


@overload
def check(*, name: str) -> Callable[[FunctionT], FunctionT]: ...


def check(function: Any = None, *, name: str | None = None) -> Any:
    """Make a function a kind of check, which suites name by the function's name.

    Args:
        function: takes a pandas Series for each of its parameters, all of the same rows, and gives a truth value per row.
        name: the kind's name where it isn't the function's.

    Raises:
        ValueError: when the name, or the parameters, can't be used.
    """
    if function is None:
        return lambda decorated: check_named(decorated, name)
    return check_named(function, name)


def check_named(function: FunctionT, name: str | None) -> FunctionT:
    """As ``check``, with a name that may be None."""
    kind = name or function.__name__
    parameters = inspect.signature(function).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    if not parameters or any(p.kind not in plain or p.default is not p.empty for p in parameters):
        raise ValueError(
            f"the function of check {kind!r} takes columns: plain parameters, at least one, without defaults"
        )
    fields: dict[str, Any] = {parameter.name: (ColumnName, ...) for parameter in parameters}
    short = "a column" if len(fields) == 1 else f"a list of {len(fields)} columns"
    options = create_model(f"{kind}_options", __base__=FunctionOptions, **fields)
    options.short = short
    made = type(kind, (FunctionCheck,), {"function": staticmethod(function), "__module__": function.__module__})
    made.__qualname__ = function.__qualname__
    register(kind, options)(made)
    return function
