"""The environments that the peers run in: made once, from pinned versions, apart from hookline's own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache"
sys.path.insert(0, str(ROOT / "scripts" / "setup"))

from environment import Environment  # noqa: E402
from jars import Jars  # noqa: E402


@dataclass(frozen=True)
class Place:
    """Where a side runs: its Python, and the jars that its session loads."""

    python: Path
    jars: tuple[Path, ...] = ()


def own() -> Place:
    """hookline's own environment: that of this process."""
    return Place(Path(sys.executable))


def with_peers() -> Place:
    """The Spark that hookline uses, with the peers that run on it."""
    return Place(_environment("spark-4.2", ["cuallee", "pandera", "great_expectations"]))


def with_deequ() -> Place:
    """Spark 3.5 with Deequ, which finds ``scala.Serializable`` missing in Spark 4.

    Raises:
        Refusal: pip or Maven failed.
    """
    jars = Jars(HERE / "environments" / "deequ.xml", CACHE / "deequ-jars", CACHE / "m2")
    if not jars.current:
        jars.fill(Path(os.environ["JAVA_HOME"]))
    return Place(_environment("spark-3.5", ["pydeequ"]), tuple(sorted(jars.folder.glob("*.jar"))))


def _environment(name: str, modules: list[str]) -> Path:
    pinned = HERE / "environments" / f"{name}.txt"
    environment = Environment(CACHE / f"peers-{name}", [], pinned)
    if not environment.current("peers", modules):
        environment.make("peers", ["-r", str(pinned)])
    return environment.python
