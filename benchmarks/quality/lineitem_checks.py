"""The 25 checks that all sides of the comparison take, and the heavy ones; as data, so that each side says them its own way."""

from __future__ import annotations

import datetime as dt
from typing import Any

COMPLETE = (
    "l_orderkey",
    "l_partkey",
    "l_suppkey",
    "l_linenumber",
    "l_quantity",
    "l_shipdate",
    "net_price",
    "l_comment",
)
RANGES: dict[str, tuple[Any, Any]] = {
    "l_linenumber": (1, 7),
    "l_quantity": (1, 50),
    "l_extendedprice": (1, 200_000),
    "l_discount": (0.0, 0.1),
    "l_tax": (0.0, 0.08),
    "net_price": (0, 200_000),
    "days_on_way": (1, 30),
    "l_suppkey": (1, 1_000_000_000),
    "l_shipdate": (dt.date(1992, 1, 1), dt.date(1998, 12, 31)),
}
SETS = {
    "l_returnflag": ["A", "N", "R"],
    "l_linestatus": ["F", "O"],
    "l_shipmode": ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"],
    "l_shipinstruct": ["COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN"],
}
PATTERNS = {
    "l_shipmode": "^[A-Z]+( [A-Z]+)?$",
    "l_comment": "^[A-Za-z0-9 .,:;?!'-]+$",
    "l_returnflag": "^[ANR]$",
}
FEWEST_ROWS = 1_000
KEY = ("l_orderkey", "l_linenumber")
QUANTILES = (0.25, 0.5, 0.95)


def suite(orders: str | None) -> dict[str, Any]:
    """Ours; with the place of the orders also a composite key, a reference and three quantiles."""
    checks: list[dict[str, Any]] = [{"completeness": name} for name in COMPLETE]
    checks += [{"range": {"column": name, "min": low, "max": high}} for name, (low, high) in RANGES.items()]
    checks += [{"set": {"column": name, "values": values}} for name, values in SETS.items()]
    checks += [{"pattern": {"column": name, "regex": pattern[1:-1]}} for name, pattern in PATTERNS.items()]
    checks.append({"row_count": {"min": FEWEST_ROWS}})
    if orders is not None:
        checks.append({"unique": list(KEY)})
        checks.append({"references": {"columns": "l_orderkey", "dataset": orders, "to": "o_orderkey"}})
        checks += [{"quantile": {"column": "l_extendedprice", "quantile": q, "min": 0}} for q in QUANTILES]
    return {"dataset": "*", "checks": checks}
