"""The example notebook is executed by a real kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "notebooks"


def test_the_events_are_valid(validate: Callable[[dict[str, Any]], list[str]]) -> None:
    events = [json.loads(line) for line in (FOLDER / "lineage-events.ndjson").read_text().splitlines()]
    assert [problem for event in events for problem in validate(event)] == []


@pytest.mark.slow
@pytest.mark.server
def test_the_notebook_runs_and_shows_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(FOLDER / "lineage.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(FOLDER))
    outputs = [cell.outputs[-1].data for cell in notebook.cells if cell.cell_type == "code"]
    picture, impact, origins, focus, changes, datasets, sources = outputs
    page = unescape(re.search(r'srcdoc="([^"]*)"', picture["text/html"])[1])
    assert len(re.findall(r'id="hl-t\d+"', page)) == 9
    assert picture["text/plain"] == "Lineage of 9 datasets and 34 columns, 39 edges"
    assert "email_hash" in impact["text/html"]
    assert "TRANSFORMATION masked" in impact["text/html"]
    assert "<li>team:privacy: /lake/silver/people</li>" in impact["text/html"]
    assert "/lake/bronze/prices.price" in origins["text/html"]
    assert len(re.findall(r'id="hl-t\d+"', unescape(focus["text/html"]))) == 5
    assert "('/lake/bronze/prices.currency', 'FILTER', '/lake/silver/sales')" in changes["text/plain"]
    assert datasets["text/plain"].index("bronze/orders") < datasets["text/plain"].index("gold/daily_revenue")
    assert "/lake/bronze/prices" in sources["text/plain"]
