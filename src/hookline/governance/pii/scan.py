"""A dataset is scanned: a sample is drawn in Spark, Presidio is asked on the executors, and what comes back are counts."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hookline.governance.pii.analyzer import Analyzer, Recipe
from hookline.governance.pii.evidence import Evidence
from hookline.governance.pii.leaves import leaves_of, texts_of
from hookline.governance.pii.looking import SCHEMA, Task, read_look
from hookline.governance.pii.verdict import Candidate, Classification, judge

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.governance.pii.settings import DetectionSettings

# By digest of a value: what it tells, how many rows have it, the shifted number that it is.
_Gathered = dict[int, tuple[str, int, str | None]]


@dataclass(frozen=True)
class ScannedColumn:
    """A column that was looked at: its path, type, and how many distinct values and rows of the sample that was."""

    name: str
    type: str
    values: int
    rows: int


@dataclass(frozen=True)
class Scan:
    """What a scan gave; no value of a row is in it.

    Attributes:
        rows: of the dataset.
        sampled: how many of them were drawn.
        columns: that were looked at.
        found: verdicts, in the order of the columns.
    """

    rows: int
    sampled: int
    columns: tuple[ScannedColumn, ...]
    found: tuple[Classification, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "rows": self.rows,
            "sampled": self.sampled,
            "columns": [asdict(column) for column in self.columns],
            "found": [{**asdict(one), "reasons": list(one.reasons)} for one in self.found],
        }


def scan(frame: DataFrame, settings: DetectionSettings, recipe: Recipe | None = None) -> Scan:
    """Look for personal data in a frame.

    Args:
        recipe: of an analyzer made before with the same settings, which saves compiling.

    Raises:
        ConfigError: settings that Presidio does not know.
        MissingExtraError: what it needs is not installed.
        DetectionError: the rows could not be looked at.
    """
    own = recipe or Analyzer(Recipe(settings)).recipe
    leaves = leaves_of(frame)
    rows = frame.count()
    if not leaves or not rows:
        return Scan(rows, 0, tuple(ScannedColumn(leaf.path, leaf.type, 0, 0) for leaf in leaves), ())
    fraction = min(1.0, settings.rows / rows)
    drawn = frame if fraction == 1.0 else frame.sample(fraction=fraction, seed=20_251)
    told = _told(texts_of(drawn, leaves, longest=settings.longest), Task(own, settings.values, secrets.randbits(128)))
    candidates, looked = [], []
    for place, leaf in enumerate(leaves):
        for path, evidence in sorted(told.get(place, {"": Evidence()}).items()):
            name, type = (f"{leaf.path}.{path}", "string") if path else (leaf.path, leaf.type)
            looked.append(ScannedColumn(name, type, evidence.values, evidence.rows))
            candidates.append(Candidate(name, type, evidence))
    contexts = {one.entity: one.context for one in settings.recognizers}
    found = tuple(judge(candidates, least=settings.least, contexts=contexts))
    return Scan(rows, min(rows, settings.rows), tuple(looked), found)


def _told(texts: DataFrame, task: Task) -> dict[int, dict[str, Evidence]]:
    """What tasks told, added up: by place of the leaf and path within its JSON."""
    # Each task looks at values that others look at too: as few of them as keep all cores busy.
    few = texts.coalesce(max(1, texts.sparkSession.sparkContext.defaultParallelism))
    gathered: dict[tuple[int, str], _Gathered] = {}
    for place, path, look, digests, counts, numbers in few.mapInArrow(task.run, SCHEMA).collect():
        own = gathered.setdefault((place, path), {})
        for digest, count, number in zip(digests, counts, numbers, strict=True):
            own[digest] = (look, count + own[digest][1] if digest in own else count, number)
    found: dict[int, dict[str, Evidence]] = {}
    for (place, path), own in gathered.items():
        # What is in a column's JSON was drawn by the whole texts.
        kept = own if path else {digest: own[digest] for digest in sorted(own)[: task.most]}
        found.setdefault(place, {})[path] = _added(kept, task.shift)
    return found


def _added(gathered: _Gathered, shift: int) -> Evidence:
    alike: dict[str, list[int]] = {}
    for look, count, _ in gathered.values():
        alike.setdefault(look, []).append(count)
    evidence = Evidence()
    # In an order that does not depend on the tasks, as sums of floats do.
    for look in sorted(alike):
        evidence.add(read_look(look), len(alike[look]), sum(alike[look]))
    evidence.spread_over(int(number) - shift for _, _, number in gathered.values() if number is not None)
    return evidence
