"""On executors that are processes of their own: our class goes there, and finds its key there."""

from __future__ import annotations

from pathlib import Path

import pyspark
import pytest
from tests.pipelines.conftest import Jobs

from hookline.governance.crypto.tokens import token
from hookline.governance.keys import keyfile
from hookline.governance.keys.providers import FileKeys
from hookline.governance.keys.ring import derived

pytestmark = [pytest.mark.spark, pytest.mark.slow]
JOB = """
import os
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
frame = spark.range(0, 40, 1, 4).selectExpr("id", "'mail' || id AS mail", "'name' || id AS name")
frame.write.parquet("lake")
rows = spark.read.parquet("lake").orderBy("id").collect()
print("ROWS", *(f"{row.mail}|{row.name}" for row in rows))
spark.stop()
"""
POLICY = """
name: people
datasets: ["*lake"]
rules:
  - {columns: [mail], action: tokenize}
  - {columns: [name], action: encrypt, deterministic: true}
"""


@pytest.mark.parametrize("provider", ["file", "environment"])
def test_tokens_of_executors(tmp_path: Path, provider: str) -> None:
    jobs = Jobs(tmp_path)
    jobs.write("job.py", JOB)
    jobs.write("policy.yaml", POLICY)
    jobs.write("hookline.yaml", f"keys: {{provider: {provider}}}\nplugins: {{protect: {{policies: [policy.yaml]}}}}\n")
    keyfile.add_version(tmp_path / "keys.json", "default", new=True)
    key = FileKeys(tmp_path / "keys.json").get("default", None)
    conf = tmp_path / "spark conf" / "spark-defaults.conf"
    conf.write_text(conf.read_text().replace("local[1]", "local-cluster[2,1,700]") + "spark.executor.memory 600m\n")
    jobs.environment["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    variables: dict[str, str] = {}
    if provider == "environment":
        import base64

        (tmp_path / "keys.json").unlink()
        variables = {"HOOKLINE_KEY_DEFAULT": base64.b64encode(key.reveal()).decode()}
    ended = jobs.attached("job.py", options=("--config", "hookline.yaml"), **variables)
    assert ended.code == 0, ended.err[-3_000:]
    assert "Python, which takes longer" not in ended.err
    (line,) = [line for line in ended.out.decode().splitlines() if line.startswith("ROWS")]
    found = [one.split("|") for one in line.split()[1:]]
    mail = derived(key, "tokenize", "default", "mail")
    assert [one[0] for one in found] == [token(mail, 1, f"mail{number}") for number in range(40)]
    assert all(one[1].startswith("d1.") for one in found)
    assert key.reveal().hex() not in ended.err
