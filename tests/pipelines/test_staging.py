"""What a critical check refuses was never visible: the target stays as it was, to the byte."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import HooklineError, WriteRefusedError
from hookline.core.events import Measure, Verdict
from hookline.pipelines import attach, watch
from hookline.pipelines.staging import delta
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
RECORDER = PluginEntry("hookline.testing:RecordingPlugin")
OUTSIDE = Measure.outside("id", minimum=11)
BAD = Verdict("c", "critical", "failed", failing_rows=1)
# "text" takes one string column; everything else takes all.
FILES = ("parquet", "csv", "json", "orc")
Write = Callable[["DataFrame", str], Any]


def _write(kind: str, mode: str, *, partitioned: bool = False, **options: str) -> Write:
    def write(frame: DataFrame, path: str) -> Any:
        writer = frame.write.format(kind).mode(mode).options(**options)
        return (writer.partitionBy("part") if partitioned else writer).save(path)

    return write


WRITES: dict[str, Write] = {
    **{f"{kind}, {mode}": _write(kind, mode) for kind in ("delta", *FILES) for mode in ("append", "overwrite")},
    **{
        f"{kind}, {mode}, partitioned": _write(kind, mode, partitioned=True)
        for kind in ("delta", "parquet")
        for mode in ("append", "overwrite")
    },
    "parquet, dynamic": _write("parquet", "overwrite", partitioned=True, partitionOverwriteMode="dynamic"),
    "delta, dynamic": _write("delta", "overwrite", partitioned=True, partitionOverwriteMode="dynamic"),
    "delta, replaceWhere": _write("delta", "overwrite", replaceWhere="id >= 10"),
    "delta, new schema": lambda df, path: _write("delta", "overwrite", overwriteSchema="true")(
        df.withColumnRenamed("name", "title"), path
    ),
    "delta, more columns": lambda df, path: _write("delta", "append", mergeSchema="true")(
        df.selectExpr("*", "id + 1 as more"), path
    ),
    "delta, txnAppId": _write("delta", "append", txnAppId="job", txnVersion="1"),
    "delta, INSERT": lambda df, path: df.sparkSession.sql(f"INSERT INTO delta.`{path}` SELECT * FROM {{df}}", df=df),
    "delta, MERGE": lambda df, path: df.sparkSession.sql(
        f"MERGE INTO delta.`{path}` t USING {{df}} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * "
        "WHEN NOT MATCHED THEN INSERT *",
        df=df,
    ),
    "parquet, INSERT OVERWRITE DIRECTORY": lambda df, path: df.sparkSession.sql(
        f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT * FROM {{df}}", df=df
    ),
    "parquet, by option": lambda df, path: df.write.option("path", path).mode("append").save(),
    "parquet, by name": lambda df, path: df.write.parquet(path, mode="overwrite"),
    "csv, by name": lambda df, path: df.write.csv(path, mode="append", header=True),
}


# Where nothing is yet, there is less to go wrong.
NEW = ("delta, append", "delta, overwrite, partitioned", "delta, dynamic", "parquet, append", "parquet, dynamic")
NEW += ("parquet, overwrite, partitioned", "csv, append", "parquet, INSERT OVERWRITE DIRECTORY")
CASES = [*((how, "there") for how in WRITES), *((how, "new") for how in NEW)]


def partitioned(how: str) -> bool:
    return "partitioned" in how or "dynamic" in how


class Attached:
    """A session with a plugin that judges as a test tells it."""

    def __init__(self, spark: SparkSession, config: Config) -> None:
        self.attachment = attach.attach(spark, config, job="test")
        self.recorder = RecordingPlugin.last
        self.recorder.answers["measure_write"] = [Measure.rows(), OUTSIDE]
        self.recorder.answers["judge_write"] = self.judge
        self.spark = spark
        self.look: Callable[[], Any] = lambda: None
        self.verdicts: list[Verdict] = []
        self.looked: list[Any] = []

    def judge(self, event: Any) -> list[Verdict]:
        self.looked.append(self.look())
        return self.verdicts

    def fill(self, how: str, path: Path) -> None:
        """What was there before: bare Spark's own write of the ids 1 to 3."""
        old = self.spark.range(1, 4).selectExpr("id", "concat('o', id) as name", "id % 2 as part").coalesce(1)
        writer = old._jdf.write().format(kind_of(how))
        if partitioned(how):
            writer = writer.partitionBy(self.spark._jvm.PythonUtils.toSeq(["part"]))  # type: ignore[union-attr]
        writer.save(str(path))
        watch.drain()
        self.recorder.calls.clear()
        self.looked.clear()

    @property
    def failing(self) -> list[Any]:
        """What was measured, write by write."""
        return [results[OUTSIDE].value for results in self.recorder.seen("judge_write")]

    def jobs(self, write: Callable[[], Any]) -> int:
        """How many Spark jobs a write takes."""
        scheduler = self.spark._jsc.sc().dagScheduler()  # type: ignore[union-attr]
        before = int(scheduler.numTotalJobs())
        write()
        return int(scheduler.numTotalJobs()) - before

    @property
    def notes(self) -> str:
        ended = self.attachment.detach()
        assert ended is not None
        return "\n".join(ended.notes)


@pytest.fixture
def attached(spark: SparkSession, tmp_path: Path) -> Iterator[Attached]:
    held = Attached(spark, Config(state_dir=tmp_path / "state", plugins=(RECORDER,)))
    yield held
    held.attachment.detach()


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    """Rows with the ids 10 to 14: one is below the minimum that is measured."""
    return spark.range(10, 15).selectExpr("id", "concat('n', id) as name", "id % 2 as part").coalesce(1)


def tree(root: Path) -> dict[str, str]:
    """Every file and folder with a hash of its content; hidden ones as well."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
    }


def rows(spark: SparkSession, kind: str, path: Path) -> list[Any]:
    """What a reader sees."""
    reader = spark.read.format(kind)
    if kind in ("csv",):
        reader = reader.schema("id string, name string, part string")
    return sorted(map(str, reader.load(str(path)).collect()))


def kind_of(how: str) -> str:
    return how.partition(",")[0]


@pytest.mark.parametrize(("how", "there"), CASES)
def test_what_is_refused_leaves_the_target_as_it_was(
    how: str, there: str, attached: Attached, frame: DataFrame, tmp_path: Path
) -> None:
    place = tmp_path / "lake" / "deep" / "sales"
    if there == "there":
        attached.fill(how, place)
    before = tree(tmp_path)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published") as refused:
        WRITES[how](frame, str(place))
    assert not refused.value.published
    after = {name: content for name, content in tree(tmp_path).items() if not name.startswith("state")}
    assert after == {name: content for name, content in before.items() if not name.startswith("state")}
    assert attached.failing == [1]
    watch.drain()
    (write,) = attached.recorder.seen("on_write_failed")
    assert (write.published, write.rows) == (False, 5)
    assert attached.recorder.seen("on_write_finished") == []
    assert "visible already" not in attached.notes


@pytest.mark.parametrize(("how", "there"), CASES)
def test_what_passes_is_what_spark_alone_would_have_left(
    how: str, there: str, attached: Attached, frame: DataFrame, tmp_path: Path
) -> None:
    spark, place, alone = attached.spark, tmp_path / "lake" / "sales", tmp_path / "alone" / "sales"
    if there == "there":
        attached.fill(how, place)
        attached.fill(how, alone)
    before = tree(place)
    attached.look = lambda: tree(place) if kind_of(how) != "delta" else visible(place)
    WRITES[how](frame, str(place))
    assert attached.looked == [before if kind_of(how) != "delta" else visible_in(before)]
    watch.drain()
    (write,) = attached.recorder.seen("on_write_finished")
    assert (write.published, write.rows, write.intercepted, write.dataset.name) == (True, 5, True, str(place))
    assert not [read for read in attached.recorder.seen("on_read_observed") if "hookline" in read.dataset.name]
    assert "visible already" not in attached.notes  # which ends the run
    WRITES[how](frame, str(alone))
    assert names(place) == names(alone)
    assert rows(spark, kind_of(how), place) == rows(spark, kind_of(how), alone)
    assert not list(tmp_path.rglob(".hookline-*"))
    assert not list((tmp_path / "state" / "staged").glob("*.journal"))


def visible(place: Path) -> set[str]:
    """The commits of a Delta table."""
    return {path.name for path in place.glob("_delta_log/*.json")}


def visible_in(listed: dict[str, str]) -> set[str]:
    return {Path(name).name for name in listed if name.startswith("_delta_log/") and name.endswith(".json")}


def names(place: Path) -> list[str]:
    """The files, without what Spark makes up anew for each write."""
    found = []
    for path in place.rglob("*"):
        if path.is_file():
            short = path.name[: 11 if path.name.startswith(".") else 10] if "part-" in path.name else path.name
            found.append(f"{path.relative_to(place).parent}/{short}/{''.join(path.suffixes[-2:])}")
    return sorted(found)


# -- tables, and places that take rows as they come --------------------------------------------------------------------


@pytest.fixture
def table(spark: SparkSession) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:8]}"
    yield name
    spark.sql(f"DROP TABLE IF EXISTS {name}")


def test_an_insert_that_spark_refuses_fails_as_it_would_alone(attached: Attached, frame: DataFrame, table: str) -> None:
    from pyspark.errors import AnalysisException

    attached.spark.sql(f"CREATE TABLE {table} (id BIGINT, name DATE, part BIGINT) USING parquet")
    for insert, condition in (
        (frame, "CANNOT_SAFELY_CAST"),
        (frame.drop("part"), "INSERT_COLUMN_ARITY_MISMATCH"),
        (attached.spark.table(table), "UNSUPPORTED_OVERWRITE"),
    ):
        with pytest.raises(AnalysisException, match=condition):
            insert.write.insertInto(table, overwrite=True)
    assert attached.spark.table(table).count() == 0


def test_a_database_gets_what_passes_and_nothing_else(attached: Attached, frame: DataFrame) -> None:
    url = f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"
    kept = set(attached.spark.sparkContext._jsc.getPersistentRDDs())
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.jdbc(url, "sales")
    attached.verdicts = []
    frame.write.jdbc(url, "sales")
    assert attached.spark.read.jdbc(url, "sales").count() == 5
    watch.drain()
    assert [(w.way, w.rows) for w in attached.recorder.seen("on_write_finished")] == [("observe", 5)]
    assert attached.failing == [1, 1]
    assert set(attached.spark.sparkContext._jsc.getPersistentRDDs()) <= kept


def test_rows_are_computed_once_and_written_as_they_were_judged(attached: Attached, spark: SparkSession) -> None:
    url = f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"
    attached.recorder.answers["measure_write"] = [total := Measure.total("v")]
    spark.range(5).selectExpr("id", "cast(rand() * 1000000 as bigint) as v").write.jdbc(url, "sales")
    (results,) = attached.recorder.seen("judge_write")
    assert spark.read.jdbc(url, "sales").selectExpr("sum(v)").first()[0] == results[total].value


@pytest.mark.parametrize("wanted", [None, []])
def test_nothing_is_kept_that_nobody_judges_by(
    wanted: Any, attached: Attached, spark: SparkSession, frame: DataFrame, table: str, tmp_path: Path
) -> None:
    attached.recorder.answers["measure_write"] = wanted
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.format("parquet").saveAsTable(table)
    assert not spark.catalog.tableExists(table)
    attached.verdicts = []
    judged_first = attached.jobs(lambda: frame.write.format("parquet").mode("overwrite").saveAsTable(table))
    watch.drain()
    (write,) = attached.recorder.seen("on_write_finished")
    assert (write.rows, write.way, len(attached.looked)) == (5, "proof", 2)
    attached.attachment.detach()
    direct = Attached(spark, Config(state_dir=tmp_path / "state", plugins=(RECORDER,), publish="direct"))
    assert direct.jobs(lambda: frame.write.format("parquet").mode("overwrite").saveAsTable(table)) == judged_first
    direct.attachment.detach()


# -- what can't be staged ----------------------------------------------------------------------------------------------


def test_what_can_not_be_held_back_is_judged_late_and_said_so(
    attached: Attached, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="already visible"):
        attached.spark.sparkContext.parallelize(["a"]).saveAsTextFile(str(tmp_path / "text"))
    (write,) = attached.recorder.seen("on_write_failed")
    assert (write.published, write.unstaged) == (True, "its rows do not pass as a DataFrame")
    assert "judged when they are visible already: its rows do not pass" in caplog.text
    assert "judged when they are visible already: its rows do not pass" in attached.notes


def test_what_can_not_be_held_back_is_judged_first_where_nobody_judges_by_its_rows(
    attached: Attached, tmp_path: Path
) -> None:
    attached.recorder.answers["measure_write"] = None
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        attached.spark.sparkContext.parallelize(["a"]).saveAsTextFile(str(tmp_path / "text"))
    assert not (tmp_path / "text").exists()
    assert "visible already" not in attached.notes


def test_direct_publishes_first(spark: SparkSession, frame: DataFrame, tmp_path: Path) -> None:
    held = Attached(spark, Config(state_dir=tmp_path / "state", plugins=(RECORDER,), publish="direct"))
    held.verdicts = [BAD]
    held.look = lambda: len(list((tmp_path / "out").glob("part-*")))
    with pytest.raises(WriteRefusedError, match="already visible"):
        frame.write.parquet(str(tmp_path / "out"))
    (write,) = held.recorder.seen("on_write_failed")
    assert (held.looked, write.unstaged) == ([1], "publish is direct in the configuration")
    held.attachment.detach()


def test_another_delta_is_not_trusted_with_its_commits(
    attached: Attached,
    frame: DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = tmp_path / "sales"
    attached.fill("delta", place)
    before = tree(place)
    monkeypatch.setattr(delta, "SUPPORTED", ("9.9.",))
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.format("delta").mode("append").save(str(place))
    assert tree(place) == before
    assert "are kept by the executors until they are judged: staging knows Delta 9.9.x" in caplog.text
    with pytest.raises(WriteRefusedError, match="already visible"):
        attached.spark.sql(f"DELETE FROM delta.`{place}` WHERE id = 1")
    write = attached.recorder.seen("on_write_failed")[-1]
    assert (write.operation, "staging knows Delta 9.9.x" in write.unstaged) == ("delete", True)
    assert "visible already: staging knows Delta 9.9.x" in attached.notes


# -- Delta -------------------------------------------------------------------------------------------------------------


CHANGES: dict[str, Callable[[SparkSession, str], Any]] = {
    "UPDATE": lambda spark, path: spark.sql(f"UPDATE delta.`{path}` SET id = 5 WHERE id = 1"),
    "DELETE": lambda spark, path: spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 1"),
    "DeltaTable.update": lambda spark, path: _delta_table(spark, path).update("id = 1", {"id": "5"}),
    "DeltaTable.delete": lambda spark, path: _delta_table(spark, path).delete("id = 1"),
}


def _delta_table(spark: SparkSession, path: str) -> Any:
    from delta.tables import DeltaTable

    return DeltaTable.forPath(spark, path)


def test_actions_are_known_as_the_log_has_them(
    attached: Attached, frame: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, seen = tmp_path / "sales", []
    facts = delta._Gate._facts
    monkeypatch.setattr(delta._Gate, "_facts", lambda gate, actions: seen.append(facts(gate, actions)) or seen[-1])
    frame.write.format("delta").partitionBy("part").option("delta.enableChangeDataFeed", "true").save(str(place))
    _delta_table(attached.spark, str(place)).update("id = 10", {"name": "'x'"})
    frame.write.format("delta").mode("overwrite").save(str(place))
    commits = [path.read_text().splitlines() for path in sorted(place.glob("_delta_log/*.json"))]
    logged = [list(map(json.loads, lines)) for lines in commits]
    assert seen == [[one for one in actions if one.keys() & {"add", "remove", "cdc"}] for actions in logged]
    assert {kind for actions in seen for one in actions for kind in one} == {"add", "remove", "cdc"}


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("vectors", ["false", "true"])
def test_a_change_of_rows_that_is_refused_changes_nothing(
    how: str, vectors: str, attached: Attached, tmp_path: Path
) -> None:
    place = tmp_path / "sales"
    attached.fill("delta", place)
    for key in ("enableDeletionVectors", "enableChangeDataFeed"):
        attached.spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.{key}' = {vectors})")
    before = tree(place)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        CHANGES[how](attached.spark, str(place))
    after = tree(place)
    # Delta keeps deletion vectors in files of its own, which VACUUM removes.
    assert {name: after[name] for name in after if "deletion_vector" not in name} == before
    attached.verdicts = []
    CHANGES[how](attached.spark, str(place))
    assert "o1" not in {
        row.name for row in attached.spark.read.format("delta").load(str(place)).where("id = 1").collect()
    }
    assert "visible already" not in attached.notes


def test_renamed_columns_are_measured_before_the_commit(attached: Attached, frame: DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "sales"
    attached.fill("delta", place)
    attached.spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    attached.spark.sql(f"ALTER TABLE delta.`{place}` RENAME COLUMN name TO title")
    before = tree(place)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.withColumnRenamed("name", "title").write.format("delta").mode("append").save(str(place))
    assert (tree(place), attached.failing) == (before, [1])


def test_what_delta_compacts_by_itself_is_nobodys_write(attached: Attached, frame: DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "sales"
    attached.fill("delta", place)
    for key, value in (("delta.autoOptimize.autoCompact", "true"),):
        attached.spark.sql(f"ALTER TABLE delta.`{place}` SET TBLPROPERTIES ('{key}' = '{value}')")
    attached.spark.conf.set("spark.databricks.delta.autoCompact.minNumFiles", "2")
    try:
        frame.write.format("delta").mode("append").save(str(place))
    finally:
        attached.spark.conf.unset("spark.databricks.delta.autoCompact.minNumFiles")
    assert len(visible(place)) == 4  # made, altered, appended, compacted
    watch.drain()
    assert [write.rows for write in attached.recorder.seen("on_write_finished")] == [5]
    assert attached.failing == [1]


def test_a_commit_that_was_not_seen_is_judged_late_and_said_so(
    attached: Attached, frame: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta._Gate, "_is_ours", lambda gate, transaction: False)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="already visible"):
        frame.write.format("delta").save(str(tmp_path / "sales"))
    (write,) = attached.recorder.seen("on_write_failed")
    assert (write.published, write.unstaged, attached.failing) == (True, "its commit was not seen", [1])
    assert "visible already: its commit was not seen" in attached.notes


def test_a_write_that_delta_refuses_fails_as_it_would_alone(
    attached: Attached, frame: DataFrame, tmp_path: Path
) -> None:
    from pyspark.errors import AnalysisException

    place = tmp_path / "sales"
    attached.fill("delta", place)
    before = tree(place)
    with pytest.raises(AnalysisException):
        frame.withColumnRenamed("name", "title").write.format("delta").mode("append").save(str(place))
    assert tree(place) == before


# -- folders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["errorifexists", "ignore"])
@pytest.mark.parametrize("kind", FILES)
def test_what_is_there_stays_when_the_mode_says_so(
    kind: str, mode: str, attached: Attached, frame: DataFrame, tmp_path: Path
) -> None:
    from pyspark.errors import AnalysisException

    place = tmp_path / "sales"
    attached.fill(kind, place)
    before = tree(place)
    if mode == "ignore":
        frame.write.format(kind).mode(mode).save(str(place))
    else:
        with pytest.raises(AnalysisException, match="PATH_ALREADY_EXISTS"):
            frame.write.format(kind).mode(mode).save(str(place))
    assert tree(place) == before
    frame.write.format(kind).mode(mode).save(str(tmp_path / "new"))
    assert len(rows(attached.spark, kind, tmp_path / "new")) == 5


def test_a_place_that_comes_into_being_meanwhile_is_not_written_over(
    attached: Attached, frame: DataFrame, tmp_path: Path
) -> None:
    place = tmp_path / "sales"
    attached.look = lambda: frame._jdf.write().parquet(str(place))
    with pytest.raises(HooklineError, match="came into being"):
        frame.write.parquet(str(place))
    assert attached.spark.read.parquet(str(place)).count() == 5
    assert not list(tmp_path.glob(".hookline-*"))


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_what_others_wrote_meanwhile_counts(mode: str, attached: Attached, frame: DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "sales"
    attached.look = lambda: frame._jdf.write().parquet(str(place))
    frame.write.mode(mode).parquet(str(place))
    assert attached.spark.read.parquet(str(place)).count() == (10 if mode == "append" else 5)


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_two_writers_of_one_place(mode: str, attached: Attached, frame: DataFrame, tmp_path: Path) -> None:
    from pyspark import InheritableThread

    place, together = tmp_path / "sales", threading.Barrier(2, timeout=60)
    attached.look = together.wait  # both are staged before one of them is published
    failures: list[BaseException] = []

    def write() -> None:
        try:
            frame.write.mode(mode).parquet(str(place))
        except BaseException as error:
            failures.append(error)

    attached.recorder.answers["judge_write"] = None
    attached.recorder.answers["measure_write"] = [Measure.rows()]
    threads = [InheritableThread(target=write, session=attached.spark) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert attached.spark.read.parquet(str(place)).count() == (10 if mode == "append" else 5)
    assert (place / "_SUCCESS").exists()
    assert not list(tmp_path.glob(".hookline-*"))


def test_a_link_is_written_through(attached: Attached, frame: DataFrame, tmp_path: Path) -> None:
    place, link = tmp_path / "elsewhere" / "sales", tmp_path / "link"
    attached.fill("parquet", place)
    link.symlink_to(place)
    before = tree(place)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.mode("overwrite").parquet(str(link))
    assert tree(place) == before
    attached.verdicts = []
    frame.write.mode("overwrite").parquet(str(link))
    assert link.is_symlink()
    assert attached.spark.read.parquet(str(place)).count() == 5
    assert [path.name for path in place.iterdir() if path.name.startswith(".hook")] == []


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_odd_names(kind: str, attached: Attached, spark: SparkSession, tmp_path: Path) -> None:
    place = tmp_path / "o'dd %20 näme" / "sales=a b"
    frame = spark.createDataFrame([(1, "a b"), (2, "c/d%"), (3, "é:=")], "id bigint, part string")
    for mode in ("append", "overwrite", "append"):
        frame.write.format(kind).mode(mode).partitionBy("part").save(str(place))
    found = spark.read.format(kind).load(str(place)).select("id", "part").collect()
    assert sorted(map(tuple, found)) == sorted([(1, "a b"), (2, "c/d%"), (3, "é:=")] * 2)
    before = tree(place)
    attached.verdicts = [BAD]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.format(kind).mode("append").partitionBy("part").save(str(place))
    assert tree(place) == before
    assert "visible already" not in attached.notes


def test_what_a_job_has_cached_of_a_place_follows_it(attached: Attached, frame: DataFrame, tmp_path: Path) -> None:
    place = tmp_path / "sales"
    attached.fill("parquet", place)
    cached = attached.spark.read.parquet(str(place)).cache()
    assert cached.count() == 3
    frame.write.mode("overwrite").parquet(str(place))
    assert cached.count() == 5
    cached.unpersist()


# -- cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", ["parquet, append", "parquet, overwrite", "delta, append", "delta, MERGE", "csv, append"]
)
def test_staging_takes_no_job_more(
    how: str, attached: Attached, spark: SparkSession, frame: DataFrame, tmp_path: Path
) -> None:
    attached.fill(how, tmp_path / "staged")
    staged = attached.jobs(lambda: WRITES[how](frame, str(tmp_path / "staged")))
    attached.attachment.detach()
    direct = Attached(spark, Config(state_dir=tmp_path / "state", plugins=(RECORDER,), publish="direct"))
    direct.fill(how, tmp_path / "direct")
    assert staged == direct.jobs(lambda: WRITES[how](frame, str(tmp_path / "direct")))
    direct.attachment.detach()


def test_holding_takes_one_job_more(attached: Attached, spark: SparkSession, frame: DataFrame, tmp_path: Path) -> None:
    url = f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"
    held = attached.jobs(lambda: frame.write.jdbc(url, "held"))
    attached.attachment.detach()
    direct = Attached(spark, Config(state_dir=tmp_path / "state", plugins=(RECORDER,), publish="direct"))
    assert held == direct.jobs(lambda: frame.write.jdbc(url, "direct")) + 1
    direct.attachment.detach()
