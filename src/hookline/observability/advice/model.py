"""A piece of advice, and from which numbers on one is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MIB = 1024**2


@dataclass(frozen=True)
class Setting:
    """A setting of Spark's, or a call, that the advice is about.

    Attributes:
        name: such as ``spark.sql.shuffle.partitions``.
        now: its value in the run, where it was set.
        change: what to do with it, in words.
    """

    name: str
    change: str
    now: str | None = None


@dataclass(frozen=True)
class Advice:
    """Something that a run would be better off without.

    Attributes:
        rule: its name, one of ``RULES``.
        sentence: what is the matter, with the numbers; no value of a row.
        evidence: the numbers by name.
        dataset: what was being written, as its event names it; empty when it is about the run.
        worth_s: about how many seconds of executors are at stake: what advice is ordered by.
        times: in how many writes to the dataset it was seen.
    """

    rule: str
    sentence: str
    evidence: Mapping[str, float]
    settings: tuple[Setting, ...]
    dataset: str = ""
    worth_s: float = 0.0
    times: int = 1

    def as_document(self) -> dict[str, Any]:
        """As JSON has it."""
        return dataclasses.asdict(self) | {"evidence": dict(self.evidence)}


def from_document(document: Mapping[str, Any]) -> Advice:
    """What ``as_document`` made a document of."""
    settings = tuple(Setting(**setting) for setting in document["settings"])
    return Advice(**{**document, "settings": settings})


@dataclass(frozen=True)
class Thresholds:
    """From where on a number is worth a sentence.

    Attributes:
        skew: the longest task divided by the middle one; ``skew_s``: and how much longer it takes at least.
        spill_bytes: bytes on disk.
        small_file_bytes, small_files: files below this on average, and how many of them.
        small_task_s, small_tasks: tasks shorter than this in the middle, and how many.
        large_task_bytes: what the middle task of a stage reads.
        shuffle_bytes: of a shuffle that changes no row.
        gc_share, gc_s: garbage collection as a share of tasks' time, and how long at least.
        result_bytes: what the driver is sent.
        idle_share, idle_core_s: how busy cores are at least, and of how many core seconds on that matters.
        fetch_share, fetch_s: waiting for shuffles as a share of tasks' time, and how long at least.
        single_task_s: how long one task alone works while other cores have nothing to do.
        cached_bytes: of cached data that nobody used.
    """

    skew: float = 5.0
    skew_s: float = 5.0
    spill_bytes: int = 64 * _MIB
    small_file_bytes: int = 8 * _MIB
    small_files: int = 16
    small_task_s: float = 0.1
    small_tasks: int = 100
    large_task_bytes: int = 1024 * _MIB
    shuffle_bytes: int = 16 * _MIB
    gc_share: float = 0.1
    gc_s: float = 5.0
    result_bytes: int = 128 * _MIB
    idle_share: float = 0.3
    idle_core_s: float = 300.0
    fetch_share: float = 0.2
    fetch_s: float = 5.0
    single_task_s: float = 30.0
    cached_bytes: int = 16 * _MIB
