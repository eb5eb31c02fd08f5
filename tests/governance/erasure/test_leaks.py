"""Nothing that an erasure leaves behind has the id, or a key: no plan, event log, report, log line or store.

A whole company in processes of its own: a job that encrypts under subjects' keys, an export, an erasure, with event logs and logs
of every level, and a marked id that everything is searched for.
"""

from __future__ import annotations

import base64
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.governance.test_leaks import found
from tests.pipelines.conftest import Jobs

from hookline.governance.crypto.owned import unwrap
from hookline.governance.keys import keyfile
from hookline.governance.keys.providers import FileKeys
from hookline.governance.keys.ring import derived

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ID, NAME = "zebedee-canary-4711", "Zebedee Quuxley"
JOB = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
people = spark.read.schema("id string, name string").json("in.json")
people.write.format("delta").save("lake/silver/people")
spark.read.format("delta").load("lake/silver/people").select("id").write.parquet("lake/gold/ids")
spark.stop()
"""
POLICY = """
name: people
datasets: ["*silver*"]
erase: {subject: id, entity: CUSTOMER_ID}
reveal: {allow: [USER]}
rules: [{columns: [name], entity: PERSON, action: encrypt, subject: id}]
"""


def test_nothing_tells_whose_it_was(tmp_path: Path) -> None:
    import getpass

    jobs = Jobs(tmp_path)
    jobs.write("job.py", JOB)
    jobs.write("hookline.yaml", "job: crm\nplugins: {console: {}, lineage: {}, protect: {policies: [policy.yaml]}}\n")
    jobs.write("policy.yaml", POLICY.replace("USER", getpass.getuser()))
    jobs.write("in.json", f'{{"id": "{ID}", "name": "{NAME}"}}\n{{"id": "other", "name": "Other"}}\n')
    keyfile.add_version(tmp_path / "keys.json", "default", new=True)
    for name in ("events", "tmp", "local"):
        (tmp_path / name).mkdir()
    conf = tmp_path / "spark conf" / "spark-defaults.conf"
    jars = ",".join(str(jar) for jar in (Path(__file__).resolve().parents[3] / ".cache" / "jars").glob("*.jar"))
    conf.write_text(
        conf.read_text()
        + f"spark.jars {jars}\nspark.sql.extensions io.delta.sql.DeltaSparkSessionExtension\n"
        + "spark.sql.catalog.spark_catalog org.apache.spark.sql.delta.catalog.DeltaCatalog\n"
        + f"spark.eventLog.enabled true\nspark.eventLog.dir file://{tmp_path}/events\nspark.eventLog.compress false\n"
        + f"spark.local.dir {tmp_path}/local\nspark.databricks.delta.snapshotPartitions 2\n"
    )
    ended = jobs.attached("job.py", options=("--config", "hookline.yaml"), TMPDIR=str(tmp_path / "tmp"))
    assert ended.code == 0, ended.err[-3_000:]
    (tmp_path / "in.json").unlink()
    store = tmp_path / ".hookline" / "store.db"
    with sqlite3.connect(store) as connection:
        wrapped = dict(connection.execute("SELECT key_id, wrapped FROM hookline_subject_keys"))
    master = derived(FileKeys(tmp_path / "keys.json").get("default", 1), "wrap", "default", "CUSTOMER_ID")
    keys = {f"key {place}": unwrap(master, key_id, text) for place, (key_id, text) in enumerate(wrapped.items())}
    wanted = {f"{name} {form}": change(key) for name, key in keys.items() for form, change in FORMS.items()}
    assert found(tmp_path, {"name": NAME.encode(), **wanted}) == [], "not even before"
    for number, text in enumerate(wrapped.values()):
        places = {hit.partition(" in ")[2] for hit in found(tmp_path, {str(number): text.encode()})}
        assert places, "the search sees them"
        assert {place.partition("-")[0] for place in places} == {".hookline/store.db"}, "a key is in the store alone"

    export = run(jobs, "export-subject", "--subject", "-", "--out", "out")
    assert export.returncode == 0, export.stderr
    assert any(NAME in path.read_text() for path in (tmp_path / "out").iterdir())
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    erase = run(jobs, "erase", "--subject", "-", "--yes", "--json", "report.json")
    assert erase.returncode == 0, erase.stderr
    for name, ended_too in (("export", export), ("erase", erase)):
        (tmp_path / f"{name} said").write_text(ended_too.stdout + ended_too.stderr)
    hits = found(tmp_path, {"id": ID.encode(), "name": NAME.encode(), **wanted})
    # What Delta keeps for its retention: the old file, and the statistics of the version that had it.
    assert {Path(hit.partition(" in ")[2]).parts[:3] for hit in hits} == {("lake", "silver", "people")}, hits
    assert not [hit for hit in hits if "_delta_log" in hit and "00000000000000000000" not in hit], hits
    gone = [text for text in wrapped.values() if found(tmp_path, {"": text.encode()}) == []]
    assert len(gone) == 1, "the one key is nowhere, the other is where it was"
    assert list((tmp_path / "events").iterdir())


FORMS = {
    "raw": bytes,
    "hex": lambda key: key.hex().encode(),
    "base64": lambda key: base64.b64encode(key).rstrip(b"="),
    "base64url": lambda key: base64.urlsafe_b64encode(key).rstrip(b"="),
}


def run(jobs: Jobs, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hookline", *arguments, "--config", "hookline.yaml"],
        cwd=jobs.folder,
        env={**jobs.environment, "TMPDIR": str(jobs.folder / "tmp")},
        input=f"{ID}\n",
        capture_output=True,
        text=True,
        timeout=300,
    )
