"""The store's URL: which ones are taken, and how one is shown without what may be a password."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from hookline.core.errors import StoreError

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}


def parse(url: str) -> URL:
    """Read a store's URL.

    Raises:
        StoreError: it is not one of SQLite or PostgreSQL; the text holds nothing of the URL.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _DRIVERS:
        raise StoreError(
            "the store's URL can't be used: write sqlite:////path/to/store.db or "
            "postgresql+psycopg://user:password@host:5432/database, with special characters of the password "
            "percent-encoded"
        )
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def shown(url: URL) -> str:
    """A URL for people: the file, or host and database.

    A password with an unencoded ``@`` or ``/`` ends up in other parts of the URL, so one that looks like it stays hidden.
    """
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    if any("@" in part for part in (url.host or "", url.database or "")):
        return "postgresql (the password's special characters must be percent-encoded)"
    return f"postgresql://{url.host or ''}/{url.database or ''}"
