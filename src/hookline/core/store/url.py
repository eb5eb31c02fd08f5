"""The store's URL: which ones are taken, and how one is shown without what may be a password."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from hookline.core.config_models import STORE_DRIVERS
from hookline.core.errors import StoreError

_FILE = "sqlite:///"


def parse(url: str) -> URL:
    """Read a store's URL.

    Raises:
        StoreError: it is not one of SQLite or PostgreSQL; the text holds nothing of the URL.
    """
    place, _, query = url.partition("?")
    if place.startswith(_FILE):  # SQLAlchemy's versions differ in whether they decode the path
        return URL.create("sqlite", database=unquote(place.removeprefix(_FILE)) or None, query=dict(parse_qsl(query)))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in STORE_DRIVERS:
        raise StoreError(
            "the store's URL can't be used: write sqlite:////path/to/store.db or "
            "postgresql+psycopg://user:password@host:5432/database, with special characters of the path and of the "
            "password percent-encoded"
        )
    return parsed.set(drivername=STORE_DRIVERS[parsed.drivername])


def shown(url: URL) -> str:
    """A URL for people: the file, or host and database.

    A password with an unencoded ``@`` or ``/`` ends up in other parts of the URL, so one that looks like it stays hidden.
    """
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    if any("@" in part for part in (url.host or "", url.database or "")):
        return "postgresql (the password's special characters must be percent-encoded)"
    return f"postgresql://{url.host or ''}/{url.database or ''}"
