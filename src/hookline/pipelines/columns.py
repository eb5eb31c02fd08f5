"""What Spark is asked for the lineage of a write's columns. All of it happens beside the job, in one thread.

One call brings the analyzed plan; what its leaves read was mostly seen when the write began. The rest is the lineage room's.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hookline.core.events import Column, ColumnInput, ColumnLineage, Dataset
from hookline.core.fuse import columns_of
from hookline.core.tracing import Work
from hookline.lineage import columns
from hookline.pipelines import announced, jdbc_queries, leaves, origins, plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
_V2_INSERTS = ("AppendData", "OverwriteByExpression", "OverwritePartitionsDynamic")
_CHANGES = ("MergeIntoCommand", "UpdateCommand", "DeleteCommand")
_ORIGINS_DEEP = 20
_LEAVES_ASKED = 5_000
_NODES_ASKED = 2_000
_LATE_S = 5.0
_Assigned = Callable[[], columns.Assigned]
_Generated = Callable[[], Mapping[str, str]]
_PLAN = "org.apache.spark.sql.catalyst.plans.logical.Expand"


def of_frame(spark: SparkSession, plan: Any, seen: leaves.Leaves | None = None, generated: _Generated = dict) -> Work:
    """The columns of a query that is written as it is.

    Args:
        seen: the plan's leaves, where they were looked at.
        generated: tells the columns that the target computes from others, with their SQL.
    """
    return lambda: _with_generated(spark, plan, trace(spark, plan, seen=seen), generated)


def unknown(why: str) -> Work:
    """Nothing is known of the columns."""
    return lambda: ColumnLineage(degraded=why)


def of_command(
    spark: SparkSession,
    command: Callable[[], Any],
    query: Any = None,
    assigned: _Assigned = tuple,
    generated: _Generated = dict,
) -> Work:
    """The columns that an INSERT, MERGE, UPDATE or DELETE sets, as Spark's analysis has it.

    Args:
        command: analyzes it.
        query: the plan of its query, for where that does not come off.
        assigned: tells the columns that the clauses of an UPDATE or a MERGE name.
        generated: tells the columns that the target computes from others, with their SQL.
    """

    def work() -> ColumnLineage:
        try:
            plan = command()
            rows = plan if plans.simple_class(plan) in _CHANGES else plan.query()
        except Exception as error:
            if query is None:
                raise
            logger.debug("a statement was not analyzed again: %s", type(error).__name__)
            return trace(spark, query, converted=True)
        found = trace(spark, rows, converted=True, assigned=_asked(assigned))
        return found if rows is plan else _filled_up(plan, _with_generated(spark, rows, found, generated))

    return work


def _asked(assigned: _Assigned) -> columns.Assigned:
    """Not to know it costs the columns that are set to themselves, and nothing else."""
    try:
        return assigned()
    except Exception as error:  # noqa: BLE001
        logger.debug("the columns that are set were not read: %s", type(error).__name__)
        return ()


def _with_generated(spark: SparkSession, rows: Any, lineage: ColumnLineage, generated: _Generated) -> ColumnLineage:
    """With the columns that the target computes from those of the query."""
    known = {name.lower() for name in lineage.columns}
    missing: dict[str, str] = {}
    try:
        missing = {name: text for name, text in generated().items() if name.lower() not in known}
        if not missing or lineage.degraded is not None:
            return lineage
        from pyspark.sql import functions as F

        frame = plans.frame(spark, rows).select(*(F.expr(text).alias(name) for name, text in missing.items()))
        made = trace(spark, frame._jdf.queryExecution().analyzed())
    except Exception as error:  # noqa: BLE001 - the query's own columns are known all the same
        logger.debug("generated columns were not traced: %s", type(error).__name__)
        gap = f"{', '.join(missing) or 'generated columns'}: the target computes it, which could not be followed"
        return replace(lineage, gaps=(*lineage.gaps, gap))
    return replace(lineage, columns={**lineage.columns, **made.columns}, gaps=(*lineage.gaps, *made.gaps))


def _filled_up(command: Any, lineage: ColumnLineage) -> ColumnLineage:
    """With those columns of a table that an INSERT does not name: they are made from nothing."""
    if plans.simple_class(command) not in _V2_INSERTS or lineage.degraded is not None:
        return lineage
    known = {name.lower() for name in lineage.columns}
    names = [str(column.name()) for column in plans.sequence(command.table().output())]
    rest: dict[str, tuple[ColumnInput, ...]] = {name: () for name in names if name.lower() not in known}
    return replace(lineage, columns={**lineage.columns, **rest})


def of_late(spark: SparkSession, dataset: Dataset, assigned: _Assigned = tuple) -> Work:
    """The columns of a statement that nobody can show before it ran: the listener will see it."""
    waiting = _Late(dataset)
    with _lock:
        _late.append(waiting)

    def work() -> ColumnLineage:
        plan = waiting.plan()
        if plan is None:
            return ColumnLineage(degraded="what ran was not seen by the listener")
        return trace(spark, plan, converted=True, assigned=_asked(assigned))

    return work


def offer(dataset: Dataset | None, plan: Any) -> None:
    """The listener saw a command that was announced."""
    with _lock:
        fitting = [one for one in _late if dataset is not None and announced.same(one.dataset, dataset)]
        if fitting:
            _late.remove(fitting[0])
    if fitting:
        fitting[0].found = plan
        fitting[0].ready.set()


@dataclass(eq=False)
class _Late:
    dataset: Dataset
    found: Any = None
    ready: threading.Event = field(default_factory=threading.Event)

    def plan(self) -> Any:
        self.ready.wait(_LATE_S)
        with _lock, suppress(ValueError):
            _late.remove(self)
        return self.found


_late: list[_Late] = []
_lock = threading.Lock()


def trace(
    spark: SparkSession,
    plan: Any,
    *,
    converted: bool = False,
    seen: leaves.Leaves | None = None,
    assigned: columns.Assigned = (),
) -> ColumnLineage:
    """What the columns of an analyzed plan are made from.

    Args:
        converted: its topmost projection is Spark's own, and fits the columns to a table's.
        seen: its leaves, where they were looked at.
        assigned: the columns that the clauses of an UPDATE or a MERGE name.
    """
    began = time.perf_counter()
    try:
        reading = _Reading(spark)
        raw = reading.raw(plan, seen)
        known = dict(enumerate(reading.known))
        relation = columns.read_plan(raw, reading.leaves, known, converted=converted, assigned=assigned)
        found = columns.column_lineage(relation, reading.known)
    except columns.PlanNotUnderstoodError as error:
        return ColumnLineage(degraded=f"a part of the plan was not understood: {error}")
    logger.debug("columns traced in %.0f ms", (time.perf_counter() - began) * 1000)
    return replace(found, read=reading.read)


class _Reading:
    """A plan's JSON, with what it leaves out: what its leaves read, and now and then the projections of an Expand.

    Attributes:
        leaves: number of a leaf by the id of its first column.
        known: what each leaf is.
        read: the columns of the datasets that are read.
    """

    def __init__(self, spark: SparkSession, outer: _Reading | None = None) -> None:
        self._spark = spark
        self._depth: int = 0 if outer is None else outer._depth + 1
        self.leaves: dict[int, int] = {}
        self.known: list[columns.Leaf] = [] if outer is None else outer.known
        self.read: dict[Dataset, tuple[Column, ...]] = {} if outer is None else outer.read

    def raw(self, plan: Any, seen: leaves.Leaves | None = None) -> columns.RawPlan:
        """The plan, with its leaves looked at, unless they were."""
        raw: columns.RawPlan = json.loads(plan.toJSON())
        shapes = dict(columns.leaf_columns(raw))
        roots = [(plan, raw)]
        if (kind := raw[0]["class"].rpartition(".")[2]) in _CHANGES:
            sides = ("target", "source") if kind == "MergeIntoCommand" else ("target",)
            roots = [(getattr(plan, side)(), raw[0][side]) for side in sides]
        for root, flat in roots:
            known = seen if seen is not None and not seen.cut else leaves.look_at(self._spark, root, _LEAVES_ASKED)
            self._learn_leaves(known, columns.own_leaves(flat), shapes)
        for first, place in self.leaves.items():
            self._learn_columns(self.known[place], shapes[first])
        self._complete(raw, [root for root, _ in roots])
        return raw

    def _learn_leaves(self, seen: leaves.Leaves, own: Sequence[int | None], wanted: Container[int]) -> None:
        """Those of the tree come in the JSON's order; those of sub-queries have to be asked for their first column."""
        for place, leaf in enumerate(seen.found):
            first = own[place] if place < seen.own else _first_column(leaf.java)
            if first is not None and first in wanted and first not in self.leaves:
                self.leaves[first] = len(self.known)
                self.known.append(columns.Leaf())
                self.known[self.leaves[first]] = self._leaf(leaf)

    def _learn_columns(self, leaf: columns.Leaf, shape: Sequence[Mapping[str, Any]]) -> None:
        """A leaf's columns are those of what it reads, unless it is a query."""
        if leaf.columns is not None or all(dataset in self.read for dataset in leaf.datasets):
            return
        from pyspark.sql.types import StructType

        fields = [{"name": one["name"], "type": one["dataType"], "nullable": one["nullable"]} for one in shape]
        try:
            found = columns_of(StructType.fromJson({"type": "struct", "fields": fields}))
        except Exception as error:  # noqa: BLE001 - a type of the job's own that is not known here
            logger.debug("the columns of a source are not known: %s", type(error).__name__)
            return
        for dataset in leaf.datasets:
            self.read.setdefault(dataset, found)

    def _leaf(self, leaf: leaves.Leaf) -> columns.Leaf:
        source, origin = leaf.source, origins.of(leaf.java) if leaf.kind == "LogicalRDD" else None
        if leaf.kind == "InMemoryRelation":
            origin = leaf.java.cacheBuilder().logicalPlan()
        if origin is not None and self._depth < _ORIGINS_DEEP:
            return columns.Leaf(origin=self._inner(origin))
        if source.relation != "JDBCRelation":
            return columns.Leaf(source.datasets, opaque=source.opaque)
        query = jdbc_queries.parsed(*leaves.jdbc_source(leaf.java.relation()))
        if query is not None and query.tables and query.problem is None:
            return columns.Leaf(query.tables, query.columns, query.rows)
        return columns.Leaf(source.datasets, opaque=query.problem if query is not None else source.opaque)

    def _inner(self, plan: Any) -> columns.Relation:
        """Another plan. Its columns may have the numbers of ours, so it is read by itself; its leaves are counted on."""
        inner = _Reading(self._spark, self)
        return columns.read_plan(inner.raw(plan), inner.leaves, dict(enumerate(inner.known)))

    def _complete(self, raw: columns.RawPlan, roots: list[Any]) -> None:
        """Ask for what the JSON has as null."""
        lacking = {_identity(node): node for node in _expands(raw) if node["projections"] is None}
        if not lacking:
            return
        plans_to_see = [tree for root in roots for tree in (root, *plans.sequence(root.subqueriesAll()))]
        asked = 0
        while plans_to_see and lacking and asked < _NODES_ASKED:
            node = plans_to_see.pop()
            asked += 1
            if plans.simple_class(node) == "Expand":
                key = tuple(int(one.exprId().id()) for one in plans.sequence(node.output()))
                if key in lacking:
                    lacking.pop(key)["projections"] = [
                        [json.loads(one.toJSON()) for one in plans.sequence(projection)]
                        for projection in plans.sequence(node.projections())
                    ]
            plans_to_see += plans.sequence(node.children())


def _first_column(leaf: Any) -> int | None:
    output = leaf.output()
    return None if output.isEmpty() else int(output.head().exprId().id())


def _identity(node: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(column[0]["exprId"]["id"]) for column in node["output"])


def _expands(raw: Any) -> Iterator[dict[str, Any]]:
    waiting = [raw]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if value.get("class") == _PLAN:
                yield value
            waiting += [inner for inner in value.values() if isinstance(inner, list)]
