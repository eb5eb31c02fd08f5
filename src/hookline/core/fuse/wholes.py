"""Measures that bring equal values of all files together, as work for DuckDB: keys, quantiles, order, other datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hookline.core.events import Column, Measured
from hookline.core.fuse.binding import ELEMENT, KEYED, QUANTILES, SKETCHED, TESTS, Bound
from hookline.core.fuse.domain import EXACT, Domain, domain_of
from hookline.core.fuse.footers import Footers
from hookline.core.fuse.moments import QUANTILE, REGISTER_BITS, entropy, estimate
from hookline.core.fuse.partitions import UnreadableValueError, key_of
from hookline.core.fuse.paths import Part, top_of
from hookline.core.fuse.sql import Select, column_of, comparable, elements, identifier, key_part, value_of
from hookline.core.fuse.storage import storage_options
from hookline.core.fuse.target import Target

_MOST_BYTES = 4_000_000_000
_MOST_CELLS = 500
_MOST_PARTS = 32
_DIGITS_OF_A_BIGINT = 18

Item = dict[str, Any]


def item_of(bound: Bound, target: Target, footers: Footers, other: tuple[Target, Footers] | None) -> Item | None:
    """The work, without its id; None when Spark had better do it.

    Args:
        other: the dataset that the rows are compared with, when DuckDB can read it.
    """
    kind = bound.measure.kind
    if kind in SKETCHED:
        return _sketch(bound, target, footers)
    cells = _cells(bound, target) if kind in (*KEYED, "entropy") else [[file.path for file in target.files or ()]]
    inside = [column for column in bound.columns if top_of(column) not in target.partition_columns]
    if not cells or not inside or (len(inside) < len(bound.columns) and kind not in (*KEYED, "entropy")):
        return None
    if _bytes_of(inside, target, footers) > _MOST_BYTES:
        return None
    select = Select()
    names = target.physical_names
    tests = [] if bound.where is None else [select.condition(bound, bound.where, names)]
    rows = source_of(bound, tests)
    if bound.repeated:
        inside, tests, names = list(bound.flattened.columns), [], {}
    item: Item = {"cells": cells, "from": rows, "where": tests, "params": select.params}
    parts = [key_part(domain_of(column.type), value_of(column, names)) for column in inside]
    if kind == "duplicates":
        return item | {"kind": "duplicates", "parts": parts}
    if kind in QUANTILES:
        fractions = [str(bound.measure.fraction)]
        return item | {"fractions": fractions} | _quantile(inside[0], names, tests)
    text = _orphans(bound, parts, item, target, other) if kind == "orphans" else _TEXTS[kind](bound, parts, item)
    if text is None:
        return None
    item |= {"kind": "text", "text": text, "other": None}
    if kind == "orphans" and other is not None:
        item |= {"other": [file.path for file in other[0].files or ()], "other_storage": storage_options(other[0])}
    return item


def _sketch(bound: Bound, target: Target, footers: Footers) -> Item | None:
    """A column for the one piece of work that looks at all columns; of columns that stand in paths, each by itself."""
    inside = [column for column in bound.columns if top_of(column) not in target.partition_columns]
    if not inside:
        return _sketch_of_paths(bound.column, target, footers) if bound.measure.kind == "sketch" else None
    plain = {column.name: column for column in inside}
    item: Item = {"kind": "sketch", "cells": [[file.path for file in target.files or ()]], "from": source_of(bound)}
    if bound.repeated:
        plain = {column.name: told for column, told in zip(bound.columns, bound.flattened.columns, strict=True)}
    columns = [{**column_of(one, target.physical_names), "name": name} for name, one in plain.items()]
    parts = _parts(target) if bound.measure.by_partition else {}
    return item | {"params": {}, "columns": columns, "relations": bound.measure.kind == "relations", "parts": parts}


def _parts(target: Target) -> dict[str, list[str]]:
    """The files of each partition, by its name; none where there is one only, or more than anybody looks at."""
    parts: dict[str, list[str]] = {}
    for file in target.files or ():
        name = "/".join(f"{column}={value}" for column, value in file.partition.items())
        parts.setdefault(name, []).append(file.path)
    return parts if 1 < len(parts) <= _MOST_PARTS else {}


def _sketch_of_paths(column: Column, target: Target, footers: Footers) -> Item | None:
    """A partition column, as often as the files have rows; None where that is not known, or its texts need Spark."""
    cast = {"string": "VARCHAR", "int": "BIGINT", "date": "DATE"}.get(domain_of(column.type).kind)
    files = target.files or ()
    if cast is None or len(footers.rows) != len(files):
        return None
    params = {"of_path": [file.partition[column.name] for file in files], "as_often": list(footers.rows)}
    told = f"SELECT unnest($of_path::VARCHAR[])::{cast} AS v, unnest($as_often::BIGINT[]) AS n"
    rows = f"(SELECT v FROM (SELECT v, unnest(range(n)) FROM ({told})))"
    one = {**column_of(column, {column.name: "v"}), "name": column.name}
    cells = [[file.path for file in files]]
    return {
        "kind": "sketch",
        "cells": cells,
        "from": rows,
        "params": params,
        "columns": [one],
        "relations": False,
        "parts": {},
    }


def source_of(bound: Bound, tests: Sequence[str] = ()) -> str:
    """What a query selects from: the files' rows, or a row for each element where the measure is about elements."""
    if not bound.repeated or bound.measure.kind in TESTS or not isinstance(bound.column, Part):
        return "hookline_rows"
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    return f"(SELECT unnest({elements(bound.column)}) AS {identifier(ELEMENT)} FROM hookline_rows{where})"


def _cells(bound: Bound, target: Target) -> list[list[str]]:
    """Files in groups whose rows can't be equal; none where that can't be told, or there are too many."""
    outside = [(c.name, domain_of(c.type)) for c in bound.columns if c.name in target.partition_columns]
    cells: dict[Any, list[str]] = {}
    try:
        for file in target.files or ():
            value = key_of(file, outside)
            if value is not None:
                cells.setdefault(value, []).append(file.path)
    except UnreadableValueError:
        return []
    return list(cells.values()) if len(cells) <= _MOST_CELLS else []


def _bytes_of(columns: Sequence[Column], target: Target, footers: Footers) -> int:
    every = sum(file.size_bytes for file in target.files or ())
    names = (target.physical_names.get(top_of(column), top_of(column)) for column in columns)
    return sum(footers.column_bytes.get(name, every) for name in names)


def _keys(parts: Sequence[str], item: Item, more: Sequence[str] = ()) -> str:
    """The rows that are evaluated, their values as k0, k1 …"""
    values = ", ".join(f"{part} AS k{i}" for i, part in enumerate(parts))
    tests = [f"{part} IS NOT NULL" for part in parts] + [*item["where"], *more]
    return f"SELECT {values} FROM {item['from']} WHERE {' AND '.join(tests)}"


def _distinct(bound: Bound, parts: Sequence[str], item: Item) -> str:
    return f"SELECT count(*) FROM (SELECT DISTINCT * FROM ({_keys(parts, item)}))"


def _about_distinct(bound: Bound, parts: Sequence[str], item: Item) -> str:
    """HyperLogLog with 2^14 registers: DuckDB's own has 64, and is off by a tenth and more."""
    rest = f"(hash(k0) >> {REGISTER_BITS})::BIGINT"
    first_bit = f"bit_count(xor({rest}, {rest} - 1))"
    register = f"hash(k0) & {2**REGISTER_BITS - 1}"
    registers = f"SELECT {register}, max({first_bit}) AS bit FROM ({_keys(parts, item)}) GROUP BY 1"
    return f"SELECT coalesce(sum(pow(2, -bit)), 0)::DOUBLE, count(*) FROM ({registers})"


def _entropy(bound: Bound, parts: Sequence[str], item: Item) -> str:
    counted = f"SELECT count(*) AS n FROM ({_keys(parts, item)}) GROUP BY k0"
    return f"SELECT coalesce(sum(n), 0)::BIGINT, coalesce(sum(n * log2(n)), 0)::DOUBLE FROM ({counted})"


def _unordered(bound: Bound, parts: Sequence[str], item: Item) -> str:
    order = bound.measure.order or "increasing"
    within = ", ".join(f"k{i}" for i in range(2, len(parts)))
    together = f"PARTITION BY nan{', ' + within if within else ''}"
    is_nan = "isnan(k0)" if domain_of(bound.column.type).floating else "false"
    keys = f"SELECT *, {is_nan} AS nan FROM ({_keys(parts, item)})"
    pick = "max" if order.endswith("increasing") else "min"
    frame = "GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING"
    compared = f"SELECT k0, nan, {pick}(k0) OVER ({together} ORDER BY k1 {frame}) AS before FROM ({keys})"
    sign = {"increasing": "<", "decreasing": ">", "strictly increasing": "<=", "strictly decreasing": ">="}[order]
    return f"SELECT count(*) FILTER (nan OR k0 {sign} before) FROM ({compared})"


_TEXTS = {"distinct": _distinct, "about_distinct": _about_distinct, "entropy": _entropy, "unordered": _unordered}


def read_whole(bound: Bound, values: Sequence[Any]) -> Measured:
    """The value of a measure from those of its work."""
    kind, domain = bound.measure.kind, bound.domain
    if kind == "entropy":
        return Measured(entropy(values[0], values[1]), "vectorised")
    if kind == "about_distinct":
        return Measured(estimate(values[0], values[1]), "vectorised")
    if kind not in QUANTILES:
        return Measured(int(values[0]), "vectorised")
    count, low, high = values
    if count and domain.kind == "decimal":
        places = domain.scale if domain.precision <= _DIGITS_OF_A_BIGINT else 0
        low, high = (Decimal(value).scaleb(-places, EXACT) for value in (low, high))
    fraction = bound.measure.fraction or Decimal(0)
    return Measured(QUANTILE[kind](domain, fraction, count, low, high), "vectorised")


def _orphans(
    bound: Bound, parts: Sequence[str], item: Item, target: Target, other: tuple[Target, Footers] | None
) -> str | None:
    if other is not None:
        theirs, footers = other
        partitioned = any(top_of(column) in theirs.partition_columns for column in bound.partners)
        if partitioned or _bytes_of(bound.partners, theirs, footers) > _MOST_BYTES:
            return None
        known = _known(bound.partners, theirs.physical_names, "hookline_other")
    elif bound.measure.others[0].dataset or any(top_of(c) in target.partition_columns for c in bound.partners):
        return None
    else:
        known = _known(bound.partners, {}, "hookline_rows")
    same = " AND ".join(f"mine.k{i} = known.k{i}" for i in range(len(parts)))
    return f"SELECT count(*) FROM ({_keys(parts, item)}) AS mine ANTI JOIN ({known}) AS known ON {same}"


def _known(columns: Sequence[Column], names: Mapping[str, str], table: str) -> str:
    parts = [key_part(domain_of(column.type), value_of(column, names)) for column in columns]
    return f"SELECT DISTINCT * FROM ({_keys(parts, {'from': table, 'where': []})})"


def _quantile(column: Column, names: Mapping[str, str], tests: Sequence[str]) -> Item:
    domain = domain_of(column.type)
    plain = value_of(column, names)
    value, where = _number(domain, plain), [f"{plain} IS NOT NULL", *tests]
    if domain.floating:
        where.append(f"NOT isnan({plain})")
    small = domain.kind != "decimal" or domain.precision <= _DIGITS_OF_A_BIGINT
    return {"kind": "quantiles", "value": value, "where": " AND ".join(where), "small": small}


def _number(domain: Domain, column: str) -> str:
    if domain.kind == "date":
        return f"({column} - DATE '1970-01-01')::BIGINT"
    if domain.kind == "decimal" and domain.precision <= _DIGITS_OF_A_BIGINT:
        return _digits(column, domain.precision, domain.scale)
    value = comparable(domain, column)
    return f"({value} + 0)" if domain.floating else value


def _digits(column: str, precision: int, scale: int) -> str:
    """A decimal's digits as one whole number, without arithmetic in 128 bits, which takes twenty times as long."""
    ten = f"{10**scale}::DECIMAL({scale + 1},0)"
    if precision + scale < _DIGITS_OF_A_BIGINT:
        return f"({column} * {ten})::BIGINT"
    if 2 * scale < _DIGITS_OF_A_BIGINT:
        fraction = f"(({column} % 1)::DECIMAL({_DIGITS_OF_A_BIGINT},{scale}) * {ten})::BIGINT"
        return f"(trunc({column})::BIGINT * {10**scale} + {fraction})"
    return f"({column}::DECIMAL(38,{scale}) * {10**scale})::BIGINT"
