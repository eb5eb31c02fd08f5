"""What a walk found, as ``ColumnLineage``: origins become columns of datasets, what has none becomes a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from hookline.core.events import ColumnInput, ColumnLineage, Transformation
from hookline.lineage.columns.leaves import Leaf, SourceColumn
from hookline.lineage.columns.values import Direct, Indirect, Origin, Value

_STEPS: Sequence[Transformation] = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
_UNKNOWN = Leaf(opaque="a source is not known")
_NAMED_COLUMNS = 8


def conclude(
    columns: Iterable[tuple[str, Value]], rows: Iterable[Indirect], leaves: Sequence[Leaf], gaps: Iterable[str]
) -> ColumnLineage:
    """The lineage of a write.

    Args:
        columns: the written columns and what they are made from.
        rows: what decides on rows.
        leaves: by number, as origins name them.
        gaps: sentences.
    """
    ending = _Ending(leaves)
    made: dict[str, tuple[ColumnInput, ...]] = {}
    for name, value in columns:
        for path, part in _parts(name, value):
            made[path] = ending.inputs(path, part)
    decided = ending.decided(rows)
    told = [*gaps, *ending.gaps()]
    if made and not any(made.values()) and ending.blind >= set(made):
        return ColumnLineage(dataset=decided, gaps=tuple(gaps), degraded=ending.why())
    return ColumnLineage(made, decided, tuple(dict.fromkeys(told)))


def _parts(name: str, value: Value) -> Iterator[tuple[str, Value]]:
    """A column, and the fields of it that were put together by the query."""
    yield name, value
    for field, part in (value.fields or {}).items():
        yield from _parts(f"{name}.{field}", part)


class _Ending:
    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self._leaves = leaves
        self._opaque: dict[str, list[str]] = {}
        self.blind: set[str] = set()

    def inputs(self, column: str, value: Value) -> tuple[ColumnInput, ...]:
        """The edges of a column."""
        found = {edge for direct in value.direct for edge in self._direct(column, direct)}
        found |= {edge for indirect in value.indirect for edge in self._indirect(column, indirect)}
        return _sorted(found)

    def decided(self, rows: Iterable[Indirect]) -> tuple[ColumnInput, ...]:
        """What decides on all rows."""
        found = {edge for indirect in rows for edge in self._indirect("", indirect)}
        for leaf in self._leaves:
            found |= {ColumnInput(one.dataset, one.column, "INDIRECT", one.transformation) for one in leaf.rows}
        return _sorted(found)

    def gaps(self) -> Iterator[str]:
        """A sentence for each reason why columns have other sources than those that are told."""
        for reason, columns in self._opaque.items():
            names = list(dict.fromkeys(columns))
            more = f" and {len(names) - _NAMED_COLUMNS} more" if len(names) > _NAMED_COLUMNS else ""
            which = ", ".join(names[:_NAMED_COLUMNS]) + more
            yield f"{which or 'which rows there are'}: {reason}"

    def why(self) -> str:
        """The reasons alone."""
        return "; ".join(self._opaque) or "nothing could be traced"

    def _direct(self, column: str, edge: Direct) -> Iterator[ColumnInput]:
        for source in self._sources(column, edge.origin):
            step = max(edge.step, _STEPS.index(source.transformation))
            yield ColumnInput(source.dataset, source.column, "DIRECT", _STEPS[step], edge.masking, edge.note)

    def _indirect(self, column: str, edge: Indirect) -> Iterator[ColumnInput]:
        for source in self._sources(column, edge.origin):
            yield ColumnInput(source.dataset, source.column, "INDIRECT", edge.kind)

    def _sources(self, column: str, origin: Origin) -> Iterator[SourceColumn]:
        leaf = self._leaves[origin.leaf] if 0 <= origin.leaf < len(self._leaves) else _UNKNOWN
        if leaf.opaque:
            self._opaque.setdefault(leaf.opaque, []).extend([column] if column else ())
            self.blind.add(column)
        path = origin.path
        if leaf.columns is not None and path:
            everything = leaf.columns.get("*", ())
            yield from leaf.columns.get(path[0].lower(), [replace(one, column=path[0]) for one in everything])
            return
        for dataset in leaf.datasets:
            yield SourceColumn(dataset, ".".join(path))


def _sorted(edges: Iterable[ColumnInput]) -> tuple[ColumnInput, ...]:
    def key(edge: ColumnInput) -> tuple[str, ...]:
        dataset = edge.dataset
        return (
            edge.kind,
            dataset.namespace,
            dataset.name,
            edge.column,
            edge.transformation,
            edge.note,
            str(edge.masking),
        )

    return tuple(sorted(edges, key=key))
