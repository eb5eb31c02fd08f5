"""Undoing a publication that was not finished: at once after a failure, by the next write or session after a kill.

Where others have written since, theirs stays: what they added is left beside what comes back, and where they replaced or
deleted what was published, nothing comes back.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import PublishError
from hookline.pipelines import plans
from hookline.pipelines.staging.catalog import find_partitions, register_again, registered
from hookline.pipelines.staging.files import Files, join, parent_of
from hookline.pipelines.staging.journal import Entry, Journal, Move, Proof, Swap, claim_abandoned, turn
from hookline.pipelines.targets import adds_to_delta
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def put_back(files: Files, entry: Entry) -> None:
    """Undo all moves; may be cut off at any point and done again."""
    for swap in reversed(entry.swaps):
        if _withdraw(files, swap):
            for place, old in reversed(swap.going):
                _return(files, old, place)
    for made in reversed(entry.made):
        files.delete_if_empty(made)


def _withdraw(files: Files, swap: Swap) -> bool:
    """Take back what came; False when others did away with it, who then did so with what it had replaced as well."""
    came = [move for move in swap.coming if not _is_pending(files, move, swap.names)]
    if any(not _is_there(files, move, swap.names) for move in came):
        return False
    for source, place in reversed(came):
        _return(files, place, source, swap.names)
    if not files.atomic:  # a copy that was made, while what was copied is still there
        for _, place in (move for move in swap.coming if move not in came):
            files.delete(place)
    return True


def _is_pending(files: Files, move: Move, names: tuple[str, ...]) -> bool:
    return set(names) <= set(files.below(move[0])) if names else files.exists(move[0])


def _is_there(files: Files, move: Move, names: tuple[str, ...]) -> bool:
    source, place = move
    return set(names) <= {*files.below(source), *files.below(place)} if names else files.exists(place)


def _return(files: Files, place: str, source: str, names: tuple[str, ...] | None = None) -> None:
    """Move back what was moved: a folder in one piece when it holds nothing else and its old name is free.

    Args:
        names: what of a folder is to be moved; None is all of it.
    """
    if not files.exists(place):
        return
    if not files.is_folder(place):
        if not files.exists(source):
            files.make_folder(parent_of(source))
            files.move(place, source)
        return
    there = files.below(place)
    mine = there if names is None else names
    if not files.exists(source) and set(mine) == set(there):
        files.move(place, source)
        return
    for name in mine:
        if not files.exists(join(source, name)):
            files.make_folder(parent_of(join(source, name)))
            files.move(join(place, name), join(source, name))


def undo(spark: SparkSession, files: Files, entry: Entry) -> None:
    """Put the files back, and the table that was there; a table that was made already makes the publication whole."""
    if entry.table is None:
        put_back(files, entry)
        return
    known = registered(spark, entry.table)
    if known == "catalog is elsewhere":
        raise PublishError(f"the table {entry.table.table} is in the catalog of another session, {entry.table.catalog}")
    if known == "ours":
        find_partitions(spark, plans.catalog_table(spark, entry.table.database, entry.table.table))
        return
    put_back(files, entry)
    if known == "nothing" and entry.table.replaced:
        register_again(spark, entry.table)


def settle(spark: SparkSession, files: Files, entry: Entry, journal: Journal) -> bool:
    """Undo, remove the staging folder, and say whether that worked; what did not is left to the next process."""
    try:
        undo(spark, files, entry)
        # What is deleted next must not be taken for moved when this is done again.
        journal.record(entry.cleared)
    except Exception as error:  # noqa: BLE001 - what led here is what the job should see
        logger.warning("what was moved to %s can't be moved back: %s", entry.target, describe(error))
        journal.leave()
        return False
    removed = remove(files, entry, journal)
    for made in reversed(entry.made if removed else ()):  # the staging folder may have been in one of them
        files.delete_if_empty(made)
    return removed


def remove(files: Files, entry: Entry, journal: Journal) -> bool:
    """Remove the staging folder, which nobody needs any more."""
    try:
        files.delete(entry.folder)
    except Exception as error:  # noqa: BLE001 - the write itself is over
        logger.warning("what was staged in %s can't be removed: %s", entry.folder, describe(error))
        journal.leave()
        return False
    journal.release()
    return True


def recover(spark: SparkSession, state_dir: Path) -> None:
    """Undo what processes that died left half published, and delete what they staged."""
    # Whether a write was published is known when what was left of it has been undone.
    for entry, journal in sorted(claim_abandoned(state_dir), key=lambda left: left[0].proof is not None):
        try:
            files = Files(spark, entry.folder)
        except Exception as error:  # noqa: BLE001 - a session that can reach it will come
            logger.warning(
                "%s was left by a process that died, and can't be reached: %s", entry.folder, describe(error)
            )
            journal.leave()
            continue
        try:
            stays = entry.proof is not None and is_published(spark, entry.proof)
        except Exception as error:  # noqa: BLE001 - a session that can tell will come
            logger.warning("whether %s belongs to a published write can't be told: %s", entry.folder, describe(error))
            journal.leave()
            continue
        with turn(state_dir, entry.target):
            settled = remove(files, entry, journal) if stays else settle(spark, files, entry, journal)
        if settled and stays:
            logger.warning("%s was left by a process that died after its write was published", entry.folder)
        elif settled:
            logger.warning("%s was left by a process that died; what it had moved was put back", entry.folder)


def is_published(spark: SparkSession, proof: Proof) -> bool:
    """Whether a write was published; where nobody can tell, what came with it stays."""
    if proof.kind == "file":
        return Files(spark, proof.path).exists(proof.path)
    if proof.kind == "delta":
        return adds_to_delta(spark, proof.place, proof.path, after_version=proof.version)
    logger.warning("whether the write that %s belongs to was done can't be told: its rows stay there", proof.place)
    return True
