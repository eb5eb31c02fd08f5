"""The live line: what it says, where it is drawn, and that it is gone afterwards."""

from __future__ import annotations

import io
import os
import pty
import threading
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import pytest

from hookline.core.text import display_width
from hookline.observability.progress import Progress, Stage, StatusTracker, progress_line
from hookline.observability.style import Style
from hookline.observability.terminal import Terminal

STAGE = Stage(12, "parquet at job.py:31", 200, 50, 4)
PLAIN = Style(unicode=False)


def test_one_stage() -> None:
    assert progress_line([STAGE], 62.9, 80, PLAIN) == (
        "stage 12 ######.................. 50/200  1:02  4 running  parquet at job.py:31"
    )


def test_what_is_written_is_told_rather_than_the_place_in_the_code() -> None:
    line = progress_line([STAGE], 62.9, 110, PLAIN, "/lake/silver/orders")
    assert line == "stage 12 ######.................. 50/200  1:02  4 running  writes /lake/silver/orders"


def test_failed_tasks_are_told() -> None:
    assert "4 running, 2 failed" in progress_line([Stage(1, "count", 9, 0, 4, failed=2)], 0, 80, PLAIN)


def test_several_stages_share_the_line() -> None:
    stages = [STAGE, Stage(13, "x", 8, 8, 0), Stage(14, "y", 3, 0, 3)]
    assert progress_line(stages, 5, 80, PLAIN) == (
        "stage 12 ##....... 50/200  stage 13 ######### 8/8  stage 14 ......... 0/3  0:05"
    )
    assert progress_line(stages, 5, 50, PLAIN).endswith("0:05  +2")


@pytest.mark.parametrize("width", range(0, 130, 3))
@pytest.mark.parametrize("count", [1, 2, 5, 50])
def test_it_fits(width: int, count: int) -> None:
    stages = [Stage(number, "データ\x1b[2J\n" * 50, 10**6, number * 20_000, 7) for number in range(count)]
    line = progress_line(stages, 3_600.0, width, Style())
    assert display_width(line) <= width
    assert line.isprintable()


@pytest.mark.parametrize("stage", [Stage(1, "", 0, 0, 0), Stage(1, "x", 10, 15, 0)])
def test_odd_counts(stage: Stage) -> None:
    assert "stage 1" in progress_line([stage], 0, 60, PLAIN)


@pytest.fixture
def tty() -> Iterator[tuple[int, TextIO]]:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    stream = os.fdopen(slave, "w", encoding="utf-8")
    yield master, stream
    stream.close()
    os.close(master)


def seen(master: int) -> str:
    try:
        return os.read(master, 100_000).decode()
    except BlockingIOError:
        return ""


def test_it_is_drawn_below_the_cursor_and_wiped(tty: tuple[int, TextIO]) -> None:
    progress = Progress(Terminal(tty[1], environ={}), lambda: ())
    progress._show([STAGE], 0.0)
    assert seen(tty[0]) == "", "a stage that has just begun is not worth a line"
    progress._show([STAGE], 1.0)
    drawn = seen(tty[0])
    assert drawn.startswith("\x1b[J\x1bD\x1b[A\x1b7\x1b[B\r")
    assert drawn.endswith("\x1b8")
    assert "\n" not in drawn
    progress._show([], 2.0)
    assert seen(tty[0]) == "\x1b[J"
    progress._show([], 3.0)
    progress.stop()
    assert seen(tty[0]) == "", "what is wiped is not wiped again"


def test_stopping_wipes_the_line(tty: tuple[int, TextIO]) -> None:
    progress = Progress(Terminal(tty[1], environ={}), lambda: ())
    progress._show([STAGE], 0.0)
    progress._show([STAGE], 1.0)
    seen(tty[0])
    progress.stop()
    assert seen(tty[0]) == "\x1b[J"


def test_without_a_terminal_it_is_a_line_now_and_then(tmp_path: Any) -> None:
    with (tmp_path / "log").open("w") as stream:
        progress = Progress(Terminal(stream, environ={}), lambda: ())
        for now in range(0, 25):
            progress._show([STAGE], float(now))
        progress.stop()
    written = (tmp_path / "log").read_text()
    assert written.count("hookline: stage 12") == 3
    assert written.count("\n") == 3
    assert "\x1b" not in written


def test_a_write_is_told_while_it_is_the_only_one(tmp_path: Any) -> None:
    with (tmp_path / "log").open("w") as stream:
        progress = Progress(Terminal(stream, environ={"COLUMNS": "120"}), lambda: ())
        for now, step in enumerate(("one", "two", "end", "end")):
            if step == "end":
                progress.write_ended(["one", "two"][now - 2])
            else:
                progress.write_started(step, f"/lake/{step}")
            progress._show([STAGE], now * 20.0)
            progress._show([STAGE], now * 20.0 + 1)
        progress.stop()
    told = [line.partition("running")[2].strip() for line in (tmp_path / "log").read_text().splitlines()]
    place = "parquet at job.py:31"
    assert told == ["writes /lake/one", place, "writes /lake/two", place]


def test_the_thread_survives_a_look_that_fails_and_ends(tty: tuple[int, TextIO]) -> None:
    looked = threading.Event()
    answers = iter([RuntimeError("gateway is gone"), [STAGE], [STAGE], [STAGE]])

    def look() -> Sequence[Stage]:
        answer = next(answers, None)
        if answer is None:
            looked.set()
            return ()
        if isinstance(answer, Exception):
            raise answer
        return answer

    progress = Progress(Terminal(tty[1], environ={}), look)
    progress.start()
    progress.start()
    threads = [thread for thread in threading.enumerate() if thread.name == "hookline-progress"]
    assert len(threads) == 1
    assert threads[0].daemon
    assert looked.wait(30)
    progress.stop()
    threads[0].join(30)
    assert not threads[0].is_alive()
    assert "stage 12" in seen(tty[0])


def test_a_broken_terminal_ends_the_thread() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb", buffering=0) as raw:
        progress = Progress(Terminal(io.TextIOWrapper(raw)), lambda: [STAGE])
        progress.start()
        assert progress._thread is not None
        progress._thread.join(30)
        assert not progress._thread.is_alive()
        progress.stop()


def test_a_look_that_hangs_does_not_hold_up_the_end(tty: tuple[int, TextIO]) -> None:
    hangs, release = threading.Event(), threading.Event()

    def look() -> Sequence[Stage]:
        hangs.set()
        release.wait(60)
        return [STAGE]

    progress = Progress(Terminal(tty[1], environ={}), look)
    progress.start()
    assert hangs.wait(30)
    progress.stop()
    release.set()
    assert progress._thread is not None
    progress._thread.join(30)
    assert seen(tty[0]) == ""


def test_without_spark_there_are_no_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert StatusTracker()() == ()


@pytest.mark.spark
def test_stages_of_a_real_session(spark: Any, tmp_path: Any) -> None:
    gate = str(tmp_path / "gate")

    def wait(rows: Any) -> Any:
        import os
        import time

        while not os.path.exists(gate):
            time.sleep(0.05)
        return rows

    tracker, found = StatusTracker(), []
    job = threading.Thread(target=lambda: spark.sparkContext.parallelize(range(3), 3).mapPartitions(wait).count())
    job.start()
    try:
        while not found and job.is_alive():
            found = [*tracker()]
    finally:
        (tmp_path / "gate").touch()
        job.join(60)
    assert (found[0].tasks, found[0].done, found[0].failed) == (3, 0, 0)
    assert found[0].name == "count at test_progress.py:" + found[0].name.rpartition(":")[2]
    assert tracker() == []
