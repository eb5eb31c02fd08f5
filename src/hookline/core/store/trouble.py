"""What a database's error means: for the message at hand, or for every message."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError, SQLAlchemyError, StatementError

# Of SQLSTATE: data exception, integrity violation, a limit such as an index entry's size.
_UNFIT_CLASSES = ("22", "23", "54")


def is_unfit(error: SQLAlchemyError) -> bool:
    """Whether the row is at fault, so that trying again can't help."""
    state = _state(error)
    if state:
        return state.startswith(_UNFIT_CLASSES)
    # Without a state the driver itself objected to a value: drivers differ in what they call that.
    return type(error) is StatementError or isinstance(
        error, (DataError, IntegrityError, InterfaceError, ProgrammingError)
    )


def kind_of(error: SQLAlchemyError) -> str:
    """The driver's error class and SQLSTATE: never its text, which may quote values or the URL."""
    original = getattr(error, "orig", None)
    name = type(original if original is not None else error).__name__
    state = _state(error)
    if name == "OperationalError" and not state:
        return "it can't be reached, or refuses the login"
    return f"{name} (SQLSTATE {state})" if state else name


def reason(error: SQLAlchemyError) -> str:
    """SQLite's own words, which name no parameter; of PostgreSQL's, which may quote the URL, only the kind."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return str(original)
    return kind_of(error)


def _state(error: SQLAlchemyError) -> str:
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""
