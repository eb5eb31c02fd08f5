"""Bad rows are set aside with their reasons before anything is visible, and no row is lost, doubled or let through."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.pipelines.conftest import CHECKS, Attached

from hookline.core.errors import WriteRefusedError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def sales(spark: SparkSession) -> DataFrame:
    """Twenty rows in four files: 3 has no name, 7 is NaN, 11 is below zero, 15 is both blank and too dear, 16 is allowed."""
    return spark.range(0, 20, numPartitions=4).selectExpr(
        "id",
        "CASE WHEN id = 3 THEN NULL WHEN id IN (15, 16) THEN '' ELSE 'abc' END AS name",
        "CASE id WHEN 7 THEN double('NaN') WHEN 11 THEN -0.5 WHEN 15 THEN 1e9 ELSE -0.0 END AS price",
        "id % 2 AS part",
    )


BAD = {
    3: ["completeness(name)"],
    7: ["range(price)"],
    11: ["range(price)"],
    15: ["pattern(name)", "range(price)"],
}
GOOD = [number for number in range(20) if number not in BAD]


def ids(frame: DataFrame) -> list[int]:
    return sorted(row["id"] for row in frame.select("id").collect())


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in root.rglob("*")
        if "state" not in path.relative_to(root).parts[:1]
    }


def leftovers(folder: Path) -> list[Path]:
    return [*folder.rglob(".hookline-*"), *(folder / "state" / "staged").glob("*.journal")]


@pytest.mark.parametrize("mode", ["append", "overwrite", "dynamic"])
@pytest.mark.parametrize("by", ["part", None])
@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_only_files_with_bad_rows_are_written_again(
    kind: str, by: str | None, mode: str, attached: Attached, sales: DataFrame
) -> None:
    if mode == "dynamic" and by is None:
        pytest.skip("it needs partitions")
    spark = attached.spark
    old = spark.range(100, 102).selectExpr("id", "'old' AS name", "1.0D AS price", "id % 2 AS part")
    writer = old.write.format(kind)
    (writer.partitionBy(by) if by else writer).save(str(attached.lake))
    attached.begin()
    writer = sales.write.format(kind).mode(mode if mode == "append" else "overwrite")
    if mode == "dynamic":
        writer = writer.option("partitionOverwriteMode", "dynamic")
    (writer.partitionBy(by) if by else writer).save(str(attached.lake))
    kept = [100, 101] if mode == "append" else []
    assert ids(spark.read.format(kind).load(str(attached.lake))) == [*GOOD, *kept]
    assert attached.aside() == BAD
    write = attached.written()
    assert (write.rows, write.rows_quarantined, write.published) == (16, 4, True)
    assert write.quarantine is not None
    assert write.quarantine.name == f"{attached.lake}_quarantine"
    failing = {verdict.check: (verdict.status, verdict.failing_rows) for verdict in write.verdicts}
    assert failing == {
        "completeness(name)": ("failed", 1),
        "range(price)": ("failed", 3),
        "pattern(name)": ("failed", 1),
    }
    assert not attached.end()
    assert leftovers(attached.folder) == []
    if kind == "delta":
        check_delta(spark, attached.lake)


def check_delta(spark: SparkSession, place: Path) -> None:
    """The history and the statistics tell the truth, and there is no file that nothing refers to."""
    from delta.tables import DeltaTable

    (last,) = DeltaTable.forPath(spark, str(place)).history(1).collect()
    assert last.operationMetrics["numOutputRows"] == "16"
    table = spark.read.format("delta").load(str(place))
    assert table.selectExpr("min(id)", "max(id)").first()[:2] == (0, max(ids(table)))
    referred = {Path(file).name for file in table.inputFiles()}
    removed = {
        Path(line["remove"]["path"]).name
        for log in place.glob("_delta_log/*.json")
        for line in map(__import__("json").loads, log.read_text().splitlines())
        if "remove" in line
    }
    assert {path.name for path in place.rglob("*.parquet") if "_delta_log" not in path.parts} <= referred | removed


def test_with_no_bad_row_nothing_more_is_done(attached: Attached, sales: DataFrame) -> None:
    scheduler = attached.spark._jsc.sc().dagScheduler()  # type: ignore[union-attr]

    def jobs() -> int:
        before = int(scheduler.numTotalJobs())
        sales.where("id IN (0, 1, 2)").write.mode("overwrite").parquet(str(attached.lake))
        return int(scheduler.numTotalJobs()) - before

    bare = jobs()
    attached.begin()
    assert jobs() == bare
    assert attached.aside() == {}
    assert (attached.written().rows, attached.written().rows_quarantined) == (3, None)


KEYS = "SELECT id, int(id % 5) AS k, CASE WHEN id = 4 THEN double('NaN') ELSE double(id % 5) END AS f FROM range(7)"


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_copies_are_set_aside_all_or_all_but_the_first(kind: str, attached: Attached) -> None:
    spark = attached.spark
    frame = spark.sql(KEYS).coalesce(1)  # 0 and 5, 1 and 6 share a key
    attached.begin([{"unique": ["k", "f"]}])
    frame.write.format(kind).save(str(attached.lake))
    assert ids(spark.read.format(kind).load(str(attached.lake))) == [2, 3, 4]
    assert sorted(attached.aside()) == [0, 1, 5, 6]
    attached.end()
    attached.begin([{"unique": {"columns": ["k"], "keep": "first"}}], dataset="*_first")
    place = Path(f"{attached.lake}_first")
    frame.write.format(kind).save(str(place))
    assert ids(spark.read.format(kind).load(str(place))) == [0, 1, 2, 3, 4]
    assert attached.aside(Path(f"{place}_quarantine")) == {5: ["unique(k)"], 6: ["unique(k)"]}


def test_a_tolerance_that_is_not_exceeded_sets_nothing_aside(attached: Attached, sales: DataFrame) -> None:
    attached.begin([{"range": {"column": "price", "min": 0, "max": 100}, "tolerance": 3}, {"completeness": "name"}])
    sales.write.parquet(str(attached.lake))
    assert sorted(attached.aside()) == [3]


def test_checks_below_error_and_those_about_the_whole_set_nothing_aside(attached: Attached, sales: DataFrame) -> None:
    attached.begin([{"completeness": "name", "severity": "warn"}, {"row_count": {"min": 100}}])
    sales.write.parquet(str(attached.lake))
    assert attached.aside() == {}
    write = attached.written()
    assert [verdict.status for verdict in write.verdicts] == ["failed", "failed"]
    assert write.rows == 20


def test_what_is_left_is_judged_as_it_will_be_published(attached: Attached, sales: DataFrame) -> None:
    """Twenty rows would do, and sixteen do not."""
    attached.begin([*CHECKS, {"row_count": {"min": 17}, "severity": "critical"}])
    before = tree(attached.folder)
    with pytest.raises(WriteRefusedError, match=r"nothing was published.*row_count"):
        sales.write.parquet(str(attached.lake))
    assert tree(attached.folder) == {**before, **{k: v for k, v in tree(attached.folder).items() if "suite" in k}}
    write = attached.written("on_write_failed")
    assert (write.published, write.rows, write.rows_quarantined) == (False, 16, 4)


def test_more_than_a_share_of_bad_rows_refuses_the_write(attached: Attached, sales: DataFrame) -> None:
    attached.begin(quarantine={"at_most": 0.1})
    with pytest.raises(WriteRefusedError, match=r"rows set aside.*at most 10 % of the rows"):
        sales.write.format("delta").save(str(attached.lake))
    assert not attached.lake.exists()
    assert attached.aside() == {}


@pytest.mark.parametrize("kind", ["csv", "json", "orc"])
def test_other_formats_are_judged_before_they_are_written(kind: str, attached: Attached, sales: DataFrame) -> None:
    attached.begin()
    sales.write.format(kind).mode("append").save(str(attached.lake))
    reader = attached.spark.read.format(kind).schema(sales.schema)
    assert ids(reader.load(str(attached.lake))) == GOOD
    assert attached.aside() == BAD
    assert (attached.written().rows, attached.written().rows_quarantined) == (16, 4)
    assert not attached.end()
    assert leftovers(attached.folder) == []


@pytest.fixture
def table(spark: SparkSession) -> Iterator[str]:
    name = f"q_{uuid.uuid4().hex[:8]}"
    yield name
    spark.sql(f"DROP TABLE IF EXISTS {name}")


INTO_TABLES: dict[str, Callable[[Any, str], Any]] = {
    "saveAsTable": lambda df, name: df.write.format("parquet").partitionBy("part").saveAsTable(name),
    "saveAsTable delta": lambda df, name: df.write.format("delta").saveAsTable(name),
    "CREATE TABLE AS": lambda df, name: df.sparkSession.sql(
        f"CREATE TABLE {name} USING delta AS SELECT * FROM {{df}}", df=df
    ),
    "INSERT": lambda df, name: df.sparkSession.sql(f"INSERT INTO {name} SELECT * FROM {{df}}", df=df),
    "INSERT of columns": lambda df, name: df.sparkSession.sql(
        f"INSERT INTO {name} (part, price, name, id) SELECT part, price, name, id FROM {{df}}", df=df
    ),
    "insertInto partitioned": lambda df, name: df.write.insertInto(name),
}


@pytest.mark.parametrize("how", INTO_TABLES)
def test_tables_get_the_good_rows(how: str, attached: Attached, sales: DataFrame, table: str) -> None:
    spark = attached.spark
    if "INSERT" in how or "insert" in how:
        by = "PARTITIONED BY (part)" if "partitioned" in how else ""
        spark.sql(f"CREATE TABLE {table} (id INT, name STRING, price DOUBLE, part BIGINT) USING parquet {by}")
        sales = sales.withColumn("id", sales.id.cast("int"))
    place = attached.folder / "aside"
    attached.begin(quarantine=str(place))
    INTO_TABLES[how](sales, table)
    assert ids(spark.table(table)) == GOOD
    assert attached.aside(place) == BAD
    assert (attached.written().rows, attached.written().rows_quarantined) == (16, 4)
    assert not attached.end()


def test_a_database_gets_the_good_rows_where_the_others_have_a_place(attached: Attached, sales: DataFrame) -> None:
    url = f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"
    attached.begin()
    with pytest.raises(WriteRefusedError, match=r"no place beside .*quarantine: \{path: …\}"):
        sales.write.jdbc(url, "sales")
    attached.end()
    attached.begin(plugin={"quarantine": "aside"})
    sales.write.jdbc(url, "sales")
    assert ids(attached.spark.read.jdbc(url, "sales")) == GOOD
    (place,) = (attached.folder / "aside").iterdir()
    assert attached.aside(place) == BAD


def test_a_merge_is_refused_before_it_begins(attached: Attached, sales: DataFrame) -> None:
    from delta.tables import DeltaTable

    sales.write.format("delta").save(str(attached.lake))
    before = tree(attached.lake)
    attached.begin()
    target = DeltaTable.forPath(attached.spark, str(attached.lake)).alias("t")
    merge = target.merge(sales.alias("s"), "t.id = s.id").whenMatchedUpdateAll()
    with pytest.raises(WriteRefusedError, match=r"breaker's mode is quarantine.*merge.*the table's own"):
        merge.execute()
    assert tree(attached.lake) == before


@pytest.mark.parametrize("mode", ["publish", "quarantine"])
def test_what_can_not_be_held_back_is_refused_before_it_begins(mode: str, attached: Attached, sales: DataFrame) -> None:
    attached.begin([{"row_count": {"min": 0}}], breaker=mode)
    with pytest.raises(WriteRefusedError, match=f"mode is {mode}.*do not pass as a DataFrame"):
        attached.spark.sparkContext.parallelize(["a"]).saveAsTextFile(str(attached.lake))
    assert not attached.lake.exists()
    stream = attached.spark.readStream.format("rate").load().selectExpr("value AS id").writeStream
    with pytest.raises(WriteRefusedError, match=f"mode is {mode}.*foreachBatch"):
        stream.option("checkpointLocation", str(attached.folder / "c")).format("parquet").start(str(attached.lake))


def test_audit_publishes_and_tells(attached: Attached, sales: DataFrame) -> None:
    attached.begin(breaker="audit")
    sales.write.parquet(str(attached.lake))
    write = attached.written()
    assert (write.rows, write.published, write.unstaged) == (20, True, "the breaker's mode is audit")
    assert {verdict.status for verdict in write.verdicts} == {"failed"}
    assert not any(verdict.refuses for verdict in write.verdicts)
    assert not attached.end()


def test_batches_of_a_stream_are_divided_too(attached: Attached, sales: DataFrame) -> None:
    source = attached.folder / "source"
    sales.write.parquet(str(source))
    attached.begin()

    def write(batch: DataFrame, number: int) -> None:
        batch.write.format("delta").mode("append").save(str(attached.lake))

    stream = attached.spark.readStream.schema(sales.schema).parquet(str(source)).writeStream.foreachBatch(write)
    stream.option("checkpointLocation", str(attached.folder / "c")).trigger(
        availableNow=True
    ).start().awaitTermination()
    assert ids(attached.spark.read.format("delta").load(str(attached.lake))) == GOOD
    assert attached.aside() == BAD
    assert attached.written().batch_id == 0


def test_names_and_values_that_are_hard_to_quote_come_through(attached: Attached) -> None:
    frame = attached.spark.sql(
        "SELECT id, struct(id AS `a.b`, array(map('k', decimal(1.5)))) AS `it``s \"x\"`, "
        "CASE id WHEN 0 THEN 'é\\'\\u0000' ELSE 'ok' END AS `na me`, 'a/b=c %' AS `p q` FROM range(3)"
    )
    name = 'o\'clock "x"'
    attached.begin([{"pattern": {"column": "na me", "regex": "ok"}, "name": name}])
    frame.write.partitionBy("p q").parquet(f"{attached.lake} ü%20")
    assert ids(attached.spark.read.parquet(f"{attached.lake} ü%20")) == [1, 2]
    place = Path(f"{attached.lake} ü%20_quarantine")
    assert attached.aside(place) == {0: [name]}
    (row,) = attached.spark.read.parquet(str(place)).collect()
    assert row.row.asDict(recursive=True) == frame.where("id = 0").first().asDict(recursive=True)
    assert str(row.quarantine_id).startswith(attached.written().write_id)


class DiedError(BaseException):
    """Stands for the death of the process."""


@pytest.mark.parametrize("kind", ["parquet", "delta"])
@pytest.mark.parametrize("point", ["put", "place", "placed"])
def test_an_error_anywhere_refuses_the_write_and_leaves_everything_as_it_was(
    kind: str, point: str, attached: Attached, sales: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline.pipelines.quarantine import Deposit

    sales.where("id = 1").write.format(kind).save(str(attached.lake))
    attached.begin()
    before = tree(attached.folder)
    plain = Deposit.place if point == "placed" else None

    def fail(deposit: Deposit, *arguments: Any) -> None:
        if plain is not None:
            plain(deposit, *arguments)
        raise ValueError("a row's value: 4711")

    monkeypatch.setattr(Deposit, point.removesuffix("d"), fail)
    if point == "put":
        monkeypatch.setattr(Deposit, "took", fail)
    with pytest.raises(WriteRefusedError, match=r"could not be (set aside|put in its place): ValueError") as refused:
        sales.write.format(kind).mode("append").save(str(attached.lake))
    assert "4711" not in str(refused.value)
    assert tree(attached.folder) == before
    assert leftovers(attached.folder) == []


@pytest.mark.parametrize("kind", ["parquet", "delta"])
@pytest.mark.parametrize("published", [False, True])
def test_a_death_leaves_both_or_neither(
    kind: str, published: bool, attached: Attached, sales: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies when the bad rows stand in their place: before the write is published, and after it."""
    from hookline.pipelines.quarantine import Deposit
    from hookline.pipelines.staging import delta, folder, recovery

    sales.where("id = 1").write.format(kind).save(str(attached.lake))
    before = {name: content for name, content in tree(attached.folder).items() if name.startswith("lake")}
    attached.begin()

    def dead(deposit: Deposit) -> None:
        deposit._companion._journal.leave()  # as the operating system does
        raise DiedError

    def abandoned(spark: Any, files: Any, entry: Any, journal: Any) -> bool:
        journal.leave()
        return False

    with monkeypatch.context() as patched:
        patched.setattr(Deposit, "keep", dead)
        patched.setattr(Deposit, "give_up", dead)
        if not published:
            patched.setattr(folder, "settle", abandoned)
            patched.setattr(folder.FolderStage, "_publish", lambda *_: (_ for _ in ()).throw(DiedError()))
            patched.setattr(delta, "_correct_metrics", lambda *_: None)
            patched.setattr(delta.DeltaStage, "_clean", lambda *_: None)
            plain = Deposit.place

            def place(deposit: Deposit, proof: Any) -> None:
                plain(deposit, proof)
                if kind == "delta":
                    raise DiedError

            patched.setattr(Deposit, "place", place)
        with pytest.raises(DiedError):
            sales.write.format(kind).mode("append").save(str(attached.lake))
    assert attached.aside() == BAD
    recovery.recover(attached.spark, attached.folder / "state")
    assert leftovers(attached.folder) == []
    there = attached.spark.read.format(kind).load(str(attached.lake))
    if published:
        assert ids(there) == sorted([*GOOD, 1])
        assert attached.aside() == BAD
    else:
        assert ids(there) == [1]
        assert attached.aside() == {}
        assert not Path(f"{attached.lake}_quarantine").exists()
        if kind == "parquet":
            after = {name: content for name, content in tree(attached.folder).items() if name.startswith("lake")}
            assert after == before
