"""Registration in Glue on Moto's server: what is there afterwards, in every kind of trouble."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.catalog.conftest import Catalogued
from tests.governance.catalog.test_glue_tables import COLUMNS, entry
from tests.governance.endpoint import Endpoint, client

from hookline.cli import main
from hookline.core.errors import SinkError, WriteRefusedError
from hookline.core.events import Column
from hookline.core.runtime import Runtime
from hookline.governance.catalog.glue import client as glue_client
from hookline.governance.catalog.glue.client import Glue, GlueError
from hookline.governance.catalog.glue.options import GlueConfig, Place
from hookline.governance.catalog.glue.registering import Registrar, Registration

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LOCATION = "s3://lake/sales"


class Account:
    """A database in Moto, and a registrar for it."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        self.endpoint = endpoint
        self.aws = client("glue", endpoint)
        # Moto's server lasts as long as the tests: every one has a database of its own.
        self.database = f"db_{abs(hash(folder)) % 10**12}"
        self.place = Place(self.database, "sales")
        self.options = {"region": "eu-west-1", "endpoint_url": endpoint.url, "create_database": True, "timeout_s": 2}

    def registrar(self, glue: type[Glue] = Glue, **more: Any) -> Registrar:
        options = GlueConfig.model_validate({**self.options, **more})
        return Registrar(options, glue(options))

    def table(self, name: str = "sales") -> dict[str, Any]:
        found: dict[str, Any] = self.aws.get_table(DatabaseName=self.database, Name=name)["Table"]
        return found

    def partitions(self, name: str = "sales") -> dict[tuple[str, ...], dict[str, Any]]:
        pages = self.aws.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=name)
        return {tuple(one["Values"]): one for page in pages for one in page["Partitions"]}


@pytest.fixture
def account(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr(glue_client, "pause", lambda number: None)
    monkeypatch.setattr("hookline.governance.catalog.glue.registering.pause", lambda number: None)
    return Account(endpoint, tmp_path)  # type: ignore[return-value]


def told(*days: str | None, extent: Any = "added", at: str = "2026-05-04T00:00:00+00:00", **more: Any) -> Registration:
    facts: dict[str, Any] = {"columns": COLUMNS, "location": LOCATION, "written_at": at}
    written = dataclasses.replace(entry().last_write, at=at)  # type: ignore[type-var]
    partitions = [(("day", day),) for day in days]
    return Registration(
        **{**facts, "entry": entry(last_write=written), "partitions": partitions, "extent": extent, **more}
    )


def test_a_table_is_made_then_kept_up(account: Account) -> None:
    registrar = account.registrar()
    registrar.register(account.place, told("2026-05-04", None))
    table = account.table()
    assert [one["Name"] for one in table["StorageDescriptor"]["Columns"]] == ["id", "address", "at"]
    assert [*account.partitions()] == [("2026-05-04",), ("__HIVE_DEFAULT_PARTITION__",)]
    one = account.partitions()["2026-05-04",]
    assert one["StorageDescriptor"]["Location"] == f"{LOCATION}/day=2026-05-04"
    assert one["StorageDescriptor"]["Columns"] == table["StorageDescriptor"]["Columns"]
    asked = len(account.endpoint.asked)
    registrar.register(account.place, told("2026-05-04", None))
    assert not any("UpdateTable" in one or "Delete" in one for one in account.endpoint.asked[asked:]), "nothing changed"
    more = (*COLUMNS, Column("more", "map<string,int>"))
    registrar.register(account.place, told("2026-05-04", columns=more))
    assert account.table()["StorageDescriptor"]["Columns"][-1]["Type"] == "map<string,int>"
    assert len(account.partitions()["2026-05-04",]["StorageDescriptor"]["Columns"]) == 4
    assert len(account.partitions()[("__HIVE_DEFAULT_PARTITION__",)]["StorageDescriptor"]["Columns"]) == 3


def test_an_overwrite_takes_partitions_away(account: Account) -> None:
    registrar = account.registrar()
    registrar.register(account.place, told(*(f"d{number}" for number in range(60))))
    registrar.register(account.place, told("d1", "new", extent="all"))
    assert {*account.partitions()} == {("d1",), ("new",)}
    registrar.register(account.place, told(extent="all"))
    assert account.partitions() == {}


def test_an_older_write_that_comes_late_changes_no_table(account: Account) -> None:
    registrar = account.registrar()
    registrar.register(
        account.place, told("b", at="2026-05-05T00:00:00+00:00", columns=(*COLUMNS, Column("new", "int")))
    )
    registrar.register(account.place, told("a"))
    assert len(account.table()["StorageDescriptor"]["Columns"]) == 4
    assert {*account.partitions()} == {("a",), ("b",)}
    registrar.register(account.place, told("c", extent="all"))
    assert {*account.partitions()} == {("a",), ("b",)}, "what was all then is not all now"


def test_ten_thousand_partitions_in_batches_with_bounded_memory(account: Account) -> None:
    days = [f"d{number:05}" for number in range(10_000)]
    asked: Counter[str] = Counter()
    largest: Counter[str] = Counter()

    class Counting(Glue):
        """Answers itself: Moto would take minutes to compare each with all others."""

        def call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
            asked[operation] += 1
            for key in ("PartitionInputList", "PartitionsToDelete"):
                largest[key] = max(largest[key], len(arguments.get(key, ())))
            if operation == "get_table":
                raise GlueError("EntityNotFoundException") if asked["create_table"] == 0 else GlueError("Other")
            if operation == "get_partitions":
                first = int(arguments.get("NextToken", "0"))
                page = [{"Values": [f"old{number}"]} for number in range(first, first + 500)]
                return {"Partitions": page, **({"NextToken": str(first + 500)} if first < 9_500 else {})}
            return {}

    tracemalloc.start()
    try:
        account.registrar(Counting).register(account.place, told(*days, extent="all"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (asked["batch_create_partition"], asked["batch_delete_partition"], asked["get_partitions"]) == (100, 400, 20)
    assert (largest["PartitionInputList"], largest["PartitionsToDelete"]) == (100, 25)
    assert peak < 20e6, "values alone; the inputs of one batch"


def test_what_fails_in_part_is_sent_again_and_else_told(account: Account) -> None:
    failing: Counter[str] = Counter({"a": 2, "b": 99})

    class Partial(Glue):
        def call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
            if operation != "batch_create_partition":
                return super().call(operation, **arguments)
            errors, taken = [], []
            for one in arguments["PartitionInputList"]:
                value = one["Values"][0]
                failing[value] -= 1
                if failing[value] >= 0:
                    code = {"ErrorCode": "InternalServiceException", "ErrorMessage": "canary"}
                    errors.append({"PartitionValues": one["Values"], "ErrorDetail": code})
                else:
                    taken.append(one)
            super().call(operation, **{**arguments, "PartitionInputList": taken})
            return {"Errors": errors}

    with pytest.raises(
        SinkError, match=r"1 partitions could not be registered in Glue \(InternalServiceException\)"
    ) as lost:
        account.registrar(Partial).register(account.place, told("a", "b", "c"))
    assert lost.value.retryable
    assert "canary" not in str(lost.value)
    assert {*account.partitions()} == {("a",), ("c",)}
    account.registrar().register(account.place, told("a", "b", "c"))
    assert {*account.partitions()} == {("a",), ("b",), ("c",)}


def test_another_one_who_changes_the_table_meanwhile_loses_nothing(account: Account) -> None:
    versions: list[str] = []

    class Contended(Glue):
        def call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
            if operation == "update_table":
                versions.append(arguments["VersionId"])
                if len(versions) == 1:
                    theirs = account.table()
                    made = {key: theirs[key] for key in ("Name", "Parameters", "StorageDescriptor", "PartitionKeys")}
                    made["Parameters"]["theirs"] = "1"
                    account.aws.update_table(DatabaseName=account.database, TableInput=made)
                    raise GlueError("ConcurrentModificationException")
            return super().call(operation, **arguments)

    account.registrar().register(account.place, told())
    account.registrar(Contended).register(account.place, told(columns=(*COLUMNS, Column("more", "int"))))
    assert len(versions) == 2
    assert versions[0] < versions[1]
    assert account.table()["Parameters"]["theirs"] == "1"
    assert account.table()["StorageDescriptor"]["Columns"][-1]["Name"] == "more"


@pytest.mark.parametrize(
    ("trouble", "only"),
    [
        *((trouble, "") for trouble in ("throttled", "internal", "hangs up", "talks nonsense", "is gone")),
        *(
            (trouble, only)
            for trouble in ("hangs up", "talks nonsense")
            for only in ("CreateTable", "BatchCreatePartition")
        ),
    ],
)
def test_glue_in_trouble_is_tried_again_later(account: Account, trouble: Any, only: str) -> None:
    registrar = account.registrar()
    with account.endpoint.in_trouble(trouble, only), pytest.raises(SinkError, match="answered") as failed:
        registrar.register(account.place, told("a"))
    assert failed.value.retryable
    assert "canary" not in str(failed.value)
    registrar.register(account.place, told("a"))
    assert {*account.partitions()} == {("a",)}


@pytest.mark.parametrize("after", range(5))
def test_killed_anywhere_and_done_again_it_is_the_same(account: Account, after: int) -> None:
    class Dying(Glue):
        left = after

        def call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return super().call(operation, **arguments)

    with pytest.raises(KeyboardInterrupt):
        account.registrar(Dying, registry=account.database).register(account.place, told("a", "b"))
    registrar = account.registrar(registry=account.database)
    registrar.register(account.place, told("a", "b"))
    assert {*account.partitions()} == {("a",), ("b",)}
    assert registrar.registry is not None
    assert registrar.registry.register(account.place, COLUMNS, "NONE") == 1


def test_a_database_that_is_not_there(account: Account) -> None:
    with pytest.raises(SinkError, match=r"has no database .*create_database"):
        account.registrar(create_database=False).register(account.place, told())


def test_schema_versions_are_in_the_registry(account: Account) -> None:
    rules = [{"datasets": ["*"], "compatibility": "BACKWARD_TRANSITIVE"}]
    registrar = account.registrar(registry=account.database, schemas=rules)
    registrar.register(account.place, told())
    registrar.register(account.place, told(columns=(*COLUMNS, Column("more", "int"))))
    schema = {"RegistryName": account.database, "SchemaName": f"{account.database}.sales"}
    found = account.aws.get_schema(SchemaId=schema)
    assert (found["LatestSchemaVersion"], found["DataFormat"], found["Compatibility"]) == (2, "AVRO", "BACKWARD_ALL")
    version = account.aws.get_schema_version(SchemaId=schema, SchemaVersionNumber={"LatestVersion": True})
    assert json.loads(version["SchemaDefinition"])["fields"][-1]["name"] == "more"


# -- whole jobs --------------------------------------------------------------------------------------------------------


def plugin(account: Account, **more: Any) -> dict[str, Any]:
    return {"glue": {**account.options, "database": account.database, **more}}


def frame(spark: SparkSession, days: str, ddl: str = "id int, day string") -> DataFrame:
    return spark.createDataFrame([(1, day) for day in days], ddl).coalesce(1)


@pytest.mark.spark
def test_writes_of_a_job_are_in_glue(account: Account, catalogued: Catalogued, spark: SparkSession) -> None:
    catalogued.begin(others=plugin(account), owner="team")
    place = catalogued.path("sales")
    spark.createDataFrame([(1, "a=b/c d:é'{x}"), (2, None)], "id int, day string").write.partitionBy("day").parquet(
        place
    )
    catalogued.end()
    found = account.partitions()
    assert {*found} == {("a=b/c d:é'{x}",), ("__HIVE_DEFAULT_PARTITION__",)}
    for one in found.values():
        folder = one["StorageDescriptor"]["Location"].removeprefix("file:")
        assert Path(folder).is_dir(), "the very folder that Spark wrote"
    table = account.table()
    assert (table["Owner"], table["Parameters"]["hookline.rows_written"]) == ("team", "2")
    assert table["StorageDescriptor"]["Location"] == f"file:{place}"
    catalogued.begin(others=plugin(account))
    frame(spark, "xy").write.mode("append").partitionBy("day").parquet(place)
    catalogued.end()
    assert len(account.partitions()) == 4
    catalogued.begin(others=plugin(account))
    frame(spark, "z").write.mode("overwrite").partitionBy("day").parquet(place)
    frame(spark, "q").write.format("delta").partitionBy("day").save(catalogued.path("events"))
    catalogued.end()
    assert {*account.partitions()} == {("z",)}
    delta = account.table("events")
    assert delta["Parameters"]["table_type"] == "DELTA"
    assert delta["PartitionKeys"] == []
    assert [one["Name"] for one in delta["StorageDescriptor"]["Columns"]] == ["id", "day"]


@pytest.mark.spark
def test_a_dead_glue_harms_no_job_and_is_told_later(
    account: Account, catalogued: Catalogued, spark: SparkSession
) -> None:
    with account.endpoint.in_trouble("is gone"):
        catalogued.begin(others=plugin(account))
        frame(spark, "x").write.partitionBy("day").parquet(catalogued.path("sales"))
        assert catalogued.written().error is None
        catalogued.end()
    runtime = Runtime(catalogued.config, deliver=False)
    assert runtime.outbox.replay(deadline_s=30) == 0
    runtime.close()
    assert {*account.partitions()} == {("x",)}


@pytest.mark.spark
def test_a_gate_on_the_registry_refuses(account: Account, catalogued: Catalogued, spark: SparkSession) -> None:
    rules = [{"datasets": ["*"], "compatibility": "FULL"}]
    options = plugin(account, registry=account.database, schemas=rules)
    place = catalogued.path("sales")
    catalogued.begin(others=options)
    frame(spark, "x").write.parquet(place)
    catalogued.begin(others=options)
    before = {*Path(place).iterdir()}
    with pytest.raises(WriteRefusedError, match="id: int in the rows can't be read as boolean"):
        spark.createDataFrame([(True, "x")], "id boolean, day string").write.mode("overwrite").parquet(place)
    with account.endpoint.in_trouble("hangs up"), pytest.raises(WriteRefusedError, match="can't be had: Glue answered"):
        frame(spark, "y").write.mode("append").parquet(place)
    assert {*Path(place).iterdir()} == before
    frame(spark, "y").write.mode("append").parquet(place)


@pytest.mark.spark
def test_sync_tells_glue_of_what_is_there(
    account: Account,
    catalogued: Catalogued,
    spark: SparkSession,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(catalogued.folder)
    (catalogued.folder / "hookline.yaml").write_text(
        json.dumps({"state_dir": "state", "plugins": {"catalog": {}, **plugin(account)}})
    )
    catalogued.begin(others=plugin(account))
    frame(spark, "xy").write.partitionBy("day").parquet(catalogued.path("sales"))
    catalogued.end()
    shutil.rmtree(catalogued.path("sales/day=x"))
    assert main(["catalog", "describe", "/sales", "--owner", "team", "--comment", "id=the key"]) == 0
    capsys.readouterr()
    assert main(["catalog", "sync", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["glue"]
    assert (told["table"], told["error"]) == ("sales", None)
    assert {*account.partitions()} == {("y",)}
    assert account.table()["Owner"] == "team"
    assert account.table()["StorageDescriptor"]["Columns"][0]["Comment"] == "the key"
    shutil.rmtree(catalogued.path("sales"))
    assert main(["catalog", "sync"]) == 1
    assert "there is nothing at its place any more" in capsys.readouterr().out
    assert {*account.partitions()} == {("y",)}


JOB = """\
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", False).getOrCreate()
rows = spark.createDataFrame([(1, "a"), (2, "b")], "id int, day string").selectExpr(sys.argv[2], "day")
rows.write.mode("append").partitionBy("day").parquet(sys.argv[1])
"""


@pytest.mark.spark
def test_hookline_run_registers_and_refuses(account: Account, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(JOB)
    config = {
        "plugins": {"catalog": {"schemas": [{"datasets": ["*"], "compatibility": "BACKWARD"}]}, **plugin(account)}
    }
    (tmp_path / "hookline.yaml").write_text(json.dumps(config))

    def run(column: str) -> subprocess.CompletedProcess[str]:
        command = ["-m", "hookline", "run", "--", "job.py", str(tmp_path / "sales"), column]
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env={**os.environ}, capture_output=True, text=True, timeout=300
        )

    done = run("id")
    assert done.returncode == 0, done.stderr
    assert {*account.partitions()} == {("a",), ("b",)}
    assert account.table()["Parameters"]["hookline.last_job"] == "job"
    files = {*(tmp_path / "sales").rglob("*.parquet")}
    refused = run("id > 0 AS id")
    assert refused.returncode == 3
    assert "id: int in the rows can't be read as boolean" in refused.stderr
    assert {*(tmp_path / "sales").rglob("*.parquet")} == files
