"""How columns hang together, on a sample: correlations, keys, columns that follow from another one, times in their order.

Run by ``sketch_task``, and shipped by value as that is. What it gives are names and numbers, and no values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import Any

# Times go with numbers: what correlates with one grows as time goes by.
_NUMBERS: dict[str, str] = {
    **dict.fromkeys(("int", "decimal", "float", "double"), "{}::DOUBLE"),
    "date": "({} - DATE '1970-01-01')::DOUBLE",
    "timestamp": "epoch({})::DOUBLE",
    "timestamp_ntz": "epoch({})::DOUBLE",
}
_MOST_TIMES = 12
_MOST_CORRELATED = 60
_MOST_PAIRS = 300
_FEWEST_ROWS = 50
_A_FEW = 2_000
# A column with as many values as this share of the rows says which row it is; that others follow from it tells nothing.
_LIKE_A_KEY = 0.5
_NEARLY_A_KEY = 0.9
NOTHING_RELATED: dict[str, Any] = {"sampled": 0, "moments": [], "keys": [], "decides": [], "ordered": []}


def relations(connection: Any, sample: str, columns: Sequence[tuple[str, str, int, bool]]) -> dict[str, Any]:
    """Co-moments of pairs of numbers, minimal keys of at most two columns, and pairs of which the first decides the second.

    Args:
        columns: name, kind, place in the sample, and whether it has a value in each row there.
    """
    import numpy as np

    (rows,) = connection.execute(f"SELECT count(*) FROM {sample}").fetchone() if columns else (0,)
    found: dict[str, Any] = {**NOTHING_RELATED, "sampled": rows}
    if rows < _FEWEST_ROWS:
        return found
    numbers = [(name, at, _NUMBERS[kind].format(f"c{at}")) for name, kind, at, _ in columns if kind in _NUMBERS]
    numbers = numbers[:_MOST_CORRELATED]
    if len(numbers) > 1:
        selected = ", ".join(f"coalesce({number}, 'nan'::DOUBLE) AS c{at}" for _, at, number in numbers)
        fetched = connection.execute(f"SELECT {selected} FROM {sample}").fetchnumpy()
        matrix = np.stack([np.asarray(fetched[f"c{at}"], dtype="float64") for _, at, _ in numbers])
        found["moments"] = list(_all_moments(matrix, [name for name, _, _ in numbers]))
    coded = _codes(connection, sample, [(name, at) for name, _, at, whole in columns if whole])
    sizes = {name: int(codes.max()) + 1 for name, codes in coded.items()}
    found["keys"] = _keys(coded, sizes, rows)
    found["decides"] = _decisions(coded, sizes, rows)
    found["ordered"] = _ordered(connection, sample, columns)
    return found


def without(found: dict[str, Any], *, failed: Collection[str], gaps: Collection[str]) -> dict[str, Any]:
    """The same without what is told of columns that failed, and without keys that are null outside of the sample."""
    kept = {
        name: [one for one in found[name] if not {str(column) for column in one[:2]} & set(failed)]
        for name in ("moments", "keys", "decides", "ordered")
    }
    kept |= {name: [one for one in kept[name] if not set(one) & set(gaps)] for name in ("keys", "decides")}
    return {**found, **kept}


def _all_moments(matrix: Any, names: Sequence[str]) -> Iterator[list[Any]]:
    """Two names and what ``moments.merge_correlation`` takes, for each pair of rows; those without gaps all at once."""
    import numpy as np

    whole = np.isfinite(matrix).all(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        means = matrix.mean(axis=1)
        apart = matrix - means[:, None]
        products = np.einsum("ik,jk->ij", apart, apart, optimize=True)
    for i, j in combinations(range(len(names)), 2):
        if whole[i] and whole[j]:
            sums = (products[i, i], products[j, j], products[i, j])
            numbers = [matrix.shape[1], *map(float, (means[i], means[j], *sums)), 0]
        else:
            numbers = _moments(matrix[i], matrix[j])
        yield [names[i], names[j], *numbers]


def _moments(x: Any, y: Any) -> list[float]:
    """Of two columns with gaps: of the rows in which both have a finite number."""
    import numpy as np

    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if not len(x):
        return [0, 0.0, 0.0, 0.0, 0.0, 0.0, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        mean_x, mean_y = float(x.mean()), float(y.mean())
        apart_x, apart_y = x - mean_x, y - mean_y
        sums = (
            float((one * other).sum()) for one, other in ((apart_x, apart_x), (apart_y, apart_y), (apart_x, apart_y))
        )
        return [len(x), mean_x, mean_y, *sums, 0]


def _codes(connection: Any, sample: str, columns: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """The sample's values of columns as numbers from 0."""
    import numpy as np

    if not columns:
        return {}
    selected = ", ".join(f"hash(c{at}) AS c{at}" for _, at in columns)
    found = connection.execute(f"SELECT {selected} FROM {sample}").fetchnumpy()
    return {
        name: np.unique(np.asarray(found[f"c{at}"]), return_inverse=True)[1].astype("int64") for name, at in columns
    }


def _keys(coded: dict[str, Any], sizes: dict[str, int], rows: int) -> list[list[str]]:
    single = [name for name, size in sizes.items() if size == rows]
    # With a column that is nearly a key by itself, almost any other makes one: that tells nothing.
    rest = [name for name, size in sizes.items() if 1 < size <= rows * _NEARLY_A_KEY]
    rest.sort(key=sizes.__getitem__, reverse=True)
    pairs = [pair for pair in combinations(rest, 2) if sizes[pair[0]] * sizes[pair[1]] >= rows][:_MOST_PAIRS]
    double = [list(pair) for pair in pairs if _is_key(coded[pair[0]] * sizes[pair[1]] + coded[pair[1]])]
    return [[name] for name in single] + double


def _is_key(codes: Any) -> bool:
    """Whether no number is there twice; most that are, are so among a few already."""
    import numpy as np

    few = codes[:_A_FEW]
    return len(np.unique(few)) == len(few) and len(np.unique(codes)) == len(codes)


def _decisions(coded: dict[str, Any], sizes: dict[str, int], rows: int) -> list[list[str]]:
    """Pairs of columns: rows with one value of the first have one value of the second. Constants and keys say nothing."""
    import numpy as np

    telling = [name for name, size in sizes.items() if 1 < size <= rows * _LIKE_A_KEY]
    found = []
    for one in telling:
        first = np.empty(sizes[one], dtype="int64")
        first[coded[one][::-1]] = np.arange(rows - 1, -1, -1)
        chosen = first[coded[one]]
        found += [[one, other] for other in telling if other != one and (coded[other][chosen] == coded[other]).all()]
    return found


def _ordered(connection: Any, sample: str, columns: Sequence[tuple[str, str, int, bool]]) -> list[list[str]]:
    """Pairs of times of one kind of which the first is never after the second, and not always the same."""
    times = [(name, kind, at) for name, kind, at, _ in columns if kind in ("date", "timestamp", "timestamp_ntz")]
    pairs = [
        (one, other)
        for one in times[:_MOST_TIMES]
        for other in times[:_MOST_TIMES]
        if one != other and one[1] == other[1]
    ]
    if not pairs:
        return []
    tests = (f"bool_and(c{a} <= c{b}) AND bool_or(c{a} < c{b})" for (_, _, a), (_, _, b) in pairs)
    answers = connection.execute(f"SELECT {', '.join(tests)} FROM {sample}").fetchone()
    return [[one[0], other[0]] for (one, other), holds in zip(pairs, answers, strict=True) if holds]
