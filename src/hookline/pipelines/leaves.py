"""What a plan's leaves read.

Each call over the gateway costs both sides a tenth of a millisecond, which the job could use: the walk goes to the leaves
only, to a bounded number of them, and once a write; and a relation is named once while the JVM keeps it, however many plans
it is in.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hookline.core.events import Dataset, Read
from hookline.pipelines import gateway, jdbc_queries, names, origins, plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
MAX_LEAVES = 500
# Rows that a plan brings along, and references to what stands elsewhere in it.
_ROWS_MADE_HERE = ("OneRowRelation", "LocalRelation", "Range", "EmptyRelation", "CTERelationRef", "UnionLoopRef")


@dataclass(frozen=True)
class Source:
    """What a leaf of a plan reads.

    Attributes:
        opaque: why some of it may be missing, or None.
        relation: the class of the relation behind a ``LogicalRelation``, else empty.
    """

    datasets: tuple[Dataset, ...]
    opaque: str | None = None
    relation: str = ""


@dataclass(frozen=True)
class Leaf:
    """A leaf of a plan: the JVM's object, its class, and what it reads."""

    java: Any
    kind: str
    source: Source


@dataclass(frozen=True)
class Leaves:
    """The leaves of an analyzed plan and of the sub-queries in it.

    Attributes:
        plan: the JVM's object.
        found: the leaves, first the plan's own, in its order.
        own: how many of them these are; the others hang on sub-queries.
        cut: whether there are more than were looked at.
    """

    plan: Any
    found: tuple[Leaf, ...]
    own: int
    cut: bool

    @cached_property
    def inputs(self) -> tuple[tuple[Read, ...], str | None]:
        """The datasets that are read, each once, and a sentence that says why some may be missing, or None."""
        reads: dict[tuple[str, str], Read] = {}
        opaque = [leaf.source.opaque for leaf in self.found if leaf.source.opaque]
        opaque += [f"the plan has more than {len(self.found)} leaves"] if self.cut else []
        for leaf in self.found:
            for dataset in leaf.source.datasets:
                reads.setdefault((dataset.namespace, dataset.name), Read(dataset))
        return tuple(reads.values()), "; ".join(dict.fromkeys(opaque)) or None


def look_at(spark: SparkSession, plan: Any, most: int = MAX_LEAVES) -> Leaves:
    """The leaves of an analyzed plan, at most so many of them."""
    found: list[Leaf] = []
    own, cut = 0, False
    for java, is_own in _leaves_of(plan):
        if len(found) == most:
            cut = True
            break
        kind = plans.node_class(java)
        found.append(Leaf(java, kind, _source_of(spark, java, kind)))
        own += is_own
    return Leaves(plan, tuple(found), own, cut)


def inputs_of(spark: SparkSession, plan: Any) -> tuple[tuple[Read, ...], str | None]:
    """What an analyzed plan reads: the datasets, each once, and why some may be missing, or None."""
    return look_at(spark, plan).inputs


def _leaves_of(plan: Any) -> Iterator[tuple[Any, bool]]:
    for leaf in gateway.items(plan.collectLeaves()):
        yield leaf, True
    # Scalar, EXISTS and IN sub-queries hang on expressions, not on the tree.
    for subquery in gateway.items(plan.subqueriesAll()):
        for leaf in gateway.items(subquery.collectLeaves()):
            yield leaf, False


_names = gateway.Memory()


def _source_of(spark: SparkSession, leaf: Any, kind: str) -> Source:
    """What a leaf reads. A table or a relation may be behind several leaves, each with columns of its own."""
    if kind != "LogicalRelation":
        return Source(*_datasets_of(spark, leaf, kind))
    if (told := _names.recall(spark, leaf)) is not None:
        return _read_back(told)
    table = leaf.catalogTable()
    thing = leaf.relation() if table.isEmpty() else table.get()
    if (told := _names.recall(spark, thing)) is not None:
        _names.keep(spark, leaf, told)
        return _read_back(told)
    source = Source(*_datasets_of(spark, leaf, kind), v1_class(leaf.relation()))
    if source.opaque is None:
        text = json.dumps(dataclasses.astuple(source))
        _names.keep(spark, thing, text)
        _names.keep(spark, leaf, text)
    return source


def _read_back(text: str) -> Source:
    datasets, opaque, relation = json.loads(text)
    return Source(tuple(_dataset(*one) for one in datasets), opaque, relation)


def _dataset(namespace: str, name: str, format: str | None, symlinks: Sequence[tuple[str, str]]) -> Dataset:
    return Dataset(namespace, name, format, tuple((one, other) for one, other in symlinks))


def _datasets_of(spark: SparkSession, leaf: Any, kind: str) -> tuple[tuple[Dataset, ...], str | None]:
    """The datasets that a leaf reads, and why some may be missing, or None."""
    opaque: list[str] = []
    datasets: list[Dataset] = []
    try:
        datasets += _datasets_of_leaf(spark, leaf, kind, opaque)
    except Exception as error:  # noqa: BLE001 - a source that we can't name must not stop the job
        logger.debug("a leaf of the plan was not understood: %s", type(error).__name__)
        opaque.append(f"a source of class {plans.simple_class(leaf)} was not understood")
    return tuple(dict.fromkeys(datasets)), "; ".join(dict.fromkeys(opaque)) or None


def _datasets_of_leaf(spark: SparkSession, leaf: Any, kind: str, opaque: list[str]) -> Iterator[Dataset]:
    if kind in _ROWS_MADE_HERE:
        return
    if kind == "LogicalRelation":
        yield from _of_v1_relation(spark, leaf, opaque)
    elif kind in ("DataSourceV2Relation", "DataSourceV2ScanRelation", "StreamingDataSourceV2Relation"):
        yield from plans.of_v2_relation(spark, leaf.relation() if kind.endswith("ScanRelation") else leaf)
    elif kind == "HiveTableRelation":
        yield plans.of_catalog_table(spark, leaf.tableMeta())
    elif kind == "InMemoryRelation":
        inputs, why = inputs_of(spark, leaf.cacheBuilder().logicalPlan())
        opaque += [why] if why else []
        yield from (read.dataset for read in inputs)
    elif kind in ("StreamingRelation", "StreamingRelationV2"):
        yield from _of_stream(spark, leaf, opaque)
    elif kind in ("LogicalRDD", "ExternalRDD"):
        origin = origins.of(leaf)
        if origin is None:
            opaque.append("rows came from an RDD or from the driver's memory")
            return
        inputs, why = inputs_of(spark, origin)
        opaque += [why] if why else []
        yield from (read.dataset for read in inputs)
    else:
        opaque.append(f"a source of class {kind} has no name that is known here")


def _of_v1_relation(spark: SparkSession, leaf: Any, opaque: list[str]) -> Iterator[Dataset]:
    table = plans.option(leaf.catalogTable())
    if (
        table is not None
        and plans.simple_class(table.tableType()) == "CatalogTableType"
        and table.tableType().name() != "VIEW"
    ):
        yield plans.of_catalog_table(spark, table)
        return
    relation = leaf.relation()
    kind = v1_class(relation)
    if kind == "HadoopFsRelation":
        name = plans.format_name(relation.fileFormat())
        for root in gateway.items(relation.location().rootPaths()):
            yield names.path_dataset(root.toString(), name)
    elif kind == "JDBCRelation":
        yield from jdbc_queries.datasets(*jdbc_source(relation))
    elif kind == "KafkaRelation":
        yield from _of_kafka(relation)
    else:
        opaque.append(f"a relation of class {kind} has no name that is known here")


def jdbc_source(relation: Any) -> tuple[str, str]:
    """The URL that a JDBC relation reads from, and the table, or the query in its place."""
    options = relation.jdbcOptions()
    return str(options.url()), str(options.tableOrQuery())


def v1_class(relation: Any) -> str:
    """The class of a relation; of an unnamed class, such as Delta makes for a table by its path, what it extends."""
    kind = plans.simple_class(relation)
    return plans.simple_class_of(relation.getClass().getSuperclass()) if "$$anon$" in kind else kind


def _of_stream(spark: SparkSession, leaf: Any, opaque: list[str]) -> Iterator[Dataset]:
    """A streaming source: its own options say where it reads."""
    if plans.simple_class(leaf) == "StreamingRelationV2":
        v1 = plans.option(leaf.v1Relation())
        source, options = str(leaf.sourceName()), plans.string_map(leaf.extraOptions())
        if v1 is not None and not options:
            options = plans.string_map(v1.dataSource().options())
    else:
        source, options = str(leaf.dataSource().className()), plans.string_map(leaf.dataSource().options())
        table = plans.option(leaf.dataSource().catalogTable())
        if table is not None:
            yield plans.of_catalog_table(spark, table)
            return
    if "path" in options:
        options["path"] = plans.qualified(spark, options["path"])
    found = list(stream_source(source, options))
    opaque += [] if found else [f"a streaming source of kind {source} has no place that is known here"]
    yield from found


def stream_source(source: str, options: dict[str, str]) -> Iterator[Dataset]:
    """The datasets that a streaming source with these options reads."""
    kind = source.lower()
    if "kafka.bootstrap.servers" in options:
        topics = options.get("subscribe") or options.get("subscribepattern") or "(assigned)"
        for topic in topics.split(","):
            yield names.kafka_dataset(options["kafka.bootstrap.servers"], topic.strip())
    elif "path" in options:
        yield names.path_dataset(options["path"], "delta" if "delta" in kind else kind if "." not in kind else None)
    elif kind in ("rate", "rate-micro-batch", "socket"):
        yield names.other_dataset(kind)
    elif (known := names.connector_dataset(source, options)) is not None:
        yield known


def _of_kafka(relation: Any) -> Iterator[Dataset]:
    servers = (
        plans.option(plans.private_field(relation, "specifiedKafkaParams").get("kafka.bootstrap.servers")) or "unknown"
    )
    text = str(plans.private_field(relation, "strategy").toString())
    for topic in text[text.find("[") + 1 : text.rfind("]")].split(","):
        yield names.kafka_dataset(servers, topic.strip())
