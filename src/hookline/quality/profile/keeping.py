"""Profiles of writes: what they need, and what of them goes into the run history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hookline.core.events import Column, Measure, Run, Write, content_id
from hookline.core.store.packing import pack
from hookline.quality.profile.column import digest
from hookline.quality.profile.model import Profile, measures_for, parts_of, profile_of
from hookline.quality.profile.wanted import Profiling, profiling_of

if TYPE_CHECKING:
    from hookline.core.outbox import Outbox

_LONGEST_PART = 128


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
