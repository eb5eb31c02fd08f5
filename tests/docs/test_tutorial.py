"""The tutorial's files and commands, as a reader would make and type them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial" / "first-job.md"
_FILE = re.compile(r"^`(?P<name>[\w./]+)`[^\n]*:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """What the page tells to write, by name; the job and its data are there already."""
    told = {match["name"]: match["text"] for match in _FILE.finditer(PAGE.read_text())}
    assert set(told) == {"orders.csv", "job.py", "hookline.yaml", "suites/orders.yaml"}
    for name in ("orders.csv", "job.py"):
        (tmp_path / name).write_text(told[name])
    return told


def hookline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "hookline", *arguments],
        cwd=folder,
        env={**known, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def run_job(folder: Path) -> tuple[int, dict[str, Any], str]:
    """The exit code, the run's only write, and what was told."""
    done = hookline(folder, "run", "--json", "run.json", "--", "job.py")
    (write,) = json.loads((folder / "run.json").read_text())["writes"]
    return done.returncode, write, done.stdout + done.stderr


def statuses(write: dict[str, Any]) -> Counter[str]:
    return Counter(verdict["status"] for verdict in write["verdicts"])


@pytest.mark.spark
@pytest.mark.slow
def test_the_first_job(tmp_path: Path, files: dict[str, str]) -> None:
    code, write, told = run_job(tmp_path)
    assert (code, write["rows"], write["published"]) == (0, 3, True)
    assert "orders are written" in told
    assert "finished" in hookline(tmp_path, "runs").stdout
    assert "orders.csv" in hookline(tmp_path, "lineage", "show").stdout

    for name in ("hookline.yaml", "suites/orders.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(files[name])
    code, write, told = run_job(tmp_path)
    assert (code, write["published"], statuses(write)) == (0, True, {"passed": 2, "failed": 1})

    before = {path.name: path.read_bytes() for path in (tmp_path / "orders").iterdir()}
    (tmp_path / "suites" / "orders.yaml").write_text(files["suites/orders.yaml"] + "    severity: critical\n")
    code, write, told = run_job(tmp_path)
    assert (code, write["published"], statuses(write)) == (3, False, {"passed": 2, "failed": 1})
    assert {path.name: path.read_bytes() for path in (tmp_path / "orders").iterdir()} == before
    assert "range(amount)" in told
    assert hookline(tmp_path, "check", "orders", "--suite", "suites/orders.yaml").returncode == 3
