"""The outbox's sink ``store``: facts become rows, each as often as it is delivered, with the same result."""

from __future__ import annotations

from collections.abc import Sequence

from hookline.core.errors import HooklineError, SinkError
from hookline.core.outbox.message import Message
from hookline.core.store.lazy import LazyStore


class StoreSink:
    """Applies the messages that ``facts.APPLY`` names."""

    def __init__(self, store: LazyStore) -> None:
        self._store = store

    @property
    def batch_size(self) -> int:
        """One transaction for this many."""
        return 200

    def deliver(self, messages: Sequence[Message]) -> None:
        """Apply the messages in one transaction.

        Raises:
            SinkError: retryable for a database in trouble, final for a message that is not understood.
        """
        from hookline.core.store.database import UnfitRowError
        from hookline.core.store.facts import APPLY

        try:
            store = self._store.get()
            with store.transaction() as connection:
                for message in messages:
                    APPLY[message.kind](store, connection, message.payload)
        except UnfitRowError as error:
            raise SinkError(str(error), retryable=False) from None
        except HooklineError as error:  # the database is in trouble, or its driver is not installed
            raise SinkError(str(error)) from None
        except (KeyError, TypeError) as error:
            raise SinkError(
                f"a fact for the store is not understood ({type(error).__name__})", retryable=False
            ) from None
