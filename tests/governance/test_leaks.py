"""Nothing that a run leaves behind has a value in clear, or a key: not its data, logs, events, store, plans or temporary files.

A marked value stands in every protected column of a job that reads, writes, explains, fails on a bad row and is refused; the
same run without the plugin shows that the search would see it.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.pipelines.conftest import Jobs

from hookline.governance.keys import KeyVersion, keyfile
from hookline.governance.keys.ring import derived

if TYPE_CHECKING:
    from hookline.governance.keys import Keyring

pytestmark = [pytest.mark.spark, pytest.mark.slow]
VALUES = {
    "mail": "zebedee.quux@canary.org",
    "name": "Zebedee Quuxley",
    "card": "4929-8183-5577-2063",
    "born": "1913-11-23",
    "notes": "lives behind the gasworks",
    "zip": "70173-QX",
}
DOMAINS = [
    ("tokenize", "EMAIL_ADDRESS"),
    ("encrypt", "PERSON"),
    ("fpe", "CREDIT_CARD"),
    ("fake", "notes"),
    ("tokenize", "inner"),
]
POLICY = """
name: people
datasets: ["*lake*", "*protected*"]
rules:
  - {columns: [mail], entity: EMAIL_ADDRESS, action: tokenize}
  - {columns: [name], entity: PERSON, action: encrypt, deterministic: true}
  - {columns: [card], entity: CREDIT_CARD, action: fpe}
  - {columns: [born], action: generalize, to: decade}
  - {columns: [notes], action: fake, provider: sentence}
  - {columns: [zip], action: mask, keep_first: 2}
  - {columns: [all.inner], action: tokenize}
"""
# What nobody named is found: in columns, and inside a text.
FOUND = """
name: whatever-it-is-called
datasets: ["*found*"]
rules:
  - {classified: [EMAIL_ADDRESS], action: tokenize}
  - {classified: [PERSON], action: drop}
  - {columns: [said], action: redact}
"""
SUITE = """
dataset: "*"
checks:
  - completeness: mail
  - set: {column: mail, values: [nobody]}
  - pattern: {column: card, regex: "[0-9-]+"}
  - unique: card
  - expression: "length(name) > 100"
"""
CONFIG = """
job: crm
plugins:
  console: {}
  lineage: {}
  PROTECT
  quality: {suites: [suite.yaml], breaker: audit}
  metrics: {}
  openlineage: {transport: {type: file, log_file_path: openlineage.ndjson, append: true}}
  prometheus: {textfile_dir: prometheus}
  presidio: {datasets: ["*found*"]GATES}
"""
JOB = """
import logging, pathlib, shutil, sys
from pyspark.sql import SparkSession
logging.basicConfig(level=logging.DEBUG, filename="job.log")
spark = SparkSession.builder.getOrCreate()
people = spark.read.schema("id int, mail string, name string, card string, born date, notes string, zip string").json("in.json")
people = people.selectExpr("*", "named_struct('inner', mail) AS all")
people.createOrReplaceTempView("people")
people.write.parquet("lake/parquet")
people.write.format("delta").save("lake/delta")
spark.sql("CREATE TABLE protected USING parquet AS SELECT * FROM people")
said = "concat('ask ', mail, ', or ', mail) AS said"
people.selectExpr("id", "mail AS c1", "named_struct('deep', mail) AS c2", said).write.parquet("found")
for frame in (spark.read.parquet("lake/parquet"), spark.table("protected")):
    frame.explain(True)
    frame.explain("formatted")
stream = spark.readStream.schema(people.drop("all").schema).json("in.json*")
stream = stream.selectExpr("*", "named_struct('inner', mail) AS all")
writer = stream.writeStream.format("delta").option("checkpointLocation", "checkpoint")
query = writer.trigger(availableNow=True).start("lake/stream")
query.awaitTermination()
for bad in ("selectExpr('id', 'mail', 'name', 'left(card, 4) AS card', 'born', 'notes', 'zip', 'all')", "drop('mail')"):
    try:
        eval(f"people.{bad}").write.parquet("lake/bad")
    except Exception as error:
        print("CAUGHT", type(error).__name__, error)
try:
    merge = "USING people p ON t.id = p.id WHEN MATCHED THEN UPDATE SET mail = p.mail"
    spark.sql(f"MERGE INTO delta.`{pathlib.Path.cwd()}/lake/delta` t {merge}")
except Exception as error:
    print("CAUGHT", type(error).__name__, error)
# Before Spark takes it away.
shutil.copytree("local", "kept", ignore_dangling_symlinks=True)
spark.stop()
"""


def told(data: bytes) -> Iterator[bytes]:
    """What a file says, also where it is compressed."""
    yield data
    for opened in (gzip.decompress, zlib.decompress):
        try:
            yield opened(data)
        except (OSError, EOFError, zlib.error):
            continue


def texts_in(path: Path) -> Iterator[bytes]:
    """A file's bytes; a Parquet file's values, which are compressed within it."""
    data = path.read_bytes()
    yield from told(data)
    if data[:4] == b"PAR1":
        from pyarrow import parquet

        file = parquet.ParquetFile(path)
        for name in file.schema_arrow.names:
            try:
                yield json.dumps(file.read([name]).to_pylist(), default=str).encode()
            except OSError as error:
                if "decrypt" not in str(error):
                    raise


def found(folder: Path, wanted: dict[str, bytes]) -> list[str]:
    """What of it is in which file or file's name."""
    hits: list[str] = []
    for path in sorted(folder.rglob("*")):
        texts = [os.fsencode(path), *(texts_in(path) if path.is_file() else ())]
        hits += [
            f"{name} in {path.relative_to(folder)}"
            for name, one in wanted.items()
            if any(one in text for text in texts)
        ]
    return hits


def keys_of(ring: Keyring) -> dict[str, bytes]:
    """The key and what is derived from it, in every form that might be written."""
    key = ring.get("default")
    material = {"key": key.reveal()} | {
        f"{deed} {entity}": derived(key, deed, "default", entity) for deed, entity in DOMAINS
    }
    forms: dict[str, bytes] = {}
    for name, one in material.items():
        forms |= {
            f"{name} raw": one,
            f"{name} hex": one.hex().encode(),
            f"{name} HEX": one.hex().upper().encode(),
            f"{name} base64": base64.b64encode(one).rstrip(b"="),
            f"{name} base64url": base64.urlsafe_b64encode(one).rstrip(b"="),
            f"{name} list": ", ".join(map(str, one)).encode(),
        }
    return forms


@pytest.fixture
def crm(tmp_path: Path) -> Jobs:
    """A job with marked values, everything that it makes in its folder."""
    jobs = Jobs(tmp_path)
    jobs.write("job.py", JOB)
    jobs.write("suite.yaml", SUITE)
    jobs.write("policy.yaml", POLICY)
    jobs.write("found.yaml", FOUND)
    jobs.write("in.json", json.dumps({"id": 1, **VALUES}) + "\n")
    for name in ("events", "tmp", "local"):
        (jobs.folder / name).mkdir()
    conf = jobs.folder / "spark conf" / "spark-defaults.conf"
    jars = Path(__file__).resolve().parents[2] / ".cache" / "jars"
    delta = ",".join(str(jar) for jar in jars.glob("*.jar"))
    conf.write_text(
        conf.read_text()
        + f"spark.jars {delta}\nspark.sql.extensions io.delta.sql.DeltaSparkSessionExtension\n"
        + "spark.sql.catalog.spark_catalog org.apache.spark.sql.delta.catalog.DeltaCatalog\n"
        + f"spark.eventLog.enabled true\nspark.eventLog.dir file://{jobs.folder}/events\nspark.eventLog.compress false\n"
        + f"spark.eventLog.logStageExecutorMetrics true\nspark.local.dir {jobs.folder}/local\n"
        + f"spark.sql.warehouse.dir {jobs.folder}/warehouse\n"
    )
    (jobs.folder / "spark conf" / "log4j2.properties").write_text(
        "rootLogger.level = debug\nrootLogger.appenderRef.file.ref = file\nappender.file.type = File\nappender.file.name = file\n"
        f"appender.file.fileName = {jobs.folder}/spark.log\nappender.file.layout.type = PatternLayout\n"
        "appender.file.layout.pattern = %m%n%ex\n"
        # What Spark itself logs at this level of other people's data is not ours: Janino's source has literals of the plan.
        "logger.codegen.name = org.apache.spark.sql.catalyst.expressions.codegen\nlogger.codegen.level = info\n"
    )
    return jobs


def run(jobs: Jobs, *, protect: bool) -> str:
    plugin = "protect: {policies: [policy.yaml, found.yaml]}" if protect else ""
    gates = ', gates: [{datasets: ["*found*"]}]' if protect else ""
    (jobs.folder / "hookline.yaml").write_text(CONFIG.replace("PROTECT", plugin).replace("GATES", gates))
    ended = jobs.attached("job.py", options=("--config", "hookline.yaml"), TMPDIR=str(jobs.folder / "tmp"))
    (jobs.folder / "stdout").write_bytes(ended.out)
    (jobs.folder / "stderr").write_text(ended.err)
    assert ended.out.count(b"CAUGHT") == (3 if protect else 1), (ended.out, ended.err[-2_000:])
    return ended.out.decode()


def test_nothing_is_left_in_clear(crm: Jobs) -> None:
    keyfile.add_version(crm.folder / "keys.json", "default", new=True)
    printed = run(crm, protect=True)
    assert "fewer than 6 characters" in printed
    assert "which this write does not have" in printed
    assert "can't be changed on their way" in printed
    from hookline.governance.keys.providers import FileKeys
    from hookline.governance.keys.ring import Keyring

    wanted = {name: value.encode() for name, value in VALUES.items()} | keys_of(
        Keyring(FileKeys(crm.folder / "keys.json"))
    )
    for name in ("in.json", "keys.json"):
        (crm.folder / name).unlink()
    present = {path.name for path in crm.folder.rglob("*")}
    assert {
        "audit.log",
        "store.db",
        "outbox.db",
        "openlineage.ndjson",
        "spark.log",
        "job.log",
        "kept",
        "checkpoint",
    } <= present
    assert list((crm.folder / "events").iterdir())
    for kind in ("parquet", "delta", "stream"):
        assert list((crm.folder / "lake" / kind).glob("*.parquet")), kind
    assert not (crm.folder / "lake" / "bad").exists() or not list((crm.folder / "lake" / "bad").glob("*.parquet"))
    assert found(crm.folder, wanted) == []


def test_the_search_would_see_it(crm: Jobs) -> None:
    """The same run unprotected; and each form of a key, planted."""
    run(crm, protect=False)
    wanted = {name: value.encode() for name, value in VALUES.items()}
    (crm.folder / "in.json").unlink()
    hits = found(crm.folder, wanted)
    for name in VALUES:
        assert any(hit.startswith(f"{name} in lake/parquet") for hit in hits), name
        assert any(hit.startswith(f"{name} in lake/delta") for hit in hits), name
    assert any(hit.startswith("mail in found") for hit in hits)
    shutil.rmtree(crm.folder / "lake")
    key = KeyVersion("default", 1, bytes(range(100, 132)))

    class One:
        def get(self, name: str, version: int | None = None) -> KeyVersion:
            return key

    forms = keys_of(One())  # type: ignore[arg-type]
    for number, form in enumerate(forms.values()):
        (crm.folder / f"planted-{number}").write_bytes(b"before" + form + b"after")
    (crm.folder / "planted.gz").write_bytes(gzip.compress(forms["key hex"]))
    assert len({hit.partition(" in ")[0] for hit in found(crm.folder, forms)}) == len(forms)
    assert any("planted.gz" in hit for hit in found(crm.folder, forms))
