"""Scans of frames: however deep, from a sample, on the executors; and nothing comes back but counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.pii.test_verdict import made

from hookline.core.errors import ConfigError
from hookline.governance.pii.looking import Task
from hookline.governance.pii.scan import Scan, scan
from hookline.governance.pii.settings import DetectionSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.governance.pii.analyzer import Analyzer

pytestmark = pytest.mark.spark
SETTINGS = DetectionSettings()
DEEP = (
    "id bigint, contact struct<mail:string,age:int>, friends array<struct<who:string>>, payload string, attributes map<string,string>, "
    "raw binary, nested array<array<string>>, `odd.na``me` string, empty string, flag boolean"
)


@pytest.fixture(scope="module")
def deep(spark: SparkSession) -> DataFrame:
    mails, names, cards = made("email"), made("name"), made("iban", "de_DE")
    rows = [
        (
            n,
            {"mail": mails[n], "age": n % 90},
            [(names[n],), None, (names[-n],)] if n % 3 else None,
            json.dumps({"user": {"ip": f"10.{n % 250}.7.{n % 199}", "tags": [f"DE{n}"]}, "secret@example.com": 1}),
            {f"k{n}": mails[-n]} if n % 2 else None,
            b"anna@example.com",
            [[cards[n]], None, []],
            mails[n],
            None,
            n % 2 == 0,
        )
        for n in range(200)
    ]
    return spark.createDataFrame(rows, DEEP)


@pytest.fixture(scope="module")
def scanned(deep: DataFrame) -> Scan:
    return scan(deep, SETTINGS)


def found_in(scanned: Scan) -> dict[str, str]:
    return {one.column: one.entity for one in scanned.found}


def test_every_field_is_looked_at_and_told_by_its_path(scanned: Scan) -> None:
    assert found_in(scanned) == {
        "contact.mail": "EMAIL_ADDRESS",
        "friends.who": "PERSON",
        "payload.$.user.ip": "IP_ADDRESS",
        "attributes.value": "EMAIL_ADDRESS",
        "nested": "IBAN_CODE",
        "odd.na`me": "EMAIL_ADDRESS",
    }
    looked = {column.name: column for column in scanned.columns}
    assert "raw" not in looked
    assert looked["empty"].values == 0
    assert looked["contact.mail"].type == "string"
    assert (scanned.rows, scanned.sampled) == (200, 200)


def test_a_key_of_json_that_is_no_name_is_not_told(scanned: Scan) -> None:
    assert "payload.$.*" in {column.name for column in scanned.columns}
    assert "secret" not in json.dumps(scanned.document())


def test_nothing_that_comes_back_is_a_value(deep: DataFrame, scanned: Scan) -> None:
    told = json.dumps(scanned.document())
    for row in deep.limit(50).collect():
        assert row.contact.mail not in told
        assert row.nested[0][0] not in told


def test_of_many_rows_a_sample_is_drawn_and_of_many_values_some(spark: SparkSession) -> None:
    frame = spark.range(50_000).selectExpr("id", "concat('u', id, '@example.org') as mail", "'x' as constant")
    scanned = scan(frame, SETTINGS.model_copy(update={"rows": 2_000, "values": 100}))
    looked = {column.name: column for column in scanned.columns}
    assert (scanned.rows, scanned.sampled) == (50_000, 2_000)
    assert looked["mail"].values == 100
    assert 1_700 < looked["constant"].rows < 2_300
    assert found_in(scanned) == {"mail": "EMAIL_ADDRESS"}


def test_which_values_are_looked_at_does_not_depend_on_partitions(spark: SparkSession) -> None:
    frame = spark.range(3_000).selectExpr("concat('u', id % 900, if(id % 2 = 0, '@example.org', '')) as c")
    settings = SETTINGS.model_copy(update={"values": 60, "least": 0.01})
    assert scan(frame.repartition(7), settings).found == scan(frame.coalesce(1), settings).found


@pytest.mark.parametrize("schema", ["a binary", "a struct<>", "a void"])
def test_frames_without_values_have_nothing(spark: SparkSession, schema: str) -> None:
    assert scan(spark.createDataFrame([], schema), SETTINGS).found == ()


def test_a_frame_without_rows_has_nothing(spark: SparkSession) -> None:
    scanned = scan(spark.createDataFrame([], "mail string"), SETTINGS)
    assert (scanned.rows, scanned.found, [column.name for column in scanned.columns]) == (0, (), ["mail"])


def test_recognizers_of_ones_own_go_to_the_executors(spark: SparkSession) -> None:
    own = DetectionSettings.model_validate(
        {"recognizers": [{"entity": "STAFF", "patterns": [{"regex": r"\bE-\d{5}\b", "score": 0.9}]}]}
    )
    frame = spark.range(100).selectExpr("concat('E-', 10000 + id) as c")
    assert found_in(scan(frame, own)) == {"c": "STAFF"}


def test_settings_that_are_wrong_are_told_before_any_job(spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match="no recognizer of 'zz'"):
        scan(spark.range(3).selectExpr("'x' as c"), DetectionSettings(countries=("zz",)))


@pytest.mark.parametrize(
    "values", [["²", "٣" * 5, "1" * 5_000], ["{" * 5_000], ['{"a": ' * 900], ["\ud7ff"], ["[1, {}, null, true]"] * 3]
)
def test_nasty_values_fail_nothing(analyzer: Analyzer, values: list[Any]) -> None:
    assert list(Task(analyzer.recipe, 10, 0).told(analyzer, dict.fromkeys(values, 1)))
