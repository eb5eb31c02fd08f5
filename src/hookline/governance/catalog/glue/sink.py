"""The outbox's sink: messages about writes become registrations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError, SinkError
from hookline.core.events import Column, Dataset
from hookline.governance.catalog.entry import CatalogEntry, Judgement, LastWrite, Quality, quality_of
from hookline.governance.catalog.glue.options import Place
from hookline.governance.catalog.glue.registering import Registrar, Registration

if TYPE_CHECKING:
    from hookline.core.outbox import Message

Find = Callable[[Dataset], CatalogEntry]


class GlueSink:
    """Registers one dataset a message. What the catalog knows of it is looked up when the message is delivered.

    Args:
        find: the entry of a dataset.
    """

    batch_size = 1

    def __init__(self, registrar: Registrar, find: Find) -> None:
        self._registrar, self._find = registrar, find

    def deliver(self, messages: Sequence[Message]) -> None:
        """Register.

        Raises:
            SinkError: Glue did not take all of it, or the catalog can't be asked.
        """
        for message in messages:
            place, told = self._read(message.payload)
            self._registrar.register(place, told)

    def _read(self, payload: Mapping[str, Any]) -> tuple[Place, Registration]:
        try:
            named = payload["dataset"]
            dataset = Dataset(named["namespace"], named["name"], named["format"])
            write = LastWrite(**payload["write"])
            partition_by = tuple(payload["partition_by"])
            partitions = [tuple((str(key), value) for key, value in one) for one in payload["partitions"]]
            columns = tuple(map(_column, payload["columns"]))
            place = Place(*payload["place"])
            quality = self._quality(payload, write)
            rest = {name: payload[name] for name in ("location", "extent", "metadata_location", "statistics")}
        except (KeyError, TypeError, ValueError):
            raise SinkError("a message for Glue is not understood", retryable=False) from None
        try:
            entry = self._find(dataset)
        except SinkError:
            raise
        except HooklineError as error:
            raise SinkError(f"what the catalog knows can't be had: {error}") from None
        # The store may learn of this very write a moment later.
        entry = replace(entry, format=dataset.format, partition_by=partition_by, last_write=write)
        entry = entry if quality is None else replace(entry, quality=quality)
        return place, Registration(entry, columns, written_at=write.at, partitions=partitions, **rest)

    @staticmethod
    def _quality(payload: Mapping[str, Any], write: LastWrite) -> Quality | None:
        told = [Judgement(*one) for one in payload["verdicts"]]
        return quality_of(told, write.at) if told else None


def _column(told: Mapping[str, Any]) -> Column:
    return Column(told["name"], told["type"], told["nullable"], tuple(map(_column, told.get("fields", ()))))
