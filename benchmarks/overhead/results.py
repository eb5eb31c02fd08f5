"""Where the results of all parts of a benchmark are kept: results.json, and RESULTS.md made from it."""

from __future__ import annotations

import compileall
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import hookline

HERE = Path(__file__).resolve().parent
_PACKAGES = ("pyspark", "delta-spark", "duckdb", "pyarrow", "numpy", "pydantic", "SQLAlchemy")


def load(folder: Path) -> dict[str, Any]:
    """The results so far."""
    path = folder / "results.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def save(folder: Path, part: Mapping[str, Any], markdown: Callable[[Mapping[str, Any]], str]) -> str:
    """Put new results beside those of the other parts; the page that ``markdown`` makes of all, as it is now."""
    document = load(folder) | {"version": 1} | dict(part)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    page = markdown(document)
    (folder / "RESULTS.md").write_text(page, "utf-8")
    return page


def surroundings() -> dict[str, Any]:
    """When, where and with what something was measured."""
    head = subprocess.run(
        [shutil.which("git") or "git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    )
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": head.stdout.strip() or None,
        "machine": {"cores": os.cpu_count(), "system": platform.system()},
        "versions": {"hookline": hookline.__version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in _PACKAGES},
    }


def compile_package() -> None:
    """Have hookline's bytecode ready, as pip leaves it behind; a work tree may be run where none is written."""
    compileall.compile_dir(str(Path(hookline.__file__).parent), quiet=1)
