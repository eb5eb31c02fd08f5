"""The gate on real writes of a real session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.governance.audit import AuditLog
from hookline.pipelines import attach

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

POLICY = {
    "kind": "access",
    "name": "crm",
    "principals": {"job": {"id": "arn:aws:iam::123456789012:role/job"}},
    "rules": [{"name": "append", "principals": "job", "allow": "insert", "tables": ["default.gate_open"]}],
}


@pytest.fixture
def gated(spark: SparkSession, tmp_path: Path) -> Iterator[SparkSession]:
    (tmp_path / "policy.yaml").write_text(json.dumps(POLICY))
    options = {"policies": ["policy.yaml"], "gate": True, "follow": False, "principal": "job"}
    plugins = (PluginEntry("hookline.plugins.lake_formation:LakeFormationPlugin", options),)
    config = Config(state_dir=tmp_path / "state", base_dir=tmp_path, plugins=plugins)
    attachment = attach.attach(spark, config, job="crm")
    yield spark
    attachment.detach()
    for table in ("gate_open", "gate_shut"):
        spark.sql(f"DROP TABLE IF EXISTS {table}")


@pytest.mark.spark
def test_a_job_writes_what_a_policy_lets_it_write_and_nothing_else(gated: SparkSession, tmp_path: Path) -> None:
    frame = gated.range(2)
    frame.write.saveAsTable("gate_open")
    frame.write.mode("append").insertInto("gate_open")
    gated.sql("INSERT INTO gate_open VALUES (7)")
    refused = (
        lambda: frame.write.saveAsTable("gate_shut"),
        lambda: gated.sql("INSERT OVERWRITE gate_open VALUES (8)"),
        lambda: frame.write.mode("overwrite").saveAsTable("gate_open"),
        lambda: frame.write.parquet(str(tmp_path / "elsewhere")),
        lambda: frame.write.option("path", str(tmp_path / "gate_open")).saveAsTable("gate_shut"),
    )
    for write in refused:
        with pytest.raises(WriteRefusedError, match=r"no access policy lets job|no name in a catalog"):
            write()
    assert gated.table("gate_open").count() == 5
    assert not gated.catalog.tableExists("gate_shut")
    assert not (tmp_path / "elsewhere").exists()
    log = AuditLog(tmp_path / "state" / "audit.log")
    assert [record.entry.action for record in log.records()][1:] == ["access.write_refused"] * len(refused)
