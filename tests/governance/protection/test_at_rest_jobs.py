"""Encryption at rest in jobs of their own: what a run leaves behind, executors in other processes, keys that AWS keeps."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pyspark
import pytest
from tests.governance.endpoint import CREDENTIALS, Endpoint, client
from tests.governance.test_leaks import found, keys_of
from tests.pipelines.conftest import Ended, Jobs

from hookline.core.safekeeping import KeysConfig
from hookline.governance.keys import keyfile
from hookline.governance.keys.providers import FileKeys, KmsKeys
from hookline.governance.keys.ring import Keyring, hkdf_sha256, info_of

pytestmark = [pytest.mark.spark, pytest.mark.slow]
CANARY = "078-05-1120"
JOB = """
import logging, shutil, sys
from pyspark.sql import SparkSession
logging.basicConfig(level=logging.DEBUG, filename="job.log")
spark = SparkSession.builder.getOrCreate()
people = spark.read.schema("id int, ssn string").json("in.json").repartition(3)
people.createOrReplaceTempView("people")
people.write.parquet("lake/people")
spark.sql("CREATE TABLE kept USING parquet AS SELECT * FROM people")
spark.sql("INSERT INTO kept SELECT * FROM people")
for frame in (spark.read.parquet("lake/people"), spark.table("kept")):
    frame.explain(True)
    frame.explain("formatted")
    print("ROWS", frame.count(), sorted({len(row.ssn) for row in frame.collect()}))
print(spark.sql("SHOW CREATE TABLE kept").collect(), spark.sql("DESCRIBE EXTENDED kept").collect())
print(spark.sql("SET -v").collect(), spark.sparkContext.getConf().getAll())
for entry in spark.sparkContext._jsc.hadoopConfiguration().iterator():
    print("HADOOP", entry.getKey(), entry.getValue())
try:
    people.select("id").write.parquet("lake/bad")
except Exception as error:
    print("CAUGHT", type(error).__name__, error)
shutil.copytree("local", "scratch", ignore_dangling_symlinks=True)
spark.stop()
"""
POLICY = """
name: people
datasets: ["*lake/*", "*kept*"]
at_rest: {columns: [ssn], footer: FOOTER}
"""


def jobs_in(folder: Path, *, footer: str = "encrypted", keys: str = "{}", cluster: bool = False) -> Jobs:
    jobs = Jobs(folder)
    jobs.write("job.py", JOB)
    jobs.write("policy.yaml", POLICY.replace("FOOTER", footer))
    jobs.write("in.json", "".join(json.dumps({"id": number, "ssn": CANARY}) + "\n" for number in range(30)))
    jobs.write("hookline.yaml", f"keys: {keys}\nplugins: {{lineage: , protect: {{policies: [policy.yaml]}}}}\n")
    for name in ("events", "tmp", "local"):
        (folder / name).mkdir()
    conf = folder / "spark conf" / "spark-defaults.conf"
    text = conf.read_text()
    if cluster:
        text = text.replace("local[1]", "local-cluster[2,1,700]") + "spark.executor.memory 600m\n"
        jobs.environment["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    conf.write_text(
        f"{text}spark.eventLog.enabled true\nspark.eventLog.dir file://{folder}/events\nspark.eventLog.compress false\n"
        f"spark.local.dir {folder}/local\nspark.sql.warehouse.dir {folder}/warehouse\n"
    )
    return jobs


def run(jobs: Jobs, **variables: str) -> Ended:
    ended = jobs.attached("job.py", options=("--config", "hookline.yaml"), TMPDIR=str(jobs.folder / "tmp"), **variables)
    (jobs.folder / "stdout").write_bytes(ended.out)
    (jobs.folder / "stderr").write_text(ended.err)
    assert ended.out.decode().count("ROWS 30 [11]") == 1, (ended.out[-2_000:], ended.err[-3_000:])
    assert ended.out.decode().count("ROWS 60 [11]") == 1, (ended.out[-2_000:], ended.err[-3_000:])
    assert b"CAUGHT WriteRefusedError" in ended.out
    return ended


def left(jobs: Jobs) -> list[Path]:
    """The files of data, which are all encrypted."""
    data = [*(jobs.folder / "lake").rglob("*.parquet"), *(jobs.folder / "warehouse").rglob("*.parquet")]
    assert len(data) >= 9
    assert not [path for path in data if CANARY.encode() in path.read_bytes()]
    assert not (jobs.folder / "lake" / "bad").exists()
    return data


@pytest.mark.parametrize("footer", ["encrypted", "plaintext"])
def test_nothing_that_a_run_leaves_behind_has_a_key(tmp_path: Path, footer: str) -> None:
    jobs = jobs_in(tmp_path, footer=footer)
    keyfile.add_version(tmp_path / "keys.json", "default", new=True)
    run(jobs)
    left(jobs)
    ring = Keyring(FileKeys(tmp_path / "keys.json"))
    master = hkdf_sha256(ring.get("default").reveal(), b"hookline/1", info_of("at_rest", "", ""), 32)
    wanted = {"ssn": CANARY.encode(), **keys_of(ring), "master": master, "master hex": master.hex().encode()}
    (tmp_path / "in.json").unlink()
    (tmp_path / "keys.json").unlink()
    assert list((tmp_path / "events").iterdir())
    # Rows that Spark shuffles lie in its scratch folder while the job runs: that is spark.io.encryption's business.
    assert [hit for hit in found(tmp_path, wanted) if not hit.startswith("ssn in scratch/")] == []


SMALL = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
people = spark.range(0, 30, 1, 2).selectExpr("id", "'078-05-1120' AS ssn")
try:
    people.write.parquet("lake/people")
except Exception as error:
    print("CAUGHT", type(error).__name__, str(error)[:20_000])
else:
    rows = spark.read.parquet("lake/people").collect()
    print("READ", len(rows), sorted({row.ssn for row in rows}))
spark.stop()
"""
READ = b"READ 30 ['078-05-1120']"


def small(jobs: Jobs, **variables: str) -> Ended:
    jobs.write("job.py", SMALL)
    words = ("-m", "hookline", "run", "--config", "hookline.yaml", "--", "job.py")
    return jobs.finish(jobs.start(*words, **variables), deadline_s=400)


def encrypted(folder: Path) -> bool:
    data = list((folder / "lake").rglob("*.parquet"))
    return bool(data) and all(path.read_bytes()[:4] == b"PARE" for path in data)


@pytest.mark.parametrize("provider", ["file", "environment"])
def test_executors_in_other_processes(tmp_path: Path, provider: str) -> None:
    jobs = jobs_in(tmp_path, keys=f"{{provider: {provider}}}", cluster=True)
    keyfile.add_version(tmp_path / "keys.json", "default", new=True)
    variables: dict[str, str] = {}
    if provider == "environment":
        material = FileKeys(tmp_path / "keys.json").get("default", None).reveal()
        (tmp_path / "keys.json").unlink()
        variables = {"HOOKLINE_KEY_DEFAULT": base64.b64encode(material).decode()}
    ended = small(jobs, **variables)
    assert READ in ended.out, (ended.out[-2_000:], ended.err[-3_000:])
    assert encrypted(tmp_path)


def in_kms(jobs: Jobs, endpoint: Endpoint) -> str:
    """Keys that KMS encrypted, in the configuration's place; the KMS key."""
    kms_key = client("kms", endpoint).create_key()["KeyMetadata"]["KeyId"]
    keys = {"provider": "aws_kms", "kms_key": kms_key, "region": "eu-west-1", "endpoint_url": endpoint.url}
    keeper = KmsKeys(KeysConfig(**keys), jobs.folder / "keys.json")
    keyfile.add_version(keeper.path, "default", keeper.wrap, new=True)
    jobs.write(
        "hookline.yaml", f"keys: {json.dumps(keys)}\nplugins: {{lineage: , protect: {{policies: [policy.yaml]}}}}\n"
    )
    return str(kms_key)


def test_keys_that_kms_encrypted(tmp_path: Path, endpoint: Endpoint) -> None:
    """The JVM has them from Python beside it. With the KMS key disabled nothing is written; once it is back, all is as it was."""
    jobs = jobs_in(tmp_path)
    kms_key = in_kms(jobs, endpoint)
    kms = client("kms", endpoint)
    kms.disable_key(KeyId=kms_key)
    ended = small(jobs, **CREDENTIALS)
    assert b"CAUGHT WriteRefusedError" in ended.out, (ended.out[-2_000:], ended.err[-3_000:])
    assert not (tmp_path / "lake").exists() or not list((tmp_path / "lake").rglob("*.parquet"))
    kms.enable_key(KeyId=kms_key)
    ended = small(jobs, **CREDENTIALS)
    assert READ in ended.out, (ended.out[-2_000:], ended.err[-3_000:])
    assert encrypted(tmp_path)
    material = KmsKeys(KeysConfig(region="eu-west-1", endpoint_url=endpoint.url), tmp_path / "keys.json").get(
        "default", 1
    )
    for text in (ended.out, ended.err.encode()):
        assert base64.b64encode(material.reveal()) not in text


def test_kms_that_dies_once_the_driver_has_the_key(tmp_path: Path, endpoint: Endpoint) -> None:
    """The tasks don't get it: the write fails with the reason, and nothing of it is seen."""
    jobs = jobs_in(tmp_path)
    in_kms(jobs, endpoint)
    endpoint.asked.clear()
    endpoint.trouble, endpoint.after = "throttled", 2  # the driver decrypts, and asks for the key's state
    ended = small(jobs, **CREDENTIALS)
    assert b"CAUGHT" in ended.out
    assert b"the key default/1 is not to be had here: KMS gives no key (ThrottlingException)" in ended.out, ended.out[
        -3_000:
    ]
    assert not (tmp_path / "lake").exists() or not list((tmp_path / "lake").rglob("*.parquet"))
