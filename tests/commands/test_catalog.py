"""``hookline catalog``, as a steward types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.cli import main
from hookline.core.config import load_config
from hookline.core.events import Column
from hookline.core.runtime import Runtime
from hookline.governance.audit import AuditLog
from hookline.testing import sample_write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookline.yaml").write_text("plugins: {catalog: {lineage_url: 'https://ui.example'}}\n")
    runtime = Runtime(load_config())
    scope = runtime.open_run("daily")
    write = sample_write(write_id=scope.next_write_id(), columns=(Column("id", "int"), Column("e\u001b[31m", "string")))
    scope.record_write_started(write)
    scope.record_write_ended(write, failed=False)
    runtime.close_run(scope)
    runtime.close()
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["catalog", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_from_a_write_to_a_certified_dataset(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = told(capsys, "search", "orders")["entries"]
    assert (found["name"], found["certification"]["state"]) == ("/data/orders", "draft")
    assert found["lineage"].startswith("https://ui.example/datasets/")
    described = told(
        capsys,
        "describe",
        "orders",
        "--owner",
        "team",
        "--description",
        "d",
        "--tag",
        "tier=1",
        "--comment",
        "id=the key",
    )["entry"]
    assert (described["owner"], described["tags"], described["columns"][0]["comment"]) == (
        "team",
        {"tier": "1"},
        "the key",
    )
    again = told(capsys, "describe", "orders", "--owner", "", "--untag", "tier", "--comment", "id=")["entry"]
    assert (again["owner"], again["tags"], again["columns"][0]["comment"], again["description"]) == (
        None,
        {},
        None,
        "d",
    )
    assert (
        told(capsys, "certify", "orders", "reviewed", "--reason", "looked at")["entry"]["certification"]["state"]
        == "reviewed"
    )
    assert main(["catalog", "certify", "orders", "certified", "--reason", "good"]) == 1
    assert "it can't be certified: it has no owner" in capsys.readouterr().err
    assert main(["catalog", "describe", "orders", "--comment", "absent=x"]) == 1
    assert main(["catalog", "describe", "orders", "--tag", "=x"]) == 4
    actions = [record.entry.action for record in AuditLog(here / ".hookline" / "audit.log").records()][1:]
    assert actions == ["catalog.described", "catalog.described", "catalog.certification"]


def test_people_read_it_safely(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "orders"]) == 0
    shown = capsys.readouterr().out
    assert "\u001b" not in shown
    assert "id: int" in shown
    assert "not to be certified:" in shown
    assert main(["catalog", "search", "--owner", "nobody"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("DATASET")


def test_to_look_makes_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert told(capsys, "search")["entries"] == []
    assert main(["catalog", "show", "orders"]) == 1
    assert "nothing is in the catalog yet" in capsys.readouterr().err
    assert [*(tmp_path / "empty").iterdir()] == []


@pytest.mark.spark
def test_sync_takes_in_sparks_own_tables(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS cat_sync")
    try:
        spark.sql(
            "CREATE TABLE cat_sync.sales (id INT COMMENT 'the key', s STRUCT<a: INT COMMENT 'inner'>, day DATE) USING parquet "
            "PARTITIONED BY (day) COMMENT 'what was sold'"
        )
        spark.sql("CREATE VIEW cat_sync.seen AS SELECT 1 AS x")
        spark.sql("INSERT INTO cat_sync.sales SELECT 1, named_struct('a', 2), DATE'2026-05-04'")
        spark.sql("ANALYZE TABLE cat_sync.sales COMPUTE STATISTICS")
        synced = told(capsys, "sync")["tables"]
        assert "cat_sync.sales" in [one["table"] for one in synced]
        assert "cat_sync.seen" not in [one["table"] for one in synced]
        entry = told(capsys, "show", "cat_sync.sales")["entry"]
        assert (entry["rows"], entry["partition_by"], entry["description"]) == (1, ["day"], "what was sold")
        comments = {one["column"]: one["comment"] for one in entry["columns"]}
        assert comments == {"id": "the key", "s": None, "s.a": "inner", "day": None}
        spark.sql("ALTER TABLE cat_sync.sales ADD COLUMNS (more STRING COMMENT 'since')")
        told(capsys, "sync")
        columns = told(capsys, "show", "cat_sync.sales")["entry"]["columns"]
        assert ("more", "since") in [(one["column"], one["comment"]) for one in columns]
    finally:
        spark.sql("DROP DATABASE cat_sync CASCADE")
