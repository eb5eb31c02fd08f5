"""Files in which users declare what they want: suites, policies. Found by paths and patterns, read with every mistake told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from glob import glob
from pathlib import Path
from typing import TypeVar

from hookline.core.errors import ConfigError

T = TypeVar("T")


def read_all(
    key: str, patterns: Iterable[str], base_dir: Path, load: Callable[[Path, str], Iterable[T]]
) -> tuple[list[T], list[str]]:
    """What is in all files that paths or glob patterns name, each file once, in the order of the patterns.

    Args:
        key: the configuration's key that the patterns stand under.
        patterns: relative ones start from ``base_dir``; ``**`` crosses folders.
        load: reads a file; its second argument is the file's name in errors.

    Returns:
        What was read, and every mistake: patterns that name no file, and what ``load`` raised.
    """
    read: list[T] = []
    mistakes: list[str] = []
    files: dict[Path, str] = {}
    for pattern in patterns:
        names = _names(pattern, base_dir)
        if not names:
            mistakes.append(f"{key}: {pattern!r} names no file, looked for in {base_dir}; correct the path")
        for name in names:
            files.setdefault((base_dir / name).resolve(), name)
    for path, name in files.items():
        try:
            read += load(path, name)
        except ConfigError as error:
            mistakes.append(str(error))
    return read, mistakes


def read_content(path: Path, name: str, kind: str, most_bytes: int) -> bytes:
    """What is in a file.

    Args:
        name: its name in errors.
        kind: what it is: ``suite``.

    Raises:
        ConfigError: when it can't be read, or is larger than ``most_bytes``.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise ConfigError(f"{name}: the {kind} can't be read: {error.strerror}; correct the path") from None
    if len(content) > most_bytes:
        raise ConfigError(f"{name}: larger than {most_bytes:,} bytes; split the {kind} into several files")
    return content


def read_text(path: Path, name: str, kind: str, most_bytes: int) -> str:
    """What is in a file of text.

    Raises:
        ConfigError: as ``read_content``, or when it is not UTF-8.
    """
    content = read_content(path, name, kind, most_bytes)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: not UTF-8; save the file as UTF-8") from None


def _names(pattern: str, base_dir: Path) -> list[str]:
    if (base_dir / pattern).exists():
        return [pattern]
    return [name for name in sorted(glob(pattern, root_dir=base_dir, recursive=True)) if (base_dir / name).is_file()]
