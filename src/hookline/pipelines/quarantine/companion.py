"""Files that come about together with a write to somewhere else, or not at all.

They are written into a hidden folder of their own place, and moved before the write is published. What is noted with that
is how to tell whether the write was published: when the process dies in between, the next one knows whether they stay.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.pipelines.staging.files import Files, join, parent_of
from hookline.pipelines.staging.journal import Entry, Journal, Move, Proof, Swap
from hookline.pipelines.staging.recovery import is_published, remove, settle
from hookline.pipelines.storage import STAGING_PREFIX
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


class Companion:
    """Some files for one place.

    Args:
        root: the folder that they belong below, as a URI.

    Attributes:
        folder: the hidden folder to write them into.
    """

    def __init__(self, spark: SparkSession, root: str, state_dir: Path) -> None:
        self.root = root.rstrip("/")
        self._spark = spark
        self.files = Files(spark, self.root)
        missing = self.files.missing(self.root)
        self.folder = join(self.root, f"{STAGING_PREFIX}{uuid.uuid4()}")
        self._entry = Entry(self.folder, self.root, made=missing)
        self._journal = Journal.begin(state_dir, self._entry)
        self._open = True

    def place(self, moves: Mapping[str, str], proof: Proof | None) -> None:
        """Move files to where they belong.

        Args:
            moves: from their path in ``folder`` to that below the root.
            proof: what is true when the write was published, and false otherwise; None when nobody can tell.
        """
        proof = proof or Proof("unknown", self.root)
        coming: tuple[Move, ...] = tuple((join(self.folder, old), join(self.root, new)) for old, new in moves.items())
        parents = dict.fromkeys(parent_of(place) for _, place in coming)
        made = dict.fromkeys((*self._entry.made, *(one for place in parents for one in self.files.missing(place))))
        self._entry = Entry(self.folder, self.root, (Swap((), coming),), tuple(made), proof)
        self._journal.record(self._entry)
        for parent in parents:
            self.files.make_folder(parent)
        for source, place in coming:
            self.files.move(source, place)

    def keep(self) -> None:
        """The write is published."""
        if self._open:
            self._open = False
            self._journal.record(self._entry.cleared)
            remove(self.files, self._entry, self._journal)

    def give_up(self) -> None:
        """The write failed: take the files back, unless it turns out to be published all the same."""
        if not self._open:
            return
        try:
            proof = self._entry.proof
            # Of what nobody could tell afterwards, it is known now that it failed.
            published = proof is not None and proof.kind != "unknown" and is_published(self._spark, proof)
        except Exception as error:  # noqa: BLE001 - a later session will look again
            logger.warning("whether a write was published can't be told yet: %s", describe(error))
            self._open = False
            self._journal.leave()
            return
        if published:
            self.keep()
            return
        self._open = False
        settle(self._spark, self.files, self._entry, self._journal)


@dataclass(frozen=True)
class Along:
    """A companion of the next write, with its moves."""

    companion: Companion
    moves: Mapping[str, str]

    def place(self, proof: Proof | None) -> None:
        """Before the write is published."""
        self.companion.place(self.moves, proof)

    def keep(self) -> None:
        """It is."""
        self.companion.keep()

    def give_up(self) -> None:
        """It failed."""
        self.companion.give_up()


_along: ContextVar[Along | None] = ContextVar("hookline_along", default=None)


@contextmanager
def along(companion: Companion, moves: Mapping[str, str]) -> Iterator[None]:
    """The write of the enclosed code takes these files with it."""
    token = _along.set(Along(companion, moves))
    try:
        yield
    finally:
        _along.reset(token)
        companion.give_up()  # nothing, when there was a write that took them


def current_along() -> Along | None:
    """What the write that begins now takes with it."""
    return _along.get()
