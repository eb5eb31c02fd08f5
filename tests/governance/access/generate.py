"""Random tables and policies, with nulls, nested columns and hostile names."""

from __future__ import annotations

import datetime as dt
import math
import random
from decimal import Decimal
from typing import Any

from tests.governance.access.reference import BOOL, DEEP, EXACT, FLOAT, OTHER, TEXT, Path, Table, quote

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.timezone.utc)
WEIRD, STREET, DOTTED = 'we"ird`; DROP', "straße ÿ", "na.me"
LEAVES: dict[Path, str] = {
    ("id",): EXACT,
    (DOTTED,): TEXT,
    (WEIRD,): TEXT,
    ("select",): EXACT,
    ("amount",): EXACT,
    ("score",): FLOAT,
    ("active",): BOOL,
    ("born",): OTHER,
    ("contact", "email"): TEXT,
    ("contact", "pho.ne"): TEXT,
    ("contact", "geo", "lat"): FLOAT,
    ("contact", "geo", STREET): TEXT,
    ("list",): DEEP,
    ("pairs",): DEEP,
}
TEXTS = [  # some look like SQL
    "",
    "a",
    "A",
    "it's",
    '"; DROP TABLE x; --',
    "%",
    "_",
    "ä ß €",
    "\U0001f600 smile",
    "null",
    "a.b",
    "line\nbreak",
    "ab",
    "aab",
]
DDL = (
    'id bigint, `na.me` string, `we"ird``; DROP` string, `select` int, amount decimal(10,2), score double, active boolean, '
    "born date, contact struct<email: string, `pho.ne`: string, geo: struct<lat: double, `straße ÿ`: string>>, "
    "list array<string>, pairs map<string, int>"
)
NUMBERS: list[Any] = [0, 1, -1, 2, 7, Decimal("0.5"), Decimal("-2.25"), 10**20, Decimal("1.00"), 3]


def rows(rng: random.Random, count: int) -> list[dict[str, Any]]:
    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.2 else value

    def floating() -> Any:
        return maybe(rng.choice([0.0, -0.0, 0.5, 1.0, math.nan, math.inf, -2.25, 7.0]))

    def row() -> dict[str, Any]:
        geo = {"lat": floating(), STREET: maybe(rng.choice(TEXTS))}
        contact = {"email": maybe(rng.choice(TEXTS)), "pho.ne": maybe(rng.choice(TEXTS)), "geo": maybe(geo)}
        return {
            "id": maybe(rng.randint(-2, 8)),
            DOTTED: maybe(rng.choice(TEXTS)),
            WEIRD: maybe(rng.choice(TEXTS)),
            "select": maybe(rng.randint(-2, 8)),
            "amount": maybe(rng.choice([Decimal("0.50"), Decimal("1.00"), Decimal("-2.25"), Decimal("7.10")])),
            "score": floating(),
            "active": maybe(rng.random() < 0.5),
            "born": maybe(dt.date(1990, 1, rng.randint(1, 28))),
            "contact": maybe(contact),
            "list": maybe([maybe(rng.choice(TEXTS)) for _ in range(rng.randint(0, 3))]),
            "pairs": maybe({rng.choice("xyz"): rng.randint(0, 3)}),
        }

    return [row() for _ in range(count)]


def filter_tree(rng: random.Random, depth: int = 3) -> Any:
    kind = rng.random()
    if depth and kind < 0.35:
        return (rng.choice(["and", "or"]), *(filter_tree(rng, depth - 1) for _ in range(rng.randint(2, 3))))
    if depth and kind < 0.5:
        return ("not", filter_tree(rng, depth - 1))
    fitting = [leaf for leaf, family in LEAVES.items() if family not in (DEEP, OTHER)]
    column = rng.choice(fitting)
    family = LEAVES[column]
    if rng.random() < 0.01:  # does not fit
        column, family = rng.choice([*LEAVES, ("nowhere",), ("contact",)]), rng.choice([TEXT, EXACT, BOOL])
    op = rng.choice(["=", "<>", "<", "<=", ">", ">=", "in", "between", "null", "like"])
    if op == "null":
        return (op, column)
    if op == "like":
        if family != TEXT:
            return ("null", column)
        return (
            op,
            column,
            rng.choice(["a%", "%", "_", "%'%", "", "A", "%a_", '%"%', "_ ß%", "%smile", "%\U0001f600%", "%..."]),
        )

    def constant() -> Any:
        if family == BOOL:
            return rng.random() < 0.5
        return rng.choice([text for text in TEXTS if "\n" not in text] if family == TEXT else NUMBERS)

    count = {"in": rng.randint(1, 4), "between": 2}.get(op, 1)
    return (op, column, *(constant() for _ in range(count)))


def filter_text(tree: Any, rng: random.Random) -> str:
    """As somebody may write it: brackets only where they are needed, or more of them, and the short forms of NOT."""
    op = tree[0]
    if op == "not":
        inner = tree[1]
        short = {"null": "IS NOT NULL", "in": "NOT IN", "like": "NOT LIKE", "between": "NOT BETWEEN"}.get(inner[0])
        if short and rng.random() < 0.5:
            return _simple(inner, short)
        return f"{rng.choice(['NOT', 'not'])} ({filter_text(inner, rng)})"
    if op in ("and", "or"):
        parts = []
        for one in tree[1:]:
            text = filter_text(one, rng)
            needed = one[0] == "or" or (one[0] == op and op == "and")
            parts.append(f"({text})" if needed or rng.random() < 0.3 else text)
        return f" {rng.choice([op, op.upper()])} ".join(parts)
    words = {"null": "IS NULL", "in": "IN", "like": "LIKE", "between": "BETWEEN", "<>": rng.choice(["<>", "!="])}
    return _simple(tree, words.get(op, op))


def _simple(tree: Any, word: str) -> str:
    constants = [_sql(one) for one in tree[2:]]
    if tree[0] == "in":
        return f"{quote(tree[1])} {word} ({', '.join(constants)})"
    return f"{quote(tree[1])} {word} {' AND '.join(constants)}".rstrip()


def _sql(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).upper() if isinstance(value, bool) else str(value)


def paths(rng: random.Random, most: int) -> list[str]:
    known = [*LEAVES, ("contact",), ("contact", "geo")]
    chosen = rng.sample(known, rng.randint(1, most))
    if rng.random() < 0.03:
        chosen.append(("nowhere",))
    return [quote(path) for path in chosen]


def mask(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(["partial", "hash", "redact", "nullify"])
    return (
        {"mask": kind, "keep_first": rng.randint(0, 2), "keep_last": rng.randint(0, 2)}
        if kind == "partial"
        else {"mask": kind}
    )


def rule(rng: random.Random, number: int, table: Table) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": f"r{number}",
        "principals": rng.sample(["ann", "bob", "crew"], rng.randint(1, 3)),
        "allow": ["select"],
    }
    place = rng.random()
    if place < 0.3:
        made["tagged"] = {"level": rng.sample(["low", "mid", "high"], rng.randint(1, 2))}
        if rng.random() < 0.3:
            made["tagged"]["area"] = ["eu"]
    else:
        here = quote((table.database, table.name))
        made["tables"] = [rng.choice([here, here, here, "*.*", "other.people", '"*"."*"'])]
    choice = rng.random()
    if choice < 0.7:
        made["columns"] = {"include" if choice < 0.4 else "exclude": paths(rng, 8 if choice < 0.4 else 4)}
    if rng.random() < 0.75:
        tree = filter_tree(rng)
        text = filter_text(tree, rng)
        if len(text) < 2_000:
            made |= {"filter": text, "tree": tree}
    if rng.random() < 0.6:
        made["masks"] = {path: mask(rng) for path in paths(rng, 4)}
    if rng.random() < 0.15:
        made["missing"] = "allow"
    if rng.random() < 0.15:
        made["expires"] = NOW + dt.timedelta(seconds=rng.choice([-1, 0, 1, 3600]))
    if rng.random() < 0.15:
        made["purpose"] = rng.choice(["billing", "research"])
    return made


def policy(rng: random.Random, table: Table) -> dict[str, Any]:
    here = quote((table.database, table.name))
    carried: list[dict[str, Any]] = []
    if rng.random() < 0.8:
        carried.append({"value": rng.choice(["low", "mid"]), "databases": [quote((table.database,))]})
    for _ in range(rng.randint(0, 2)):
        carried.append(
            {"value": rng.choice(["low", "mid", "high"]), "tables": [rng.choice([here, "*.*", "other.people"])]}
        )
    for _ in range(rng.randint(0, 3)):
        carried.append({"value": rng.choice(["low", "mid", "high"]), "tables": [here], "columns": paths(rng, 3)})
    level: dict[str, Any] = {"values": ["low", "mid", "high"], "carried": carried}
    if rng.random() < 0.5:
        level["classified"] = {"EMAIL_ADDRESS": "high", "PERSON": "mid"}
    area = {"values": ["eu", "us"], "carried": [{"value": rng.choice(["eu", "us"]), "tables": [here]}]}
    rules = [rule(rng, number, table) for number in range(rng.choice([0, 2, 3, 3, 4, 5, 6]))]
    account = "arn:aws:iam::123456789012:role/"
    return {
        "kind": "access",
        "name": "p",
        "principals": {name: {"id": account + name} for name in ("ann", "bob", "crew")},
        "tags": {"level": level, "area": area},
        "rules": rules,
    }
