"""Whether a write is held back until it is judged, and how."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.core.errors import WriteRefusedError
from hookline.core.events import Breaker, Measure, Write
from hookline.core.runtime import RunScope
from hookline.pipelines.staging.choice import Choice, Stage, choose
from hookline.pipelines.staging.folder import FolderStage
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.pipelines.chain.request import Request

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holding:
    """How a write is held back.

    Attributes:
        stage: None where it is not.
        unstaged: why not, where a write of its kind would be.
        judged_first: nobody judges by the rows, so that judging does not have to wait for them.
    """

    stage: Stage | None = None
    unstaged: str | None = None
    judged_first: bool = False


def hold(
    scope: RunScope,
    request: Request,
    write: Write,
    frame: DataFrame | None,
    wanted: Mapping[str, tuple[Measure, ...]],
    *,
    companions: bool,
) -> Holding:
    """Decide how a write is held back; that it is not, log, summary and event tell.

    Args:
        frame: the data as it will be written.
        companions: whether something has to come about with it or not at all.

    Raises:
        WriteRefusedError: the breaker's mode can't be had.
    """
    if request.seal is not None:
        return _hold_sealed(scope, request, write, frame, wanted)
    if not scope.runtime.judges_writes and not companions:
        return Holding()
    breaker = scope.bus.breaker(wanted)
    direct = "the breaker's mode is audit" if breaker == "audit" else None
    if scope.runtime.config.publish == "direct":
        direct = "publish is direct in the configuration"
    if direct is not None and not companions:
        insist(write, breaker, direct)
        return Holding(unstaged=direct)
    choice = _choose(scope, request, frame, breaker)
    if choice.stage is None and choice.reason is not None:
        insist(write, breaker, choice.reason)
    elif choice.unsplit is not None and request.operation != "delete":
        insist(write, breaker, choice.unsplit, ("quarantine",))
    awkward = choice.reason is not None or isinstance(choice.stage, HeldStage)
    if awkward and not companions and not scope.bus.judges_by(wanted):
        return Holding(judged_first=True)
    if choice.reason is None:
        return Holding(choice.stage)
    if choice.stage is None:
        tell_unstaged(scope, write, choice.reason)
        return Holding(unstaged=choice.reason)
    _tell(scope, f"rows for {write.dataset} are kept by the executors until they are judged: {choice.reason}")
    return Holding(choice.stage)


def _hold_sealed(
    scope: RunScope,
    request: Request,
    write: Write,
    frame: DataFrame | None,
    wanted: Mapping[str, tuple[Measure, ...]],
) -> Holding:
    """Files that are to be encrypted are looked at before anybody else sees them, whoever judges.

    Raises:
        WriteRefusedError: that can't be had, or rows might be set aside, which would not be encrypted.
    """
    insist(write, scope.bus.breaker(wanted), "they would not be encrypted as its files are", ("quarantine",))
    choice = _choose(scope, request, frame, None)
    if isinstance(choice.stage, FolderStage) or (choice.stage is None and choice.reason is None):
        return Holding(choice.stage)
    because = f" ({choice.reason})" if choice.reason else ""
    reason = f"its files are to be encrypted, and this {request.operation} can't be written so{because}"
    raise WriteRefusedError(str(write.dataset), (reason,))


def insist(
    write: Write, breaker: Breaker | None, reason: str, modes: tuple[Breaker, ...] = ("publish", "quarantine")
) -> None:
    """Refuse a write where its breaker can't be had, before anything is written.

    Args:
        modes: those that can't be had, for this reason.

    Raises:
        WriteRefusedError: the breaker's mode is one of them.
    """
    if breaker not in modes:
        return
    can_not = "rows can't be set aside" if breaker == "quarantine" else "it can't be held back"
    cure = "give its suite another breaker (on judges it when it is visible), or write it in another way"
    sentence = f"the breaker's mode is {breaker}, and {can_not} in this {write.operation}: {reason}; {cure}"
    raise WriteRefusedError(str(write.dataset), (sentence,))


def tell_unstaged(scope: RunScope, write: Write, reason: str) -> None:
    """Say in log and summary that a write is judged too late to be held back."""
    _tell(scope, f"writes to {write.dataset} are judged when they are visible already: {reason}")


def _choose(scope: RunScope, request: Request, frame: DataFrame | None, breaker: Breaker | None) -> Choice:
    try:
        return choose(request, frame, scope.runtime.config.state_dir, splits=breaker == "quarantine")
    except Exception as error:
        logger.debug("the reason", exc_info=True)
        return Choice(reason=f"it could not be prepared ({describe(error)})")


def _tell(scope: RunScope, sentence: str) -> None:
    if scope.note(sentence):
        logger.warning("%s", sentence)
