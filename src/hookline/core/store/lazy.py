"""The store as the rest of the process holds it: not open yet, and SQLAlchemy not loaded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline.core.store.database import Store


class LazyStore:
    """The store, opened when it is first needed, so that a job does not wait for it; a failed opening is tried again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._store: Store | None = None

    def get(self) -> Store:
        """The open store.

        Raises:
            StoreError: it can't be opened.
        """
        from hookline.core.store.database import Store

        with self._lock:
            if self._store is None:
                self._store = Store(self._url)
            return self._store

    @property
    def opened(self) -> Store | None:
        """The store when it is open; nobody waits for it."""
        return self._store

    def close(self) -> None:
        """Close it, when it had been opened."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
