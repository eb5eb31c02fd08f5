"""What runs on the executors: batches of rows become what their values tell, and no value leaves the process.

Each task looks at what is in its own rows. So no value is shuffled, which Spark would do by files in its local directories.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline.core.errors import DetectionError, HooklineError
from hookline.governance.pii.analyzer import Analyzer, Recipe
from hookline.governance.pii.evidence import Look, Part, looks, whole_number
from hookline.governance.pii.smallest import Smallest, digest_of

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "place int, path string, look string, digests array<bigint>, counts array<bigint>, numbers array<string>"
# Of the fields in a column's JSON, those that are told.
_PATHS = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}\d?")


class Task(NamedTuple):
    """What a task is to do.

    Attributes:
        recipe: of the analyzer.
        most: how many distinct values of a column are looked at.
        shift: a secret number that is added to numbers, so that only their distances are told.
    """

    recipe: Recipe
    most: int
    shift: int

    def run(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches with a column of lists of texts for each place become batches of ``SCHEMA``.

        Raises:
            DetectionError: it went wrong; the error's text is not in it, which may quote a value.
        """
        import pyarrow as pa

        try:
            analyzer = analyzer_for(self.recipe)
            for place, counts in enumerate(self._drawn(batches)):
                rows = [(place, path, *told) for path, told in self.told(analyzer, counts)]
                if rows:
                    columns = zip(*rows, strict=True)
                    arrays = [pa.array(column, type) for column, type in zip(columns, _types(), strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, [part.split()[0] for part in SCHEMA.split(", ")])
        except HooklineError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
            # Its text may quote a value, and Spark would log it.
            raise DetectionError(f"a column could not be looked at on an executor: {type(error).__name__}") from None

    def _drawn(self, batches: Iterator[pa.RecordBatch]) -> list[dict[str, int]]:
        drawn: list[Smallest] = []
        for batch in batches:
            drawn = drawn or [Smallest(self.most) for _ in batch.columns]
            for column, own in zip(batch.columns, drawn, strict=True):
                counted = column.flatten().drop_null().value_counts()
                own.add(counted.field("values").to_pylist(), counted.field("counts").to_pylist())
        for own in drawn:
            own.cut()
        return [own.counts for own in drawn]

    def told(self, analyzer: Analyzer, counts: Mapping[str, int]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """What a column's values tell, by path within its JSON; an empty path is the column itself."""
        columns: Mapping[str, Mapping[str, int]] = _in_json(counts) or {"": counts}
        for path, held in columns.items():
            alike: dict[Look, list[str]] = {}
            for value, look in zip(held, looks(analyzer, list(held)), strict=True):
                alike.setdefault(look, []).append(value)
            for look, values in alike.items():
                yield (
                    path,
                    (
                        json.dumps(look),
                        [digest_of(value) for value in values],
                        [held[value] for value in values],
                        self._numbers(values),
                    ),
                )

    def _numbers(self, values: Iterable[str]) -> list[str | None]:
        numbers = map(whole_number, values)
        return [None if number is None else str(number + self.shift) for number in numbers]


def read_look(text: str) -> Look:
    """As a task told it."""
    shapes, parts = json.loads(text)
    return Look(tuple(shapes), tuple(Part(*part) for part in parts))


@cache
def analyzer_for(recipe: Recipe) -> Analyzer:
    """One for each process and recipe: making it takes seconds."""
    return Analyzer(recipe)


def _types() -> list[Any]:
    import pyarrow as pa

    return [pa.int32(), pa.string(), pa.string(), pa.list_(pa.int64()), pa.list_(pa.int64()), pa.list_(pa.string())]


def _in_json(counts: Mapping[str, int]) -> dict[str, Counter[str]] | None:
    """The values in texts that are JSON objects or lists, by path; None where most texts are not."""
    found: dict[str, Counter[str]] = {}
    read = 0
    for value, count in counts.items():
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
    return {f"${path}": held for path, held in found.items()} if read > 0.8 * len(counts) and found else None


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
