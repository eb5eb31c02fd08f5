"""Tables of files by name: written once, judged before anybody sees them, and left as Spark alone leaves them."""

from __future__ import annotations

import hashlib
import re
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Measure, Verdict
from hookline.pipelines import attach, watch
from hookline.pipelines.staging import folder
from hookline.pipelines.staging.files import Files
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.staging.journal import Journal
from hookline.pipelines.staging.recovery import recover
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from conftest import Jobs

pytestmark = pytest.mark.spark
OUTSIDE = Measure.outside("id", minimum=11)
BAD = Verdict("c", "critical", "failed", failing_rows=1)
Write = Callable[["DataFrame", str], Any]

PLAIN = "CREATE TABLE {table} (id INT, name STRING, part BIGINT) USING parquet OPTIONS (compression 'gzip')"
PARTS = "CREATE TABLE {table} (id INT, name STRING, part BIGINT) USING parquet PARTITIONED BY (part)"
DEEP = "CREATE TABLE {table} (id INT, name STRING, part BIGINT, word STRING) USING orc PARTITIONED BY (part, word)"
BUCKETS = (
    "CREATE TABLE {table} (id INT, name STRING, part BIGINT) USING parquet PARTITIONED BY (part) "
    "CLUSTERED BY (id) SORTED BY (name) INTO 2 BUCKETS"
)
CSV = "CREATE TABLE {table} (part BIGINT, id INT, name STRING) USING csv OPTIONS (header 'true', sep ';')"
JSON = "CREATE TABLE {table} (id INT, name STRING, part BIGINT) USING json PARTITIONED BY (part)"
OLD = {DEEP: "(1, 'old', 1, 'a b'), (2, 'old', 7, 'c/d%')", CSV: "(1, 1, 'old'), (7, 2, 'old')"}


def _sql(text: str) -> Write:
    return lambda df, name: df.sparkSession.sql(text.format(table=name, df="{df}"), df=df)


def _save(mode: str, kind: str = "parquet", *by: str, **options: str) -> Write:
    return lambda df, name: df.write.format(kind).mode(mode).options(**options).partitionBy(*by).saveAsTable(name)


def _buckets(mode: str) -> Write:
    return lambda df, name: (
        df.write.mode(mode).partitionBy("part").bucketBy(2, "id").sortBy("name").format("parquet").saveAsTable(name)
    )


INSERT = "INSERT INTO {table} SELECT id, name, part FROM {df}"
OVERWRITE = "INSERT OVERWRITE {table} SELECT id, name, part FROM {df}"
CASES: dict[str, tuple[str | None, Write]] = {
    "insert": (PLAIN, _sql(INSERT)),
    "insert, partitions": (PARTS, _sql(INSERT)),
    "insert, buckets": (BUCKETS, _sql(INSERT)),
    "insert, csv": (CSV, _sql("INSERT INTO {table} SELECT part, id, name FROM {df}")),
    "insert, json": (JSON, _sql(INSERT)),
    "insert by name": (PARTS, _sql("INSERT INTO {table} BY NAME SELECT part, name, id FROM {df}")),
    "insert of some columns": (PARTS, _sql("INSERT INTO {table} (part, id) SELECT part, id FROM {df}")),
    "insert of defaults": (PARTS, _sql("INSERT INTO {table} VALUES (10, DEFAULT, 0), (11, 'x', 8)")),
    "insert with a WITH": (PARTS, _sql("WITH q AS (SELECT id, name, part FROM {df}) " + INSERT.replace("{df}", "q"))),
    "insert, a partition": (PARTS, _sql("INSERT INTO {table} PARTITION (part = 9) SELECT id, name FROM {df}")),
    "insert, nothing into a partition": (
        PARTS,
        _sql("INSERT INTO {table} PARTITION (part = 9) SELECT id, name FROM {df} WHERE id < 0"),
    ),
    "overwrite": (PLAIN, _sql(OVERWRITE)),
    "overwrite, partitions": (PARTS, _sql(OVERWRITE)),
    "overwrite, buckets": (BUCKETS, _sql(OVERWRITE)),
    "overwrite, a partition": (
        PARTS,
        _sql("INSERT OVERWRITE {table} PARTITION (part = 7) SELECT id, name FROM {df}"),
    ),
    "overwrite, a partition with nothing": (
        PARTS,
        _sql("INSERT OVERWRITE {table} PARTITION (part = 7) SELECT id, name FROM {df} WHERE id < 0"),
    ),
    "overwrite, the first of two": (
        DEEP,
        _sql("INSERT OVERWRITE {table} PARTITION (part = 7, word) SELECT id, name, concat(name, '/%') FROM {df}"),
    ),
    "overwrite, two": (
        DEEP,
        _sql("INSERT OVERWRITE {table} PARTITION (part = 7, word = 'c/d%') SELECT id, name FROM {df}"),
    ),
    "overwrite, dynamic": (
        DEEP,
        lambda df, name: dynamic(
            df, lambda: _sql("INSERT OVERWRITE {table} SELECT id, name, part + 6, 'c/d%' FROM {df}")(df, name)
        ),
    ),
    "insertInto": (PARTS, lambda df, name: df.write.insertInto(name)),
    "insertInto, overwrite": (PARTS, lambda df, name: df.write.insertInto(name, overwrite=True)),
    "saveAsTable, append": (PLAIN, _save("append")),
    "saveAsTable, append, partitions": (
        PARTS,
        lambda df, name: _save("append", "parquet", "part")(df.select("part", "name", "id"), name),
    ),
    "saveAsTable, append, buckets": (BUCKETS, _buckets("append")),
    "saveAsTable, append, csv": (CSV, _save("append", "csv")),
    "saveAsTable, overwrite": (PLAIN, _save("overwrite")),
    "saveAsTable, overwrite, other partitions": (DEEP, _save("overwrite", "json", "part")),
    "saveAsTable, overwrite, buckets": (PARTS, _buckets("overwrite")),
    "saveAsTable": (None, _save("error", compression="gzip")),
    "saveAsTable, partitions": (None, _save("append", "parquet", "part")),
    "saveAsTable, new, overwrite": (None, _save("overwrite", "csv", "part", header="true")),
    "saveAsTable, buckets": (None, _buckets("ignore")),
    "CREATE TABLE AS": (None, _sql("CREATE TABLE {table} USING json COMMENT 'c' AS SELECT * FROM {df}")),
    "CREATE TABLE AS, partitions": (
        None,
        _sql(
            "CREATE TABLE IF NOT EXISTS {table} USING parquet PARTITIONED BY (part) TBLPROPERTIES ('a' = 'b') "
            "AS WITH q AS (SELECT * FROM {df}) SELECT * FROM q"
        ),
    ),
    "CREATE TABLE AS, buckets": (
        None,
        _sql("CREATE TABLE {table} USING parquet CLUSTERED BY (id) INTO 3 BUCKETS AS SELECT * FROM {df}"),
    ),
}


def dynamic(frame: DataFrame, call: Callable[[], Any]) -> Any:
    key = "spark.sql.sources.partitionOverwriteMode"
    frame.sparkSession.conf.set(key, "dynamic")
    try:
        return call()
    finally:
        frame.sparkSession.conf.unset(key)


class Attached:
    """A session with a plugin that judges as a test tells it, and where no rows may be kept."""

    def __init__(self, spark: SparkSession, state: Path) -> None:
        plugins = (PluginEntry("hookline.testing:RecordingPlugin"),)
        self.attachment = attach.attach(spark, Config(state_dir=state, plugins=plugins), job="test")
        self.recorder = RecordingPlugin.last
        self.recorder.answers["measure_write"] = [OUTSIDE]
        self.recorder.answers["judge_write"] = self.judge
        self.state = state
        self.spark = spark
        self.verdicts: list[Verdict] = []
        self.look: Callable[[], Any] = lambda: None
        self.looked: list[Any] = []

    def judge(self, event: Any) -> list[Verdict]:
        self.looked.append(self.look())
        return self.verdicts

    def make(self, statement: str | None, table: str) -> None:
        """Make a table with two old rows, with nothing attached to it."""
        if statement is None:
            return
        rows = OLD.get(statement, "(1, 'old', 1), (2, 'old', 7)")
        texts = [statement, "INSERT INTO {table} VALUES " + rows]
        if "USING delta" not in statement:
            texts.append("ANALYZE TABLE {table} COMPUTE STATISTICS")
        for text in texts:
            self.spark._jsparkSession.sql(text.format(table=table))
        watch.drain()
        self.recorder.calls.clear()
        self.looked.clear()

    def written(self) -> Any:
        """The one write that was told."""
        watch.drain()
        (write,) = self.recorder.seen("on_write_finished") + self.recorder.seen("on_write_failed")
        return write


@pytest.fixture
def attached(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attached]:
    def kept(*arguments: Any) -> None:
        raise AssertionError("its rows are kept")

    monkeypatch.setattr(HeldStage, "run", kept)
    held = Attached(spark, tmp_path / "state")
    yield held
    held.attachment.detach()


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    """Rows with the ids 10 to 14: one is below the minimum that is measured."""
    columns = ("cast(id as int) id", "concat('n', id) as name", "id % 2 as part")
    return spark.range(10, 15).selectExpr(*columns).coalesce(1)


@pytest.fixture
def table(spark: SparkSession) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:8]}"
    yield name
    for one in (name, f"{name}_alone"):
        spark.sql(f"DROP TABLE IF EXISTS {one}")


def place_of(spark: SparkSession, table: str) -> Path:
    return Path(str(spark.conf.get("spark.sql.warehouse.dir")).removeprefix("file:")) / table


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
    }


def names(place: Path) -> list[str]:
    """The files, without what Spark makes up anew for each write: ``part-00000-<uuid>_00001.c000.gz.parquet``."""
    found = (str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    return sorted(re.sub(r"-[0-9a-f]{8}-[0-9a-f-]{27}", "", name) for name in found)


def told(spark: SparkSession, table: str) -> list[Any]:
    """All that the catalog says of a table, without its name and age."""
    described = spark.sql(f"DESCRIBE EXTENDED {table}").collect()
    partitioned = any(row.col_name == "# Partition Information" for row in described)
    lines = [tuple(row) for row in described if row.col_name not in ("Table", "Created Time", "Location")]
    partitions = spark.sql(f"SHOW PARTITIONS {table}").collect() if partitioned else []
    return [*lines, *sorted(map(tuple, partitions)), *sorted(map(str, spark.table(table).collect()))]


@pytest.mark.parametrize("how", CASES)
def test_what_passes_is_what_spark_alone_would_have_left(
    how: str, attached: Attached, frame: DataFrame, table: str
) -> None:
    spark, (statement, write) = attached.spark, CASES[how]
    for name in (table, f"{table}_alone"):
        attached.make(statement, name)
    place = place_of(spark, table)
    before = tree(place)
    attached.look = lambda: (tree(place), spark.catalog.tableExists(table))
    answer = write(frame, table)
    assert attached.looked == [(before, statement is not None)]
    done = attached.written()
    assert (done.published, done.unstaged, done.intercepted) == (True, None, True)
    attached.attachment.detach()
    alone = write(frame, f"{table}_alone")
    assert told(spark, table) == told(spark, f"{table}_alone")
    assert names(place) == names(place_of(spark, f"{table}_alone"))
    assert (answer is None) == (alone is None)
    assert answer is None or (answer.columns, answer.collect()) == (alone.columns, alone.collect())
    assert not list(place.parent.glob(".hookline-*"))
    assert not list(attached.state.rglob("*.journal"))


REFUSED = (
    "insert, partitions",
    "insert of defaults",
    "overwrite, buckets",
    "overwrite, a partition",
    "overwrite, dynamic",
    "saveAsTable, append, csv",
    "saveAsTable, overwrite, other partitions",
    "saveAsTable, partitions",
    "CREATE TABLE AS, buckets",
)


@pytest.mark.parametrize("how", REFUSED)
def test_what_is_refused_leaves_all_as_it_was(how: str, attached: Attached, frame: DataFrame, table: str) -> None:
    spark, (statement, write) = attached.spark, CASES[how]
    attached.make(statement, table)
    place = place_of(spark, table)
    before, known = tree(place.parent), told(spark, table) if statement else None
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        write(frame, table)
    assert tree(place.parent) == before
    assert spark.catalog.tableExists(table) == (statement is not None)
    assert known is None or told(spark, table) == known
    assert attached.written().published is False


DELTA: dict[str, Write] = {
    "saveAsTable": _save("error", "delta", "part"),
    "saveAsTable, append": _save("append", "delta"),
    "saveAsTable, overwrite": _save("overwrite", "delta"),
    "writeTo, create": lambda df, name: df.writeTo(name).using("delta").create(),
    "writeTo, createOrReplace": lambda df, name: df.writeTo(name).using("delta").createOrReplace(),
    "writeTo, append": lambda df, name: df.writeTo(name).append(),
    "writeTo, overwritePartitions": lambda df, name: df.writeTo(name).overwritePartitions(),
    "insertInto": lambda df, name: df.write.insertInto(name),
    "CREATE TABLE AS": _sql("CREATE TABLE {table} USING delta AS SELECT * FROM {df}"),
    "CREATE OR REPLACE TABLE AS": _sql("CREATE OR REPLACE TABLE {table} USING delta AS SELECT * FROM {df}"),
    "REPLACE TABLE AS": _sql("REPLACE TABLE {table} USING delta AS SELECT * FROM {df}"),
    "INSERT INTO": _sql("INSERT INTO {table} (part, name, id) SELECT part, name, id FROM {df}"),
    "INSERT OVERWRITE": _sql("INSERT OVERWRITE {table} SELECT * FROM {df}"),
    "INSERT REPLACE WHERE": _sql("INSERT INTO {table} REPLACE WHERE id >= 0 SELECT * FROM {df}"),
}


@pytest.mark.parametrize("how", DELTA)
def test_a_delta_table_by_name_is_held_at_its_commit(
    how: str, attached: Attached, frame: DataFrame, table: str
) -> None:
    spark, new = attached.spark, how in ("saveAsTable", "writeTo, create", "CREATE TABLE AS")
    attached.make(None if new else "CREATE TABLE {table} (id INT, name STRING, part BIGINT) USING delta", table)
    before = None if new else rows(spark, table)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        DELTA[how](frame, table)
    assert spark.catalog.tableExists(table) == (not new)
    assert new or rows(spark, table) == before
    assert attached.written().published is False
    attached.recorder.calls.clear()
    attached.verdicts = []
    DELTA[how](frame, table)
    assert attached.written().unstaged is None
    appended = "append" in how or how in ("insertInto", "INSERT INTO")
    assert len(rows(spark, table)) == (7 if appended else 5)


KILLED = (
    "insert, partitions",
    "overwrite, a partition",
    "overwrite, dynamic",
    "saveAsTable, overwrite, other partitions",
    "CREATE TABLE AS, buckets",
)


class DiedError(BaseException):
    """Stands for the death of the process: nothing of the writer's own handling comes after it."""


class Death:
    """Lets a publication die before one of its steps: a move, a line in the journal, or a change of the catalog."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
        self._left = step
        self._publishing = False
        with_steps = [(Files, "move"), (Journal, "record")]
        for owner, method in with_steps:
            monkeypatch.setattr(owner, method, self._counted(getattr(owner, method)))
        for owner in folder_catalogs():
            for method in ("make_way", "enter"):
                monkeypatch.setattr(owner, method, self._counted(getattr(owner, method), after=True))
        monkeypatch.setattr(folder, "settle", self._dead)

    def _counted(self, plain: Callable[..., Any], *, after: bool = False) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self._step()
            answer = plain(*arguments)
            if after:
                self._step()
            return answer

        return counted

    def _step(self) -> None:
        if self._left == 0:
            raise DiedError
        self._left -= 1

    def _dead(self, spark: Any, files: Files, entry: Any, journal: Journal) -> bool:
        journal.leave()  # as the operating system does
        return False


def folder_catalogs() -> list[type]:
    from hookline.pipelines.staging import registry

    return [registry.Insertion, registry.Creation]


@pytest.mark.parametrize("how", KILLED)
def test_a_death_at_any_point_leaves_the_old_table_or_the_new_one(
    how: str, attached: Attached, frame: DataFrame, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark, (statement, write) = attached.spark, CASES[how]
    place = place_of(spark, table)
    attached.make(statement, f"{table}_alone")
    attached.recorder.answers["judge_write"] = None
    spark.sql(f"ALTER TABLE {table}_alone SET TBLPROPERTIES ('kept' = 'yes')") if statement else None
    write(frame, f"{table}_alone")
    new, step, kept, died = rows(spark, f"{table}_alone"), 0, 0, True
    while died:
        spark.sql(f"DROP TABLE IF EXISTS {table}")
        attached.make(statement, table)
        old, before = rows(spark, table) if statement else None, tree(place)
        with monkeypatch.context() as patched:
            Death(patched, step)
            try:
                write(frame, table)
                died = False
            except DiedError:
                died = True
        recover(spark, attached.state)
        spark.catalog.refreshTable(table) if spark.catalog.tableExists(table) else None
        found = rows(spark, table) if spark.catalog.tableExists(table) else None
        assert found in (old, new), f"before step {step}"
        kept += found == old
        assert found == new or tree(place) == before
        assert not list(place.parent.glob(".hookline-*"))
        assert not list(attached.state.rglob("*.journal"))
        step += 1
    assert found == new
    assert kept > 3


def rows(spark: SparkSession, table: str) -> list[str]:
    return sorted(map(str, spark.table(table).collect()))


HIVE_JOB = """
    import sys
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.enableHiveSupport().getOrCreate()
    frame = spark.range(int(sys.argv[1])).selectExpr("id", "id % 2 as part")
    frame.write.mode("overwrite").partitionBy(*sys.argv[2:]).saveAsTable("sales")
    print(spark.table("sales").count(), spark.catalog.listColumns("sales")[1].isPartition)
"""
DYING_GATE = """
    import os, signal
    import hookline
    from hookline.pipelines.staging.registry import Creation

    class Gate:
        Config = hookline.PluginConfig

        def __init__(self, config, context):
            if os.environ.get("DIES"):
                Creation.enter = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)

        @hookline.hookimpl
        def judge_write(self, event, run):
            return []
"""
LOOK = """
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.enableHiveSupport().getOrCreate()
    print(spark.table("sales").count(), spark.catalog.listColumns("sales")[1].isPartition)
"""


def test_a_job_that_is_killed_while_a_table_is_away_leaves_the_old_one_to_the_next(jobs: Jobs) -> None:
    jobs.write("site/dying.py", DYING_GATE)
    jobs.write("job.py", HIVE_JOB)
    jobs.write("look.py", LOOK)
    jobs.write("hookline.yaml", "plugins:\n  dying:Gate: {}\n")
    assert jobs.attached("job.py", "3", "part").out == b"3 True\n"
    ended = jobs.attached("job.py", "5", DIES="yes")
    assert ended.code == -signal.SIGKILL
    ended = jobs.attached("look.py")
    assert ended.out == b"3 True\n", ended.err
    assert not list(jobs.folder.rglob(".hookline-*"))
