"""Standard error as a place for people: its width, colours and characters; writing to it never fails the caller."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal, TextIO

from hookline.core.text import encodable, speaks
from hookline.observability.style import SAMPLE, Style

Switch = Literal["auto", "on", "off"]
_DEFAULT_WIDTH, _MOST_WIDTH = 100, 160


class Terminal:
    """A text stream.

    Args:
        stream: usually standard error; None, closed and broken ones are silently written to.
        color: ``auto`` means on a terminal that is not dumb, unless NO_COLOR is set.
    """

    def __init__(
        self, stream: TextIO | None, *, color: Switch = "auto", environ: Mapping[str, str] | None = None
    ) -> None:
        self._stream = stream
        self._environ = os.environ if environ is None else environ
        self._lock = threading.Lock()
        self.interactive = _is_terminal(stream) and self._environ.get("TERM") != "dumb"
        self.style = Style(
            color=color == "on" or (color == "auto" and self.interactive and not self._environ.get("NO_COLOR")),
            unicode=speaks(self._encoding, SAMPLE),
        )

    @property
    def width(self) -> int:
        """Cells of a line, at this moment."""
        if self._stream is not None and self.interactive:
            with suppress(OSError, ValueError):
                return os.get_terminal_size(self._stream.fileno()).columns or _DEFAULT_WIDTH
        columns = shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns if "COLUMNS" in self._environ else 0
        return columns or _DEFAULT_WIDTH

    @property
    def line_width(self) -> int:
        """The width for text that is read: a very wide terminal is not filled."""
        return min(self.width, _MOST_WIDTH)

    def write(self, text: str) -> bool:
        """Write whole lines, after what the stream has buffered; whether it worked."""
        with self._lock:
            try:
                if self._stream is None:
                    return False
                self._stream.write(encodable(text, self._encoding))
                self._stream.flush()
            except (OSError, ValueError):
                return False
            return True

    def write_through(self, text: str) -> bool:
        """Write to the file descriptor, past the stream's buffer; whether it worked.

        For threads: one that the interpreter stops at its end while it holds the stream's lock makes the process abort.
        """
        with self._lock:
            try:
                if self._stream is None:
                    return False
                data = encodable(text, self._encoding).encode(self._encoding or "utf-8", "replace")
                return os.write(self._stream.fileno(), data) == len(data)
            except (OSError, ValueError, LookupError):
                return False

    @property
    def _encoding(self) -> str | None:
        return getattr(self._stream, "encoding", None)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False
