"""A live line about the stages that Spark is working on.

A daemon thread asks Spark's status tracker twice a second and draws one line *below* the cursor, then puts the cursor
back to where it was: what the job or Spark's log prints meanwhile begins where it would have begun without us, and the
next drawing wipes the old line first. (Only a burst of several lines within half a second can print over it.)
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.core.text import printable, shorten
from hookline.observability.style import Style
from hookline.observability.terminal import Terminal

_INTERVAL_S = 0.5
_PLAIN_INTERVAL_S = 10.0
_QUICK_S = 0.5
_MOST_STAGES = 4
_BAR_WIDTH = (6, 24)
# Index (a line down, in the same column, scrolling at the bottom) and up again make sure that there is a line below.
# Then: keep the cursor, go down and to the left, and come back after the text.
_WIPE = "\x1b[J"
_BELOW = "\x1bD\x1b[A\x1b7\x1b[B\r"
_BACK = "\x1b8"


@dataclass(frozen=True)
class Stage:
    """A stage that has tasks under way."""

    id: int
    name: str
    tasks: int
    done: int
    running: int
    failed: int = 0


class Progress:
    """The thread and its line.

    Args:
        terminal: where to draw; on one that is not interactive, a plain line is written every ten seconds instead.
        look: gives the stages under way. It may raise: a session that is stopping has none.
    """

    def __init__(self, terminal: Terminal, look: Callable[[], Sequence[Stage]] | None = None) -> None:
        self._terminal = terminal
        self._look = look or StatusTracker()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._drawn = False
        self._since: dict[int, float] = {}
        self._next_plain = 0.0
        self._writing: dict[str, str] = {}

    def write_started(self, write_id: str, dataset: str) -> None:
        """From now on stages may be about this write."""
        self._writing[write_id] = dataset

    def write_ended(self, write_id: str) -> None:
        """They are no longer."""
        self._writing.pop(write_id, None)

    def start(self) -> None:
        """Begin to watch, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="hookline-progress", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop and wipe the line. A look that hangs in a dying JVM is left behind."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        self._wipe()

    def _watch(self) -> None:
        while not self._stopped.wait(_INTERVAL_S):
            try:
                stages = self._look()
            except Exception:  # noqa: BLE001 - whatever py4j raises while a session or the JVM goes away
                stages = ()
            if not self._stopped.is_set() and not self._show(stages, time.monotonic()):
                return

    def _show(self, stages: Sequence[Stage], now: float) -> bool:
        """Draw; False when the stream is broken, and nobody will look again."""
        self._since = {stage.id: self._since.get(stage.id, now) for stage in stages}
        slow = [stage for stage in stages if now - self._since[stage.id] >= _QUICK_S]
        if not slow:
            return self._wipe()
        elapsed_s = now - min(self._since[stage.id] for stage in slow)
        # Which of several writes a stage belongs to is not known.
        datasets = list(self._writing.values())
        writing = datasets[0] if len(datasets) == 1 else ""
        text = progress_line(slow, elapsed_s, self._terminal.width - 1, self._terminal.style, writing)
        return self._draw(text) if self._terminal.interactive else self._write_plain(text, now)

    def _draw(self, text: str) -> bool:
        self._drawn = True
        return self._terminal.write_through(f"{_WIPE}{_BELOW}{text}{_BACK}")

    def _wipe(self) -> bool:
        drawn, self._drawn = self._drawn, False
        return self._terminal.write_through(_WIPE) if drawn else True

    def _write_plain(self, text: str, now: float) -> bool:
        if now < self._next_plain:
            return True
        self._next_plain = now + _PLAIN_INTERVAL_S
        return self._terminal.write_through(f"hookline: {text}\n")


def progress_line(stages: Sequence[Stage], elapsed_s: float, width: int, style: Style, writing: str = "") -> str:
    """One line, no wider than ``width``: a bar for each stage, as many as have room.

    Args:
        stages: not empty.
        elapsed_s: how long the oldest of them has been under way.
        writing: what is being written, when that is known.
    """
    clock = f"{int(elapsed_s) // 60}:{int(elapsed_s) % 60:02d}"
    for count in range(min(len(stages), _MOST_STAGES), 0, -1):
        ending = clock + (f"  +{len(stages) - count}" if len(stages) > count else "")
        words = sum(len(_title(stage)) + len(_count(stage)) + 4 for stage in stages[:count])
        bar_width = min((width - words - len(ending)) // count, _BAR_WIDTH[1])
        if bar_width >= _BAR_WIDTH[0]:
            bars = [f"{_title(stage)} {_bar(stage, bar_width, style)} {_count(stage)}" for stage in stages[:count]]
            line = "  ".join([*bars, ending])
            return line + _detail(stages[0], width - len(line), writing) if len(stages) == 1 else line
    return f"{_title(stages[0])} {_count(stages[0])}  {clock}"[: max(width, 0)]


def _title(stage: Stage) -> str:
    return f"stage {stage.id}"


def _count(stage: Stage) -> str:
    return f"{stage.done}/{stage.tasks}"


def _bar(stage: Stage, width: int, style: Style) -> str:
    full = min(width, width * stage.done // max(1, stage.tasks))
    return style.sign("full") * full + style.sign("empty") * (width - full)


def _detail(stage: Stage, room: int, writing: str) -> str:
    """What else there is to say of a stage that has the line for itself, if there is room for it."""
    failed = f", {stage.failed} failed" if stage.failed else ""
    tasks = f"  {stage.running} running{failed}"
    if len(tasks) > room:
        return ""
    about = f"writes {writing}" if writing else stage.name
    name = shorten(printable(about, 200), room - len(tasks) - 2) if room - len(tasks) >= 14 else ""
    return tasks + (f"  {name}" if name else "")


class StatusTracker:
    """Looks at the Spark context of this process, whenever there is one (Spark Connect has none)."""

    def __init__(self) -> None:
        self._quietened: Any = None

    def __call__(self) -> Sequence[Stage]:
        """The stages under way."""
        context: Any = getattr(sys.modules.get("pyspark"), "SparkContext", None)
        context = getattr(context, "_active_spark_context", None)
        if context is None:
            return ()
        if context is not self._quietened:
            _stop_own_bar(context)
            self._quietened = context
        tracker = context.statusTracker()
        found = [tracker.getStageInfo(stage_id) for stage_id in tracker.getActiveStageIds()]
        return [_stage(info) for info in found if info is not None]


def _stop_own_bar(context: Any) -> None:
    """Spark draws a bar of its own when it is started from Python; the two would wipe each other."""
    bar = context._jsc.sc().progressBar()
    if bar.isDefined():
        bar.get().finishAll()
        bar.get().stop()


def _stage(info: Any) -> Stage:
    # PySpark's jobs come through py4j, and Spark names the call site "parquet at NativeMethodAccessorImpl.java:0".
    # A place in the job's own file comes with its whole path.
    what, _, place = str(info.name).partition(" at ")
    if what.startswith("$anonfun"):
        what, place = "", "NativeMethodAccessorImpl"  # adaptive execution submits its stages from inside of Spark
    file = "" if place.startswith("NativeMethodAccessorImpl") else place.rpartition("/")[2]
    name = f"{what} at {file}" if file else what
    return Stage(
        info.stageId, name, info.numTasks, info.numCompletedTasks, info.numActiveTasks, failed=info.numFailedTasks
    )
