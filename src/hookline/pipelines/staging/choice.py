"""Which writes can be staged, and how."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from hookline.pipelines.staging.delta import DeltaStage, why_not_delta
from hookline.pipelines.staging.folder import Catalog, FolderStage, Replaces
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.staging.recovery import recover
from hookline.pipelines.tables import TableTarget
from hookline.pipelines.targets import DeltaTarget, FolderTarget, Written
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from hookline.pipelines.chain.request import Request

logger = logging.getLogger(__name__)
_KEEPS_WHAT_IS_THERE = ("errorifexists", "ignore", "create")
_CHANGES = ("merge", "update", "delete")


@dataclass(frozen=True)
class Redirect:
    """How a job's own write goes to another place.

    Attributes:
        write: writes a frame (None: the job's own) into a folder that does not exist yet, given by its URI.
        replaces: what of the target the write takes the place of.
        below: where "all" is only what is in a folder below the target.
        catalog: what has to be told of the files.
        again: writes rows that have the target's shape already in the same way; None where ``write`` does that.
        partition_by: the columns whose values stand in the folders' names.
    """

    write: Callable[[DataFrame | None, str], Any]
    replaces: Replaces = "nothing"
    below: str = ""
    catalog: Catalog | None = None
    again: Callable[[DataFrame, str], Any] | None = None
    partition_by: tuple[str, ...] = ()


class Stage(Protocol):
    """A write that becomes visible only after its judgement."""

    @property
    def always_judges(self) -> bool:
        """Whether ``judge`` is called in any case, so that nobody has to look at the target afterwards."""

    @property
    def version(self) -> str | None:
        """The version of the target that ``run`` made; None where it has none, or where that can't be told for sure."""

    def run(
        self,
        execute: Callable[[Callable[[], Any]], Any],
        judge: Callable[[Written], None],
        frame: DataFrame | None,
        schema: Callable[[], StructType],
    ) -> Any:
        """Write, judge, publish.

        Args:
            execute: wraps the job's own part of it.
            judge: gets what was written, which nobody else can see yet. When it raises, the target stays as it was.
            frame: the data when it was changed on its way, else None.
            schema: what the rows look like.

        Returns:
            What the job's own call returns.
        """


@dataclass(frozen=True)
class Choice:
    """How a write is published.

    Attributes:
        stage: None when it goes directly.
        reason: why that is not the way that its target is made for; None when it is, or when there is nothing to stage.
        unsplit: why rows of it can't be set aside; None when they can, or when there is nothing to stage.
    """

    stage: Stage | None = None
    reason: str | None = None
    unsplit: str | None = None


def choose(request: Request, frame: DataFrame | None, state_dir: Path, *, splits: bool = False) -> Choice:
    """The way to stage a write, or the reason why it has to go directly.

    Args:
        frame: the data as it will be written; None when it passes as no DataFrame.
        splits: whether rows may have to be set aside.
    """
    place = request.target.place() if isinstance(request.target, TableTarget) else request.target
    if isinstance(place, DeltaTarget):
        recover(request.spark, state_dir)
        reason = why_not_delta(request.spark)
        unsplit = (
            f"what a {request.operation} writes is also the table's own" if request.operation in _CHANGES else None
        )
        return (
            Choice(DeltaStage(request.spark, place, request.execute), unsplit=unsplit)
            if reason is None
            else _hold(request, frame, reason)
        )
    if isinstance(place, FolderTarget) and request.redirect is not None:
        # What a killed write left half done may be this one's target.
        recover(request.spark, state_dir)
        redirect = _redirect(request)
        if redirect is not None:
            return _move(request, frame, place, redirect, state_dir, splits)
    if place.dataset.format == "noop" or _is_kept(request):
        return Choice()
    return _hold(request, frame)


def _redirect(request: Request) -> Redirect | None:
    try:
        return request.redirect(request.options) if request.redirect is not None else None
    except Exception as error:  # noqa: BLE001 - what is wrong with the write Spark itself says when it runs
        logger.debug("a write can't go to another folder: %s", describe(error))
        return None


def _is_kept(request: Request) -> bool:
    """Whether the write will leave a table alone that is there: Spark itself does nothing then, or says what is wrong."""
    return (
        request.operation in _KEEPS_WHAT_IS_THERE and isinstance(request.target, TableTarget) and request.target.exists
    )


def _move(
    request: Request,
    frame: DataFrame | None,
    place: FolderTarget,
    redirect: Redirect,
    state_dir: Path,
    splits: bool,
) -> Choice:
    problem = (None if frame is None else _problem(request, frame)) or _bared(request, redirect)
    if problem is not None:
        return Choice(reason=problem)
    keeps = request.operation in _KEEPS_WHAT_IS_THERE
    stage = FolderStage(
        request.spark,
        dataclasses.replace(place, options={**place.options, **request.options}),
        redirect.write,
        redirect.replaces,
        state_dir,
        must_be_new=keeps,
        below=redirect.below,
        catalog=redirect.catalog,
        again=redirect.again,
    )
    if keeps and stage.target_exists:
        return Choice()
    if splits and place.dataset.format != "parquet" and frame is not None:
        # Text is not read back as it was written: its rows are judged, and split, before they become text.
        return Choice(HeldStage(frame, lambda rows: _publish(stage, rows)))
    return Choice(stage)


def _bared(request: Request, redirect: Redirect) -> str | None:
    """Why values that are to be encrypted would be in clear all the same; None when they would not."""
    if request.seal is None:
        return None
    names = {name.lower() for name in request.seal.columns}
    shown = [name for name in redirect.partition_by if name.lower() in names]
    return f"it is partitioned by {shown[0]!r}, whose values stand in the folders' names" if shown else None


def _publish(stage: FolderStage, rows: DataFrame | None) -> Any:
    """What was judged already."""
    return stage.run(lambda call: call(), lambda written: None, rows, lambda: cast("DataFrame", rows).schema)


def _hold(request: Request, frame: DataFrame | None, reason: str | None = None) -> Choice:
    problem = _problem(request, frame)
    if frame is None or problem is not None:
        return Choice(reason=reason or problem)
    return Choice(HeldStage(frame, request.execute, request.stored), reason)


def _problem(request: Request, frame: DataFrame | None) -> str | None:
    """Why the rows can't be had as the target will have them, before they are written; None when they can."""
    if frame is None:
        return "its rows do not pass as a DataFrame"
    if request.schema is None:
        return None
    if request.stored is None:
        return "what its rows look like in the table is known only when they are written"
    try:
        same_columns = len(request.stored(frame).columns) == len(request.schema().fields)
    except Exception as error:  # noqa: BLE001 - what is wrong with the write Spark itself says when it runs
        return f"what its rows look like in the table can't be told ({describe(error)})"
    return None if same_columns else "its rows have other columns than the table"
