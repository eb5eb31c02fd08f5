"""An entry of the catalog as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from hookline.core.text import in_units, in_words, printable
from hookline.governance.catalog.entry import CatalogEntry, EntryColumn


def text_of(entry: CatalogEntry) -> str:
    """All of it."""
    return "\n".join(_lines(entry)) + "\n"


def age_of(entry: CatalogEntry) -> str:
    """How long ago it was written to."""
    if entry.fresh_s is None:
        return "never"
    days = entry.fresh_s / 86_400
    return f"{days:.0f} days" if days >= 2 else in_words(entry.fresh_s)


def score_of(entry: CatalogEntry) -> str:
    """Its quality score."""
    return "-" if entry.quality is None or entry.quality.score is None else f"{entry.quality.score:g}"


def _lines(entry: CatalogEntry) -> Iterator[str]:
    yield printable(str(entry.dataset))
    for label, value in _facts(entry):
        if value:
            yield f"  {label:<14}{printable(value)}"
    yield ""
    for column in entry.columns:
        yield f"  {printable(_column(column))}"
    certification = entry.certification
    if certification.steps:
        yield ""
    for step in certification.steps:
        who = "by itself" if step.by_itself else f"by {step.actor or 'nobody who is known'}"
        yield f"  {step.at[:19]}  {step.state}, {printable(who)}: {printable(step.reason)}"
    if certification.breaks and certification.state != "deprecated":
        yield ""
        yield "  not to be certified:" if certification.state != "certified" else "  its certification lapses:"
        yield from (f"    {printable(one)}" for one in certification.breaks)


def _facts(entry: CatalogEntry) -> Iterator[tuple[str, str | None]]:
    yield "also", ", ".join(name for _, name in entry.other_names)
    yield "state", entry.certification.state
    yield "owner", entry.owner
    yield "description", entry.description
    yield "layer", entry.layer
    yield "tags", ", ".join(f"{key}={value}" if value else key for key, value in sorted(entry.tags.items()))
    yield "format", entry.format
    yield "location", entry.location
    yield "partitioned", ", ".join(entry.partition_by)
    yield "rows", None if entry.rows is None else f"{entry.rows:,}"
    yield "size", None if entry.bytes is None else in_units(entry.bytes)
    if (write := entry.last_write) is not None:
        yield (
            "last write",
            f"{write.at[:19]} ({age_of(entry)} ago), {write.operation} by {write.job}, run {write.run_id[:8]}",
        )
    if (quality := entry.quality) is not None:
        count = "1 check" if quality.checks == 1 else f"{quality.checks} checks"
        failed = f"; not passed: {', '.join(quality.failed)}" if quality.failed else ""
        yield "quality", f"{score_of(entry)} of 100, by {count} at {quality.judged_at[:19]}{failed}"
    yield "profiled", None if entry.profile is None else f"{entry.profile.at[:19]}, {entry.profile.rows:,} rows"
    yield "scanned", None if entry.scanned_at is None else entry.scanned_at[:19]
    yield "lineage", entry.lineage


def _column(column: EntryColumn) -> str:
    parts = [f"{column.column}: {column.type}"]
    if not column.nullable:
        parts.append("never null")
    if column.partition_key:
        parts.append("partition key")
    if column.null_share is not None:
        parts.append(f"{column.null_share:.1%} null")
    if column.distinct is not None:
        parts.append(f"about {column.distinct:,} different")
    for held in column.holds:
        came = f" from {held.inherited_from[1]}.{held.inherited_from[2]}" if held.inherited_from else ""
        parts.append(f"{held.entity} ({held.confidence:.2f}){came}")
    return ", ".join(parts) + (f"  -- {column.comment}" if column.comment else "")
