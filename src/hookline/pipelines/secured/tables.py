"""Tables of the session's catalog, each as a temporary view of what the principal sees of it.

A view is a border: neither a hidden column nor a file's name behind it can be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hookline.core.fuse import columns_of
from hookline.governance.access.decide import Decision, KnownTable
from hookline.governance.access.leaves import leaves
from hookline.governance.access.names import folded, written
from hookline.governance.access.view import shown
from hookline.pipelines import plans
from hookline.pipelines.secured.active import active
from hookline.pipelines.secured.guard import Guard
from hookline.pipelines.tables import quoted, session_parts, table_parts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CATALOG = "spark_catalog"
_VIEW = "hookline_view_"


class TableName(NamedTuple):
    """A table of the session's catalog."""

    database: str
    table: str

    def __str__(self) -> str:
        return written(self)


class Tables:
    """The tables of one secured session."""

    def __init__(self, session: SparkSession, guard: Guard) -> None:
        self._session = session
        self._guard = guard
        self._views: dict[tuple[str, str], str] = {}

    def view_of(self, name: str) -> str:
        """The temporary view to read in place of a table, as SQL's identifier.

        Raises:
            AccessDeniedError: there is no such table for the principal.
        """
        parts = table_parts(self._session, name)
        if self.is_the_users(parts):
            return quoted(parts)
        return quoted((self.view(parts),))

    def is_the_users(self, parts: tuple[str, ...]) -> bool:
        """Whether it is a temporary view that the user made; those that stand for tables are made anew each time."""
        return len(parts) == 1 and not self.is_own(parts[0]) and self.is_temporary(parts[0])

    def view(self, parts: tuple[str, ...]) -> str:
        """The temporary view's own name.

        Raises:
            AccessDeniedError: there is no such table for the principal.
        """
        name = self.named(parts)
        if name is None:
            raise self._guard.refused("select", written(parts), self._nowhere(parts))
        frame = self._frame(name)
        known = self._known(name, frame)
        decision = self._guard.decide(known)
        if not decision.readable:
            text = f"{self._guard.principal} may not read {name}" if decision.exists else self._nowhere(parts)
            raise self._guard.refused("select", str(name), text)
        self._guard.record("select", str(name), decision)
        view = self._views.setdefault((folded(name.database), folded(name.table)), f"{_VIEW}{len(self._views)}")
        shown(frame, decision, list(leaves(known.columns))).createOrReplaceTempView(view)
        return view

    def decision(self, name: TableName) -> Decision:
        """What the principal gets of a table."""
        return self._guard.decide(self._known(name, self._frame(name)))

    def named(self, parts: tuple[str, ...]) -> TableName | None:
        """The table of the session's catalog that is meant; None when there is none.

        A path in a table's place, another catalog and the views of all sessions lead nowhere: no policy is about them.
        """
        place = self.place(parts)
        return None if place is None or plans.catalog_table(self._session, *place) is None else place

    def place(self, parts: tuple[str, ...]) -> TableName | None:
        """Where in the session's catalog a name leads to; None when it leads into another one."""
        with active(self._session):
            found = session_parts(self._session, parts)
        return None if found is None else TableName(*found)

    def current_database(self) -> str:
        """Where names without a database are looked for."""
        return str(self._session._jsparkSession.sessionState().catalog().getCurrentDatabase())

    def database_exists(self, database: str) -> bool:
        """Whether the catalog has such a database, whoever may see it."""
        return bool(self._session._jsparkSession.catalog().databaseExists(quoted((_CATALOG, database))))

    def is_temporary(self, name: str) -> bool:
        """Whether it is a temporary view of this session."""
        return bool(self._session._jsparkSession.sessionState().catalog().getTempView(name).isDefined())

    def is_own(self, name: str) -> bool:
        """Whether it is a view that stands for a table."""
        return folded(name).startswith(_VIEW)

    def _frame(self, name: TableName) -> DataFrame:
        from pyspark.sql import SparkSession

        # Each session remembers a table's files, and others write.
        catalog = self._session._jsparkSession.sessionState().catalog()
        catalog.refreshTable(plans.identifier(self._session, *name))
        return SparkSession.table(self._session, quoted((_CATALOG, *name)))

    def _known(self, name: TableName, frame: DataFrame) -> KnownTable:
        columns = columns_of(frame.schema)
        held = None
        if self._guard.asks_for_holdings():
            dataset = plans.of_catalog_table(self._session, plans.catalog_table(self._session, *name))
            held = self._guard.holdings.of(dataset, columns)
        return KnownTable(*name, columns, held)

    def _nowhere(self, parts: tuple[str, ...]) -> str:
        return f"there is no table {written(parts)} for {self._guard.principal}"
