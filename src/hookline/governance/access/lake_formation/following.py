"""LF-tags follow classifications: after a write the tags of its table are made what policies say, by the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ConfigError, HooklineError, SinkError
from hookline.core.events import Measure, Write
from hookline.governance.access.lake_formation.account import PASSING, AccountError
from hookline.governance.access.lake_formation.naming import last_two, place
from hookline.governance.access.lake_formation.service import LakeFormation
from hookline.governance.access.names import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hookline.core.outbox import Message

# Cures that somebody has to bring; the message waits for that.
_NEVER = frozenset({"ParamValidationError", "ValidationException", "InvalidInputException"})


class FollowingSink:
    """Takes the names of datasets that were written.

    Args:
        service: opens what policies say of the account; nothing is opened before there is something to do.
    """

    batch_size = 100

    def __init__(self, service: Callable[[], LakeFormation]) -> None:
        self._service = service

    def deliver(self, messages: Sequence[Message]) -> None:
        """Tag the tables of these datasets.

        Raises:
            SinkError: it was not done. A table that is not in the catalog, or that no policy speaks of, is no trouble.
        """
        try:
            written = [_names(message.payload) for message in messages]
            looked = [(message.payload["dataset"], message.payload["looked"]) for message in messages]
        except (KeyError, TypeError):
            raise SinkError("a message names no dataset", retryable=False) from None
        try:
            service = self._service()
            for (namespace, name), since in looked:
                if since is not None and not service.looked_into(namespace, name, since):
                    raise SinkError("LF-tags don't follow yet: what a write's columns hold is not in the store")
            failed = service.follow(lambda *table: _is_one_of(written, *table))
        except AccountError as error:
            wrong = error.code in _NEVER and error.code not in PASSING
            raise SinkError(f"LF-tags don't follow: {error.operation}: {error.code}", retryable=not wrong) from None
        except HooklineError as error:
            raise SinkError(f"LF-tags don't follow: {error}", retryable=not isinstance(error, ConfigError)) from None
        if failed:
            raise SinkError(f"{failed} LF-tags were not set: see `hookline policy plan`")


def message_of(event: Write) -> dict[str, Any]:
    """A write as a message tells of it: where its dataset lies, what it is called in catalogs, and whether it was looked into."""
    dataset = event.dataset
    tables = [name for _, name in dataset.symlinks] or ([dataset.name] if "/" not in dataset.name else [])
    looked = any(_looks(measure) and measured.ok for measure, measured in event.measured)
    return {
        "dataset": [dataset.namespace, dataset.name],
        "places": [place(f"{dataset.namespace}/{dataset.name}")],
        "tables": tables,
        "looked": event.started_at.isoformat() if looked else None,
    }


def _looks(measure: Measure) -> bool:
    """Whether this is the plugin presidio's, which keeps what it found in the store."""
    return measure.kind == "examined" and getattr(measure.function, "__name__", "") == "look_for_personal_data"


def _names(payload: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    return frozenset(payload["places"]), frozenset(map(last_two, payload["tables"]))


def _is_one_of(
    written: Sequence[tuple[frozenset[str], frozenset[tuple[str, str]]]],
    database: str,
    table: str,
    location: str | None,
) -> bool:
    """Whether a table is one of these datasets."""
    name, where = (folded(database), folded(table)), location and place(location)
    return any(name in names or where in places for places, names in written)
