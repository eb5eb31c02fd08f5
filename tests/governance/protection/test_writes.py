"""The plugin on real writes: protected before they land, or refused; and every one of both recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.governance.conftest import Guarded

from hookline.core.errors import WriteRefusedError
from hookline.governance.audit import verify
from hookline.governance.crypto.tokens import TOKEN
from hookline.pipelines import watch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MAIL = {"columns": ["mail"], "entity": "EMAIL_ADDRESS", "action": "tokenize"}


@pytest.fixture
def people(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        [(1, "ada@canary.example"), (2, "bob@canary.example"), (3, None)], "id int, mail string"
    ).coalesce(1)


def clear(folder: Path) -> list[Path]:
    """Files with a value in clear."""
    return [path for path in folder.rglob("*") if path.is_file() and b"@canary" in path.read_bytes()]


def is_protected(frame: DataFrame) -> bool:
    rows = {row.id: row.mail for row in frame.collect()}
    return len(rows) == 3 and rows[3] is None and bool(TOKEN.fullmatch(rows[1])) and bool(TOKEN.fullmatch(rows[2]))


WRITES: dict[str, Callable[[DataFrame, str], None]] = {
    "parquet": lambda frame, path: frame.write.parquet(path),
    "json": lambda frame, path: frame.write.json(path),
    "csv": lambda frame, path: frame.write.option("header", True).csv(path),
    "orc": lambda frame, path: frame.write.orc(path),
    "delta": lambda frame, path: frame.write.format("delta").save(path),
    "partitioned": lambda frame, path: frame.write.partitionBy("id").parquet(path),
    "partitioned by what is protected": lambda frame, path: frame.write.partitionBy("mail").parquet(path),
}


@pytest.mark.spark
@pytest.mark.parametrize("kind", WRITES)
def test_no_write_has_a_value_in_clear(guarded: Guarded, people: DataFrame, kind: str) -> None:
    guarded.begin(MAIL)
    target = guarded.folder / "lake"
    WRITES[kind](people, str(target))
    assert clear(target) == []
    if kind not in ("json", "csv") and not kind.startswith("part"):
        assert is_protected(guarded.spark.read.format(kind).load(str(target)))
    assert not any("canary" in str(path) for path in target.rglob("*"))
    assert guarded.actions() == ["protect.write"]
    record = list(guarded.log.records())[-1].entry.what
    assert record["dataset"] == str(target)
    assert record["way"] == "native"
    assert record["columns"] == [
        {
            "policy": "people",
            "column": "mail",
            "action": "tokenize",
            "entity": "EMAIL_ADDRESS",
            "key": "default",
            "version": 1,
        }
    ]
    assert verify(guarded.log.path, [guarded.log.signing_key.with_suffix(".pub")]).findings == ()


@pytest.mark.spark
def test_tables_and_statements(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    guarded.begin(MAIL)
    people.createOrReplaceTempView("people")
    try:
        spark.sql("CREATE TABLE protected_ctas USING parquet AS SELECT * FROM people")
        assert is_protected(spark.table("protected_ctas"))
        spark.sql("INSERT OVERWRITE protected_ctas SELECT * FROM people")
        assert is_protected(spark.table("protected_ctas"))
        people.write.format("delta").saveAsTable("protected_delta")
        spark.sql("DELETE FROM protected_delta WHERE id > 0")
        spark.sql("INSERT INTO protected_delta BY NAME SELECT mail, id FROM people")
        assert is_protected(spark.table("protected_delta"))
        before = len(guarded.actions())
        for statement in (
            "UPDATE protected_delta SET mail = 'eve@canary.example'",
            "MERGE INTO protected_delta t USING people p ON t.id = p.id WHEN MATCHED THEN UPDATE SET mail = p.mail",
        ):
            with pytest.raises(
                WriteRefusedError, match=r"the rows of this (update|merge) can't be changed on their way"
            ):
                spark.sql(statement)
        assert is_protected(spark.table("protected_delta"))
        assert guarded.actions()[before:] == ["protect.refused"] * 2
    finally:
        for table in ("protected_ctas", "protected_delta"):
            spark.sql(f"DROP TABLE IF EXISTS {table}")


@pytest.mark.spark
def test_streams(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    source, target = guarded.folder / "in", guarded.folder / "lake"
    people.write.parquet(str(source))
    guarded.begin(MAIL)
    stream = spark.readStream.schema(people.schema).parquet(str(source))
    options = {"checkpointLocation": str(guarded.folder / "checkpoint")}
    query = stream.writeStream.format("delta").options(**options).trigger(availableNow=True).start(str(target))
    query.awaitTermination()
    watch.drain()
    assert is_protected(spark.read.format("delta").load(str(target)))
    assert clear(target) == clear(guarded.folder / "checkpoint") == []


@pytest.mark.spark
def test_an_rdds_rows_are_refused(guarded: Guarded, spark: SparkSession) -> None:
    guarded.begin(MAIL)
    target = guarded.folder / "lake"
    with pytest.raises(WriteRefusedError, match="can't be changed on their way"):
        spark.sparkContext.parallelize(["ada@canary.example"]).saveAsTextFile(str(target))
    assert clear(guarded.folder) == []


def _no_key(guarded: Guarded) -> Callable[[], None]:
    path = guarded.folder / "keys.json"
    path.rename(guarded.folder / "away.json")

    def repair() -> None:
        (guarded.folder / "away.json").rename(path)

    return repair


def _open_key(guarded: Guarded) -> Callable[[], None]:
    (guarded.folder / "keys.json").chmod(0o644)
    return lambda: (guarded.folder / "keys.json").chmod(0o600)


def _no_log(guarded: Guarded) -> Callable[[], None]:
    path = guarded.log.path
    path.parent.mkdir(exist_ok=True)
    path.mkdir()
    return path.rmdir


@pytest.mark.spark
@pytest.mark.parametrize(
    ("break_it", "wanted"),
    [
        (_no_key, "KeyUnavailableError.*can't be read"),
        (_open_key, "chmod 600"),
        (_no_log, "the audit log .* can't be written"),
    ],
)
def test_without_a_key_or_a_record_nothing_lands(
    guarded: Guarded, people: DataFrame, break_it: Callable[[Guarded], Callable[[], None]], wanted: str
) -> None:
    guarded.begin(MAIL)
    repair = break_it(guarded)
    target = guarded.folder / "lake"
    for _ in range(2):
        with pytest.raises(WriteRefusedError, match=wanted):
            people.write.parquet(str(target))
        assert not target.exists()
    repair()
    people.write.parquet(str(target))
    assert is_protected(guarded.spark.read.parquet(str(target)))


@pytest.mark.spark
def test_a_column_under_another_name_is_not_let_through(guarded: Guarded, people: DataFrame) -> None:
    guarded.begin(MAIL)
    with pytest.raises(WriteRefusedError, match="'mail', which this write does not have"):
        people.withColumnRenamed("mail", "e_mail").write.parquet(str(guarded.folder / "lake"))
    assert clear(guarded.folder) == []
    assert guarded.actions() == ["protect.refused"]


@pytest.mark.spark
def test_writes_that_no_policy_is_for_are_as_they_were(guarded: Guarded, people: DataFrame) -> None:
    guarded.begin(MAIL, datasets=["*/gold/*"])
    people.write.parquet(str(guarded.folder / "silver"))
    assert len(clear(guarded.folder / "silver")) == 1
    assert guarded.actions() == []


@pytest.mark.spark
def test_tokens_of_two_writes_join(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    guarded.begin(MAIL)
    people.write.parquet(str(guarded.folder / "one"))
    people.selectExpr("id * 10 AS id", "upper(mail) || ' ' AS mail").write.format("delta").save(
        str(guarded.folder / "two")
    )
    one = spark.read.parquet(str(guarded.folder / "one"))
    two = spark.read.format("delta").load(str(guarded.folder / "two"))
    assert sorted(row.id for row in one.join(two, "mail").select(two.id).collect()) == [10, 20]


@pytest.mark.spark
def test_lineage_tells_that_a_column_is_masked(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    source = guarded.folder / "in"
    people.write.parquet(str(source))
    for number, ways in enumerate((["native", "python"], ["python"])):
        guarded.begin(MAIL, plugin={"ways": ways})
        spark.read.parquet(str(source)).write.parquet(str(guarded.folder / f"lake {number}"))
        lineage = guarded.written().column_lineage
        guarded.end()
        (edge,) = lineage.columns["mail"]
        assert (edge.column, edge.transformation, edge.masking, edge.note) == ("mail", "TRANSFORMATION", True, "")
