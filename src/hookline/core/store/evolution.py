"""A dataset's schema over time, folded from what each published write wrote: the same whatever order writes arrive in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Observed(NamedTuple):
    """The columns of one write, as JSON text, and when and by whom they were written; sorts by time."""

    started_at: str
    write_id: str
    run_id: str
    columns: str


def fold(observed: Iterable[Observed]) -> list[dict[str, Any]]:
    """Versions, numbered from 1, oldest first: a new one where the columns differ from those of the write before."""
    versions: list[dict[str, Any]] = []
    for one in sorted(observed):
        if versions and same(versions[-1]["columns"], one.columns):
            versions[-1] |= {"last_seen_at": one.started_at, "columns": richer(versions[-1]["columns"], one.columns)}
        else:
            versions.append(first_of(one, len(versions) + 1))
    return versions


def columns_text(columns: Sequence[Mapping[str, Any]]) -> str:
    """Columns as they are kept; one that holds no others does not say so."""
    return json.dumps([_plain(column) for column in columns])


def same(one: str, other: str) -> bool:
    """Whether two texts are the same columns; what one of them does not tell of their insides is no difference."""
    return one == other or _alike(json.loads(one), json.loads(other))


def richer(one: str, other: str) -> str:
    """Of two texts for the same columns, the one that tells more."""
    return max(one, other, key=len)


def _plain(column: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in column.items() if name != "fields"}
    fields = [_plain(field) for field in column.get("fields") or ()]
    return own | ({"fields": fields} if fields else {})


def _alike(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    return len(one) == len(other) and all(
        all(a.get(name) == b.get(name) for name in ("name", "type", "nullable"))
        and ("fields" not in a or "fields" not in b or _alike(a["fields"], b["fields"]))
        for a, b in zip(one, other, strict=True)
    )


def first_of(one: Observed, version: int) -> dict[str, Any]:
    """The version that begins with this write."""
    return {
        "version": version,
        "columns": one.columns,
        "run_id": one.run_id,
        "write_id": one.write_id,
        "first_seen_at": one.started_at,
        "last_seen_at": one.started_at,
    }
