"""Profiles of writes: which datasets get one, and what of it goes into the run history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from hookline.core.events import Column, Dataset, Measure, Run, Write, content_id
from hookline.core.store.packing import pack
from hookline.quality.checks.scalars import one_or_many
from hookline.quality.profile.column import digest
from hookline.quality.profile.model import Profile, measures_for, parts_of, profile_of

if TYPE_CHECKING:
    from hookline.core.outbox import Outbox

_LONGEST_PART = 128
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
        names = {dataset.name, str(dataset), *(name for _, name in dataset.symlinks)}
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.dataset)


def as_profiling(given: object) -> object:
    """A text is a dataset."""
    return {"dataset": given} if isinstance(given, str) else given


Profilings = tuple[Annotated[Profiling, BeforeValidator(as_profiling)], ...]


def profiling_of(dataset: Dataset, configured: Iterable[Profiling]) -> Profiling | None:
    """What was said of a dataset; the first that fits."""
    return next((one for one in configured if one.matches(dataset)), None)


def sketches_for(write: Write, configured: Iterable[Profiling]) -> list[Measure]:
    """What the profile of a write needs."""
    profiling = profiling_of(write.dataset, configured)
    return [] if profiling is None else measures_for(_chosen(write, profiling), by_partition=profiling.partitions)


def keep_profile(outbox: Outbox, write: Write, run: Run, configured: Iterable[Profiling]) -> None:
    """Have the store told of a published write's profile, and of those of its partitions, where that was asked and measured."""
    profiling = profiling_of(write.dataset, configured)
    if profiling is None or not write.published:
        return
    columns, measured = _chosen(write, profiling), dict(write.measured)
    whole = profile_of(columns, measured, by_partition=profiling.partitions)
    if all(column.error for column in whole.columns):
        return
    shown = profiling.show
    for part, profile in {"": whole, **_named(parts_of(columns, measured), shown)}.items():
        payload = {
            "run_id": run.run_id,
            "write_id": write.write_id,
            "part": part,
            "dataset": [write.dataset.namespace, write.dataset.name],
            "started_at": write.started_at.isoformat(),
            "rows": profile.rows,
            "document": pack(profile.kept(shown).document()),
        }
        message = content_id("profile", write.write_id, part)
        outbox.put("store", payload, kind="profile", id=message, order_key=run.run_id)


def _named(parts: Mapping[str, Profile], shown: Iterable[str]) -> dict[str, Profile]:
    """Partitions by their names, in which values stand as they do elsewhere: digests, unless they may be shown."""
    patterns = tuple(shown)

    def told(step: str) -> str:
        column, _, value = step.partition("=")
        return step if any(fnmatchcase(column, pattern) for pattern in patterns) else f"{column}={digest(value)}"

    return {"/".join(map(told, part.split("/")))[:_LONGEST_PART]: profile for part, profile in parts.items()}


def _chosen(write: Write, profiling: Profiling) -> list[Column]:
    return [one for one in write.columns if any(fnmatchcase(one.name, pattern) for pattern in profiling.columns)]
