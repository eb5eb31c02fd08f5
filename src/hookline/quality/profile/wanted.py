"""Which datasets are profiled when they are written, as the configuration says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from hookline.core.events import Dataset
from hookline.quality.checks.scalars import one_or_many

Globs = Annotated[tuple[StrictStr, ...], BeforeValidator(one_or_many), Field(min_length=1)]


class Profiling(BaseModel):
    """Which datasets are profiled on each write, and which of their columns' values may be kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    dataset: Globs
    show: Annotated[tuple[StrictStr, ...], BeforeValidator(one_or_many)] = ()
    columns: Annotated[tuple[StrictStr, ...], BeforeValidator(one_or_many)] = ("*",)
    partitions: bool = False

    def matches(self, dataset: Dataset) -> bool:
        """Whether the dataset's name, with or without its namespace, or one of its other names fits."""
        return dataset.matches(*self.dataset)


def as_profiling(given: object) -> object:
    """A text is a dataset."""
    return {"dataset": given} if isinstance(given, str) else given


Profilings = tuple[Annotated[Profiling, BeforeValidator(as_profiling)], ...]


def profiling_of(dataset: Dataset, configured: Iterable[Profiling]) -> Profiling | None:
    """What was said of a dataset; the first that fits."""
    return next((one for one in configured if one.matches(dataset)), None)
