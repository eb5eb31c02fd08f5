"""What the values of columns look like, in sketches that merge: the part of a measurement that needs ``datasketches``.

Run by ``task``, and shipped by value as that is: executors need duckdb, numpy and datasketches, and not hookline. The values
that it finds stay in the answer, which does not leave the process; whoever keeps them takes out what may not be kept.

A column's state is JSON-ready. ``rows``, ``nulls``; of floats ``nan`` and ``infinite``; of numbers ``zeros``, ``negatives``
and the moments ``finite``, ``mean``, ``squares`` (of the differences from the mean); of texts ``empty``, ``blank``,
``shortest``, ``longest``; ``least``, ``greatest``; the ``registers`` of a HyperLogLog; ``counts`` of values, of all of them when
``complete``; its numbers (of a text its length, of a time the days or microseconds since 1970) as ``numbers`` with their counts
when complete, else as ``kll``; ``shapes``, counted among ``shaped`` values, and how many of these are written in each of
``formats``. What is binary is in base64.
"""

from __future__ import annotations

import base64
import importlib
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple

from hookline.core.fuse.array_task import Arrays
from hookline.core.fuse.count_task import of_counts, registers_of
from hookline.core.fuse.relation_task import NOTHING_RELATED, relations, without
from hookline.core.fuse.shape_task import shapes_of

REGISTER_BITS = 12
KLL_K = 200
SAMPLE_ROWS = 20_000
# Up to here all values are counted, one by one.
FEW = 1_000
_LONGEST_TEXT = 200
_CANDIDATES = 50
_CANDIDATE_SHARE = 0.005
_AT_ONCE = 131_072  # as many as a processor keeps at hand
_MOST_DIGITS_OF_A_DOUBLE = 15
_NUMBERS = ("int", "decimal", "float", "double")
_TIMES = ("date", "timestamp", "timestamp_ntz")
_SAMPLE = "hookline_sample"

State = dict[str, Any]


def sketch(connection: Any, item: dict[str, Any], reading: str, params: dict[str, Any], threads: int) -> list[State]:
    """The state of each column of an item, and after them how columns hang together, where ``relations`` is asked.

    Args:
        item: ``columns``, each ``{name, kind, digits, scale, value (an expression), key (with one NaN and one zero)}``;
            ``from``.
        reading: the beginning of every query, with ``params``.
    """
    columns, params = item["columns"], params | item["params"]
    table = f"{reading} SELECT {{}} FROM {item['from']}"
    simple = [at for at, one in enumerate(columns) if one["kind"] != "other"]
    # How many values the others have is told by what looks at all of them.
    counts = ", ".join(["count(*)", *(f"count({one['value']})" for one in columns if one["kind"] == "other")])
    rows, *values = connection.execute(table.format(counts), params).fetchone()
    others = iter(values)
    states = [
        {"kind": one["kind"], "rows": rows, "nulls": rows - next(others) if one["kind"] == "other" else 0}
        for one in columns
    ]
    related = NOTHING_RELATED
    if simple and rows:
        _import_all()
        drawn = _draw(connection, columns, simple, table, params, rows)
        with ThreadPoolExecutor(max(1, threads)) as pool:
            known = [(columns[at]["name"], columns[at]["kind"], at, drawn[at].whole) for at in simple]
            relating = pool.submit(relations, connection.cursor(), _SAMPLE, known) if item["relations"] else None
            work = [
                pool.submit(
                    _looked_at, connection.cursor(), columns[at], at, table, params, states[at], drawn[at].different
                )
                for at in simple
            ]
            for at, one in zip(simple, work, strict=True):
                states[at] = one.result()
            if relating is not None:
                found = {columns[at]["name"]: states[at] for at in simple}
                related = without(
                    relating.result(),
                    failed={name for name, state in found.items() if "error" in state},
                    gaps={name for name, state in found.items() if state.get("nulls")},
                )
    return [*states, related] if item["relations"] else states


def _import_all() -> None:
    """Before there are threads: a package that several of them import at once may be seen half made by one."""
    for name in ("numpy", "pyarrow", "datasketches"):
        with suppress(ImportError):  # who needs it says so
            importlib.import_module(name)


class _Drawn(NamedTuple):
    """What the sample says of a column: how many values differ, and whether there is one in each row."""

    different: int
    whole: bool


def _draw(
    connection: Any, columns: Sequence[State], simple: Sequence[int], table: str, params: dict[str, Any], rows: int
) -> dict[int, _Drawn]:
    """Draw the sample."""
    selected = ", ".join(f"{_sampled(columns[at])} AS c{at}" for at in simple)
    drawn = table.format(selected)
    if rows > SAMPLE_ROWS:
        drawn = f"SELECT * FROM ({drawn}) USING SAMPLE reservoir({SAMPLE_ROWS} ROWS) REPEATABLE (7)"
    connection.execute(f"CREATE OR REPLACE TABLE {_SAMPLE} AS {drawn}", params)
    told = ", ".join(f"count(DISTINCT c{at}), count(c{at}) = count(*)" for at in simple)
    found = connection.execute(f"SELECT {told} FROM {_SAMPLE}").fetchone()
    return {at: _Drawn(*found[2 * place : 2 * place + 2]) for place, at in enumerate(simple)}


def _sampled(column: State) -> str:
    return f"left({column['value']}, {_LONGEST_TEXT})" if column["kind"] == "string" else str(column["value"])


def _number(column: State) -> str:
    """The column as a number: times as days or microseconds, texts as lengths."""
    kind, value = column["kind"], column["value"]
    if kind == "date":
        return f"({value} - DATE '1970-01-01')"
    if kind in _TIMES:
        return f"epoch_us({value})"
    if kind in ("decimal", "float"):
        return f"{value}::DOUBLE"
    return {"string": f"length({value})", "boolean": f"{value}::INT"}.get(kind, str(value))


def _looked_at(
    cursor: Any, column: State, at: int, table: str, params: dict[str, Any], state: State, different: int
) -> State:
    """A column's state with all that is about its values; one that fails costs only itself."""
    try:
        counted = _count_all(cursor, column, table, params) if different <= FEW else None
        if counted is not None:
            state["nulls"] = state["rows"] - sum(n for _, _, _, n in counted)
            state |= of_counts(column["kind"], counted)
            state["registers"] = packed(registers_of([digest for _, digest, _, _ in counted], REGISTER_BITS))
        else:
            values, found = _fetch_all(cursor, column, table, params)
            state |= {"nulls": state["rows"] - values} | found
            state |= _frequent(cursor, column, at, table, params)
        if column["kind"] == "string":
            texts = state["counts"] if state["complete"] else cursor.execute(_sampled_texts(at)).fetchall()
            state |= shapes_of(texts)
        return state
    except Exception as error:  # noqa: BLE001 - named in the state
        return {"kind": column["kind"], "error": type(error).__name__}


def _told(column: State) -> str:
    """A value as a text that stands for it alone."""
    kind, value = column["kind"], column["key"]
    if kind != "string":
        return f"CAST({value} AS VARCHAR)"
    short = f"left({value}, {_LONGEST_TEXT - 40}) || '#' || md5({value})"
    return f"CASE WHEN length({value}) <= {_LONGEST_TEXT} THEN {value} ELSE {short} END"


def _count_all(cursor: Any, column: State, table: str, params: dict[str, Any]) -> list[Any] | None:
    """Every value with how often it occurs; None when there are too many after all."""
    key, names = column["key"], {**column, "value": "k", "key": "k"}
    grouped = table.format(f"{key} AS k, count(*) AS n") + f" WHERE {column['value']} IS NOT NULL GROUP BY 1"
    told = f"SELECT {_told(names)} AS v, hash(k), {_number(names)}, n FROM ({grouped} LIMIT {2 * FEW + 1})"
    found = cursor.execute(f"{told} ORDER BY n DESC, v", params).fetchall()
    return None if len(found) > 2 * FEW else list(found)


def _fetch_all(cursor: Any, column: State, table: str, params: dict[str, Any]) -> tuple[int, State]:
    """How many values there are; moments, extremes and sketches of all of them."""
    kind, value = column["kind"], column["value"]
    arrays = Arrays(REGISTER_BITS, KLL_K)
    query = table.format(f"{_number(column)} AS v, hash({column['key']}) AS h") + f" WHERE {value} IS NOT NULL"
    for numbers, hashes in _fetched(cursor, query, params):
        arrays.add(numbers, hashes)
    state: State = {"registers": packed(arrays.registers), "kll": arrays.kll}
    ends = {"least": arrays.least, "greatest": arrays.greatest}
    if kind in _NUMBERS:
        state |= {name: arrays.counts[name] for name in ("zeros", "negatives")} | arrays.moments
    if kind in ("float", "double"):
        state |= {name: arrays.counts[name] for name in ("nan", "infinite")}
    if kind == "decimal" and column["digits"] <= _MOST_DIGITS_OF_A_DOUBLE:
        return arrays.seen, state | {name: f"{Decimal(repr(end)):.{column['scale']}f}" for name, end in ends.items()}
    if kind == "decimal":
        selected = table.format(f"CAST(min({value}) AS VARCHAR), CAST(max({value}) AS VARCHAR)")
        return arrays.seen, state | dict(zip(ends, cursor.execute(selected, params).fetchone(), strict=True))
    if kind != "string":
        return arrays.seen, state | ends
    least, greatest = (f"{pick}(left({value}, {_LONGEST_TEXT}))" for pick in ("min", "max"))
    # Nearly all texts begin with a greater sign, and are not looked at any further.
    blank = f"count_if({value} <> '' AND {value} < '!' AND regexp_full_match({value}, '[ \\t\\n\\x0B\\f\\r]+'))"
    names = ("least", "greatest", "blank")
    state |= dict(
        zip(names, cursor.execute(table.format(f"{least}, {greatest}, {blank}"), params).fetchone(), strict=True)
    )
    return arrays.seen, state | {"empty": arrays.counts["zeros"], "shortest": arrays.least, "longest": arrays.greatest}


def _frequent(cursor: Any, column: State, at: int, table: str, params: dict[str, Any]) -> State:
    """How often those values occur, exactly, that are frequent in the sample."""
    often = f"SELECT c{at} FROM {_SAMPLE} WHERE c{at} IS NOT NULL GROUP BY 1 HAVING count(*) >= {_CANDIDATE_SHARE} * "
    often += f"(SELECT count(*) FROM {_SAMPLE}) AND count(*) > 3 ORDER BY count(*) DESC LIMIT {_CANDIDATES}"
    found: list[Any] = []
    if cursor.execute(f"SELECT count(*) FROM ({often})").fetchone()[0]:
        counted = table.format(f"{_told(column)} AS v, count(*) AS n") + f" WHERE {_sampled(column)} IN ({often})"
        found = cursor.execute(f"{counted} GROUP BY 1 ORDER BY n DESC, v LIMIT {FEW}", params).fetchall()
    return {"counts": [list(row) for row in found], "complete": False}


def _fetched(cursor: Any, query: str, params: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Numbers and hashes in pieces that fit into memory."""
    import numpy as np

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        found = cursor.execute(query, params).fetchnumpy()
        yield np.asarray(found["v"]), np.asarray(found["h"])
        return
    for batch in cursor.execute(query, params).to_arrow_reader(_AT_ONCE):
        yield tuple(batch.column(place).to_numpy(zero_copy_only=False) for place in (0, 1))


def _sampled_texts(at: int) -> str:
    return f"SELECT c{at}, count(*) FROM {_SAMPLE} WHERE c{at} IS NOT NULL GROUP BY 1"


def packed(content: bytes) -> str:
    """Bytes as a short text."""
    return base64.b64encode(zlib.compress(content, 6)).decode()
