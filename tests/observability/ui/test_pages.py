"""Every page and path over HTTP: what is told, what is escaped, what happens when the store is not what it should be."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hookline.core.labels import LabelsConfig
from hookline.core.store import Store, migrations, schema
from hookline.core.store.reader import StoreReader
from hookline.observability.ui import openapi
from hookline.observability.ui.app import Sources, application

pytestmark = pytest.mark.server


class Elements(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def paths(ids: dict[str, str]) -> dict[str, str]:
    """By endpoint, an address."""
    dataset = "/datasets/" + schema_id("s3://lake", "silver/orders")
    own = {"/runs/{run_id}": f"/runs/{ids['slow']}", "/datasets/{dataset_id}": dataset, "/search": "/search?q=order"}
    return {path: own.get(path.removeprefix("/api/v1"), path.removeprefix("/api/v1")) for path, *_ in openapi.ENDPOINTS}


def schema_id(*name: str) -> str:
    from hookline.core.events import content_id

    return content_id(*name)


def test_every_answer_is_what_the_description_says(site: Any, ids: dict[str, str]) -> None:
    told = site.json("/api/openapi.json")
    assert told["openapi"] == "3.1.0"
    assert set(told["paths"]) == {path for path, *_ in openapi.ENDPOINTS}
    for path, address in paths(ids).items():
        answer = told["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**answer, "components": told["components"]})
        document = site.json("/api/v1" + address)
        assert [error.message for error in validator.iter_errors(document)] == [], path
        assert [*validator.iter_errors(document | {"another": 1})] != [], path
        assert document["version"] == 1


def test_the_overview_tells_what_to_look_at(site: Any, ids: dict[str, str]) -> None:
    doc = site.json("/api/v1/overview")
    counts = {name: doc["counts"][name] for name in ("finished", "failed", "refused", "running")}
    assert counts == {"finished": 21, "failed": 2, "refused": 1, "running": 1}
    assert sum(one["finished"] for one in doc["by_time"]) == 21
    assert [one["run_id"] for one in doc["failures"]] == [ids["hostile"], ids["failed"]]
    assert [one["run_id"] for one in doc["refusals"]] == [ids["refused"]]
    (slower,) = doc["slower"]
    assert (slower["run_id"], slower["duration_s"], slower["runs"]) == (ids["slow"], 60.0, 20)
    assert slower["usual_s"] == pytest.approx(10.0)
    assert [one["failing_rows"] for one in doc["failing_checks"]] == [17, 1]
    assert doc["failing_checks"][0]["name"] == "silver/orders"
    assert {one["rule"][:4] for one in doc["advice"]} == {"skew", "</sc"}
    assert (doc["costs"]["total"], doc["costs"]["currency"]) == (2.5, "USD")
    assert sum(one["finished"] for one in site.json("/api/v1/overview?days=1")["by_time"]) <= 21
    page = site.get("/").text
    assert "load orders" in page
    assert "1 min 00 s" in page


def test_runs_are_chosen_and_paged(site: Any, ids: dict[str, str]) -> None:
    def found(query: str) -> list[str]:
        return [one["run_id"] for one in site.json(f"/api/v1/runs?{query}")["runs"]]

    everything = found("limit=200")
    assert len(everything) == 25
    assert found("status=refused&status=failed") == [ids["hostile"], ids["failed"], ids["refused"]]
    assert found("named=NIGHT") == [ids["failed"]]
    assert found("named=%25") == []
    assert found("job=stream") == [ids["running"]]
    assert len(found("job=load+orders")) == 22
    assert found("since=2100-01-01") == []
    assert found("until=2020-01-01") == []
    assert found("since=nonsense&status=nonsense&before=nonsense") == everything[:50]
    paged, before = [], ""
    while before is not None:
        page = site.json(f"/api/v1/runs?limit=7&before={before.replace('+', '%2B')}")
        paged += [one["run_id"] for one in page["runs"]]
        before = page["next"]
    assert paged == everything
    assert "Older" not in site.get("/runs").text


def test_a_run_is_told_in_full(site: Any, ids: dict[str, str]) -> None:
    doc = site.json(f"/api/v1/runs/{ids['slow'][:9]}")
    (write,) = doc["writes"]
    assert (write["spill_bytes"], write["skew"], write["shuffle_bytes"]) == (5 << 20, 9.0, 9)
    assert [one["check"] for one in write["verdicts"]] == ["order_id is unique", "rows"]
    assert [(one["kind"], one["start_s"]) for one in doc["timeline"]] == [("write", 1.0), ("stage", 1.1)]
    assert doc["timeline"][1]["skew"] == pytest.approx(9.0)
    assert doc["cost"]["amount"] == 1.25
    assert len(doc["history"]) == 21
    page = site.get(f"/runs/{ids['slow']}").text
    for words in (
        "a note",
        "2.8 DPU h",
        "save at Job.scala:12",
        "skewJoin",
        "2 failures",
        "SinkError",
        "order_id is unique",
    ):
        assert words in page
    refused = site.get(f"/runs/{ids['refused']}").text
    assert "WriteRefusedError" in refused
    assert "17" in refused
    assert "was not among the run" in site.get(f"/runs/{ids['failed']}").text


def test_a_dataset_is_told_in_full(site: Any, ids: dict[str, str]) -> None:
    doc = site.json("/api/v1/datasets/" + schema_id("s3://lake", "silver/orders"))
    own = doc["dataset"]
    assert (own["layer"], own["owner"], own["last_status"], own["late"]) == ("silver", "team orders", "refused", False)
    assert own["cost"] == {"amount": 1.0, "currency": "USD"}
    assert own["every_s"] == 3600.0
    assert own["quality_trend"][-2:] == [1.0, 0.5]
    assert len(doc["writes"]) == 22
    assert [one["name"] for one in doc["made_from"]] == ["bronze/orders"]
    assert [one["name"] for one in doc["schemas"][0]["columns"]] == ["order_id", "customer_email"]
    assert doc["checks"][0]["statuses"][-2:] == ["passed", "failed"]
    assert doc["tags"] == {"cost_center": "7"}
    assert [one["dataset_id"] for one in site.json("/api/v1/datasets?owner=team+orders")["datasets"]] == [
        own["dataset_id"]
    ]
    assert site.json("/api/v1/datasets?named=SILVER&layer=silver")["total"] == 1
    assert site.json("/api/v1/datasets?layer=gold")["total"] == 0


def test_search_finds_jobs_datasets_columns_and_runs(site: Any, ids: dict[str, str]) -> None:
    assert site.json("/api/v1/search?q=LOAD")["jobs"] == ["load orders"]
    assert [one["name"] for one in site.json("/api/v1/search?q=silver/ord")["datasets"]] == ["silver/orders"]
    assert [one["column"] for one in site.json("/api/v1/search?q=email")["columns"]] == ["customer_email"]
    assert [one["run_id"] for one in site.json(f"/api/v1/search?q={ids['failed'][:8]}")["runs"]] == [ids["failed"]]
    assert site.json("/api/v1/search?q=")["jobs"] == []
    assert "Nothing is named so" in site.get("/search?q=zzzz").text


def test_no_name_becomes_anything_but_text(site: Any, ids: dict[str, str]) -> None:
    hostile = schema_id("s3://lake", site.json(f"/api/v1/runs/{ids['hostile']}")["writes"][0]["dataset"]["name"])
    asked = (
        "/",
        "/runs",
        f"/runs/{ids['hostile']}",
        "/datasets",
        f"/datasets/{hostile}",
        "/lineage",
        "/search?q=script",
        "/health",
    )
    asked += ("/search?q=%3C/script%3E%22%27%3Cimg%20src=x%3E", "/runs?job=%22%3E%3Cscript%3Ex", "/runs?named=%3Cb%3E")
    for path in asked:
        answer = site.get(path)
        assert answer.status == 200, path
        elements = Elements(answer.text).found
        scripts = [attributes for tag, attributes in elements if tag == "script"]
        assert [set(one) for one in scripts] == [{"src", "defer"}], path
        assert "img" not in {tag for tag, _ in elements}
        assert [
            name for _, attributes in elements for name in attributes if name.startswith("on") or name == "style"
        ] == []
        assert "\u202e" not in answer.text
        assert "\x1b" not in answer.text
        assert "x" * 2_100 not in answer.text, path
    frame = site.get("/lineage/picture")
    assert frame.status == 200
    assert "frame-ancestors 'self'" in frame.headers["content-security-policy"]


def test_what_is_not_there_says_so(site: Any) -> None:
    for path in (
        "/nowhere",
        "/runs/0000",
        "/datasets/0000",
        "/lineage?dataset=0000",
        "/assets/nothing.js",
        "/assets/../app.py",
    ):
        answer = site.get(path)
        assert answer.status == 404, path
        assert "There is no such thing here" in answer.text
    for path in ("/api/v1/nowhere", "/api/v1/runs/0000", "/api/v1/datasets/0000"):
        answer = site.get(path)
        assert answer.status == 404
        assert '"problem":"unknown"' in answer.text
    for path in (
        "/runs/%00",
        "/runs/%25",
        "/datasets/..%2f",
        "/search?q=%00",
        "/runs?before=~&limit=-1",
        "/?days=99999999999999",
    ):
        assert site.get(path).status in (200, 307, 404), path


# -- a store that is not what it should be -----------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path, serving: Callable[..., Any]) -> Any:
    """The page of a store that a test brings about."""
    reader = StoreReader(f"sqlite:///{tmp_path / 'store.db'}")
    return serving(application(Sources(reader, LabelsConfig(), tmp_path / "outbox.db", lambda *_: ("", ""))))


def version(path: Path, number: int) -> None:
    store = Store(f"sqlite:///{path}")
    with store.transaction() as connection:
        connection.execute(schema.schema_version.update().values(version=number))
    store.close()


def test_a_store_that_is_missing_old_new_damaged_or_none_is_explained(stored: Any, tmp_path: Path) -> None:
    file = tmp_path / "store.db"

    def told() -> tuple[int, str]:
        answer = stored.get("/")
        return answer.status, html.unescape(re.sub("<[^>]+>", "", answer.text))

    status, text = told()
    assert (status, "hookline run -- job.py" in text, file.exists()) == (503, True, False)
    sqlite3.connect(file).close()
    file.write_bytes(b"")
    assert "holds no run history" in told()[1]
    version(file, migrations.VERSION - 1)
    assert "hookline runs" in told()[1]
    version_after = sqlite3.connect(file).execute("SELECT version FROM hookline_schema_version").fetchone()
    assert version_after == (migrations.VERSION - 1,), "looking changes nothing"
    file.unlink()
    version(file, migrations.VERSION + 1)
    assert "install the newer hookline" in told()[1]
    file.unlink()
    Store(f"sqlite:///{file}").close()
    assert told()[0] == 200
    file.write_bytes(b"no database " * 400)
    status, text = told()
    assert (status, "can't be read" in text, "Traceback" in text) == (503, True, False)
    assert stored.get("/api/v1/runs").status == 503


def test_a_writer_does_not_wait_for_the_page_nor_the_page_for_it(stored: Any, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with store.transaction() as connection:
        connection.execute(
            schema.runs.insert().values(run_id="1", job="a", status="running", started_at="2026-01-01T00:00:00+00:00")
        )
        assert stored.get("/runs").status == 200
    store.close()


def test_an_exclusive_lock_is_told_as_busy(stored: Any, tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'store.db'}").close()
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    holder.execute("PRAGMA journal_mode=DELETE")
    holder.execute("BEGIN EXCLUSIVE")
    answer = stored.get("/runs")
    holder.close()
    assert answer.status == 503
    assert "is busy" in answer.text


def test_the_outbox_is_read_and_left_alone(stored: Any, tmp_path: Path) -> None:
    from hookline.core.outbox import Outbox

    Store(f"sqlite:///{tmp_path / 'store.db'}").close()
    assert stored.json("/api/v1/health")["outbox"] is None
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.put("slack<b>", {})
    outbox.close(0)
    doc = stored.json("/api/v1/health")
    assert [(one["name"], one["pending"], one["dead"]) for one in doc["sinks"]] == [("slack<b>", 1, 0)]
    assert "slack&lt;b&gt;" in stored.get("/health").text
    (tmp_path / "outbox.db").write_bytes(b"damaged " * 999)
    assert "it is damaged" in stored.json("/api/v1/health")["trouble"]
    assert [one.name for one in tmp_path.glob("outbox.db.corrupt*")] == []


def test_the_reference_names_every_path_parameter_and_key() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "page.md").read_text()
    for path, _, model, asked in openapi.ENDPOINTS:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{path}` |")]
        assert [name for name, *_ in asked if f"`{name}`" not in row] == []
        (keys,) = [line for line in page.splitlines() if line.startswith(f"`{path}`: ")]
        assert re.findall("`([a-z_]+)`", keys.partition(": ")[2]) == [
            name for name in model.model_fields if name != "version"
        ]
