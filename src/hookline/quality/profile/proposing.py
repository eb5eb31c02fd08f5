"""A suite of suggestions as text; and what a profile would change in a suite that is there already."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hookline.core.errors import ConfigError
from hookline.core.events import Dataset
from hookline.core.text import printable
from hookline.quality.checks.registry import names
from hookline.quality.judging import AnyCheck
from hookline.quality.profile.suggesting import Suggestion
from hookline.quality.suite import load_suites, parse_suites

# A bound that moved by less than this factor is left where it is.
_MOVED = 3.0


@dataclass(frozen=True)
class Entry:
    """An entry of a suite to write, with what is said above it."""

    check: Mapping[str, Any]
    remark: str


@dataclass(frozen=True)
class Change:
    """A change of a suite: ``add``, ``change`` or ``look at``, and why."""

    what: str
    check: str
    why: str


def entry_of(suggestion: Suggestion) -> Entry:
    """A suggestion as an entry."""
    return Entry(suggestion.entry, f"{suggestion.reason}; confidence {suggestion.confidence:g}")


def checks_of(suggestions: Sequence[Suggestion]) -> tuple[AnyCheck, ...]:
    """The checks that suggestions stand for, in their order."""
    # Of what two entries share YAML would make an alias, which no suite may hold.
    entries = [copy.deepcopy(one.entry) for one in suggestions]
    text = yaml.safe_dump({"dataset": "*", "checks": entries}, sort_keys=False)
    (suite,) = parse_suites(text, "the suggestions")
    return suite.checks


def suite_text(dataset: Dataset, rows: int, entries: Iterable[Entry]) -> str:
    """A file to read, change and keep."""
    pattern = f"*/{dataset.name.rstrip('/').rpartition('/')[2]}" if "/" in dataset.name else dataset.name
    lines = [
        f"# Suggested by hookline profile from {rows:,} rows. A suggestion is a beginning: read it, and say what is known.",
        _dumped({"dataset": pattern}).rstrip(),
        "checks:",
    ]
    for entry in entries:
        lines.append(f"  # {printable(entry.remark)}")
        first, *more = _dumped(dict(entry.check)).rstrip().split("\n")
        lines += [f"  - {first}", *(f"    {line}" for line in more)]
    return "\n".join(lines) + "\n"


def _dumped(content: Mapping[str, Any]) -> str:
    """A key a line, and what is inside of it on one line where that fits."""
    return "".join(_line({key: value}) for key, value in content.items())


def _line(content: Mapping[str, Any]) -> str:
    nested = any(isinstance(value, (Mapping, list)) for value in content.values())
    return str(
        yaml.safe_dump(
            content, default_flow_style=None if nested else False, sort_keys=False, allow_unicode=True, width=110
        )
    )


@dataclass(frozen=True)
class Existing:
    """A suite that is there already: its entries as they are written, and the checks that they are."""

    entries: Sequence[Mapping[str, Any]]
    checks: tuple[AnyCheck, ...]


def read_existing(path: Path) -> Existing:
    """The one suite in a file.

    Raises:
        ConfigError: it can't be read, is not valid, or holds several suites.
    """
    suites = load_suites(path)
    content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    if len(suites) != 1 or "checks" not in content:
        raise ConfigError(f"{path}: changes are proposed to a file that holds one suite; move the others elsewhere")
    return Existing(content["checks"], suites[0].checks)


def propose(
    existing: Existing, failed: Sequence[bool], suggested: Sequence[Suggestion]
) -> tuple[list[Change], list[Entry]]:
    """What to change, and the entries of the suite that this would make.

    Args:
        failed: which of its checks fail on the data as it is now.
        suggested: what holds there.
    """
    offered = {key: one for one in suggested if (key := _about(one.check)) is not None}
    changes: list[Change] = []
    entries: list[Entry] = []
    for entry, check, fails in zip(existing.entries, existing.checks, failed, strict=True):
        key = _about(entry)
        better = offered.pop(key, None) if key is not None else None
        if better is not None and fails:
            changes.append(Change("change", check.name, f"it fails now, and {better.reason}"))
        elif better is not None and (told := _moved(entry, better.check)):
            changes.append(Change("change", check.name, f"{told}: {better.reason}"))
        else:
            if fails:
                changes.append(Change("look at", check.name, "it fails now, and nothing of its kind would hold"))
            entries.append(Entry(entry, "as it was" + (", and fails now" if fails else "")))
            continue
        kept = {key: value for key, value in entry.items() if key not in names()}
        entries.append(Entry({**better.check, **kept}, f"changed: {changes[-1].why}"))
    for suggestion in offered.values():
        (check,) = checks_of([suggestion])
        changes.append(Change("add", check.name, suggestion.reason))
        entries.append(entry_of(suggestion))
    return changes, entries


def _about(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What tells one check from another: its kind, and its columns."""
    kind = next((key for key in entry if key in names()), None)
    if kind is None:
        return None
    options = entry[kind]
    if kind in ("schema", "row_count"):
        return (kind,)
    if isinstance(options, Mapping):
        named = [options[key] for key in ("column", "columns", "left", "right", "quantile", "method") if key in options]
    else:
        named = [options]
    return (kind, *(str(name) for one in named for name in (one if isinstance(one, list) else [one])))


def _moved(entry: Mapping[str, Any], better: Mapping[str, Any]) -> str:
    """Which bound is now far from where the data would have it; empty when none is."""
    kind = next(key for key in better if key in names())
    before, after = entry[kind], better[kind]
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    return "; ".join(_far(before, after))


def _far(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for end in ("min", "max", "min_share"):
        old, new = before.get(end), after.get(end)
        numbers = [value for value in (old, new) if isinstance(value, (int, float)) and not isinstance(value, bool)]
        if len(numbers) == 2 and all(numbers) and max(numbers[0] / numbers[1], numbers[1] / numbers[0]) > _MOVED:
            yield f"{end} is {old} and would be {new}"
    old, new = before.get("values"), after.get("values")
    if isinstance(old, list) and isinstance(new, list) and set(new) - set(old):
        yield f"{len(set(new) - set(old))} values are not listed"
    if isinstance(before.get("columns"), Mapping) and isinstance(after.get("columns"), Mapping):
        missing = sorted(set(after["columns"]) - set(before["columns"]))
        if missing:
            yield f"columns are not in it: {', '.join(missing)}"
