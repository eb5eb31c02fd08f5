"""A writer that dies while it publishes: the next one puts everything back, and touches nothing that others wrote since."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.errors import PublishError
from hookline.pipelines import names
from hookline.pipelines.staging import folder
from hookline.pipelines.staging.files import Files, TakenError
from hookline.pipelines.staging.folder import FolderStage
from hookline.pipelines.staging.journal import Journal
from hookline.pipelines.staging.recovery import recover
from hookline.pipelines.targets import FolderTarget

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from conftest import Jobs

pytestmark = pytest.mark.spark
KINDS = ("nothing", "all", "partitions")


class DiedError(BaseException):
    """Stands for the death of the process: nothing of the writer's own handling comes after it."""


class Publisher:
    """Stages small files for a place, without Spark's part of it, and dies before a given move."""

    def __init__(self, spark: SparkSession, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spark, self.root, self.state = spark, root, root / "state"
        self.place = root / "lake" / "sales"
        self._monkeypatch = monkeypatch
        self._number = 0

    def old(self) -> None:
        """Two partitions, each with a file."""
        self.fill(self.place, "old", ("part=0", "part=1"))

    def fill(self, place: Path, word: str, partitions: tuple[str, ...]) -> None:
        for partition in partitions:
            self._number += 1
            (place / partition).mkdir(parents=True, exist_ok=True)
            (place / partition / f"part-0000{self._number}-{word}").write_text(word)
        (place / "_SUCCESS").touch()
        (place / "._SUCCESS.crc").write_bytes(b"crc\0\0\0\2\0")  # as Hadoop writes it for an empty file

    def publish(self, replaces: Any, whole: bool) -> None:
        """New rows for the partitions 1 and 2."""
        uri = f"file:{self.place}"
        target = FolderTarget(names.path_dataset(uri, "text"), self.spark, uri)

        def write(frame: Any, uri: str) -> None:
            self.fill(Path(uri.removeprefix("file:")), "new", ("part=1", "part=2"))

        stage = FolderStage(self.spark, target, write, replaces, self.state, whole_folders=whole)
        stage.run(lambda call: call(), lambda written: None, None, lambda: self.spark.range(0).schema)

    def die_before(self, move: int | None, replaces: Any, whole: bool) -> bool:
        """Whether it came to that; None is after the last move."""
        moves = [0]
        plain = Files.move

        def counted(files: Files, source: str, target: str) -> None:
            if moves[0] == move:
                raise DiedError
            moves[0] += 1
            plain(files, source, target)

        def recorded(journal: Journal, entry: Any) -> None:
            if not entry.swaps and moves[0]:
                raise DiedError
            plain_record(journal, entry)

        def dead(spark: SparkSession, files: Files, entry: Any, journal: Journal) -> bool:
            journal.leave()  # as the operating system does
            return False

        plain_record = Journal.record
        with self._monkeypatch.context() as patched:
            patched.setattr(Files, "move", counted)
            patched.setattr(Journal, "record", recorded)
            patched.setattr(folder, "settle", dead)
            with pytest.raises(DiedError):
                self.publish(replaces, whole)
        return moves[0] == move

    def recover(self) -> None:
        recover(self.spark, self.state)
        assert not list(self.root.rglob(".hookline-*"))
        assert not list(self.state.rglob("*.journal"))

    def tree(self) -> dict[str, str]:
        return tree(self.root / "lake")

    def words(self) -> dict[str, list[str]]:
        """What a reader finds, by partition."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.place.rglob("part-*")):
            found.setdefault(path.parent.name, []).append(path.read_text())
        return {partition: sorted(words) for partition, words in found.items()}


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
    }


@pytest.fixture
def publisher(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    return Publisher(spark, tmp_path, monkeypatch)


PUBLISHED = {
    "nothing": {"part=0": ["old"], "part=1": ["new", "old"], "part=2": ["new"]},
    "all": {"part=1": ["new"], "part=2": ["new"]},
    "partitions": {"part=0": ["old"], "part=1": ["new"], "part=2": ["new"]},
}


@pytest.mark.parametrize("whole", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("replaces", KINDS)
def test_what_is_published(replaces: str, whole: bool, publisher: Publisher) -> None:
    publisher.old()
    publisher.publish(replaces, whole)
    assert publisher.words() == PUBLISHED[replaces]
    assert not list(publisher.root.rglob(".hookline-*"))


@pytest.mark.parametrize("there", [True, False], ids=["there", "new"])
@pytest.mark.parametrize("whole", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("replaces", KINDS)
def test_a_death_before_any_move_leaves_all_as_it_was(
    replaces: str, whole: bool, there: bool, publisher: Publisher
) -> None:
    (publisher.root / "lake").mkdir()
    if there:
        publisher.old()
    before = publisher.tree()
    move = 0
    while publisher.die_before(move, replaces, whole):
        publisher.recover()
        assert publisher.tree() == before, f"after a death before move {move}"
        move += 1
    publisher.recover()
    assert publisher.tree() == before, "after a death when all was moved"
    assert move > 0
    publisher.publish(replaces, whole)
    assert publisher.words() == (PUBLISHED[replaces] if there else PUBLISHED["all"])


@pytest.mark.parametrize("replaces", KINDS)
def test_a_copy_that_was_made_where_moving_is_copying(
    replaces: str, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object store's rename is a copy of each file, and a deletion after it: a death may come between."""
    monkeypatch.setattr(Files, "atomic", property(lambda files: False))
    publisher.old()
    before = publisher.tree()
    move = 0
    while publisher.die_before(move, replaces, False):
        (journal,) = publisher.state.rglob("*.journal")
        (swap,) = json.loads(journal.read_text().splitlines()[-1])["swaps"]
        for pair in [*swap["going"], *swap["coming"]][move : move + 1]:
            source, target = (Path(uri.removeprefix("file:")) for uri in pair)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        publisher.recover()
        assert {path for path, content in publisher.tree().items() if content} == set(filter(before.get, before))
        move += 1
    assert move > 1


@pytest.mark.parametrize("whole", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("replaces", KINDS)
def test_what_others_added_since_stays(replaces: str, whole: bool, publisher: Publisher) -> None:
    publisher.old()
    publisher.die_before(None, replaces, whole)
    publisher.fill(publisher.place, "theirs", ("part=1", "part=3"))
    publisher.recover()
    assert publisher.words() == {"part=0": ["old"], "part=1": ["old", "theirs"], "part=3": ["theirs"]}


@pytest.mark.parametrize("whole", [True, False], ids=["folders", "files"])
def test_what_others_replaced_since_does_not_come_back(whole: bool, publisher: Publisher) -> None:
    publisher.old()
    publisher.die_before(None, "all", whole)
    shutil.rmtree(publisher.place)
    publisher.fill(publisher.place, "theirs", ("part=1",))
    publisher.recover()
    assert publisher.words() == {"part=1": ["theirs"]}


def test_a_writer_that_lives_is_left_alone(publisher: Publisher) -> None:
    publisher.old()
    seen = []

    def write(frame: Any, uri: str) -> None:
        staged = Path(uri.removeprefix("file:"))
        publisher.fill(staged, "new", ("part=2",))
        recover(publisher.spark, publisher.state)
        seen.append(staged.exists())

    uri = f"file:{publisher.place}"
    target = FolderTarget(names.path_dataset(uri, "text"), publisher.spark, uri)
    stage = FolderStage(publisher.spark, target, write, "nothing", publisher.state)
    stage.run(lambda call: call(), lambda written: None, None, lambda: publisher.spark.range(0).schema)
    assert seen == [True]
    assert publisher.words()["part=2"] == ["new"]


def test_a_folder_that_only_looks_like_ours_is_left_alone(publisher: Publisher) -> None:
    publisher.old()
    other = publisher.place.parent / ".hookline-sales-0"
    other.mkdir()
    recover(publisher.spark, publisher.state)
    publisher.publish("all", True)
    assert other.exists()


def test_a_line_that_the_disk_had_no_room_for_does_not_hide_those_before_it(publisher: Publisher) -> None:
    publisher.old()
    before = publisher.tree()
    publisher.die_before(None, "all", True)
    (journal,) = publisher.state.rglob("*.journal")
    with journal.open("a") as file:
        file.write('\n{"folder": "fi')
    publisher.recover()
    assert publisher.tree() == before


def test_a_journal_that_says_nothing_is_told_and_kept(publisher: Publisher, caplog: pytest.LogCaptureFixture) -> None:
    staged = publisher.state / "staged"
    staged.mkdir(parents=True)
    (staged / "x.journal").write_text("rubbish\n")
    recover(publisher.spark, publisher.state)
    assert "x.journal does not say what was staged" in caplog.text
    assert (staged / "x.journal").exists()


def test_a_state_folder_that_can_not_be_written_costs_only_the_recovery(
    publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    publisher.old()
    publisher.state.write_text("a file where the folder should be")
    publisher.publish("all", True)
    assert publisher.words() == PUBLISHED["all"]
    assert "a write that is killed will not be cleaned up" in caplog.text


@pytest.mark.parametrize("scheme", ["file", "hdfs"])
def test_a_folder_is_not_moved_into_one_that_came_meanwhile(
    scheme: str, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On HDFS the move goes by Hadoop's FileContext; here that has a local disk below it."""
    publisher.old()
    source = publisher.root / "staged"
    publisher.fill(source, "new", ("part=2",))
    files = Files(publisher.spark, f"file:{source}")
    files.scheme = scheme
    before = publisher.tree()
    with monkeypatch.context() as patched:
        patched.setattr(Files, "exists", lambda files, uri: False)  # it was not there when that was looked at
        with pytest.raises(TakenError):
            files.move(f"file:{source}", f"file:{publisher.place}")
    assert publisher.tree() == before
    files.move(f"file:{source}", f"file:{publisher.root / 'free'}")
    assert (publisher.root / "free" / "part=2").is_dir()


@pytest.mark.parametrize("replaces", ["nothing", "all"])
def test_who_loses_a_race_plans_again(replaces: str, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    (publisher.root / "lake").mkdir()
    plain, raced = Files.move, []

    def late(files: Files, source: str, target: str) -> None:
        if not raced:
            raced.append(target)
            publisher.fill(publisher.place, "theirs", ("part=1",))
        plain(files, source, target)

    monkeypatch.setattr(Files, "move", late)
    publisher.publish(replaces, True)
    theirs = ["theirs"] if replaces == "nothing" else []
    assert publisher.words() == {"part=1": ["new", *theirs], "part=2": ["new"]}
    assert not list(publisher.root.rglob(".hookline-*"))


def test_what_can_not_be_moved_is_put_back(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher.old()
    before = publisher.tree()
    plain, moved = Files.move, []

    def fails(files: Files, source: str, target: str) -> None:
        moved.append(source)
        if len(moved) == 2:
            raise PublishError("no")
        plain(files, source, target)

    monkeypatch.setattr(Files, "move", fails)
    with pytest.raises(PublishError, match="no"):
        publisher.publish("all", True)
    assert publisher.tree() == before
    assert not list(publisher.root.rglob(".hookline-*"))


JOB = """
    import os, signal, sys
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    spark.range(3).write.mode(sys.argv[1]).parquet("lake/sales")
    print(spark.read.parquet("lake/sales").count())
"""
GATE = """
    import os, signal
    import hookline
    from hookline.pipelines.staging.files import Files

    class Gate:
        Config = hookline.PluginConfig

        def __init__(self, config, context):
            if os.environ.get("DIES") == "between two moves":
                plain, moved = Files.move, []
                def move(files, source, target):
                    if moved:
                        os.kill(os.getpid(), signal.SIGKILL)
                    moved.append(source)
                    plain(files, source, target)
                Files.move = move

        @hookline.hookimpl
        def judge_write(self, event, run):
            if os.environ.get("DIES") == "while it judges":
                os.kill(os.getpid(), signal.SIGKILL)
            return []
"""


@pytest.mark.parametrize("where", ["while it judges", "between two moves"])
def test_a_job_that_is_killed_leaves_what_was_there_to_the_next_one(where: str, jobs: Jobs) -> None:
    jobs.write("site/killing.py", GATE)
    jobs.write("job.py", JOB)
    jobs.write("hookline.yaml", "plugins:\n  killing:Gate: {}\n")
    lake = jobs.folder / "lake"
    assert jobs.attached("job.py", "overwrite").out == b"3\n"
    before = tree(lake)
    ended = jobs.attached("job.py", "overwrite", DIES=where)
    assert ended.code == -signal.SIGKILL
    assert [path.name for path in lake.iterdir() if path.name.startswith(".hookline-")] != []
    if where == "while it judges":
        assert {name: content for name, content in tree(lake).items() if ".hookline-" not in name} == before
    else:
        assert not (lake / "sales").exists()
    assert jobs.attached("job.py", "append").out == b"6\n"
    assert {name: content for name, content in tree(lake).items() if name in before and "_SUCCESS" not in name} == {
        name: content for name, content in before.items() if "_SUCCESS" not in name
    }
    assert [path.name for path in lake.iterdir()] == ["sales"]
