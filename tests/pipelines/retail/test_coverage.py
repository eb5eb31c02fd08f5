"""Every write of the whole platform is told in OpenLineage events: by our own count, by the events, and by Delta's history."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hookline.core.summary import run_document

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def write_events(path: Path) -> list[dict[str, Any]]:
    """Those that end a write."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in events if event["outputs"] and event["eventType"] != "START"]


def commits(lake: Any) -> Counter[str]:
    """Per table, the commits that its log has: each was one write."""
    logs = Path(lake.root).rglob("_delta_log/*.json")
    return Counter(str(log.parents[1]) for log in logs)


@pytest.mark.parametrize("file", [".hookline/lineage.ndjson", "client.ndjson"])
def test_each_write_has_its_events(first: Any, file: str) -> None:
    ended, root = first.ended, Path(first.lake.root).parent
    events = write_events(root / file)
    assert {event["eventType"] for event in events} == {"COMPLETE"}
    assert len(events) == ended.writes_total > len(first.written)
    told = Counter(event["outputs"][0]["name"] for event in events)
    assert told == commits(first.lake)
    versions = {
        (event["outputs"][0]["name"], event["outputs"][0]["facets"]["version"]["datasetVersion"]) for event in events
    }
    assert versions == {(name, str(number)) for name, count in told.items() for number in range(count)}
    assert all(event["inputs"] for event in events)


def test_the_summary_counts_writes_against_events(first: Any) -> None:
    reports = {report.name: report for report in first.ended.plugins}
    assert {report.writes_told for report in reports.values()} == {first.ended.writes_total}
    document = run_document(first.run, first.ended)
    assert document["lineage"] == dict.fromkeys(("writes", "events", "with_columns"), first.ended.writes_total)
    assert not [note for note in first.ended.notes if "told of" in note]
    root = Path(first.lake.root).parent
    last = json.loads((root / ".hookline/lineage.ndjson").read_text().splitlines()[-1])
    assert last["run"]["facets"]["hookline_run"].items() >= {
        ("writes", first.ended.writes_total),
        ("writesTold", first.ended.writes_total),
    }


def test_the_clients_events_are_valid_too(first: Any, validate: Any) -> None:
    path = Path(first.lake.root).parent / "client.ndjson"
    assert [problem for line in path.read_text().splitlines() for problem in validate(json.loads(line))] == []
