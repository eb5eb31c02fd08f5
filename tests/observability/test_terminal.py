"""Standard error, in all its states."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from hookline.observability.terminal import Terminal


@pytest.fixture
def tty() -> Iterator[tuple[int, TextIO]]:
    """A pseudo-terminal: the end that a person sees, and the stream that a program writes to."""
    master, slave = pty.openpty()
    stream = os.fdopen(slave, "w", encoding="utf-8")
    yield master, stream
    stream.close()
    os.close(master)


def test_a_terminal_has_colour(tty: tuple[int, TextIO]) -> None:
    terminal = Terminal(tty[1], environ={"TERM": "xterm"})
    assert (terminal.interactive, terminal.style.color, terminal.style.unicode) == (True, True, True)


@pytest.mark.parametrize(
    ("environ", "color", "expected"),
    [
        ({"NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": ""}, "auto", True),
        ({"NO_COLOR": "1"}, "on", True),
        ({"TERM": "dumb"}, "auto", False),
        ({}, "off", False),
    ],
)
def test_when_there_is_colour(tty: tuple[int, TextIO], environ: dict[str, str], color: str, expected: bool) -> None:
    assert Terminal(tty[1], color=color, environ=environ).style.color is expected  # type: ignore[arg-type]


def test_a_file_has_none() -> None:
    terminal = Terminal(io.StringIO(), environ={})
    assert (terminal.interactive, terminal.style.color, terminal.width) == (False, False, 100)
    assert Terminal(io.StringIO(), color="on", environ={}).style.color


def test_the_width_follows_the_terminal(tty: tuple[int, TextIO]) -> None:
    import fcntl
    import struct
    import termios

    terminal = Terminal(tty[1], environ={})
    for columns in (80, 33, 300):
        fcntl.ioctl(tty[0], termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        assert (terminal.width, terminal.line_width) == (columns, min(columns, 160))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_an_encoding_without_our_signs(encoding: str) -> None:
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding=encoding), environ={})
    assert not terminal.style.unicode
    assert terminal.write("… データ é ✔\n")
    written = raw.getvalue().decode(encoding)
    assert written.endswith("\n")
    assert "???" in written


class _Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_stream_that_is_gone_is_survived() -> None:
    closed = io.StringIO()
    closed.close()
    read_end, write_end = os.pipe()
    os.close(read_end)
    pipe = os.fdopen(write_end, "w")
    for stream in (None, closed, _Broken(), pipe):
        terminal = Terminal(stream, environ={})
        assert terminal.write("x\n") is False
        assert terminal.write_through("x\n") is False
        assert terminal.width == 100
        assert not terminal.interactive
    with pytest.raises(BrokenPipeError):
        pipe.close()


def test_write_through_reaches_the_terminal(tty: tuple[int, TextIO]) -> None:
    assert Terminal(tty[1], environ={}).write_through("über\ud800")
    assert os.read(tty[0], 100).decode() == "über?"
