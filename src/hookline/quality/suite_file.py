"""Files of suites, as bytes: found, and not too large."""

from __future__ import annotations

from pathlib import Path

from hookline.core.errors import ConfigError


def read_content(path: Path, name: str, most_bytes: int) -> bytes:
    """What is in the file; ``name`` is its name in errors.

    Raises:
        ConfigError: when it can't be read, or is larger than ``most_bytes``.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise ConfigError(f"{name}: the suite can't be read: {error.strerror}; correct the path") from None
    if len(content) > most_bytes:
        raise ConfigError(f"{name}: larger than {most_bytes:,} bytes; split the suite into several files")
    return content
