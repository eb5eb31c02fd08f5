"""The versions of a dataset's schema with what changed, and who downstream of it is affected: as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.core.errors import HooklineError
from hookline.core.events import Column, ColumnLineage, Dataset
from hookline.core.schema_changes import Change, changes
from hookline.core.store import Dependant, SchemaVersion
from hookline.core.text import printable, shorten_path

_MOST_NAMED = 8
_SIGNS = {"added": "+", "dropped": "-"}


@dataclass(frozen=True)
class Step:
    """A version and what it changed; nothing, of the first."""

    version: SchemaVersion
    changes: tuple[Change, ...] = ()

    @property
    def breaking(self) -> bool:
        """Whether it may have broken readers."""
        return any(change.breaking for change in self.changes)


def steps(versions: Sequence[SchemaVersion]) -> tuple[Step, ...]:
    """Each version with what it changed, oldest first."""
    pairs = zip((None, *versions), versions, strict=False)
    return tuple(Step(now, () if before is None else changes(before.columns, now.columns)) for before, now in pairs)


def new_step(
    versions: Sequence[SchemaVersion],
    columns: Sequence[Column],
    at: str,
    origins: ColumnLineage | None,
    dataset: Dataset,
) -> tuple[int, tuple[Change, ...]] | None:
    """What a write that just ended changed against the version before it: that one's number and the changes; None for nothing.

    Args:
        at: when the write began; the store may count it among the versions already.
    """
    before = [version for version in versions if version.first_seen_at < at]
    if not before:
        return None
    found = changes(before[-1].columns, columns, dataset=dataset, origins=origins)
    return (before[-1].version, found) if found else None


def find(names: Iterable[tuple[str, str]], wanted: str) -> tuple[str, str]:
    """The dataset that a person means: its whole name, or the end of it.

    Raises:
        HooklineError: no dataset is meant, or several.
    """
    known = {name: str(Dataset(*name)) for name in names}
    for fits in (
        [name for name, shown in known.items() if wanted in (shown, name[1])],
        [name for name, shown in known.items() if f"/{shown}".endswith((f"/{wanted.strip('/')}", f".{wanted}"))],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise HooklineError(f"{wanted!r} may mean {_listed(known[name] for name in fits)}: give more of the name")
    if not known:
        raise HooklineError("no schema is known yet: run a job with `hookline run` first")
    raise HooklineError(f"no dataset with a known schema is named {wanted!r}; known: {_listed(known.values())}")


def document(name: tuple[str, str], history: Sequence[Step], affected: Sequence[Dependant]) -> dict[str, Any]:
    """For programs."""
    return {
        "dataset": {"namespace": name[0], "name": name[1]},
        "versions": [_version(step) for step in history],
        "downstream": downstream_document(affected),
    }


def downstream_document(affected: Sequence[Dependant]) -> dict[str, Any]:
    """Who is downstream, for programs."""
    return {
        "datasets": [
            {"namespace": one.namespace, "name": one.name, "distance": one.distance}
            for one in affected
            if one.kind == "dataset"
        ],
        "jobs": [{"name": one.name, "distance": one.distance} for one in affected if one.kind == "job"],
    }


def text(name: tuple[str, str], history: Sequence[Step], affected: Sequence[Dependant]) -> str:
    """For people."""
    return "\n".join(_lines(name, history, affected)) + "\n"


def change_document(change: Change) -> dict[str, Any]:
    """One change for programs."""
    return {
        "column": change.column,
        "change": change.kind,
        "before": change.before,
        "after": change.after,
        "breaking": change.breaking,
        "why": change.why,
        "evidence": change.evidence,
    }


def _version(step: Step) -> dict[str, Any]:
    version = step.version
    return {
        "version": version.version,
        "first_seen_at": version.first_seen_at,
        "last_seen_at": version.last_seen_at,
        "run_id": version.run_id,
        "write_id": version.write_id,
        "breaking": step.breaking,
        "changes": [change_document(change) for change in step.changes],
        "columns": [_column(column) for column in version.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    own: dict[str, Any] = {"name": column.name, "type": column.type, "nullable": column.nullable}
    return own | ({"fields": [_column(field) for field in column.fields]} if column.fields else {})


def _lines(name: tuple[str, str], history: Sequence[Step], affected: Sequence[Dependant]) -> Iterator[str]:
    count = len(history)
    yield f"{printable(str(Dataset(*name)))}: {count} version{'' if count == 1 else 's'} of its schema"
    for step in history:
        version = step.version
        yield f"{version.version}  since {version.first_seen_at[:19]}, run {version.run_id[:8]}" + (
            f", {len(version.columns)} columns" if not step.changes else ", breaking" if step.breaking else ""
        )
        for change in step.changes:
            yield f"   {_SIGNS.get(change.kind, '~')} {_told(change)}"
    if any(step.breaking for step in history) or affected:
        yield from _affected(affected)


def _told(change: Change) -> str:
    words = {"nullable": "may be null", "required": "is never null", "reordered": "other order"}
    of = printable(change.column, 200) or "columns"
    between = " → ".join(printable(part, 200) for part in (change.before, change.after) if part is not None)
    detail = "" if change.kind in words else f" {between}"
    reason = f"  [breaking: {change.why}]" if change.breaking else ""
    return f"{of} {words.get(change.kind, change.kind)}{detail}{reason}" + (
        f" ({change.evidence})" if change.evidence else ""
    )


def _affected(affected: Sequence[Dependant]) -> Iterator[str]:
    if not affected:
        yield "nobody is known to read it"
        return
    for kind, words in (("dataset", "made from it"), ("job", "read by jobs")):
        found = [one for one in affected if one.kind == kind]
        if found:
            yield f"{words}: {len(found)}"
            shown = (shorten_path(printable(str(Dataset(one.namespace, one.name))), 90) for one in found[:_MOST_NAMED])
            names = shown if kind == "dataset" else (printable(one.name, 90) for one in found[:_MOST_NAMED])
            for one, label in zip(found, names, strict=False):
                step = "directly" if one.distance <= (kind == "dataset") else f"{one.distance} steps away"
                yield f"   {label}  ({step})"
            if len(found) > _MOST_NAMED:
                yield f"   and {len(found) - _MOST_NAMED} more"


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return ", ".join(printable(name, 200) for name in shown[:_MOST_NAMED]) + more
