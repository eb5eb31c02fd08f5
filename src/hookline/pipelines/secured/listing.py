"""The catalog of a secured session: databases, tables and columns that are there for the principal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from pyspark.sql.catalog import Catalog

from hookline.pipelines.secured.active import active
from hookline.pipelines.secured.tables import TableName, Tables
from hookline.pipelines.tables import quoted, table_parts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.pipelines.secured.guard import Guard

_CATALOG = "spark_catalog"


class SecuredCatalog:
    """Some of ``pyspark.sql.Catalog``; the rest is refused."""

    def __init__(self, session: SparkSession, guard: Guard, tables: Tables) -> None:
        self._session, self._guard, self._tables = session, guard, tables
        self._whole = Catalog(session)

    def currentCatalog(self) -> str:
        """The session's own."""
        return _CATALOG

    def currentDatabase(self) -> str:
        """Where names without a database are looked for."""
        return self._tables.current_database()

    def setCurrentDatabase(self, dbName: str) -> None:
        """Look there for names without a database."""
        if not self.databaseExists(dbName):
            raise self._guard.refused("describe", dbName, f"there is no database {dbName} for {self._guard.principal}")
        with active(self._session):
            self._whole.setCurrentDatabase(quoted((dbName,)))

    def listDatabases(self) -> list[Any]:
        """Those in which a table is there for the principal, or may be made."""
        return [one for one in self._whole.listDatabases() if self._is_there(one.name)]

    def databaseExists(self, dbName: str) -> bool:
        """Whether ``listDatabases`` has it."""
        return self._tables.database_exists(dbName) and self._is_there(dbName)

    def listTables(self, dbName: str | None = None) -> list[Any]:
        """Those that are there for the principal, and its own temporary views."""
        database = self.currentDatabase() if dbName is None else dbName
        found = self._listed(database)
        self._guard.listed(database, [one.name for one in found])
        return found

    def _listed(self, database: str) -> list[Any]:
        if not self._tables.database_exists(database):
            return []
        found = []
        for one in self._whole.listTables(quoted((_CATALOG, database))):
            if one.isTemporary:
                if not self._tables.is_own(one.name):
                    found.append(one)
            elif self._tables.decision(TableName(database, one.name)).exists:
                found.append(one)
        return found

    def tableExists(self, tableName: str, dbName: str | None = None) -> bool:
        """Whether a table is there for the principal."""
        parts = table_parts(self._session, tableName)
        if dbName is not None:
            parts = (dbName, *parts)
        elif len(parts) == 1 and self._tables.is_temporary(parts[0]):
            return True
        name = self._tables.named(parts)
        return name is not None and self._tables.decision(name).exists

    def listColumns(self, tableName: str, dbName: str | None = None) -> list[Any]:
        """Those that the principal sees."""
        from pyspark.sql.catalog import Column

        name = tableName if dbName is None else quoted((dbName, *table_parts(self._session, tableName)))
        return [
            Column(field.name, None, field.dataType.simpleString(), field.nullable, False, False, False)
            for field in self._session.table(name).schema.fields
        ]

    def dropTempView(self, viewName: str) -> bool:
        """Drop one of its own temporary views."""
        return not self._tables.is_own(viewName) and self._whole.dropTempView(viewName)

    def _is_there(self, database: str) -> bool:
        return self._guard.may_create(database) or any(not one.isTemporary for one in self._listed(database))

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._guard.refused(
            "describe", "", f"catalog.{name}: a secured session lists databases, tables and columns, and nothing more"
        )
