"""Write, audit, publish: what is written is measured and judged before readers can see it, where the target allows that.

A Delta table is held before its commit (``delta``), a folder of files is written beside its place and moved there
(``folder``), and what goes anywhere else is kept by the executors until it is judged (``held``). What a killed process left
half done is undone by the next one (``recovery``).
"""

from __future__ import annotations

from pathlib import Path

FOLDER = "staged"
SUFFIX = ".journal"


def any_left(state_dir: Path) -> bool:
    """Whether writes of this state folder are staged now, or were when their process died."""
    return any((state_dir / FOLDER).glob(f"*{SUFFIX}"))
