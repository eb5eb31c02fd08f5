"""How often a column's verdict is right: precision and recall by entity, and how far confidence holds.

    python benchmarks/pii/verdicts.py                 the testing half, into RESULTS.md
    python benchmarks/pii/verdicts.py --tuning        the tuning half, printed, with the fit of the confidence

The names of people that the generator makes are, most of them, in the lists that the verdicts use. So it is measured once more with
a random half of all words of the lists taken away.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import labelled

from hookline.governance.pii import words
from hookline.governance.pii.analyzer import Analyzer, Recipe
from hookline.governance.pii.evidence import gather
from hookline.governance.pii.settings import DetectionSettings
from hookline.governance.pii.verdict import Candidate, Classification, judge

ROOT = Path(__file__).parent
LEAST = DetectionSettings().least


class Judged(NamedTuple):
    column: labelled.Labelled
    told: list[Classification]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--tables", type=int, default=96)
    parser.add_argument("--misses", action="store_true", help="print what was judged wrongly")
    options = parser.parse_args()
    locales = labelled.TUNING if options.tuning else labelled.TESTING
    seeds = options.seeds or ([1, 2] if options.tuning else [1_001, 1_002])
    analyzer = Analyzer(Recipe(DetectionSettings()))
    tables = [table for seed in seeds for table in labelled.tables(locales, seed, count=options.tables)]
    whole = list(judged(analyzer, tables))
    with halved():
        half = list(judged(analyzer, tables))
    shown = [*report("All words of the lists", whole), *report("Half of the words", half), *reliability(whole + half)]
    print("\n".join(shown))
    if options.misses:
        misses(whole)
    if options.tuning:
        fit(whole + half)
    else:
        count, rows = sum(map(len, tables)), len(tables[0][0].values)
        about = f"{len(tables)} tables, {count} columns of {rows} rows in {len(locales)} locales"
        head = [
            "# How often a column's verdict is right",
            "",
            f"{about} ({', '.join(locales)}), seeds {', '.join(map(str, seeds))}.",
            f"The weights were set on others ({', '.join(labelled.TUNING)}) with other seeds.",
            f"A verdict is right when it names the column's entity with a confidence of {LEAST} at least.",
            "By `python benchmarks/pii/verdicts.py`.",
            "",
        ]
        (ROOT / "VERDICTS.md").write_text("\n".join([*head, *shown]) + "\n", "utf-8")


def judged(analyzer: Analyzer, tables: list[list[labelled.Labelled]]) -> Iterator[Judged]:
    for table in tables:
        candidates = []
        for column in table:
            counts = Counter(value for value in column.values if value is not None)
            candidates.append(Candidate(column.name, column.type, gather(analyzer, list(counts), counts.values())))
        told = judge(candidates, least=0.05)
        for column in table:
            yield Judged(column, [one for one in told if one.column == column.name])


class halved:
    """Without a random half of the words of every list."""

    def __enter__(self) -> None:
        chance = random.Random(7)
        self.lists = words.lists()
        half = words.Lists(*(frozenset(word for word in sorted(one) if chance.random() < 0.5) for one in self.lists))
        self.cached = words.lists
        words.lists = lambda: half  # type: ignore[assignment]
        from hookline.governance.pii import shapes

        shapes.lists = words.lists

    def __exit__(self, *error: object) -> None:
        from hookline.governance.pii import shapes

        words.lists = self.cached
        shapes.lists = self.cached


def report(title: str, columns: list[Judged]) -> list[str]:
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for column, told in columns:
        got = {one.entity for one in told if one.confidence >= LEAST}
        want = {column.entity} - {None}
        right.update(got & want)
        wrong.update(got - want)
        missed.update(want - got)  # type: ignore[arg-type]
    lines = [f"## {title}", "", "| entity | columns | precision | recall |", "| --- | --- | --- | --- |"]
    for entity in sorted({*right, *wrong, *missed}):
        columns_of = right[entity] + missed[entity]
        lines.append(
            f"| {entity} | {columns_of} | {_ratio(right[entity], wrong[entity])} | {_ratio(right[entity], missed[entity])} |"
        )
    good, bad, lost = right.total(), wrong.total(), missed.total()
    others = sum(one.column.entity is None for one in columns)
    told = f"F1 {2 * good / (2 * good + bad + lost):.3f}; {bad} wrong verdicts, on {others} look-alikes among others."
    return [*lines, f"| all | {good + lost} | {_ratio(good, bad)} | {_ratio(good, lost)} |", "", told, ""]


def _ratio(good: int, other: int) -> str:
    return f"{good / (good + other):.3f}" if good + other else "none"


def reliability(columns: list[Judged]) -> list[str]:
    """Of the verdicts with a confidence within a band, how many are right."""
    lines = ["## How far confidence holds", "", "| confidence | verdicts | right |", "| --- | --- | --- |"]
    every = [(one.confidence, one.entity == column.entity) for column, told in columns for one in told]
    for low, high in ((0.05, 0.3), (0.3, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01)):
        band = [good for confidence, good in every if low <= confidence < high]
        lines.append(
            f"| {low} to {min(high, 1)} | {len(band)} | {f'{sum(band) / len(band):.2f}' if band else 'none'} |"
        )
    return [*lines, ""]


def fit(columns: list[Judged]) -> None:
    """Platt's scaling of the log-odds, by Newton's method."""
    pairs = [
        (math.log(one.confidence / (1 - min(one.confidence, 1 - 1e-6))), float(one.entity == column.entity))
        for column, told in columns
        for one in told
        if not one.within
    ]
    slope, shift = 1.0, 0.0
    for _ in range(50):
        g0 = g1 = h00 = h01 = h11 = 0.0
        for x, y in pairs:
            p = 1 / (1 + math.exp(-(slope * x + shift)))
            w = max(p * (1 - p), 1e-9)
            g0, g1 = g0 + (p - y) * x, g1 + (p - y)
            h00, h01, h11 = h00 + w * x * x, h01 + w * x, h11 + w
        det = h00 * h11 - h01 * h01
        slope, shift = slope - (h11 * g0 - h01 * g1) / det, shift - (h00 * g1 - h01 * g0) / det
    print(f"fit: slope {slope:.2f}, shift {shift:.2f}, over {len(pairs)} verdicts")


def misses(columns: list[Judged]) -> None:
    for column, told in columns:
        got = {one.entity: one.confidence for one in told if one.confidence >= LEAST}
        if set(got) != {column.entity} - {None}:
            print(
                column.kind,
                column.locale,
                column.name,
                column.values[:3],
                got,
                [(one.entity, one.confidence) for one in told],
            )


if __name__ == "__main__":
    main()
