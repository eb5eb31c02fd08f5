"""The results of the lineage benchmark as a page to read."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

_PAGE = """# Column lineage

TPC-H's 22 queries, scale {scale}, each written to a folder. Edges against `tests/lineage/truth/tpch.yaml`, which was written by
hand from the SQL. Seconds: of each query the least of all turns of {rounds} processes a side, the sides in turn; summed
up. "By rounds" is the same of each round, beside bare of that round: the median, and from the least to the most. Measured
{at} on {cores} cores.

| side | DIRECT: precision | recall | INDIRECT: precision | recall | seconds | ÷ bare | ÷ bare by rounds | more, ms a write |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

The {cases} small cases of `tests/lineage/truth` (`cases.yaml`, `more_cases.yaml`) have every edge as well, and no other
(`tests/lineage/test_truth.py`).

{spans}Commands, one side at a time and all sides in turn, so that no run is longer than three minutes:

```bash
for side in bare hookline openlineage-spark; do
  python benchmarks/lineage/run.py --rounds 1 --turns 2 --add --sides $side --peer-jar openlineage-spark_2.13-1.53.0.jar
done
python benchmarks/lineage/run.py --rounds 0 --add --spans
python benchmarks/lineage/graph.py --from events > benchmarks/lineage/graph-events.json
python benchmarks/lineage/graph.py --from store > benchmarks/lineage/graph-store.json
```
{graph}"""
_SPANS = """One write's lineage takes {beside_median:.0f} ms of driver time beside the job (median over the queries; most
{beside_most:.0f}), and {on_path_median:.2f} ms on its way (most {on_path_most:.1f}).

"""
_GRAPH = """
## A graph of a million edges

{edges:,} edges between {columns:,} columns of {datasets:,} datasets, from a file of events and from the store. An impact is
asked for 61 columns, both ways; the largest one reaches {largest_impact:,} columns.

| from | load, s | peak memory, MB | impact, ms: median | most | its table (up to 1,000), ms: median | most |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
"""


def markdown(document: Mapping[str, Any], graphs: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """A row per side, and per source of a graph."""
    about = {key: document[key] for key in ("scale", "rounds", "at", "cores", "cases")}
    spans = _SPANS.format(**document["spans_ms"]) if document["spans_ms"] else ""
    return _PAGE.format(rows="\n".join(_rows(document)), spans=spans, graph=_graph(graphs or {}), **about)


def _rows(document: Mapping[str, Any]) -> Iterator[str]:
    bare = document["seconds"]["bare"]
    for side, seconds in document["seconds"].items():
        edges = document["edges"].get(side)
        cells = ["-"] * 4
        if edges is not None:
            cells = [f"{edges[kind][what]:.2f}" for kind in ("DIRECT", "INDIRECT") for what in ("precision", "recall")]
        total = seconds["sum_of_least"]
        shares = sorted(own / other for own, other in zip(seconds["sums"], bare["sums"], strict=False))
        spread = f"{statistics.median(shares):.3f} ({shares[0]:.3f}-{shares[-1]:.3f})"
        more_ms = 1000 * (total - bare["sum_of_least"]) / len(seconds["least"])
        share = total / bare["sum_of_least"]
        yield f"| {side} | {' | '.join(cells)} | {total:.2f} | {share:.3f} | {spread} | {more_ms:.0f} |"


def _graph(graphs: Mapping[str, Mapping[str, Any]]) -> str:
    if not graphs:
        return ""
    rows = [
        f"| {source} | {one['load_s']:.1f} | {one['peak_bytes'] / 1e6:.0f} | {max(one['up_median_ms'], one['down_median_ms'])}"
        f" | {max(one['up_max_ms'], one['down_max_ms'])} | {one['table_median_ms']} | {one['table_max_ms']} |"
        for source, one in graphs.items()
    ]
    return _GRAPH.format(rows="\n".join(rows), **next(iter(graphs.values())))
