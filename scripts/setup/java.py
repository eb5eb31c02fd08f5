"""Finds a Java that Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = 17
_INSTALLED = Path("/usr/lib/jvm")


@dataclass(frozen=True)
class Java:
    """A Java that starts: its home folder and its feature version (8, 11, 17 …)."""

    home: Path
    version: int

    @property
    def usable(self) -> bool:
        """Whether Spark runs on it."""
        return self.version >= OLDEST


def find_java(environ: Mapping[str, str], installed: Path = _INSTALLED) -> tuple[Java | None, tuple[Java, ...]]:
    """The first usable Java, in the order JAVA_HOME, PATH, the system's folder; and those passed over as too old."""
    too_old: list[Java] = []
    for program in _candidates(environ, installed):
        java = _ask(program)
        if java is not None and java.usable:
            return java, tuple(too_old)
        if java is not None:
            too_old.append(java)
    return None, tuple(too_old)


def _candidates(environ: Mapping[str, str], installed: Path) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"]) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH"))
    if on_path:
        yield Path(on_path)
    yield from sorted(installed.glob("*/bin/java"))


def _ask(program: Path) -> Java | None:
    """The Java's own word: a link or a wrapper on PATH does not tell where its home is."""
    command = [str(program), "-XshowSettings:properties", "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    home = re.search(r"^\s*java\.home = (.+)$", answer.stderr, re.MULTILINE)
    version = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", answer.stderr, re.MULTILINE)
    if answer.returncode != 0 or home is None or version is None:
        return None
    return Java(Path(_above_jre(home[1].strip())), int(version[1]))


def _above_jre(home: str) -> str:
    # A JDK 8 names the jre folder inside it.
    return os.path.dirname(home) if os.path.basename(home) == "jre" else home
