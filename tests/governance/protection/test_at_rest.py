"""Columns that lie encrypted in Parquet files: on real writes, by the files' bytes, and read by others than Spark."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.conftest import Guarded

from hookline.core.errors import ConfigError, WriteRefusedError
from hookline.governance.keys import keyfile
from hookline.governance.keys.ring import hkdf_sha256, info_of
from hookline.governance.protection.policy import load_policies

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
AT_REST = {"columns": ["ssn", "contact.email", "phones", "tags.value"]}


@pytest.fixture
def people(spark: SparkSession) -> DataFrame:
    """Rows whose secrets repeat, so that dictionaries have them, and are few, so that statistics have them."""
    return spark.range(0, 200, 1, 2).selectExpr(
        "id",
        "'canary-' || id % 7 AS ssn",
        "named_struct('email', 'canary@' || id, 'city', 'Aalen') AS contact",
        "array(named_struct('number', 'canary+' || id)) AS phones",
        "map('key', 'canary#' || id) AS tags",
    )


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def in_clear(folder: Path) -> list[Path]:
    """Files that show a secret, here or within their compressed pages."""
    import pyarrow as pa
    from pyarrow import parquet

    found = [path for path in files(folder) if b"canary" in path.read_bytes() and path.suffix != ".yaml"]
    for path in folder.rglob("*.parquet"):
        try:
            read = parquet.ParquetFile(path)
        except (pa.ArrowException, OSError):
            continue
        for name in read.schema_arrow.names:
            try:
                shown = str(read.read([name]).to_pylist())
            except (pa.ArrowException, OSError):
                continue
            if "canary" in shown:
                found.append(path)
    return found


def data(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.parquet")) if not path.name.startswith((".", "_"))]


def same(read: DataFrame, written: DataFrame) -> bool:
    return [str(row) for row in read.orderBy("id").collect()] == [str(row) for row in written.orderBy("id").collect()]


# -- what lies there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("footer", ["encrypted", "plaintext"])
def test_no_byte_shows_a_secret_and_the_job_reads_it_back(
    guarded: Guarded, people: DataFrame, spark: SparkSession, footer: str
) -> None:
    guarded.begin(at_rest={**AT_REST, "footer": footer})
    lake = guarded.folder / "lake"
    people.write.parquet(str(lake))
    assert in_clear(guarded.folder) == []
    assert {path.read_bytes()[:4] for path in data(lake)} == {b"PARE" if footer == "encrypted" else b"PAR1"}
    assert same(spark.read.parquet(str(lake)), people)
    write = guarded.written()
    assert (write.rows, write.files, write.published) == (200, 2, True)
    record = list(guarded.log.records())[-1].entry
    assert record.action == "protect.write"
    assert record.what["at_rest"] == [
        {"policy": "people", "columns": AT_REST["columns"], "key": "default", "version": 1, "footer": footer}
    ]


def test_the_same_write_without_it_shows_them(people: DataFrame, tmp_path: Path) -> None:
    people.write.parquet(str(tmp_path / "lake"))
    assert set(in_clear(tmp_path)) == {*data(tmp_path)}


def test_others_read_what_is_not_secret_where_the_footer_is_plain(guarded: Guarded, people: DataFrame) -> None:
    import duckdb
    from pyarrow import ArrowException, parquet

    guarded.begin(at_rest={**AT_REST, "footer": "plaintext"})
    people.write.parquet(str(guarded.folder / "lake"))
    ids: list[int] = []
    for path in data(guarded.folder / "lake"):
        file = parquet.ParquetFile(path)
        ids += file.read(["id"])["id"].to_pylist()
        for secret in ("ssn", "contact.email"):
            with pytest.raises((ArrowException, OSError)):
                file.read([secret])
        shown = duckdb.sql(
            f"SELECT path_in_schema FROM parquet_metadata('{path}') WHERE stats_max IS NOT NULL"
        ).fetchall()
        assert {name for (name,) in shown} == {"id", "contact, city", "tags, key_value, key"}
    assert sorted(ids) == list(range(200))


def test_without_keys_nobody_reads_it(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    from pyarrow import ArrowException, parquet

    guarded.begin(at_rest=AT_REST)
    lake = guarded.folder / "lake"
    people.write.parquet(str(lake))
    guarded.end()
    with pytest.raises(Exception, match=r"(?i)encrypt|CANNOT_READ_FILE_FOOTER|FAILED_READ_FILE"):
        spark.read.parquet(str(lake)).collect()
    with pytest.raises((ArrowException, OSError), match="encrypted"):
        parquet.ParquetFile(data(lake)[0])


def master(material: bytes) -> bytes:
    """The key that wraps: RFC 5869 by the module that the published vectors test."""
    return hkdf_sha256(material, b"hookline/1", info_of("at_rest", "", ""), 32)


def test_another_reader_with_the_key_reads_it(guarded: Guarded, people: DataFrame) -> None:
    """Arrow's C++ reader of modular encryption: the files keep to the format, and to nothing of ours but the key."""
    encryption = pytest.importorskip("pyarrow.parquet.encryption")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from pyarrow import parquet

    guarded.begin(at_rest=AT_REST)
    people.write.parquet(str(guarded.folder / "lake"))
    key = guarded.vault.ring().get("default")
    asked: list[str] = []

    class Kms(encryption.KmsClient):  # type: ignore[misc]
        def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
            raise NotImplementedError

        def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
            asked.append(master_key_identifier)
            sealed = base64.b64decode(wrapped_key)
            # Parquet's module: four bytes of length, the nonce, the ciphertext and its tag.
            nonce, body = (sealed[4:16], sealed[16:]) if len(sealed) > 60 else (sealed[:12], sealed[12:])
            return AESGCM(master(key.reveal())).decrypt(nonce, body, master_key_identifier.encode())

    factory = encryption.CryptoFactory(lambda config: Kms())
    opened = factory.file_decryption_properties(encryption.KmsConnectionConfig())
    rows: list[dict[str, Any]] = []
    for path in data(guarded.folder / "lake"):
        rows += parquet.read_table(path, decryption_properties=opened, partitioning=None).to_pylist()
    assert {row["ssn"] for row in rows} == {f"canary-{number}" for number in range(7)}
    assert {row["contact"]["email"] for row in rows} == {f"canary@{number}" for number in range(200)}
    assert set(asked) == {"default/1"}


# -- ways of writing ---------------------------------------------------------------------------------------------------


def by_save(frame: DataFrame, place: str) -> None:
    frame.write.format("parquet").mode("append").save(place)


def by_overwrite(frame: DataFrame, place: str) -> None:
    frame.limit(1).write.parquet(place)
    frame.write.mode("overwrite").parquet(place)


def by_directory(frame: DataFrame, place: str) -> None:
    frame.createOrReplaceTempView("people")
    frame.sparkSession.sql(f"INSERT OVERWRITE DIRECTORY '{place}' USING parquet SELECT * FROM people")


def by_foreach_batch(frame: DataFrame, place: str) -> None:
    frame.sparkSession.range(1).write.parquet(f"{place}-in")
    stream = frame.sparkSession.readStream.schema("id bigint").parquet(f"{place}-in")
    query = stream.writeStream.trigger(availableNow=True).option("checkpointLocation", f"{place}-check")
    query.foreachBatch(lambda batch, number: frame.write.mode("append").parquet(place)).start().awaitTermination()


@pytest.mark.parametrize("way", [by_save, by_overwrite, by_directory, by_foreach_batch])
def test_ways_to_a_folder(
    guarded: Guarded, people: DataFrame, spark: SparkSession, way: Callable[[DataFrame, str], None]
) -> None:
    guarded.begin(at_rest=AT_REST, datasets=["*/lake"])
    lake = guarded.folder / "lake"
    way(people, str(lake))
    assert in_clear(lake) == []
    assert same(spark.read.parquet(str(lake)), people)


TABLE = "ssn string, contact struct<email: string, city: string>, phones array<struct<number: string>>, tags map<string, string>"


def insert_sql(spark: SparkSession, frame: DataFrame) -> None:
    spark.sql(f"CREATE TABLE crm_people (id bigint, {TABLE}) USING parquet")
    spark.sql("INSERT INTO crm_people SELECT * FROM people")


def insert_partition(spark: SparkSession, frame: DataFrame) -> None:
    spark.sql(f"CREATE TABLE crm_people (id bigint, {TABLE}, day int) USING parquet PARTITIONED BY (day)")
    spark.sql("INSERT OVERWRITE crm_people PARTITION (day = 1) SELECT * FROM people")


def insert_into(spark: SparkSession, frame: DataFrame) -> None:
    spark.sql(f"CREATE TABLE crm_people (id bigint, {TABLE}) USING parquet")
    frame.write.insertInto("crm_people")


def create_as(spark: SparkSession, frame: DataFrame) -> None:
    spark.sql("CREATE TABLE crm_people USING parquet AS SELECT * FROM people")


def save_as(spark: SparkSession, frame: DataFrame) -> None:
    frame.limit(0).write.format("parquet").saveAsTable("crm_people")
    frame.write.format("parquet").mode("append").saveAsTable("crm_people")


@pytest.mark.parametrize("way", [insert_sql, insert_partition, insert_into, create_as, save_as])
def test_ways_to_a_table(
    guarded: Guarded,
    people: DataFrame,
    spark: SparkSession,
    way: Callable[[SparkSession, DataFrame], None],
) -> None:
    people.createOrReplaceTempView("people")
    guarded.begin(at_rest=AT_REST, datasets=["*crm_people"])
    try:
        way(spark, people)
        place = _place(spark)
        assert data(place)
        assert in_clear(place) == []
        assert same(spark.table("crm_people").select(*people.columns), people)
        described = str(spark.sql("SHOW CREATE TABLE crm_people").collect())
        assert "parquet.encryption" not in described
    finally:
        spark.sql("DROP TABLE IF EXISTS crm_people")


def _place(spark: SparkSession) -> Path:
    rows = spark.sql("DESCRIBE EXTENDED crm_people").collect()
    (location,) = [row.data_type for row in rows if row.col_name == "Location"]
    return Path(str(location).removeprefix("file:"))


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(guarded: Guarded, write: Callable[[], Any], match: str, *, recorded: bool = True) -> None:
    """It is, with a reason, in the audit log where the plugin refuses; and nothing lies there."""
    before = {path for path in files(guarded.folder) if "state" not in path.parts}
    with pytest.raises(WriteRefusedError, match=match):
        write()
    assert {path for path in files(guarded.folder) if "state" not in path.parts} == before
    assert in_clear(guarded.folder) == []
    assert not recorded or guarded.actions()[-1] == "protect.refused"


@pytest.mark.parametrize("kind", ["csv", "json", "orc", "delta"])
def test_files_of_another_kind(guarded: Guarded, people: DataFrame, kind: str) -> None:
    guarded.begin(at_rest={"columns": ["ssn"]})
    plain = people.select("id", "ssn")
    lake = str(guarded.folder / "lake")
    refused(guarded, lambda: plain.write.format(kind).save(lake), f"which {kind} files can't be")


def test_a_streams_own_sink(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    source = guarded.folder / "in"
    people.select("id").write.parquet(str(source))
    guarded.begin(at_rest={"columns": ["ssn"]}, datasets=["*/lake"])
    stream = spark.readStream.schema("id bigint").parquet(str(source)).selectExpr("id", "'canary' AS ssn")
    writer = stream.writeStream.option("checkpointLocation", str(guarded.folder / "check")).format("parquet")
    refused(
        guarded,
        lambda: writer.start(str(guarded.folder / "lake")),
        "visible before it can be looked at",
        recorded=False,
    )


@pytest.mark.parametrize("by", ["ssn", "SSN"])
def test_a_column_that_folders_are_named_by(guarded: Guarded, people: DataFrame, by: str) -> None:
    guarded.begin(at_rest={"columns": ["ssn"]})
    lake = str(guarded.folder / "lake")
    write = people.select("id", "ssn").write.partitionBy(by)
    refused(guarded, lambda: write.parquet(lake), "partitioned by 'ssn'|partitioned by 'SSN'", recorded=False)


def test_a_partition_of_a_table(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    guarded.begin(at_rest={"columns": ["ssn"]}, datasets=["*crm_people"])
    people.createOrReplaceTempView("people")
    try:
        spark.sql("CREATE TABLE crm_people (id bigint, ssn string) USING parquet PARTITIONED BY (ssn)")
        place = _place(spark)
        refused(
            guarded,
            lambda: spark.sql("INSERT INTO crm_people SELECT id, ssn FROM people"),
            "partitioned",
            recorded=False,
        )
        assert not files(place)
        spark.sql("DROP TABLE crm_people")
        statement = "CREATE TABLE crm_people USING parquet PARTITIONED BY (ssn) AS SELECT id, ssn FROM people"
        refused(guarded, lambda: spark.sql(statement), "partitioned", recorded=False)
        assert not spark.catalog.tableExists("crm_people")
    finally:
        spark.sql("DROP TABLE IF EXISTS crm_people")


def test_columns_that_change_their_names_on_the_way(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    """By position the secret would go to a column that is not encrypted."""
    guarded.begin(at_rest={"columns": ["ssn"]}, datasets=["*crm_people"])
    people.createOrReplaceTempView("people")
    try:
        spark.sql("CREATE TABLE crm_people (note string, ssn string) USING parquet")
        place = _place(spark)
        for statement in (
            "INSERT INTO crm_people SELECT ssn, 'x' AS note FROM people",
            "INSERT INTO crm_people SELECT 'x' AS ssn, ssn AS number FROM people",
        ):
            refused(guarded, lambda text=statement: spark.sql(text), "has another name", recorded=False)
        assert not files(place)
        spark.sql("INSERT INTO crm_people SELECT 'x' AS other, ssn FROM people")
        assert in_clear(place) == []
        assert spark.table("crm_people").count() == 200
    finally:
        spark.sql("DROP TABLE IF EXISTS crm_people")


@pytest.mark.parametrize("expression", ["id", "id, ssn AS number", "id, struct(ssn AS number) AS ssn2"])
def test_a_column_that_is_not_there(guarded: Guarded, people: DataFrame, expression: str) -> None:
    guarded.begin(at_rest={"columns": ["ssn"]})
    frame = people.selectExpr(*expression.split(", "))
    refused(guarded, lambda: frame.write.parquet(str(guarded.folder / "lake")), "does not have it")


@pytest.mark.parametrize("name", ["a.b", "a,b", "a:b", "a;b", " a"])
def test_names_that_parquets_settings_do_not_take(guarded: Guarded, people: DataFrame, name: str) -> None:
    guarded.begin(at_rest={"columns": [name]})
    frame = people.select(people.ssn.alias(name))
    refused(guarded, lambda: frame.write.parquet(str(guarded.folder / "lake")), "take no name with one of")


def test_two_policies_for_one_column(guarded: Guarded, people: DataFrame) -> None:
    guarded.begin(at_rest={"columns": ["contact"]}, plugin={"policies": ["*policy.yaml"]})
    guarded.end()
    other = (guarded.folder / "policy.yaml").read_text().replace("people", "others").replace("contact", "contact.email")
    (guarded.folder / "other-policy.yaml").write_text(other)
    guarded.begin(at_rest={"columns": ["contact"]}, plugin={"policies": ["*policy.yaml"]})
    refused(guarded, lambda: people.write.parquet(str(guarded.folder / "lake")), "by two policies")


def test_rows_that_might_be_set_aside(guarded: Guarded, people: DataFrame) -> None:
    """They would lie in clear where bad rows are kept."""
    suite = {
        "dataset": "*",
        "breaker": "quarantine",
        "checks": [{"pattern": {"column": "ssn", "regex": "[a-z]+-[0-5]"}}],
    }
    (guarded.folder / "suite.yaml").write_text(json.dumps(suite))
    guarded.begin(at_rest={"columns": ["ssn"]}, others={"quality": {"suites": ["suite.yaml"]}})
    refused(
        guarded,
        lambda: people.write.parquet(str(guarded.folder / "lake")),
        "can't be set aside|would not be encrypted",
        recorded=False,
    )


def test_a_plain_file_is_seen(guarded: Guarded, people: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that passes over Parquet's settings, as engines that take Spark's place do: it is seen before others see it."""
    from hookline.governance.protection.at_rest import FileSeal

    told = FileSeal.options
    monkeypatch.setattr(FileSeal, "options", lambda self, schema: {"x": "y"} if told(self, schema) else {})
    guarded.begin(at_rest=AT_REST)
    refused(guarded, lambda: people.write.parquet(str(guarded.folder / "lake")), "is not encrypted", recorded=False)


def test_only_some_columns_encrypted_is_seen(
    guarded: Guarded, people: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline.governance.protection.at_rest import FileSeal

    told = FileSeal.options

    def less(self: FileSeal, schema: Any) -> Any:
        found = dict(told(self, schema))
        found["parquet.encryption.column.keys"] = "default/1:ssn"
        return found

    monkeypatch.setattr(FileSeal, "options", less)
    guarded.begin(at_rest=AT_REST)
    refused(
        guarded,
        lambda: people.write.parquet(str(guarded.folder / "lake")),
        "contact.email is not encrypted",
        recorded=False,
    )


# -- keys --------------------------------------------------------------------------------------------------------------


def test_two_versions_of_a_key(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    """What is written after a rotation says so; both are read; and once the old one is destroyed its files are closed for good."""
    guarded.begin(at_rest={"columns": ["ssn"]}, keys={"cache_s": 0.2})
    one, two = guarded.folder / "one", guarded.folder / "two"
    people.write.parquet(str(one))
    guarded.vault.rotate()
    time.sleep(0.3)
    people.write.parquet(str(two))
    for place, mine, others in ((one, b"default/1", b"default/2"), (two, b"default/2", b"default/1")):
        for path in data(place):
            assert mine in path.read_bytes()
            assert others not in path.read_bytes()
        assert same(spark.read.parquet(str(place)), people)
    keyfile.destroy(guarded.folder / "keys.json", "default", 1)
    time.sleep(1.2)  # Parquet keeps opened keys for whole seconds
    with pytest.raises(Exception, match="version 1 of the key default is not to be had here: it was destroyed"):
        spark.read.parquet(str(one)).collect()
    assert same(spark.read.parquet(str(two)), people)


def test_another_key_of_this_name(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    guarded.begin(at_rest={"columns": ["ssn"]}, keys={"cache_s": 0.2})
    people.write.parquet(str(guarded.folder / "lake"))
    (guarded.folder / "keys.json").unlink()
    keyfile.add_version(guarded.folder / "keys.json", "default", new=True)
    time.sleep(1.2)
    with pytest.raises(Exception, match="the key default/1 that is to be had here does not open this file"):
        spark.read.parquet(str(guarded.folder / "lake")).collect()


def test_no_keeper_no_write(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    people = people.select("id", "ssn")
    guarded.begin(at_rest={"columns": ["ssn"]}, keys={"cache_s": 0.01})
    keys, away = guarded.folder / "keys.json", guarded.folder / "away"
    keys.rename(away)
    lake = str(guarded.folder / "lake")
    refused(guarded, lambda: people.write.parquet(lake), "the key file .* can't be read")
    away.rename(keys)
    people.write.parquet(lake)
    assert in_clear(guarded.folder / "lake") == []
    assert same(spark.read.parquet(lake), people)


def test_settings_of_the_job_weaken_nothing(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    """A summary file would hold all footers in clear; a cipher without authentication would let pages be changed."""
    guarded.begin(at_rest=AT_REST)
    lake = guarded.folder / "lake"
    options = {
        "parquet.summary.metadata.level": "ALL",
        "parquet.encryption.algorithm": "AES_GCM_CTR_V1",
        "parquet.encryption.key.material.store.internally": "false",
        "parquet.encryption.plaintext.footer": "true",
        "parquet.bloom.filter.enabled#ssn": "true",
        "parquet.crypto.factory.class": "",
    }
    people.write.options(**options).parquet(str(lake))
    assert not [path for path in files(lake) if "metadata" in path.name or "KEY_MATERIAL" in path.name]
    assert in_clear(guarded.folder) == []
    assert {path.read_bytes()[:4] for path in data(lake)} == {b"PARE"}
    assert same(spark.read.parquet(str(lake)), people)


# -- beside other plugins ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("footer", ["encrypted", "plaintext"])
def test_what_is_encrypted_is_measured_and_judged(guarded: Guarded, people: DataFrame, footer: str) -> None:
    checks = [
        {"completeness": "ssn"},
        {"pattern": {"column": "ssn", "regex": "[a-z]+-[0-9]"}},
        {"range": {"column": "id", "max": 100}, "severity": "critical"},
    ]
    (guarded.folder / "suite.yaml").write_text(json.dumps({"dataset": "*", "breaker": "publish", "checks": checks}))
    guarded.begin(at_rest={**AT_REST, "footer": footer}, others={"quality": {"suites": ["suite.yaml"]}})
    with pytest.raises(WriteRefusedError):
        people.write.parquet(str(guarded.folder / "lake"))
    statuses = [verdict.status for verdict in guarded.written("on_write_failed").verdicts]
    assert statuses == ["passed", "passed", "failed"]
    assert not (guarded.folder / "lake").exists()
    assert in_clear(guarded.folder) == []


def test_rules_and_encryption_of_one_write(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    guarded.begin({"columns": ["ssn"], "action": "tokenize"}, at_rest={"columns": ["ssn", "contact"]})
    lake = guarded.folder / "lake"
    people.select("id", "ssn", "contact").write.parquet(str(lake))
    row = spark.read.parquet(str(lake)).first()
    assert row is not None
    assert row.ssn.startswith("t1.")
    assert not any(b"t1." in path.read_bytes() for path in data(lake))


def test_a_files_footers_at_rest_do_not_end_the_process(
    guarded: Guarded, people: DataFrame, spark: SparkSession
) -> None:
    """Arrow ends a process that asks for an encrypted column of a file with a plain footer."""
    from hookline.core import fuse
    from hookline.core.events import Measure
    from hookline.pipelines.at_rest import find_at_rest

    guarded.begin(at_rest={"columns": ["ssn"], "footer": "plaintext"})
    people.write.parquet(str(guarded.folder / "lake"))
    target = find_at_rest(spark, str(guarded.folder / "lake")).target()
    measure = Measure("nulls", ("ssn",))
    assert fuse.take([measure, Measure.rows()], target)[measure].value == 0


# -- policies ----------------------------------------------------------------------------------------------------------


def test_a_policy_says_something(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("name: people\ndatasets: ['*']\n")
    with pytest.raises(ConfigError, match="rules, at_rest, consent"):
        load_policies(path)
    path.write_text("name: people\ndatasets: ['*']\nat_rest: {columns: []}\n")
    with pytest.raises(ConfigError, match="columns"):
        load_policies(path)
    path.write_text("name: people\ndatasets: ['*']\nat_rest: {columns: [a], footer: none}\n")
    with pytest.raises(ConfigError, match="footer"):
        load_policies(path)
