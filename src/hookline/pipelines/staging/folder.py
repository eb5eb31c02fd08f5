"""Folders of files: written into a hidden folder beside the target, and moved into place when they passed."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hookline.pipelines.staging.files import Files, TakenError, join, parent_of
from hookline.pipelines.staging.journal import Entry, Journal, Move, Swap, turn
from hookline.pipelines.staging.recovery import remove, settle, undo
from hookline.pipelines.staging.splitting import splittable
from hookline.pipelines.storage import STAGING_PREFIX
from hookline.pipelines.targets import FolderTarget, Written
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.pipelines.staging.catalog import Registration

logger = logging.getLogger(__name__)
Replaces = Literal["nothing", "all", "partitions"]


class Catalog(Protocol):
    """What else belongs to a publication: what the catalog says of the table whose files these are."""

    def registration(self) -> Registration | None:
        """The table that will be made, with what is there now; None when the table stays."""

    def make_way(self) -> None:
        """The old files are away: what stands for them goes as well. May be asked again."""

    def enter(self, partitions: Sequence[str]) -> None:
        """The new files are in their place.

        Args:
            partitions: the folders below the target that got files; "" is the target itself.
        """

    def finish(self) -> None:
        """The publication is over."""


_MARKER = "_SUCCESS"
_ATTEMPTS = 5


class FolderStage:
    """One staged write of files.

    Args:
        write: writes a frame (None: the job's own) into a new folder.
        replaces: what of the target goes when the new files come: nothing, all of it, or the partitions that have new rows.
        must_be_new: whether the write is an error where the target exists.
        below: of "all", only what is in this folder below the target.
        catalog: what has to be told of the files.
        whole_folders: whether folders are moved in one step; by default where the file system can do that.
        again: writes rows that have the target's shape already; by default ``write`` does.
    """

    always_judges = True
    version: str | None = None

    def __init__(
        self,
        spark: SparkSession,
        target: FolderTarget,
        write: Callable[[DataFrame | None, str], Any],
        replaces: Replaces,
        state_dir: Path,
        *,
        must_be_new: bool = False,
        below: str = "",
        catalog: Catalog | None = None,
        whole_folders: bool | None = None,
        again: Callable[[DataFrame, str], Any] | None = None,
    ) -> None:
        self._target = target
        self._spark = spark
        self._place = target.uri.rstrip("/") or target.uri
        self._write = write
        self._replaces = replaces
        self._state_dir = state_dir
        self._must_be_new = must_be_new
        self._below = below
        self._catalog = catalog
        self._partitions: list[str] = []
        self._files = Files(spark, target.uri)
        self._fixed = self._files.fixed(target.uri)
        self._whole = self._files.atomic and not self._fixed if whole_folders is None else whole_folders
        self.target_exists = self._files.exists(target.uri)
        self._again = again or write

    def run(
        self,
        execute: Callable[[Callable[[], Any]], Any],
        judge: Callable[[Written], None],
        frame: DataFrame | None,
        schema: Callable[[], StructType],
    ) -> Any:
        """Write beside the target, judge, move into place; or leave no trace."""
        state = Entry(self._free_place(), self._place)
        data = f"{state.folder}/data"
        journal = Journal.begin(self._state_dir, state)
        try:
            self._files.make_folder(state.folder)
            answer = execute(lambda: self._write(frame, data))
            written = self._written(data, schema)
            judge(splittable(self._spark, self._target, self._files, data, written, schema, self._again))
            with turn(self._state_dir, self._place):
                for attempt in range(_ATTEMPTS):
                    state = self._plan(state.folder, data)
                    journal.record(state)
                    try:
                        self._publish(state, data)
                        break
                    except TakenError:  # by a writer of another state folder, or by one who knows of none
                        if self._must_be_new or attempt + 1 == _ATTEMPTS:
                            raise
                        undo(self._spark, self._files, state)
                journal.record(state.cleared)
        except BaseException:
            settle(self._spark, self._files, state, journal)
            raise
        self._tell_spark()
        remove(self._files, state, journal)
        return answer

    def _tell_spark(self) -> None:
        """What Spark does after its own writes; what a job has cached of this place is what was there before."""
        try:
            self._spark._jsparkSession.catalog().refreshByPath(self._place)
            if self._catalog is not None:
                self._catalog.finish()
        except Exception as error:  # noqa: BLE001 - the data is published
            logger.warning("Spark was not told of new files in %s: %s", self._place, describe(error))

    def _free_place(self) -> str:
        """Beside the target, or where the first folder is missing on the way to it: a refusal leaves no folder behind."""
        if self._fixed:
            return join(self._place, f"{STAGING_PREFIX}{uuid.uuid4()}")
        missing = self._files.missing(self._place) if self._files.atomic else ()
        parent, _, name = (missing[0] if missing else self._place).rpartition("/")
        return join(parent, f"{STAGING_PREFIX}{name}-{uuid.uuid4()}")

    def _written(self, data: str, schema: Callable[[], StructType]) -> Written:
        try:
            return dataclasses.replace(self._target, uri=data).after(frozenset(), schema())
        except Exception as error:  # noqa: BLE001 - that we can't look at it is a measure's error
            logger.warning("what was written for %s can't be told: %s", self._target.dataset, describe(error))
            return Written()

    # -- publishing ----------------------------------------------------------------------------------------------------

    def _plan(self, folder: str, data: str) -> Entry:
        """All renames in their order, and what has to be made for them."""
        if self._replaces == "partitions":
            self._files.delete(f"{data}/{_MARKER}")  # Spark marks no success there
        exists = self._files.exists(self._place)
        if exists and self._must_be_new:
            raise TakenError(f"{self._place} came into being while the data for it was staged")
        swaps = tuple(self._swaps(data, f"{folder}/old", exists))
        into = dict.fromkeys(parent_of(place) for swap in swaps for _, place in swap.coming)
        made = [missing for place in into for missing in self._files.missing(place)]
        if self._marks(data, swaps) and not self._files.exists(f"{self._place}/{_MARKER}"):
            made.append(f"{self._place}/{_MARKER}")
        table = None if self._catalog is None else self._catalog.registration()
        return Entry(folder, self._place, swaps, tuple(dict.fromkeys(made)), table=table)

    def _swaps(self, data: str, old: str, exists: bool) -> Iterator[Swap]:
        staged = self._files.below(data)
        partitions = self._partitions = sorted({parent_of(name) for name in staged if name != _MARKER})
        if self._whole and (not exists or (self._replaces == "all" and not self._below)):
            going = ((self._place, old),) if exists else ()
            yield Swap(going, ((data, self._place),), tuple(staged))
            return
        staged = [name for name in staged if name != _MARKER]
        if self._whole and (self._below or self._replaces == "partitions"):
            for partition in [self._below] if self._below else partitions:
                names = tuple(name.removeprefix(f"{partition}/") for name in staged if name.startswith(f"{partition}/"))
                there = self._files.exists(join(self._place, partition))
                going = ((join(self._place, partition), join(old, partition)),) if there else ()
                coming = ((join(data, partition), join(self._place, partition)),) if names else ()
                yield Swap(going, coming, names)
            return
        yield Swap(
            tuple((join(self._place, name), join(old, name)) for name in self._going(partitions)),
            tuple((join(data, name), join(self._place, name)) for name in staged),
        )

    def _going(self, partitions: list[str]) -> list[str]:
        """The files that the new ones take the place of, relative to the target."""
        if self._replaces == "nothing":
            return []
        there = self._files.below(self._place)
        there = [name for name in there if name != _MARKER and not name.startswith(STAGING_PREFIX)]
        if self._replaces == "all":
            return [name for name in there if not self._below or name.startswith(f"{self._below}/")]
        return [name for name in there if any(name.startswith(f"{partition}/") for partition in partitions)]

    def _marks(self, data: str, swaps: tuple[Swap, ...]) -> bool:
        """Whether the marker of a success has to be made, since it does not come with the folder."""
        alone = all((data, self._place) not in swap.coming for swap in swaps)
        return alone and self._files.exists(f"{data}/{_MARKER}")

    def _publish(self, state: Entry, data: str) -> None:
        marks = self._marks(data, state.swaps)
        for swap in state.swaps:
            self._move(swap.going)
            if self._catalog is not None:
                self._catalog.make_way()
            self._move(swap.coming)
        if marks:
            self._files.touch(f"{self._place}/{_MARKER}")
        if self._catalog is not None:
            self._catalog.enter(self._partitions)

    def _move(self, moves: Sequence[Move]) -> None:
        for parent in dict.fromkeys(parent_of(place) for _, place in moves):
            self._files.make_folder(parent)
        for source, place in moves:
            self._files.move(source, place)
