"""The record of what policies made in an account. All else there is somebody else's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hookline.core.store.managing import ManagedItem, forget, keep, managed
from hookline.governance.access.lake_formation.items import Item, document_of, item_id, item_of

if TYPE_CHECKING:
    from hookline.core.store import Store


class Record:
    """The record of one account and region, in the store.

    Args:
        scope: tells it from others.
    """

    def __init__(self, store: Store, scope: str) -> None:
        self._store = store
        self._scope = scope

    def items(self) -> frozenset[Item]:
        """All that policies made.

        Raises:
            StoreError: the store can't be read.
        """
        return frozenset(item_of(one.document) for one in managed(self._store, self._scope))

    def keep(self, items: Iterable[Item]) -> None:
        """Add to it.

        Raises:
            StoreError: they could not be kept.
        """
        keep(self._store, self._scope, [ManagedItem(item_id(item), document_of(item)) for item in items])

    def forget(self, items: Iterable[Item]) -> None:
        """Take from it.

        Raises:
            StoreError: it could not be done.
        """
        forget(self._store, self._scope, [item_id(item) for item in items])
