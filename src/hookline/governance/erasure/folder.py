"""A folder for one person's eyes: nobody but its owner may look into it or read its files."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from hookline.core.errors import HooklineError


def make_folder(path: Path) -> None:
    """Have an empty folder.

    Raises:
        HooklineError: there is something in it, or it can't be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise HooklineError(f"{path} is not empty: name a folder that is, or that is not there yet")
        path.chmod(0o700)
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}") from None


def write_document(path: Path, content: Mapping[str, Any]) -> None:
    """Write one JSON document.

    Raises:
        HooklineError: it can't be written.
    """
    with _opened(path) as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")


class RowsFile:
    """A file with a list of rows in JSON.

    Attributes:
        count: how many there are in it.

    Raises:
        HooklineError: it can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._file = _opened(path)

    def __enter__(self) -> RowsFile:
        self._file.write("[")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.write("\n]\n")
        self._file.close()

    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some more."""
        for row in rows:
            self._file.write((",\n" if self.count else "\n") + json.dumps(_plain(row), ensure_ascii=False))
            self.count += 1


def _opened(path: Path) -> IO[str]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}") from None
    return open(descriptor, "w", encoding="utf-8", errors="replace")


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)
