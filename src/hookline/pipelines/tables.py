"""Tables by name: where a table is, or will be, so that a write to a name is a write to a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.core import text
from hookline.core.events import Dataset
from hookline.pipelines import names, plans
from hookline.pipelines.targets import FILE_FORMATS, OpaqueTarget, WriteTarget, Written, place_target

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_SESSION_CATALOG = "spark_catalog"


@dataclass(frozen=True)
class TableTarget:
    """A table by its name. It may not exist before the write, so its place is looked up again afterwards."""

    spark: SparkSession = field(repr=False)
    parts: tuple[str, ...]
    provider: str | None = None
    location: str | None = None
    replaces_all: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def dataset(self) -> Dataset:
        """The table's name: by its place when it has one."""
        return self._resolve()[0]

    @property
    def exists(self) -> bool:
        """Whether the session's catalog has it now."""
        return _metadata(self.spark, self.parts) is not None

    def before(self) -> Any:
        """The state of the place, None when there is no table yet."""
        return self.place().before() if self.exists or _is_path(self.parts) else None

    def after(self, before: Any, schema: StructType) -> Written:
        """What came to the place."""
        inner = self.place()
        if before is None:
            return inner.after(-1 if inner.dataset.format == "delta" else frozenset(), schema)
        return inner.after(before, schema)

    def during(self, start_ms: float, end_ms: float, metrics: Mapping[str, int]) -> Written:
        """What came to the place in that time."""
        return self.place().during(start_ms, end_ms, metrics)

    def generated(self) -> Mapping[str, str]:
        """Those of the place, when the table is there."""
        return self.place().generated() if self.exists or _is_path(self.parts) else {}

    def schema(self) -> StructType:
        """The table's own columns."""
        return self.spark.table(quoted(self.parts)).schema

    def place(self) -> WriteTarget:
        """The place behind the name."""
        dataset, uri = self._resolve()
        if uri is None:
            return OpaqueTarget(dataset)
        return place_target(self.spark, dataset, uri, replaces_all=self.replaces_all, options=self.options)

    def refresh(self) -> None:
        """Tell the session that the table's files changed: what Spark does itself after it inserted."""
        known = _metadata(self.spark, self.parts)
        session = self.spark._jsparkSession
        plans.jvm(self.spark).org.apache.spark.sql.execution.command.CommandUtils.updateTableStats(session, known)
        session.sessionState().catalog().refreshTable(known.identifier())

    def _resolve(self) -> tuple[Dataset, str | None]:
        if _is_path(self.parts):
            uri = plans.qualified(self.spark, self.parts[1])
            return names.path_dataset(uri, self.parts[0].lower()), uri
        known = _metadata(self.spark, self.parts)
        if known is not None:
            storage_uri = plans.option(known.storage().locationUri())
            dataset = plans.of_catalog_table(self.spark, known)
            return dataset, None if storage_uri is None else plans.uri_text(storage_uri)
        plain = session_parts(self.spark, self.parts)
        if plain is None:
            return plans.of_v2_catalog(self.spark, *_catalog_parts(self.spark, self.parts)), None
        return self._future(plain)

    def _future(self, plain: tuple[str, str]) -> tuple[Dataset, str]:
        """Where the session's catalog will put a table that does not exist yet."""
        database, table = plain
        catalog = self.spark._jsparkSession.sessionState().catalog()
        default = catalog.defaultTablePath(plans.identifier(self.spark, database, table))
        uri = plans.qualified(self.spark, self.location or plans.uri_text(default))
        provider = self.provider or self.spark.conf.get("spark.sql.sources.default") or "parquet"
        symlink = plans.catalog_symlink(self.spark, database, table)
        place = names.place_dataset(uri, provider.lower())
        return Dataset(place.namespace, place.name, place.format, (symlink,)), uri


def table_parts(spark: SparkSession, name: str) -> tuple[str, ...]:
    """``db.table`` as Spark's own parser splits it."""
    parsed = spark._jsparkSession.sessionState().sqlParser().parseMultipartIdentifier(name)
    return tuple(str(part) for part in plans.sequence(parsed))


def quoted(parts: Sequence[str]) -> str:
    """A table's name as Spark's parser reads it back, whatever is in it."""
    return ".".join(text.quoted(part) for part in parts)


def _is_path(parts: Sequence[str]) -> bool:
    return len(parts) == 2 and (parts[0].lower() == "delta" or parts[0].lower() in FILE_FORMATS) and "/" in parts[1]


def _current_catalog(spark: SparkSession) -> str:
    return str(spark._jsparkSession.sessionState().catalogManager().currentCatalog().name())


def session_parts(spark: SparkSession, parts: Sequence[str]) -> tuple[str, str] | None:
    """Database and table when the name belongs to the session's own catalog."""
    rest = tuple(parts)
    if len(rest) == 3 and rest[0].lower() == _SESSION_CATALOG:
        rest = rest[1:]
    elif len(rest) > 2 or _current_catalog(spark) != _SESSION_CATALOG or _names_catalog(spark, rest):
        return None
    database = rest[0] if len(rest) == 2 else str(spark._jsparkSession.sessionState().catalog().getCurrentDatabase())
    return database, rest[-1]


def _names_catalog(spark: SparkSession, parts: Sequence[str]) -> bool:
    """Whether a name begins with a catalog that was set up."""
    manager = spark._jsparkSession.sessionState().catalogManager()
    return len(parts) > 1 and parts[0].lower() != _SESSION_CATALOG and bool(manager.isCatalogRegistered(parts[0]))


def _catalog_parts(spark: SparkSession, parts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A catalog other than the session's, and the name in it with its namespace."""
    if _names_catalog(spark, parts):
        return parts[0], tuple(parts[1:])
    namespace = spark._jsparkSession.sessionState().catalogManager().currentNamespace()
    return _current_catalog(spark), tuple(parts) if len(parts) > 1 else (*map(str, namespace), *parts)


def _metadata(spark: SparkSession, parts: Sequence[str]) -> Any:
    plain = session_parts(spark, parts)
    if plain is None:
        return None
    return plans.catalog_table(spark, *plain)
