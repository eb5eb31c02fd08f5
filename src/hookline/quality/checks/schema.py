"""The schema as a contract: which columns a write has, of which types, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator

from hookline.core.events import Column, Measure, Measured, Verdict
from hookline.quality.checks.base import Check, Options, Results
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import read_column

_MOST_TOLD = 10
_NEVER_NULL = "not null"


def read_contract(given: object) -> tuple[tuple[str, str | None], ...]:
    """Columns, in order, with their types where these matter."""
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list):
        pairs = [(name, None) for name in given]
    else:
        raise ValueError(
            "a list of columns, or a mapping of columns to types (Spark's: bigint, decimal(10,2) not null), is allowed"
        )
    if not pairs:
        raise ValueError("at least one column is needed")
    read: dict[str, str | None] = {}
    for name, type_name in pairs:
        if type_name is not None and (not isinstance(type_name, str) or not type_name.strip()):
            raise ValueError(f"the type of {name!r} is text, as Spark writes it (bigint, decimal(10,2)), or left out")
        if read_column(name) in read:
            raise ValueError(f"column {name!r} is named twice")
        read[name] = None if type_name is None else _plain(type_name)
    return tuple(read.items())


class SchemaOptions(Options):
    """The columns of the contract; whether there may be others; whether their order matters."""

    columns: Annotated[tuple[tuple[str, str | None], ...], PlainValidator(read_contract)]
    extras: bool = False
    ordered: bool = False


@register("schema", SchemaOptions)
@dataclass(frozen=True)
class SchemaContract(Check[SchemaOptions]):
    """The write has these columns, of these types. Names compare with case; types as Spark writes them, lower case."""

    bears_unknowns: ClassVar[bool] = True
    no_exceptions: ClassVar[str] = "leave the key out"

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the contract."""
        return tuple(name for name, _ in self.options.columns)

    @property
    def name(self) -> str:
        """The name given, or the kind: a list of all columns would be no name."""
        return self.terms.name or self.kind

    @property
    def expected(self) -> str:
        """In words."""
        columns = ", ".join(f"{name} {kind}" if kind else name for name, kind in self.options.columns)
        others = "and maybe others" if self.options.extras else "and no others"
        return f"the columns {columns}, {others}{', in this order' if self.options.ordered else ''}"

    def measures(self) -> tuple[Measure, ...]:
        """The columns, and the nulls of those that may have none."""
        nulls = (
            Measure.nulls(name) for name, kind in self.options.columns if kind is not None and _is_never_null(kind)
        )
        return (Measure.columns_written(required=self.terms.must_answer), *nulls)

    def judge(self, results: Results) -> Verdict:
        """The message lists what differs; observed is how many differences there are."""
        columns = results[Measure.columns_written()]
        if not columns.ok:
            return self.verdict("error", results, message=columns.error or "")
        differences = list(self._differences(columns.value))
        written = {column.name for column in columns.value}
        for measure in self.measures()[1:]:
            (name,), found = measure.columns, results.get(measure, Measured(error="it was not measured"))
            if name in written and not found.ok:
                return self.verdict("error", results, message=f"{measure}: {found.error}")
            if name in written and found.value:
                differences.append(f"{name} has {found.value} null{'s' if found.value != 1 else ''}, and may have none")
        told = "; ".join(differences[:_MOST_TOLD])
        if len(differences) > _MOST_TOLD:
            told += f"; and {len(differences) - _MOST_TOLD} more"
        status: Any = "failed" if differences else "passed"
        return self.verdict(status, results, observed=len(differences), message=told)

    def _differences(self, columns: tuple[Column, ...]) -> Iterator[str]:
        found = {column.name: _plain(column.type) for column in columns}
        wanted = dict(self.options.columns)
        for name, kind in wanted.items():
            if name not in found:
                yield f"{name} is missing"
            elif kind is not None and found[name] != (wanted_type := kind.removesuffix(_NEVER_NULL).strip()) != "":
                yield f"{name} is {found[name]}, not {wanted_type}"
        if not self.options.extras:
            yield from (f"{name} is not in the contract" for name in found if name not in wanted)
        if self.options.ordered and [n for n in found if n in wanted] != [n for n in wanted if n in found]:
            yield "the columns stand in another order"


def _is_never_null(kind: str) -> bool:
    return kind.endswith(_NEVER_NULL)


def _plain(type_name: str) -> str:
    return " ".join(type_name.lower().replace(", ", ",").split())
