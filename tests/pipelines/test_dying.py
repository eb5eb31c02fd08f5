"""Processes that are killed, stores and disks that fail: the job's result stays, and nothing is lost without a word."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, OutboxConfig, PluginEntry
from hookline.core.runtime import Runtime
from hookline.core.store import Store
from hookline.pipelines import attach

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from conftest import Jobs

SLOW = """
    import time
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import udf
    spark = SparkSession.builder.getOrCreate()

    @udf
    def wait(x):
        open("in the middle", "w").close()
        time.sleep(60)

    print("begins", flush=True)
    spark.range(3).write.parquet("done")
    spark.range(1).select(wait("id")).write.parquet("cut off")
"""


def stop_in_the_middle(jobs: Jobs, number: int) -> Any:
    """Run SLOW, and send it a signal while it writes."""
    jobs.write("slow.py", SLOW)
    process = jobs.start("-m", "hookline", "run", "--json", "slow.json", "--", "slow.py")
    mark = jobs.folder / "in the middle"
    while not mark.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(number)
    return jobs.finish(process, "slow.json")


def events(path: Path) -> dict[str, Counter[str]]:
    """How often each run (an application's, or a write's) made each transition, by its job."""
    found: dict[str, Counter[str]] = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        found.setdefault(event["job"]["name"], Counter())[event["eventType"]] += 1
    return found


@pytest.mark.spark
def test_a_run_that_is_killed_is_closed_by_the_next_one_and_nothing_comes_twice(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", "plugins:\n  lineage: {path: sink/events.ndjson}\n")
    jobs.write("sink", "a file where the folder should be: the sink is dead")
    jobs.write("next.py", "print('next')")
    killed = stop_in_the_middle(jobs, signal.SIGKILL)
    assert (killed.code, killed.out, killed.summary) == (-signal.SIGKILL, b"begins\n", {})
    assert [run["status"] for run in jobs.runs()] == ["running"]

    following = jobs.attached("next.py")
    assert (following.code, following.out) == (0, b"next\n")
    assert "for 'lineage' not delivered yet (last failure: lineage events can't be appended" in following.notes
    assert [(run["job"], run["status"]) for run in jobs.runs()] == [("next", "finished"), ("slow", "abandoned")]

    (jobs.folder / "sink").unlink()
    for _ in range(2):
        replayed = jobs.hookline("outbox", "replay")
        assert replayed.code == 0, replayed.err
        found = events(jobs.folder / "sink" / "events.ndjson")
        (written,) = [name for name in found if "done" in name]
        assert found == {
            "slow": {"START": 1, "ABORT": 1},
            "next": {"START": 1, "COMPLETE": 1},
            written: {"START": 1, "COMPLETE": 1},
        }
    assert jobs.attached("next.py").notes == ""
    assert Counter(run["status"] for run in jobs.runs()) == {"finished": 2, "abandoned": 1}
    assert not list((jobs.folder / ".hookline" / "live").iterdir())


@pytest.mark.spark
def test_a_run_that_is_terminated_ends_as_failed_before_the_process_dies(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", "plugins: {lineage: }\n")
    ended = stop_in_the_middle(jobs, signal.SIGTERM)
    assert (ended.code, ended.out) == (-signal.SIGTERM, b"begins\n")
    assert (ended.summary["status"], ended.summary["exit_code"]) == ("failed", 143)
    writes = {Path(write["name"]).name: (write["published"], write["error"]) for write in ended.summary["writes"]}
    assert writes["done"] == (True, None)
    assert (writes["cut off"][0], writes["cut off"][1]["type"]) == (False, "SIGTERM")
    (run,) = jobs.runs()
    assert (run["status"], run["exit_code"], run["writes_total"]) == ("failed", 143, 2)
    found = events(jobs.folder / ".hookline" / "lineage.ndjson")
    assert found["slow"] == {"START": 1, "FAIL": 1}


# -- the store, the outbox and the disk --------------------------------------------------------------------------------

FINE = """
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    spark.range(3).coalesce(1).write.csv("out")
    print("done")
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a database's write lock."""
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.spark
def test_with_the_store_locked_and_the_sink_dead_the_job_is_the_same(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", "plugins:\n  lineage: {path: sink/events.ndjson}\noutbox: {flush_deadline_s: 1}\n")
    jobs.write("sink", "a file where the folder should be")
    jobs.write("job.py", FINE)
    with locked(jobs.folder / ".hookline" / "store.db"):
        ended = jobs.attached("job.py")
    assert (ended.code, ended.out) == (0, b"done\n")
    assert list(jobs.content().values()) == [b"0\n1\n2\n"]
    assert ended.summary["status"] == "finished"
    assert "for 'store' not delivered yet" in ended.notes
    assert "for 'lineage' not delivered yet" in ended.notes
    (jobs.folder / "sink").unlink()
    assert jobs.hookline("outbox", "replay").code == 0
    assert [(run["status"], run["writes_total"]) for run in jobs.runs()] == [("finished", 1)]


@pytest.mark.spark
def test_two_runs_at_once_share_a_store(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", "plugins: {lineage: }\n")
    for name in ("one", "two"):
        jobs.write(f"{name}.py", FINE.replace('"out"', f'"{name}"'))
    running = [jobs.start("-m", "hookline", "run", "--", f"{name}.py") for name in ("one", "two")]
    ends = [jobs.finish(process) for process in running]
    assert [(end.code, end.out) for end in ends] == [(0, b"done\n")] * 2
    assert sorted((run["job"], run["status"], run["writes_total"]) for run in jobs.runs()) == [
        ("one", "finished", 1),
        ("two", "finished", 1),
    ]
    found = events(jobs.folder / ".hookline" / "lineage.ndjson")
    assert len(found) == 4
    assert all(count == {"START": 1, "COMPLETE": 1} for count in found.values())


def test_a_job_that_removes_our_folder(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", "plugins: {lineage: }\n")
    jobs.write("job.py", "import shutil\nshutil.rmtree('.hookline')\nprint('done')")
    ended = jobs.attached("job.py")
    assert (ended.code, ended.out, ended.summary["status"]) == (0, b"done\n", "finished")
    jobs.write("next.py", "")
    following = jobs.attached("next.py")
    assert (following.code, following.summary["status"]) == (0, "finished")
    assert jobs.runs()[0]["job"] == "next"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; root only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def one_write(spark: SparkSession, config: Config, out: Path) -> str:
    """Attach, write, detach; what the summary says. The write itself is whole."""
    with attach.attach(spark, config, job="test") as attachment:
        spark.range(3).write.parquet(str(out))
    ended = attachment.detach()
    assert ended is not None
    assert (ended.status, ended.writes_total, ended.writes[0].published) == ("finished", 1, True)
    assert spark.read.parquet(str(out)).count() == 3
    return "\n".join(ended.notes)


def config_in(state: Path) -> Config:
    return Config(state_dir=state, plugins=(PluginEntry("lineage"),), outbox=OutboxConfig(flush_deadline_s=1))


def replay(config: Config) -> int:
    runtime = Runtime(config, deliver=False)
    waiting = runtime.outbox.replay(deadline_s=20)
    runtime.close()
    return waiting


def runs(config: Config) -> list[tuple[str, int | None]]:
    """The runs in the store: status and number of writes."""
    store = Store(config.store_url())
    found = [(run.status, run.writes_total) for run in store.runs()]
    store.close()
    return found


@pytest.mark.spark
def test_a_locked_outbox_costs_nothing(spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = config_in(tmp_path / "state")
    with locked(tmp_path / "state" / "outbox.db"):
        notes = one_write(spark, config, tmp_path / "out")
    assert "another process keeps it locked" in notes
    # It was delivered from memory.
    assert runs(config) == [("finished", 1)]
    assert capfd.readouterr().out == ""


@pytest.mark.spark
@pytest.mark.parametrize("name", ["outbox.db", "store.db", "lineage.ndjson"])
def test_a_file_full_of_rubbish(
    name: str, spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = config_in(tmp_path / "state")
    config.state_dir.mkdir()
    rubbish = os.urandom(20_000)
    (config.state_dir / name).write_bytes(rubbish)
    notes = one_write(spark, config, tmp_path / "out")
    assert capfd.readouterr().out == ""
    if name == "outbox.db":
        assert "was damaged; it was set aside" in notes
    elif name == "store.db":
        assert "for 'store' not delivered yet (last failure: the store" in notes
        assert (config.state_dir / name).read_bytes() == rubbish
        (config.state_dir / name).unlink()
        assert replay(config) == 0
    assert runs(config) == [("finished", 1)]


@pytest.mark.spark
def test_a_full_disk(spark: SparkSession, tmp_path: Path, small_disk: Path) -> None:
    config = config_in(small_disk / "state")
    config.state_dir.mkdir()
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize - 8192))
    notes = one_write(spark, config, tmp_path / "out")
    assert "full" in notes
    filler.unlink()
    assert "full" not in one_write(spark, config, tmp_path / "again")
    assert ("finished", 1) in runs(config)


@pytest.mark.spark
@pytest.mark.parametrize("how", ["read-only", "no folder"])
def test_a_folder_that_can_not_be_written(
    how: str,
    spark: SparkSession,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if how == "read-only":
        disk = request.getfixturevalue("small_disk")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    else:
        disk = tmp_path / "file"
        disk.write_text("no folder can be made in a file")
    notes = one_write(spark, config_in(disk / "state"), tmp_path / "out")
    assert "can't be used" in notes
    assert "for 'store' not delivered yet" in notes
    assert "messages were lost" in caplog.text
    assert "`hookline outbox replay`" not in caplog.text
