"""A plan in words, as Terraform shows one: what comes (+), what changes (~), what goes (-)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hookline.core.text import printable
from hookline.governance.access.lake_formation.diff import Step
from hookline.governance.access.lake_formation.items import (
    Admin,
    Assigned,
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    TagValue,
    document_of,
)
from hookline.governance.access.lake_formation.planning import Plan
from hookline.governance.access.lake_formation.resources import quoted

_SIGNS = {"create": "+", "change": "~", "delete": "-"}
_ORDER = (Registered, Link, TagValue, Assigned, Filter, Grant, Admin)
_TITLES = (
    "Locations",
    "Resource links",
    "LF-tags",
    "LF-tags on data",
    "Data cells filters",
    "Grants",
    "Administrators",
)


def lines(plan: Plan) -> Iterator[str]:
    """The plan, line by line; the same plan gives the same lines."""
    for kind, title in zip(_ORDER, _TITLES, strict=True):
        own = [step for step in plan.steps if isinstance(step.item, kind)]
        if not own:
            continue
        yield title
        told = _grants(own) if kind is Grant else (_line(step) for step in own)
        yield from (f"  {printable(line)}" for line in sorted(told, key=lambda line: (line[2:], line[:1])))
        yield ""
    yield from _section("Enforced elsewhere", plan.elsewhere)
    yield from _section("Made by others, and left as it is", sorted(map(str, plan.foreign)))
    yield from _section("Note", plan.notes)
    yield from _section("May not be done", plan.refusals)
    yield summary(plan)


def summary(plan: Plan) -> str:
    """In one line."""
    if not plan.steps:
        return "Nothing to do: the account is as the policies say."
    steps = [step for step in plan.steps if not step.passing and not step.why.startswith("again")]
    counts = {action: sum(step.action == action for step in steps) for action in _SIGNS}
    return f"Plan: {counts['create']} to add, {counts['change']} to change, {counts['delete']} to take away."


def document(plan: Plan) -> dict[str, Any]:
    """For programs."""
    return {
        "steps": [_document(step) for step in plan.steps],
        "elsewhere": [*plan.elsewhere],
        "foreign": [item_document(item) for item in sorted(plan.foreign, key=str)],
        "notes": [*plan.notes],
        "refusals": [*plan.refusals],
    }


def item_document(item: Item) -> dict[str, Any]:
    """An item for programs: its parts, and what it is in words."""
    told: dict[str, Any] = json.loads(document_of(item))
    return {"kind": told.pop("type"), "what": str(item), **told}


def _document(step: Step) -> dict[str, Any]:
    before = None if step.before is None else item_document(step.before)
    return {"action": step.action, "item": item_document(step.item), "before": before, "why": step.why or None}


def _line(step: Step) -> str:
    sign, why = _SIGNS[step.action], f"  # {step.why}" if step.why else ""
    item, before = step.item, step.before
    if isinstance(item, Assigned) and isinstance(before, Assigned):
        return f"{sign} {item.where}: {quoted(item.tag)} = {quoted(before.value)} -> {quoted(item.value)}{why}"
    if isinstance(item, Filter) and isinstance(before, Filter):
        return f"{sign} {item.cells}: {before.content} -> {item.content}{why}"
    if before is not None:
        return f"{sign} {before} -> {item}{why}"
    return f"{sign} {item}{why}"


def _grants(steps: Sequence[Step]) -> Iterator[str]:
    """One line for all permissions of a principal on one thing that come, or go, for one reason."""
    together: dict[tuple[str, str, str, str], list[str]] = {}
    for step in steps:
        item = step.item
        assert isinstance(item, Grant)  # noqa: S101 - for the type checker
        what = f"{item.permission} (may be handed on)" if item.option else item.permission
        key = (_SIGNS[step.action], quoted(item.principal), str(item.resource), step.why)
        together.setdefault(key, []).append(what)
    for (sign, principal, resource, why), permissions in together.items():
        yield f"{sign} {principal}: {', '.join(sorted(permissions))} on {resource}" + (f"  # {why}" if why else "")


def _section(title: str, told: Iterable[str]) -> Iterator[str]:
    own = [*told]
    if own:
        yield title
        yield from (f"  {printable(line)}" for line in own)
        yield ""
