"""Jobs in processes of their own, bare and through ``hookline run``; and a session with the plugin ``quality``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import Write as WriteEvent
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SOURCES = str(Path(__file__).resolve().parents[2] / "src")
# Small and quick, and the same for a job that sets nothing itself.
_SPARK_DEFAULTS = """\
spark.master local[1]
spark.ui.enabled false
spark.ui.showConsoleProgress false
spark.sql.shuffle.partitions 2
spark.driver.memory 1g
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
"""
_LOG4J = "rootLogger.level = off\n"


CHECKS: list[dict[str, Any]] = [
    {"completeness": "name", "severity": "critical"},
    {"range": {"column": "price", "min": 0, "max": 100}},
    {"pattern": {"column": "name", "regex": "[a-z]+"}, "where": "part = 1"},
]


@dataclass(frozen=True)
class Ended:
    """A process that ended: its exit code, what it printed, and the run's summary when there is one."""

    code: int
    out: bytes
    err: str
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> str:
        """The sentences of the summary."""
        return "\n".join(self.summary["notes"])


class Jobs:
    """Runs scripts in a folder, where relative paths of theirs begin and ``.hookline`` is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = folder / "spark conf"
        settings.mkdir()
        (settings / "spark-defaults.conf").write_text(_SPARK_DEFAULTS)
        (settings / "log4j2.properties").write_text(_LOG4J)
        known = {
            name: value for name, value in os.environ.items() if not name.startswith(("HOOKLINE_", "OPENLINEAGE_"))
        }
        self.environment = {
            **known,
            "SPARK_CONF_DIR": str(settings),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            # The folder for plugins, and hookline itself where it is not installed.
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), _SOURCES, known.get("PYTHONPATH", "")]).rstrip(":"),
        }
        (folder / "site").mkdir()
        self._given = {"site", settings.name}

    def write(self, name: str, text: str) -> str:
        """Write a file in the folder; its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        self._given.add(Path(name).parts[0])
        return name

    def start(self, *command: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start Python with these arguments."""
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def finish(self, process: subprocess.Popen[bytes], summary: str | None = None, *, deadline_s: float = 120) -> Ended:
        """Wait for a process; one that hangs is a failure."""
        try:
            out, err = process.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"it hangs; {out!r}\n{err.decode()}") from None
        path = self.folder / summary if summary else None
        told = json.loads(path.read_text()) if path and path.exists() else {}
        return Ended(process.returncode, out, err.decode(), told)

    def bare(self, *command: str, **variables: str) -> Ended:
        """``python COMMAND``."""
        return self.finish(self.start(*command, **variables))

    def attached(self, *command: str, options: Sequence[str] = (), **variables: str) -> Ended:
        """``hookline run OPTIONS -- COMMAND``."""
        summary = "summary.json"
        (self.folder / summary).unlink(missing_ok=True)
        words = ("-m", "hookline", "run", "--json", summary, *options, "--", *command)
        return self.finish(self.start(*words, **variables), summary)

    def hookline(self, *arguments: str) -> Ended:
        """``hookline ARGUMENTS``."""
        return self.bare("-m", "hookline", *arguments)

    def runs(self) -> list[dict[str, Any]]:
        """What the store knows, latest first."""
        runs: list[dict[str, Any]] = json.loads(self.hookline("runs", "--json").out)["runs"]
        return runs

    def take_away(self, to: Path) -> None:
        """Move what the jobs made so far out of the way."""
        for name in set(os.listdir(self.folder)) - self._given:
            shutil.move(self.folder / name, to)

    def content(self, folder: Path | None = None) -> dict[str, Any]:
        """What was written: each file's content, by its folder and number (Spark gives every file a random name)."""
        root = folder or self.folder
        return {f"{path.parent.relative_to(root)}/{path.name[:10]}": _content(path) for path in root.rglob("part-*")}


class Attached:
    """A session with the plugin ``quality`` and one that records."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.lake = folder / "lake"
        self._attachment: Any = None

    def begin(self, checks: list[dict[str, Any]] | None = None, *, plugin: Any = None, **suite: Any) -> Attached:
        content = {"dataset": "*", "breaker": "quarantine", **suite, "checks": checks or CHECKS}
        (self.folder / "suite.yaml").write_text(yaml.safe_dump(content))
        plugins = (
            PluginEntry("quality", {"suites": ["suite.yaml"], **(plugin or {})}),
            PluginEntry("hookline.testing:RecordingPlugin"),
        )
        config = Config(state_dir=self.folder / "state", base_dir=self.folder, plugins=plugins)
        self._attachment = attach.attach(self.spark, config, job="sales")
        return self

    def end(self) -> str:
        """The run's notes."""
        ended = self._attachment.detach() if self._attachment else None
        return "\n".join(ended.notes) if ended else ""

    def written(self, hook: str = "on_write_finished") -> WriteEvent:
        watch.drain()
        found = RecordingPlugin.last.seen(hook)
        assert isinstance(found[-1], WriteEvent)
        return found[-1]

    def aside(self, place: Path | None = None) -> dict[int, list[str]]:
        """The ids in quarantine, with the reasons."""
        root = place or Path(f"{self.lake}_quarantine")
        if not list(root.rglob("*.parquet")):
            return {}
        rows = self.spark.read.parquet(str(root)).collect()
        return {row["row"]["id"]: sorted(row.reasons) for row in rows}


def _content(path: Path) -> Any:
    """The bytes; of a Parquet footer in any order, since the order of the encodings in it changes with every JVM."""
    if path.suffix != ".parquet":
        return path.read_bytes()
    data = path.read_bytes()
    footer = int.from_bytes(data[-8:-4], "little") + 8
    return data[:-footer], sorted(data[-footer:])


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """A folder for jobs."""
    return Jobs(tmp_path)


@pytest.fixture
def attached(spark: SparkSession, tmp_path: Path) -> Iterator[Attached]:
    held = Attached(spark, tmp_path)
    yield held
    held.end()
