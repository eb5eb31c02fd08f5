"""What the session's catalog is told of files that are published: new partitions, or a table that is made."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hookline.pipelines import names, plans
from hookline.pipelines.staging.catalog import Registration, catalog_of, find_partitions, statement_of
from hookline.pipelines.storage import partition_values

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_Values = Mapping[str, "str | None"]


class Insertion:
    """New files in a table that stays.

    Args:
        refresh: tells Spark that the table's files changed.
        known: what the catalog says of the table.
        named: the folder of the partition that is named: it becomes one, with rows or without.
        replaces: the folder, relative to the table, whose other partitions go; None when none do.
    """

    def __init__(
        self,
        spark: SparkSession,
        refresh: Callable[[], None],
        known: Any,
        *,
        named: str = "",
        replaces: str | None = None,
    ) -> None:
        self._spark = spark
        self._refresh = refresh
        self._known = known
        self._named = named
        self._replaces = replaces
        self._gone: list[_Values] = []

    def registration(self) -> None:
        """The table stays."""

    def make_way(self) -> None:
        """Partitions are taken out of the catalog in the end: one without files has no rows."""

    def enter(self, partitions: Sequence[str]) -> None:
        """Enter the partitions that are new."""
        if not _tracks_partitions(self._spark, self._known):
            return
        there = [values for values, _ in _listed(self._spark, self._known)]
        came = [_values_of(folder) for folder in partitions or ([self._named] if self._named else [])]
        if self._replaces is not None:
            inside = _values_of(self._replaces)
            self._gone = [values for values in there if inside.items() <= values.items() and values not in came]
        new = [values for values in came if values not in there]
        if new:
            option, pair = plans.jvm(self._spark).scala.Option, plans.jvm(self._spark).scala.Tuple2
            added = [pair(specification, option.empty()) for specification in self._specifications(new)]
            self._commands.AlterTableAddPartitionCommand(self._known.identifier(), self._seq(added), True).run(
                self._spark._jsparkSession
            )

    def finish(self) -> None:
        """Take out the partitions that are gone, and do what Spark does after every INSERT."""
        if self._gone:
            gone = self._seq(self._specifications(self._gone))
            self._commands.AlterTableDropPartitionCommand(self._known.identifier(), gone, True, False, True).run(
                self._spark._jsparkSession
            )
        self._refresh()

    @property
    def _commands(self) -> Any:
        return plans.jvm(self._spark).org.apache.spark.sql.execution.command

    def _seq(self, items: list[Any]) -> Any:
        return plans.jvm(self._spark).PythonUtils.toSeq(items)

    def _specifications(self, partitions: Iterable[_Values]) -> list[Any]:
        """As Spark's commands take them: by the columns' own names."""
        columns = {str(name).lower(): str(name) for name in plans.sequence(self._known.partitionColumnNames())}
        to_map = plans.jvm(self._spark).PythonUtils.toScalaMap
        return [
            to_map({columns[name]: _DEFAULT if value is None else value for name, value in values.items()})
            for values in partitions
        ]


class Creation:
    """A table that is made, or made anew, over files.

    Args:
        refresh: tells Spark that the table's files changed.
        definition: the table as Spark planned it, without columns and perhaps without a place.
        schema: tells its columns, when the files are written.
        check: gets what the catalog says of a table of this name just before the publication, and raises when that is in
            the way.
    """

    def __init__(
        self,
        spark: SparkSession,
        refresh: Callable[[], None],
        definition: Any,
        schema: Callable[[], Any],
        check: Callable[[Any], None],
    ) -> None:
        self._spark = spark
        self._refresh = refresh
        self._definition = definition
        self._schema = schema
        self._check = check
        self._table: Any = None

    def registration(self) -> Registration:
        """What will be made, and what is there now."""
        name = self._definition.identifier()
        database, table = str(plans.option(name.database())), str(name.table())
        known = plans.catalog_table(self._spark, database, table)
        self._check(known)
        replaced_ms = 0 if known is None else int(known.createTime())
        created_s = max(int(time.time()), replaced_ms // 1000 + 1)
        self._table = self._complete(created_s)
        new = Registration(catalog_of(self._spark, database), database, table, created_s)
        if known is None:
            return new
        statement, columns = statement_of(self._spark, known), str(known.schema().json())
        return dataclasses.replace(new, replaced=statement, columns=columns, replaced_ms=replaced_ms)

    def make_way(self) -> None:
        """Take the table out whose files are away."""
        self._catalog.dropTable(self._definition.identifier(), True, False)

    def enter(self, partitions: Sequence[str]) -> None:
        """Make the table."""
        self._catalog.createTable(self._table, False, False)
        find_partitions(self._spark, self._table)

    def finish(self) -> None:
        """What Spark does after it made a table with data."""
        self._refresh()

    @property
    def _catalog(self) -> Any:
        return self._spark._jsparkSession.sessionState().catalog()

    def _complete(self, created_s: int) -> Any:
        storage = self._definition.storage()
        if not storage.locationUri().isDefined():
            place = self._catalog.defaultTablePath(self._definition.identifier())
            storage = plans.copied(storage, locationUri=plans.jvm(self._spark).scala.Option.apply(place))
        return plans.copied(self._definition, storage=storage, schema=self._schema(), createTime=created_s * 1000)


def partitions_elsewhere(spark: SparkSession, known: Any) -> bool:
    """Whether the catalog has a partition that is not where the table's own place says it is."""
    if not _tracks_partitions(spark, known):
        return False
    root = _plain(plans.uri_text(known.location()))
    return any(
        not place.startswith(f"{root}/") or _values_of(place.removeprefix(f"{root}/")) != values
        for values, place in _listed(spark, known)
    )


_DEFAULT = "__HIVE_DEFAULT_PARTITION__"


def _tracks_partitions(spark: SparkSession, known: Any) -> bool:
    return bool(
        known.partitionColumnNames().nonEmpty()
        and known.tracksPartitionsInCatalog()
        and spark._jsparkSession.sessionState().conf().manageFilesourcePartitions()
    )


def _listed(spark: SparkSession, known: Any) -> list[tuple[_Values, str]]:
    """The partitions that the catalog has, with their places; in one call, however many there are."""
    java = plans.jvm(spark)
    partitions = (
        spark._jsparkSession.sessionState().catalog().listPartitions(known.identifier(), java.scala.Option.empty())
    )
    mapper = java.com.fasterxml.jackson.databind.ObjectMapper()
    mapper.registerModule(java.com.fasterxml.jackson.module.scala.DefaultScalaModule())
    told = json.loads(str(mapper.writeValueAsString(partitions)))
    return [(_values(one["spec"]), _plain(unquote(one["storage"]["locationUri"] or ""))) for one in told]


def _values_of(folder: str) -> _Values:
    return _values(partition_values(f"{folder}/"))


def _values(values: Mapping[str, str | None]) -> _Values:
    return {name.lower(): None if value == _DEFAULT else value for name, value in values.items()}


def _plain(uri: str) -> str:
    place = names.place_dataset(uri)
    return f"{place.namespace}/{place.name}"
