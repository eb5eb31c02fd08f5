"""A small company with lineage: raw files, a protected table, what was made of it, and what nothing can be done with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hookline.cli import main
from hookline.core.config import load_config
from hookline.core.store import Store
from hookline.governance.audit import AuditLog
from hookline.governance.keys import keyfile
from hookline.pipelines import attach, watch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CONFIG = "job: crm\nplugins:\n  lineage: {}\n  protect: {policies: ['policies/*.yaml']}\n"
NAME = {"columns": ["name"], "entity": "PERSON", "action": "encrypt", "subject": "id", "missing": "allow"}
ERASE = {"subject": "id", "entity": "CUSTOMER_ID"}
PEOPLE = "SELECT id, 'c' || id AS code, 'name' || id AS name, id % 3 AS part, 'k' || id || '@canary.example' AS mail FROM range(12)"


class Company:
    """A folder with a configuration, keys, policies, and a store with the lineage of what ran there."""

    def __init__(self, folder: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.spark, self._capsys = folder, spark, capsys
        (folder / "hookline.yaml").write_text(CONFIG)
        (folder / "policies").mkdir()
        keyfile.add_version(folder / "keys.json", "default", new=True)
        self.log = AuditLog(folder / ".hookline" / "audit.log")

    def policy(self, name: str = "people", **content: Any) -> None:
        content = {"name": name, "datasets": ["*/silver/*"], "rules": [NAME], **content}
        (self.folder / "policies" / f"{name}.yaml").write_text(yaml.safe_dump(content))

    def path(self, name: str) -> str:
        return str(self.folder / "lake" / name)

    def read(self, name: str, kind: str = "parquet") -> DataFrame:
        # Of files that were changed under it Spark would remember what they were.
        self.spark.catalog.refreshByPath(self.path(name))
        return self.spark.read.format(kind).load(self.path(name))

    def run(self, job: Callable[[Company], Any], name: str = "crm") -> None:
        attachment = attach.attach(self.spark, load_config(self.folder / "hookline.yaml"), job=name)
        try:
            job(self)
            watch.drain()
        finally:
            attachment.detach()

    def hookline(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main([*arguments, "--config", str(self.folder / "hookline.yaml")])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def erase(self, subject: str, *more: str, code: int = 0) -> Any:
        return self.document("erase", f"--subject={subject}", "--yes", *more, code=code)

    def document(self, *arguments: str, code: int = 0) -> Any:
        found, out, err = self.hookline(*arguments, "--json", "-")
        assert found == code, (found, out, err)
        return json.loads(out)

    def statuses(self, document: Any) -> dict[str, tuple[str, int]]:
        root = self.folder / "lake"
        return {str(Path(one["name"]).relative_to(root)): (one["status"], one["rows"]) for one in document["datasets"]}

    def store(self) -> Store:
        return Store(load_config(self.folder / "hookline.yaml").store_url())

    def records(self, *actions: str) -> list[dict[str, Any]]:
        return [dict(one.entry.what) for one in self.log.records() if one.entry.action in actions]

    def clear(self, text: str) -> list[str]:
        """Files in which a text is in clear, or in whose names."""
        found = []
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if text in name or (path.is_file() and text.encode() in content_of(path)):
                found.append(name)
        return found


def content_of(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:4] == b"PAR1":
        from pyarrow import parquet

        # A footer's minima and maxima are not compressed.
        return data + json.dumps(parquet.ParquetFile(path).read().to_pylist(), default=str, ensure_ascii=False).encode()
    return data


@pytest.fixture
def company(
    tmp_path: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Company:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Company(tmp_path, spark, capsys)
