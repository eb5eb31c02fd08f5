"""The secured session: PySpark's own class, in which whatever leads to a table asks the guard first."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from hookline.core.text import quoted
from hookline.pipelines.secured.active import active
from hookline.pipelines.secured.guard import Guard
from hookline.pipelines.secured.listing import SecuredCatalog
from hookline.pipelines.secured.statements import Statements
from hookline.pipelines.secured.tables import Tables
from hookline.pipelines.secured.writers import guard_writers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class SecuredSession(SparkSession):
    """A session of its own (temporary views, settings) whose tables are a principal's. Made by ``open_secured``."""

    hookline_guard: Guard
    hookline_tables: Tables
    # The same session of the JVM's without a guard: what a permitted statement does on its way is not the user's doing.
    hookline_plain: SparkSession

    def table(self, tableName: str) -> DataFrame:
        """What the principal sees of a table."""
        with active(self):
            return SparkSession.table(self, self.hookline_tables.view_of(tableName))

    def sql(self, sqlQuery: str, args: Any = None, **kwargs: Any) -> DataFrame:
        """A query over what the principal sees; or INSERT or DELETE, where it may do that."""
        if not kwargs:
            return self._sql(sqlQuery, args)
        from pyspark.sql.sql_formatter import SQLStringFormatter

        formatter = SQLStringFormatter(self)
        try:
            return self._sql(formatter.format(sqlQuery, **kwargs), args)
        finally:
            formatter.clear()

    def _sql(self, text: str, args: Any) -> DataFrame:
        from pyspark.sql import DataFrame

        statements = Statements(self, self.hookline_guard, self.hookline_tables)
        with active(self):
            permitted, writes = statements.permitted(text)
            frame = self.hookline_plain.sql(permitted, args)
            if not writes:  # what writes is done by now, and was looked through before
                statements.check(frame._jdf.queryExecution().analyzed())
        return DataFrame(frame._jdf, self)

    @property
    def read(self) -> Any:
        """Tables by name, and nothing else."""
        return _Reader(self)

    @property
    def readStream(self) -> NoReturn:
        """Nothing: what a stream brings later no decision was made on."""
        raise self.hookline_guard.refused("select", "", "a secured session reads no streams")

    @property
    def catalog(self) -> Any:
        """What is there for the principal."""
        return SecuredCatalog(self, self.hookline_guard, self.hookline_tables)

    def newSession(self) -> SparkSession:
        """Another one for the same principal."""
        return open_secured(self, self.hookline_guard)


class _Reader:
    def __init__(self, session: SecuredSession) -> None:
        self._session = session

    def table(self, tableName: str) -> DataFrame:
        """What the principal sees of a table."""
        return self._session.table(tableName)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._session.hookline_guard.refused(
            "select", "", f"read.{name}: a secured session reads tables by their names, since policies know no files"
        )


def open_secured(spark: SparkSession, guard: Guard) -> SecuredSession:
    """A secured session beside another one, with its settings and its current database."""
    guard_writers()
    guard.opened()
    session = SecuredSession(spark.sparkContext, spark._jsparkSession.newSession())
    for key, value in spark.conf.getAll.items():
        with suppress(PySparkException):  # the application's own, which all sessions share, can't be set
            session.conf.set(key, value)
    current = str(spark._jsparkSession.sessionState().catalog().getCurrentDatabase())
    with active(session):
        # Permissions are asked for in the session's own catalog, so names have to lead there.
        session._jsparkSession.catalog().setCurrentCatalog("spark_catalog")
        session._jsparkSession.catalog().setCurrentDatabase(quoted(current))
    session.hookline_guard = guard
    session.hookline_plain = SparkSession(spark.sparkContext, session._jsparkSession)
    session.hookline_tables = Tables(session, guard)
    return session
