"""Verdicts as Parquet files at a place of the user's, each write's once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from hookline.core.errors import SinkError
from hookline.core.events import Verdict, content_id
from hookline.quality import results
from hookline.quality.results import ResultsSink, results_of
from hookline.testing import sample_run, sample_write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.outbox import Message

RUN = sample_run(job="sell", user="mira", environment="prod")
WRITE = sample_write(
    rows_quarantined=2,
    data_version="7",
    verdicts=(
        Verdict("range(price)", "error", "failed", 2, 2, "price is at least 0", ("price",), suite="abc"),
        Verdict("mean(price)", "warn", "passed", float("nan")),
        Verdict("schema", "critical", "error", message="no answer", required=True),
    ),
)


def message(**changes: Any) -> Message:
    payload = {**results_of(WRITE, RUN), **changes}
    return cast("Message", SimpleNamespace(payload=payload, id=content_id(WRITE.write_id)))


def read(place: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(str(place)).to_pylist()
    return rows


def test_a_file_per_write_has_a_row_per_verdict(tmp_path: Path) -> None:
    sink = ResultsSink(str(tmp_path / "out"))
    sink.deliver([message(), message()])
    sink.deliver([message()])
    failed, passed, unanswered = read(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"run_date={RUN.started_at.date()}"]
    assert (failed["check"], failed["status"], failed["observed"], failed["observed_number"]) == (
        "range(price)",
        "failed",
        "2",
        2,
    )
    assert (failed["run_by"], failed["job"], failed["name"], failed["rows"], failed["rows_quarantined"]) == (
        "mira",
        "sell",
        "/data/orders",
        3,
        2,
    )
    assert (failed["columns"], failed["suite"], failed["data_version"]) == (["price"], "abc", "7")
    assert failed["started_at"] == WRITE.started_at
    assert passed["observed_number"] != passed["observed_number"]
    assert (unanswered["observed_number"], unanswered["message"], unanswered["required"]) == (None, "no answer", True)


def test_a_place_that_can_not_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SinkError, match=r"results can't be written to .*out: Not a directory") as failed:
        ResultsSink(str(tmp_path / "out")).deliver([message()])
    assert failed.value.retryable


def test_without_spark_another_file_system_is_pyarrows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import fs

    monkeypatch.setattr(results, "_spark_context", lambda: None)
    asked: list[str] = []

    def system(uri: str) -> tuple[Any, str]:
        asked.append(uri)
        return fs.LocalFileSystem(), str(tmp_path / "bucket")

    with monkeypatch.context() as patched:
        patched.setattr(fs, "FileSystem", SimpleNamespace(from_uri=system))
        ResultsSink("s3a://bucket/results").deliver([message()])
    assert asked == ["s3://bucket/results"]
    assert len(read(tmp_path / "bucket")) == 3


@pytest.mark.spark
def test_with_spark_a_uri_is_hadoops(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results._store_by_hadoop(spark.sparkContext, f"file:{tmp_path}/a/run_date=x/b.parquet", results._parquet([]))
    results._store_by_hadoop(spark.sparkContext, f"file:{tmp_path}/a/run_date=x/b.parquet", results._parquet([]))
    assert [path.name for path in tmp_path.rglob("*.parquet") if not path.name.startswith(".")] == ["b.parquet"]
