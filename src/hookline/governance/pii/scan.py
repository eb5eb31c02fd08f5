"""A dataset is scanned: a sample is drawn in Spark, Presidio is asked on the executors, and what comes back are counts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hookline.core.errors import DetectionError, HooklineError
from hookline.governance.pii.analyzer import Analyzer, Recipe
from hookline.governance.pii.evidence import Evidence, Found, gather
from hookline.governance.pii.leaves import leaves_of, values_of
from hookline.governance.pii.verdict import Candidate, Classification, judge

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from hookline.governance.pii.settings import DetectionSettings

_RESULT = "place int, path string, evidence string"
# Of the fields in a column's JSON, those that are told.
_PATHS = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}\d?")


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
    """
    own = recipe or Analyzer(Recipe(settings)).recipe
    leaves = leaves_of(frame)
    rows = frame.count()
    if not leaves or not rows:
        return Scan(rows, 0, tuple(ScannedColumn(leaf.path, leaf.type, 0, 0) for leaf in leaves), ())
    fraction = min(1.0, settings.rows / rows)
    drawn = frame if fraction == 1.0 else frame.sample(fraction=fraction, seed=20_251)
    values = values_of(drawn, leaves, most=settings.values, longest=settings.longest)
    parallel = max(1, min(len(leaves), frame.sparkSession.sparkContext.defaultParallelism))
    gathered = (
        values.repartition(parallel, "place")
        .sortWithinPartitions("place")
        .mapInArrow(_gatherer(own), _RESULT)
        .collect()
    )
    candidates, looked = [], []
    by_place: dict[int, list[tuple[str, Evidence]]] = {}
    for place, path, evidence in gathered:
        by_place.setdefault(place, []).append((path, _evidence(evidence)))
    for place, leaf in enumerate(leaves):
        for path, evidence in sorted(by_place.get(place, [("", Evidence())]), key=lambda one: one[0]):
            name = f"{leaf.path}.${path}" if path else leaf.path
            looked.append(ScannedColumn(name, "string" if path else leaf.type, evidence.values, evidence.rows))
            candidates.append(Candidate(name, "string" if path else leaf.type, evidence))
    contexts = {one.entity: one.context for one in settings.recognizers}
    found = tuple(judge(candidates, least=settings.least, contexts=contexts))
    return Scan(rows, min(rows, settings.rows), tuple(looked), found)


def _gatherer(recipe: Recipe) -> Any:
    """What runs on the executors: batches of (place, value, rows), sorted by place, become evidence."""

    def gather_all(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            analyzer = analyzer_for(recipe)
            for place, values, counts in _by_place(batches):
                gathered = _evidence_of(analyzer, values, counts)
                rows = [(place, path, json.dumps(_plain(one))) for path, one in gathered]
                columns = [
                    pa.array(column, type) for column, type in zip(zip(*rows, strict=True), _types(), strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, ["place", "path", "evidence"])
        except HooklineError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
            # Its text may quote a value, and Spark would log it.
            raise DetectionError(f"a column could not be looked at on an executor: {type(error).__name__}") from None

    return gather_all


def _types() -> list[Any]:
    import pyarrow as pa

    return [pa.int32(), pa.string(), pa.string()]


@cache
def analyzer_for(recipe: Recipe) -> Analyzer:
    """One for each process and recipe: making it takes seconds."""
    return Analyzer(recipe)


def _by_place(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, list[str], list[int]]]:
    current, values, counts = None, list[str](), list[int]()
    for batch in batches:
        for place, value, rows in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if place != current and current is not None:
                yield current, values, counts
                values, counts = [], []
            current = place
            values.append(value)
            counts.append(rows)
    if current is not None:
        yield current, values, counts


def _evidence_of(analyzer: Analyzer, values: list[str], counts: list[int]) -> Iterator[tuple[str, Evidence]]:
    """Of a column, by path within its JSON; an empty path is the column itself."""
    inside = _in_json(values, counts)
    if inside is None:
        yield "", gather(analyzer, values, counts)
        return
    for path, held in inside.items():
        yield path, gather(analyzer, list(held), held.values())


def _in_json(values: list[str], counts: list[int]) -> dict[str, Counter[str]] | None:
    """The values in texts that are JSON objects or lists, by path; None where most texts are not."""
    found: dict[str, Counter[str]] = {}
    read = 0
    for value, count in zip(values, counts, strict=True):
        if value.lstrip()[:1] not in ("{", "["):
            continue
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            continue
        read += 1
        for path, leaf in _json_leaves("", document):
            known = path if path in found or len(found) < _PATHS else ".*"
            found.setdefault(known, Counter())[leaf] += count
    return found if read > 0.8 * len(values) and found else None


def _json_leaves(path: str, document: Any) -> Iterator[tuple[str, str]]:
    if isinstance(document, dict):
        for name, value in document.items():
            # What is no name may be somebody's address that a value is kept under.
            yield from _json_leaves(f"{path}.{name if _NAME.fullmatch(name) else '*'}", value)
    elif isinstance(document, list):
        for value in document[:100]:
            yield from _json_leaves(path, value)
    elif document is not None and not isinstance(document, bool):
        yield path or ".", str(document)


def _plain(evidence: Evidence) -> dict[str, Any]:
    found = {entity: asdict(own) for entity, own in evidence.found.items()}
    return {**vars(evidence), "found": found, "shapes": dict(evidence.shapes)}


def _evidence(text: str) -> Evidence:
    document = json.loads(text)
    found = {entity: Found(**own) for entity, own in document["found"].items()}
    return Evidence(document["values"], document["rows"], found, Counter(document["shapes"]), document["spread"])
