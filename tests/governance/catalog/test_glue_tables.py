"""What a table of Glue looks like, and that what others put there stays: no AWS is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator
from hypothesis import given, settings
from tests.governance.catalog.test_compatibility import columns

from hookline.core.errors import SchemaError, SinkError
from hookline.core.events import Column, Dataset, Measure, Measured
from hookline.core.fuse.sketches import distinct_of
from hookline.governance.catalog.compatibility import violations
from hookline.governance.catalog.entry import CatalogEntry, Certification, EntryColumn, Held, LastWrite, Quality
from hookline.governance.catalog.glue.avro import avro_of, columns_of_avro
from hookline.governance.catalog.glue.options import GlueConfig, Place
from hookline.governance.catalog.glue.statistics import inputs, statistics_of
from hookline.governance.catalog.glue.tables import created, laid_over
from hookline.governance.catalog.glue.types import hive_type
from hookline.governance.catalog.glue.wanted import wanted

ADDRESS = Column(
    "Address",
    "struct<Street:string,a b:int>",
    True,
    (Column("Street", "string"), Column("a b,x:int>", "array<tinyint>", True, (Column("_element", "tinyint"),))),
)
COLUMNS = (Column("id", "bigint", False), ADDRESS, Column("at", "timestamp_ntz"), Column("day", "date"))
PLACE = "s3://lake/sales"


def entry(**more: Any) -> CatalogEntry:
    facts: dict[str, Any] = {
        "format": "parquet",
        "partition_by": ("day",),
        "owner": "team-sales",
        "description": "daily sales",
        "layer": "gold",
        "tags": {"tier": "1"},
        "columns": (
            EntryColumn("id", "bigint", False, "the key"),
            EntryColumn("Address.Street", "string", True, holds=(Held("LOCATION", 0.9),)),
        ),
        "rows": 10,
        "bytes": 100,
        "quality": Quality(97.5, "2026-05-04", (), 4),
        "last_write": LastWrite("r/1", "r", "daily", "append", "2026-05-04T00:00:00+00:00", 3, 30),
        "lineage": "https://ui.example/datasets/x",
        "certification": Certification("certified"),
        "schema_version": 2,
    }
    return CatalogEntry("s3://lake", "sales", **{**facts, **more})


def check(operation: str, **arguments: Any) -> None:
    """Hold arguments against botocore's model of Glue, words of enumerations included."""
    model = ServiceModel(Loader().load_service_model("glue", "service-2"))
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(arguments, shape)
    assert not report.has_errors(), report.generate_report()
    _enums(shape, arguments)


def _enums(shape: Shape, value: Any) -> None:
    if shape.type_name == "structure":
        for name, inner in value.items():
            _enums(shape.members[name], inner)  # type: ignore[attr-defined]
    elif shape.type_name == "list":
        for inner in value:
            _enums(shape.member, inner)  # type: ignore[attr-defined]
    elif allowed := getattr(shape, "enum", ()):
        assert value in allowed, f"{value} is none of {allowed}"


def test_a_table_says_what_is_known() -> None:
    made = created(wanted("sales", entry(), COLUMNS, PLACE))
    check("CreateTable", DatabaseName="gold", TableInput=made)
    assert made["Owner"] == "team-sales"
    assert made["Description"] == "daily sales"
    assert [one["Name"] for one in made["PartitionKeys"]] == ["day"]
    storage = made["StorageDescriptor"]
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert [(one["Name"], one["Type"]) for one in storage["Columns"]] == [
        ("id", "bigint"),
        ("address", "struct<street:string,a_b_x_int_:array<tinyint>>"),
        ("at", "timestamp"),
    ]
    assert storage["Columns"][0]["Comment"] == "the key"
    assert storage["Columns"][1]["Parameters"]["hookline.classification"] == "LOCATION"
    told = made["Parameters"]
    assert told["classification"] == "parquet"
    assert (told["recordCount"], told["sizeKey"], told["hookline.rows_written"]) == ("10", "100", "3")
    assert (told["hookline.quality_score"], told["hookline.certification"]) == ("97.5", "certified")
    assert (told["hookline.last_run"], told["hookline.lineage"]) == ("r", "https://ui.example/datasets/x")
    assert (told["hookline.tag.tier"], told["hookline.layer"], told["hookline.schema_version"]) == ("1", "gold", "2")


@pytest.mark.parametrize(
    ("kind", "parameters", "keys"),
    [
        ("delta", {"table_type": "DELTA", "spark.sql.sources.provider": "delta", "classification": "delta"}, 0),
        ("iceberg", {"table_type": "ICEBERG", "metadata_location": f"{PLACE}/metadata/v2.metadata.json"}, 0),
        ("orc", {"classification": "orc"}, 1),
        ("csv", {"classification": "csv"}, 1),
        ("json", {"classification": "json"}, 1),
        ("avro", {"classification": "avro"}, 1),
    ],
)
def test_each_format_is_as_athena_expects_it(kind: str, parameters: dict[str, str], keys: int) -> None:
    table = wanted("sales", entry(format=kind), COLUMNS, PLACE, metadata_location=f"{PLACE}/metadata/v2.metadata.json")
    made = created(table)
    check("CreateTable", DatabaseName="gold", TableInput=made)
    assert made["Parameters"].items() >= parameters.items()
    assert len(made["PartitionKeys"]) == keys
    assert ("InputFormat" in made["StorageDescriptor"]) == (kind != "iceberg")
    names = [one["Name"] for one in made["StorageDescriptor"]["Columns"]]
    assert ("day" in names) == (keys == 0), "a table with a log of its own has its partition columns among the others"


def test_what_others_put_there_stays() -> None:
    made = created(wanted("sales", entry(), COLUMNS, PLACE))
    there = json.loads(json.dumps(made)) | {"VersionId": "3", "CreatedBy": "arn:…", "DatabaseName": "gold"}
    there["Parameters"] |= {"theirs": "1", "projection.enabled": "true"}
    there["Description"], there["Owner"] = "changed by hand", "somebody"
    there["StorageDescriptor"]["Columns"][0] |= {"Comment": "changed by hand"}
    there["StorageDescriptor"]["Columns"][1]["Parameters"]["pii"] = "yes"
    there["StorageDescriptor"]["Columns"].append({"Name": "theirs", "Type": "int"})
    there["StorageDescriptor"]["SerdeInfo"]["Parameters"]["mapping"] = "x"
    there["StorageDescriptor"]["Columns"].append(
        {"Name": "gone", "Type": "int", "Parameters": {"hookline.column": "1"}}
    )
    there["Parameters"]["hookline.quality_score"] = "1"
    found = laid_over(there, wanted("sales", entry(), COLUMNS, "s3a://lake/sales/"))
    check("UpdateTable", DatabaseName="gold", TableInput=found, VersionId="3", SkipArchive=True)
    assert (found["Description"], found["Owner"]) == ("changed by hand", "somebody")
    assert found["Parameters"].items() >= {"theirs": "1", "projection.enabled": "true"}.items()
    assert found["Parameters"]["hookline.quality_score"] == "97.5"
    columns = {one["Name"]: one for one in found["StorageDescriptor"]["Columns"]}
    assert [*columns] == ["id", "address", "at", "theirs"]
    assert columns["id"]["Comment"] == "changed by hand"
    assert columns["address"]["Parameters"]["pii"] == "yes"
    assert found["StorageDescriptor"]["SerdeInfo"]["Parameters"]["mapping"] == "x"
    assert laid_over(found, wanted("sales", entry(), COLUMNS, PLACE)) == found, "twice is the same"


def test_what_is_ours_follows_us() -> None:
    made = created(wanted("sales", entry(), COLUMNS, PLACE))
    changed = entry(
        description="sales by day", owner="other", columns=(EntryColumn("id", "int", True, "a key"),), tags={}
    )
    found = laid_over(made, wanted("sales", changed, COLUMNS, PLACE))
    assert (found["Description"], found["Owner"]) == ("sales by day", "other")
    assert found["StorageDescriptor"]["Columns"][0]["Comment"] == "a key"
    assert "hookline.classification" not in found["StorageDescriptor"]["Columns"][1]["Parameters"]
    assert "hookline.tag.tier" not in found["Parameters"]


def test_another_format_at_the_same_place() -> None:
    made = created(wanted("sales", entry(format="csv"), COLUMNS, PLACE))
    found = laid_over(made, wanted("sales", entry(format="json"), COLUMNS, PLACE))
    assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    made["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    found = laid_over(made, wanted("sales", entry(format="csv"), COLUMNS, PLACE))
    assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("OpenCSVSerde"), "theirs"


def test_what_is_withdrawn_goes_and_what_others_counted_stays() -> None:
    made = created(wanted("sales", entry(), COLUMNS, PLACE))
    made["Parameters"]["numRows"] = "77"
    changed = entry(description=None, owner=None, columns=(), rows=None, bytes=None)
    found = laid_over(made, wanted("sales", changed, COLUMNS, PLACE))
    assert not {"Description", "Owner"} & found.keys()
    assert "Comment" not in found["StorageDescriptor"]["Columns"][0]
    assert "recordCount" not in found["Parameters"]
    assert found["Parameters"]["numRows"] == "77"


def test_keys_that_others_gave_a_table_with_a_log() -> None:
    made = created(wanted("t", entry(format="delta"), COLUMNS, PLACE))
    made["PartitionKeys"] = [{"Name": "day", "Type": "string"}]
    made["StorageDescriptor"]["Columns"].pop()
    found = laid_over(made, wanted("t", entry(format="delta"), COLUMNS, PLACE))
    assert found["PartitionKeys"] == made["PartitionKeys"]
    assert [one["Name"] for one in found["StorageDescriptor"]["Columns"]] == ["id", "address", "at"]


def test_an_iceberg_tables_metadata_is_icebergs_own() -> None:
    made = created(wanted("t", entry(format="iceberg"), COLUMNS, PLACE, metadata_location="s3://a/v1.metadata.json"))
    made["Parameters"]["metadata_location"] = "s3://a/v2.metadata.json"
    found = laid_over(
        made, wanted("t", entry(format="iceberg"), COLUMNS, PLACE, metadata_location="s3://a/v1.metadata.json")
    )
    assert found["Parameters"]["metadata_location"] == "s3://a/v2.metadata.json"


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ({}, "s3://other/sales", "at another place"),
        ({"partition_by": ()}, PLACE, "is partitioned by day, and the data by nothing"),
        ({"partition_by": ("id",)}, PLACE, "is partitioned by day, and the data by id"),
        ({"format": "jdbc"}, PLACE, "of the format jdbc are not registered"),
    ],
)
def test_what_cannot_be_is_refused_for_good(more: dict[str, Any], place: str, said: str) -> None:
    made = created(wanted("sales", entry(), COLUMNS, PLACE))
    with pytest.raises(SinkError, match=said) as refused:
        laid_over(made, wanted("sales", entry(**more), COLUMNS, place))
    assert not refused.value.retryable


def test_a_view_is_left_alone() -> None:
    with pytest.raises(SinkError, match="is a view"):
        laid_over({"Name": "sales", "TableType": "VIRTUAL_VIEW"}, wanted("sales", entry(), COLUMNS, PLACE))


def test_two_columns_that_differ_in_case_alone() -> None:
    with pytest.raises(SinkError, match="two columns 'a'"):
        wanted("t", entry(), (Column("a", "int"), Column("A", "int")), PLACE)


@pytest.mark.parametrize(
    ("spark", "hive"),
    [
        ("decimal(38,18)", "decimal(38,18)"),
        ("varchar(10)", "varchar(10)"),
        ("string collate UTF8_LCASE", "string"),
        ("interval day to second", "string"),
        ("void", "string"),
        ("map<int,array<struct<a:date>>>", "map<int,array<struct<a:date>>>"),
        ("struct<A:int,b:map<string,timestamp_ntz>>", "struct<a:int,b:map<string,timestamp>>"),
    ],
)
def test_types_as_hive_writes_them(spark: str, hive: str) -> None:
    assert hive_type(Column("c", spark)) == hive


NAMED = {
    (("w", "silver.Orders"),): Place("silver", "orders"),
    (("arn:aws:glue:eu-west-1:1", "table/silver/orders"),): Place("silver", "orders"),
    (): Place("lake", "sales__2026_"),
}


@pytest.mark.parametrize("symlinks", NAMED)
def test_names_in_glue(symlinks: tuple[tuple[str, str], ...]) -> None:
    dataset = Dataset("s3://lake", "raw/Sales '2026'", "parquet", symlinks)
    assert GlueConfig(database="lake").place_of(dataset) == NAMED[symlinks]
    ruled = GlueConfig.model_validate({"tables": [{"datasets": ["*raw/*"], "database": "gold", "table": "t"}]})
    assert ruled.place_of(dataset) == Place("gold", "t")
    assert GlueConfig(datasets=("nothing",), database="lake").place_of(dataset) is None
    assert GlueConfig().place_of(Dataset("s3://lake", "raw/x", "parquet")) is None


@settings(max_examples=200, deadline=None)
@given(columns())
def test_avro_says_the_same_and_can_be_read_back(schema: tuple[Column, ...]) -> None:
    made = avro_of(schema, "a.b-c")
    assert json.loads(json.dumps(made)) == made
    back = columns_of_avro(made)
    assert [(one.name, one.nullable) for one in back] == [(one.name, one.nullable) for one in schema]
    assert not violations("FULL", [schema], back)
    assert not violations("FULL", [back], schema)


@pytest.mark.parametrize(
    "schema", [[], {"type": "string"}, {"type": "record", "fields": [{"name": "a", "type": "any"}]}, {"type": "record"}]
)
def test_an_avro_schema_that_is_none(schema: Any) -> None:
    with pytest.raises(SchemaError):
        columns_of_avro(schema)


def test_avro_of_others_is_read() -> None:
    theirs = {
        "type": "record",
        "name": "t",
        "fields": [
            {"name": "a", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
            {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A"]}},
            {"name": "m", "type": {"type": "map", "values": "int"}},
        ],
    }
    found = [(one.name, one.type, one.nullable) for one in columns_of_avro(theirs)]
    assert found == [("a", "timestamp", True), ("e", "string", False), ("m", "map<string,int>", False)]


def test_column_statistics_keep_to_the_model_and_hold_no_value() -> None:
    state = {"kind": "int", "rows": 5, "nulls": 1, "complete": True, "counts": [["7", 2], ["secret", 2]], "least": "7"}
    assert distinct_of(state) == 2
    kinds = ("bigint", "double", "decimal(10,2)", "date", "string")
    measured = [(Measure.sketch(f"c{number}"), Measured(state, "vectorised")) for number in range(len(kinds))]
    told = [*statistics_of(measured, {f"c{number}": kind for number, kind in enumerate(kinds)})]
    assert [one["column"] for one in told] == ["c0", "c1", "c2", "c3"]
    assert "secret" not in json.dumps(told)
    check("UpdateColumnStatisticsForTable", DatabaseName="d", TableName="t", ColumnStatisticsList=inputs(told))
