"""What policies mean, the slow way: loops over rules, rows and cells. It shares no code with what it is there to check.

It takes policies as plain values, as YAML gives them, except that each rule has the tree of its filter under ``tree``, from which
the generator made the text.
"""

from __future__ import annotations

import fnmatch
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

Path = tuple[str, ...]
TEXT, EXACT, FLOAT, BOOL, OTHER, DEEP = "text", "exact", "float", "bool", "other", "deep"


def quote(names: Path) -> str:
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def unquote(text: str) -> Path:
    return tuple(part.replace('""', '"') for part in re.findall(r'"((?:[^"]|"")*)"', text))


class Table:
    """Leaves with their family of types, and rows as nested dicts."""

    def __init__(
        self, database: str, name: str, leaves: dict[Path, str], rows: list[dict[str, Any]], held: Any
    ) -> None:
        self.database, self.name, self.leaves, self.rows, self.held = database, name, leaves, rows, held


def cell(row: Any, path: Path) -> Any:
    for name in path:
        if row is None:
            return None
        row = row[name]
    return row


# -- filters: (op, column, constants…), ("and"|"or", a, b), ("not", a) --------------------------------------------------


def truth(tree: Any, row: Any, table: Table) -> bool | None:
    op = tree[0]
    if op == "not":
        inner = truth(tree[1], row, table)
        return None if inner is None else not inner
    if op in ("and", "or"):
        answers = [truth(one, row, table) for one in tree[1:]]
        decisive = op == "or"
        if decisive in answers:
            return decisive
        return None if None in answers else not decisive
    value = cell(row, tree[1])
    if op == "null":
        return value is None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if op == "like":
        pattern = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in tree[2])
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    constants = [float(one) if isinstance(value, float) else one for one in tree[2:]]
    if op == "in":
        return any(value == one for one in constants)
    if op == "between":
        return bool(constants[0] <= value <= constants[1])
    one = constants[0]
    return bool({"=": value == one, "<>": value != one, "<": value < one, "<=": value <= one, ">": value > one,
                 ">=": value >= one}[op])  # fmt: skip


def sensible(tree: Any, table: Table) -> bool:
    op = tree[0]
    if op in ("and", "or", "not"):
        return all(sensible(one, table) for one in tree[1:])
    family = table.leaves.get(tree[1])
    if op == "null":
        return family in (TEXT, EXACT, FLOAT, BOOL, OTHER)
    if op == "like":
        return family == TEXT
    for one in tree[2:]:
        wanted = {bool: (BOOL,), str: (TEXT,), int: (EXACT, FLOAT), Decimal: (EXACT, FLOAT)}[type(one)]
        if family not in wanted:
            return False
    return True


# -- rules --------------------------------------------------------------------------------------------------------------


def tags_of(policy: Any, table: Table, column: str, key: str) -> str | None:
    tag = policy["tags"][key]

    def worst(values: list[str]) -> str | None:
        return sorted(values, key=tag["values"].index)[-1] if values else None

    own = worst([c["value"] for c in tag["carried"] if any(unquote(n)[0] == column for n in c.get("columns", ())) and
                 any(named(t, table) for t in c["tables"])])  # fmt: skip
    if own:
        return own
    if tag.get("classified"):
        if table.held is None:
            return None
        found = worst([tag["classified"][e] for p, es in table.held.items() if p[0] == column for e in es
                       if e in tag["classified"]])  # fmt: skip
        if found:
            return found
    on_table = worst(
        [
            c["value"]
            for c in tag["carried"]
            if not c.get("columns") and any(named(t, table) for t in c.get("tables", ()))
        ]
    )
    above = [c["value"] for c in tag["carried"] if any(unquote(d) == (table.database,) for d in c.get("databases", ()))]
    return on_table or worst(above)


def named(pattern: str, table: Table) -> bool:
    if pattern.startswith('"'):
        return unquote(pattern) == (table.database, table.name)
    return fnmatch.fnmatch(table.database, pattern.split(".")[0]) and fnmatch.fnmatch(table.name, pattern.split(".")[1])


def shows(policy: Any, rule: Any, table: Table, principal: str, now: Any, purpose: Any) -> dict[Path, Any] | None:
    """Each leaf that a rule shows with its mask; None when it is worth nothing here."""
    if principal not in rule["principals"] or "select" not in rule["allow"]:
        return None
    if rule.get("expires") is not None and now >= rule["expires"]:
        return None
    if rule.get("purpose") is not None and rule["purpose"] != purpose:
        return None
    if "tables" in rule and not any(named(pattern, table) for pattern in rule["tables"]):
        return None
    if rule.get("tree") is not None and not sensible(rule["tree"], table):
        return None
    seen: dict[Path, Any] = {}
    for leaf in table.leaves:
        visible = all(tags_of(policy, table, leaf[0], key) in values for key, values in rule.get("tagged", {}).items())
        choice = rule.get("columns", {})
        if "include" in choice:
            visible = visible and any(leaf[: len(p)] == p for p in map(unquote, choice["include"]))
        if "exclude" in choice:
            visible = visible and not any(leaf[: len(p)] == p for p in map(unquote, choice["exclude"]))
        if visible:
            longest = max(
                (p for p in map(unquote, rule.get("masks", {})) if leaf[: len(p)] == p), key=len, default=None
            )
            mask = None if longest is None else rule["masks"][quote(longest)]
            seen[leaf] = mask if mask is None or table.leaves[leaf] == TEXT else {"mask": "nullify"}
    needed = [*rule.get("columns", {}).get("exclude", ()), *rule.get("masks", {})]
    for path in map(unquote, needed):
        if rule.get("missing") != "allow" and not any(leaf[: len(path)] == path for leaf in table.leaves):
            return None
    return seen or None


def hidden_by(mask: Any, value: Any) -> Any:
    if value is None or mask["mask"] == "nullify":
        return None
    if mask["mask"] == "redact":
        return "***"
    if mask["mask"] == "hash":
        return hashlib.sha256(value.encode()).hexdigest()
    first, last = mask.get("keep_first", 0), mask.get("keep_last", 0)
    if len(value) <= first + last:
        return "*" * len(value)
    return value[:first] + "*" * (len(value) - first - last) + value[len(value) - last :]


def order(mask: Any) -> Any:
    kind = ["partial", "hash", "redact", "nullify"].index(mask["mask"])
    return kind, -mask.get("keep_first", 0) - mask.get("keep_last", 0), -mask.get("keep_first", 0)


def what_is_seen(
    policy: Any, table: Table, principal: str, now: Any, purpose: Any
) -> tuple[list[Path], list[Any]] | None:
    """The leaves and the rows that a principal gets; None when the table does not exist for it."""
    counting = [
        (rule, seen) for rule in policy["rules"] if (seen := shows(policy, rule, table, principal, now, purpose))
    ]
    if not counting:
        return None
    leaves = [leaf for leaf in table.leaves if any(leaf in seen for _, seen in counting)]
    rows = []
    for row in table.rows:
        here = [seen for rule, seen in counting if rule.get("tree") is None or truth(rule["tree"], row, table) is True]
        if here:
            rows.append(build(leaves, row, here, ()))
    return leaves, rows


def build(leaves: Sequence[Path], row: Any, here: Any, above: Path) -> Any:
    """The fields below a path, as pairs; None where nothing is told of the struct."""
    fields = []
    for name in dict.fromkeys(leaf[len(above)] for leaf in leaves if leaf[: len(above)] == above):
        path = (*above, name)
        fields.append((name, one_cell(path, row, here) if path in leaves else build(leaves, row, here, path)))
    if above:
        told = any(
            seen.get(leaf, {"mask": "nullify"}) != {"mask": "nullify"}
            for seen in here
            for leaf in inside(leaves, above)
        )
        if not told or cell(row, above) is None:
            return None
    return tuple(fields)


def inside(leaves: Sequence[Path], above: Path) -> Iterator[Path]:
    return (leaf for leaf in leaves if leaf[: len(above)] == above)


def one_cell(path: Path, row: Any, here: Any) -> Any:
    masks = [seen[path] for seen in here if path in seen]
    if not masks:
        return None
    value = cell(row, path)
    return value if None in masks else hidden_by(min(masks, key=order), value)
