"""Finding datasets in the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hookline.governance.catalog.entry import CatalogEntry


@dataclass(frozen=True)
class Query:
    """What is looked for; all of it has to fit.

    Attributes:
        text: words, each of which is somewhere: in a name, the description, a column or its comment, a tag, the owner.
        name, column, owner: patterns with * and ?, in any case; a word without them has to be a part.
        tag: ``key`` or ``key=value``.
        holds: an entity that a column holds, as Presidio names it; ``*`` for any.
        state: of the certification.
        fresh_within_h, stale_after_h: hours since the last write at most, and at least. What nothing was written to is stale.
        least_quality, most_quality: of the score. What has none fits neither.
    """

    text: str = ""
    name: str | None = None
    column: str | None = None
    owner: str | None = None
    tag: str | None = None
    holds: str | None = None
    state: str | None = None
    fresh_within_h: float | None = None
    stale_after_h: float | None = None
    least_quality: float | None = None
    most_quality: float | None = None


def search(entries: Iterable[CatalogEntry], query: Query) -> list[CatalogEntry]:
    """Those that fit: where the words are in the name first, then by name."""
    found = [entry for entry in entries if fits(entry, query)]
    words = query.text.lower().split()

    def rank(entry: CatalogEntry) -> tuple[int, str]:
        names = " ".join(_names(entry)).lower()
        return -sum(word in names for word in words), str(entry.dataset)

    return sorted(found, key=rank)


def fits(entry: CatalogEntry, query: Query) -> bool:
    """Whether an entry is one of those that are looked for."""
    texts = "\n".join(_texts(entry)).lower()
    age_h = float("inf") if entry.fresh_s is None else entry.fresh_s / 3_600
    score = None if entry.quality is None else entry.quality.score
    return (
        all(word in texts for word in query.text.lower().split())
        and (query.name is None or any(_like(one, query.name) for one in _names(entry)))
        and (query.column is None or any(_like(one.column, query.column) for one in entry.columns))
        and (query.owner is None or (entry.owner is not None and _like(entry.owner, query.owner)))
        and (query.tag is None or _tagged(entry, query.tag))
        and (query.holds is None or any(fnmatchcase(one, query.holds.upper()) for one in entry.entities))
        and (query.state is None or entry.certification.state == query.state)
        and (query.fresh_within_h is None or age_h <= query.fresh_within_h)
        and (query.stale_after_h is None or age_h >= query.stale_after_h)
        and (query.least_quality is None or (score is not None and score >= query.least_quality))
        and (query.most_quality is None or (score is not None and score <= query.most_quality))
    )


def _tagged(entry: CatalogEntry, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return key in entry.tags and (not equals or entry.tags[key] == value)


def _like(text: str, pattern: str) -> bool:
    whole = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    return fnmatchcase(text.lower(), whole.lower())


def _names(entry: CatalogEntry) -> Iterator[str]:
    yield str(entry.dataset)
    for _, name in entry.other_names:
        yield name


def _texts(entry: CatalogEntry) -> Iterator[str]:
    yield from _names(entry)
    yield from filter(None, (entry.owner, entry.description, entry.layer, entry.format))
    for key, value in entry.tags.items():
        yield f"{key}={value}"
    for column in entry.columns:
        yield column.column
        yield column.comment or ""
        yield from (held.entity for held in column.holds)
