"""The plugin ``presidio``: what writes hold is kept, looked for again only when there is reason to, and gated."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.store import Store
from hookline.core.store.classifying import StoredScan, all_scans
from hookline.governance.audit import AuditLog
from hookline.pipelines import attach, watch
from hookline.testing import PluginContract, RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class TestContract(PluginContract):
    """What every plugin has to keep."""

    plugin = "presidio"
    bad_options: ClassVar = (
        {"countries": ["Germany"]},
        {"rows": 3},
        {"least": 0},
        {"gates": [{"entities": ["*"]}]},
        {"gates": [{"datasets": ["*"], "severity": "deadly"}]},
        {"recognizers": [{"entity": "X"}]},
        {"recognizers": [{"entity": "X", "patterns": [{"regex": "(unclosed"}]}]},
    )

    def options(self, folder: Path) -> Mapping[str, Any]:
        """For nothing that the contract writes."""
        return {"datasets": ["nothing"]}


class Job:
    """A session with the plugin and one that records."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self._attachment: Any = None

    def begin(self, **options: Any) -> Job:
        plugins = (
            PluginEntry("presidio", options),
            PluginEntry("hookline.testing:RecordingPlugin"),
            PluginEntry("lineage"),
        )
        config = Config(state_dir=self.folder / "state", base_dir=self.folder, plugins=plugins)
        self._attachment = attach.attach(self.spark, config, job="crm")
        return self

    def end(self) -> None:
        if self._attachment is not None:
            self._attachment.detach()
            self._attachment = None

    def people(self, count: int = 60) -> DataFrame:
        return self.spark.range(count).selectExpr("id", "concat('canary', id, '@example.org') as mail")

    def written(self) -> Any:
        watch.drain()
        return RecordingPlugin.last.seen("on_write_finished")[-1]

    def scans(self) -> tuple[StoredScan, ...]:
        self.end()
        store = Store(Config(state_dir=self.folder / "state").store_url())
        found = all_scans(store)
        store.close()
        return found


@pytest.fixture
def job(spark: SparkSession, tmp_path: Path) -> Iterator[Job]:
    held = Job(spark, tmp_path)
    yield held
    held.end()


@pytest.mark.spark
def test_what_a_write_holds_is_kept_and_recorded_without_its_values(job: Job, tmp_path: Path) -> None:
    job.begin().people().write.parquet(str(tmp_path / "out"))
    assert job.written().published
    (scan,) = job.scans()
    assert [(one.column, one.entity, one.share) for one in scan.found] == [("mail", "EMAIL_ADDRESS", 1.0)]
    assert (scan.name, scan.rows) == (str(tmp_path / "out"), 60)
    (record,) = [
        one for one in AuditLog(tmp_path / "state" / "audit.log").records() if one.entry.action == "presidio.scan"
    ]
    assert record.entry.what["found"] == {"EMAIL_ADDRESS": 1}
    for file in (tmp_path / "state").rglob("*"):
        if file.is_file():
            assert b"canary7" not in file.read_bytes(), file


@pytest.mark.spark
def test_it_looks_again_when_columns_change_or_it_is_time(job: Job, tmp_path: Path) -> None:
    people, place = job.begin().people(), str(tmp_path / "out")

    def ways() -> list[str]:
        found = []
        for frame in (people, people, people.withColumn("note", people.mail)):
            frame.write.mode("overwrite").parquet(place)
            found.append(job.written().way)
            job.end()
            job.begin()
        return found

    assert ways() == ["spark", "proof", "spark"]
    job.end()
    job.begin(again_after_days=0)
    people.write.mode("overwrite").parquet(place)
    assert job.written().way == "spark"


@pytest.mark.spark
def test_a_gate_refuses_what_may_not_be_there_and_readers_see_nothing(job: Job, tmp_path: Path) -> None:
    job.begin(gates=[{"datasets": ["*gold*"]}])
    place = tmp_path / "gold"
    job.spark.range(5).write.parquet(str(place))
    assert job.written().verdicts[0].status == "passed"
    with pytest.raises(WriteRefusedError, match=r"mail: EMAIL_ADDRESS"):
        job.people().write.mode("overwrite").parquet(str(place))
    assert [row.id for row in job.spark.read.parquet(str(place)).orderBy("id").collect()] == [0, 1, 2, 3, 4]
    watch.drain()
    refused = RecordingPlugin.last.seen("on_write_failed")[-1]
    assert "canary" not in json.dumps([one.observed for one in refused.verdicts])
    assert [scan.rows for scan in job.scans()] == [5]


@pytest.mark.spark
def test_a_gate_is_for_its_entities_and_may_only_tell(job: Job, tmp_path: Path) -> None:
    gates = [{"datasets": ["*"], "entities": ["IBAN_CODE"]}, {"datasets": ["*"], "severity": "warn"}]
    job.begin(gates=gates).people().write.parquet(str(tmp_path / "out"))
    assert [one.status for one in job.written().verdicts] == ["passed", "failed"]


@pytest.mark.spark
def test_a_gate_that_can_not_look_refuses(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("anna@example.org is not a number")

    job.begin(gates=[{"datasets": ["*gold*"]}])
    monkeypatch.setattr("hookline.governance.pii.scan.scan", broken)
    with pytest.raises(WriteRefusedError, match=r"look_for_personal_data.*ValueError") as caught:
        job.people().write.parquet(str(tmp_path / "gold"))
    assert "anna" not in str(caught.value)
    assert not (tmp_path / "gold").exists()
    # Without a gate the job goes on.
    job.people().write.parquet(str(tmp_path / "silver"))
    assert job.written().published


@pytest.mark.spark
def test_events_of_lineage_tag_columns_also_those_that_inherited_it(job: Job, tmp_path: Path) -> None:
    bronze, silver = str(tmp_path / "bronze"), str(tmp_path / "silver")
    job.begin(datasets=["*bronze"]).people().write.parquet(bronze)
    job.scans()
    job.begin(datasets=["*bronze"])
    frame = job.spark.read.parquet(bronze).selectExpr("upper(mail) as who", "sha2(mail, 256) as hashed")
    wanted = [{"key": "pii", "value": "EMAIL_ADDRESS", "source": "INTEGRATION", "field": "who"}]
    # Events do not wait for the store: it is told from the first write on that finds it open.
    for _ in range(20):
        frame.write.mode("overwrite").parquet(silver)
        watch.drain()
        if wanted in _tags_of(tmp_path / "state" / "lineage.ndjson", silver):
            return
        time.sleep(0.3)
    pytest.fail("no event tells it")


def _tags_of(events: Path, name: str) -> list[Any]:
    lines = events.read_text().splitlines() if events.exists() else []
    outputs = [output for line in lines for output in json.loads(line)["outputs"]]
    return [one["facets"]["tags"]["tags"] for one in outputs if one["name"] == name and "tags" in one["facets"]]
