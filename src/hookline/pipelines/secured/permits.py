"""Writes of a secured session: what each of them takes, asked of the guard and written down before it is done."""

from __future__ import annotations

from hookline.core.errors import AccessDeniedError
from hookline.governance.access.model import Action
from hookline.governance.access.names import written
from hookline.pipelines.secured.guard import Guard
from hookline.pipelines.secured.tables import TableName, Tables


class Permits:
    """Permission to write."""

    def __init__(self, guard: Guard, tables: Tables) -> None:
        self._guard, self._tables = guard, tables

    def insert(self, parts: tuple[str, ...], *, replacing: bool = False) -> None:
        """Add rows to a table; replacing others takes the right to delete as well.

        Raises:
            AccessDeniedError: it is not allowed, or there is no such table for the principal.
        """
        self._need(parts, ("insert", "delete") if replacing else ("insert",))

    def delete(self, parts: tuple[str, ...]) -> None:
        """Delete rows of a table.

        Raises:
            AccessDeniedError: it is not allowed, or there is no such table for the principal.
        """
        self._need(parts, ("delete",))

    def save(self, parts: tuple[str, ...], *, adding: bool) -> None:
        """Make a table, add to one (``adding``), or put another one in its place.

        Raises:
            AccessDeniedError: it is not allowed.
        """
        name = self._tables.named(parts)
        if name is not None and adding:
            return self._need(parts, ("insert",))
        if name is not None:
            self._need(parts, ("drop",))
        database = self._database(parts)
        if database is None or not self._guard.may_create(database):
            raise self._refusal("create_table", parts, f"make {written(parts)}")
        self._guard.record("create_table", written(parts))
        return None

    def _need(self, parts: tuple[str, ...], actions: tuple[Action, ...]) -> None:
        name = self._tables.named(parts)
        decision = None if name is None else self._tables.decision(name)
        if name is None or decision is None or not decision.exists:
            raise self._guard.refused(
                actions[0], written(parts), f"there is no table {written(parts)} for {self._guard.principal}"
            )
        for action in actions:
            if action not in decision.actions:
                raise self._refusal(action, name, f"{action} on {name}")
        for action in actions:
            self._guard.record(action, str(name), decision)

    def _database(self, parts: tuple[str, ...]) -> str | None:
        """The database of a table to be; None where the name is a path's or another catalog's."""
        place = self._tables.place(parts)
        return place.database if place is not None and self._tables.database_exists(place.database) else None

    def _refusal(self, action: Action, parts: tuple[str, ...] | TableName, what: str) -> AccessDeniedError:
        return self._guard.refused(action, written(parts), f"{self._guard.principal} may not {what}")
