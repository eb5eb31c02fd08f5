"""Dataset names: OpenLineage's rules, held against its own client's where that has them, and no credential in any."""

from __future__ import annotations

from typing import Any

import pytest

from hookline.core.events import Dataset
from hookline.pipelines import names, plans

PATHS = [
    ("s3://bucket/a/b", "s3://bucket", "a/b"),
    ("s3a://bucket/a/b/", "s3://bucket", "a/b"),
    ("s3n://bucket/a b/ü", "s3://bucket", "a b/ü"),
    ("S3A://bucket/a", "s3://bucket", "a"),
    ("s3a://AKIA:s3cret@bucket/a", "s3://bucket", "a"),
    ("s3a://bucket/", "s3://bucket", "/"),
    ("gs://bucket/a/b", "gs://bucket", "a/b"),
    ("abfss://box@store.dfs.core.windows.net/a/b/", "abfss://box@store.dfs.core.windows.net", "/a/b"),
    ("abfs://box@store.dfs.core.windows.net/a", "abfss://box@store.dfs.core.windows.net", "/a"),
    ("wasbs://box@store.blob.core.windows.net/a/b", "wasbs://box@store.blob.core.windows.net", "a/b"),
    ("wasb://box@store.blob.core.windows.net/a", "wasbs://box@store.blob.core.windows.net", "a"),
    ("hdfs://namenode:8020/user/a", "hdfs://namenode:8020", "/user/a"),
    ("hdfs://nameservice/user/a/", "hdfs://nameservice", "/user/a"),
    ("viewfs://cluster/a", "viewfs://cluster", "/a"),
    ("dbfs:/mnt/a", "dbfs", "/mnt/a"),
    ("file:///data/a", "file", "/data/a"),
    ("file:/data//a/", "file", "/data/a"),
    ("/data/a", "file", "/data/a"),
    ("file://localhost/data/a", "file", "/data/a"),
    ("file://nas/data/a/", "file://nas", "/data/a"),
    ("/", "file", "/"),
    ("/odd:name/ünï 😀", "file", "/odd:name/ünï 😀"),
]
DATABASES = [
    ("jdbc:postgresql://db:5433/shop", "public.sales", "postgres://db:5433", "shop.public.sales"),
    ("jdbc:postgresql://db/shop", "public.sales", "postgres://db:5432", "shop.public.sales"),
    (
        "jdbc:postgresql://eve:p%40ss@db/shop?user=eve&password=p",
        '"public"."sales"',
        "postgres://db:5432",
        "shop.public.sales",
    ),
    ("jdbc:postgresql://eve:p/w;x@db/shop", "sales", "postgres://db:5432", "shop.sales"),
    ("jdbc:postgresql://a:1,b:2/shop", "sales", "postgres://a:1", "shop.sales"),
    ("jdbc:postgresql://[::1]/shop", "sales", "postgres://[::1]:5432", "shop.sales"),
    ("jdbc:postgresql://[::1]:5433/shop", "sales", "postgres://[::1]:5433", "shop.sales"),
    ("jdbc:mysql://db/shop?user=eve&password=p", "`sales`", "mysql://db:3306", "shop.sales"),
    ("jdbc:mysql:replication://a,b/shop", "sales", "mysql://a:3306", "shop.sales"),
    ("jdbc:mariadb://db:3307/shop", "sales", "mysql://db:3307", "shop.sales"),
    (
        "jdbc:sqlserver://db;databaseName=shop;user=eve;password=p",
        "[dbo].[sales]",
        "sqlserver://db:1433",
        "shop.dbo.sales",
    ),
    ("jdbc:sqlserver://db:1434;DATABASE=shop", "dbo.sales", "sqlserver://db:1434", "shop.dbo.sales"),
    ("jdbc:sqlserver://db\\prod;databaseName=shop", "dbo.sales", "sqlserver://db/prod", "shop.dbo.sales"),
    ("jdbc:sqlserver://db\\prod:1435;databaseName=shop", "dbo.sales", "sqlserver://db:1435", "shop.dbo.sales"),
    ("jdbc:jtds:sqlserver://db/shop;user=eve", "dbo.sales", "sqlserver://db:1433", "shop.dbo.sales"),
    ("jdbc:oracle:thin:@//db:1522/orcl", "HR.EMP", "oracle://db:1522", "orcl.HR.EMP"),
    ("jdbc:oracle:thin:@db:1521:XE", "HR.EMP", "oracle://db:1521", "XE.HR.EMP"),
    ("jdbc:oracle:thin:eve/tiger@db:1521/orcl", "HR.EMP", "oracle://db:1521", "orcl.HR.EMP"),
    ("jdbc:oracle:thin:eve/t@ger@//db/orcl?x=y", "HR.EMP", "oracle://db:1521", "orcl.HR.EMP"),
    ("jdbc:oracle:thin:@tcps://db:2484/orcl", "HR.EMP", "oracle://db:2484", "orcl.HR.EMP"),
    (
        "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=db)(PORT=1526))(CONNECT_DATA=(SERVICE_NAME=orcl)))",
        "HR.EMP",
        "oracle://db:1526",
        "orcl.HR.EMP",
    ),
    ("jdbc:oracle:thin:@prod_high", "HR.EMP", "oracle:prod_high", "HR.EMP"),
    (
        "jdbc:snowflake://org-acct.snowflakecomputing.com/?db=DB&schema=S&password=p",
        "T",
        "snowflake://org-acct",
        "DB.S.T",
    ),
    (
        "jdbc:redshift://c1.abc123.eu-west-1.redshift.amazonaws.com/shop",
        "public.sales",
        "redshift://c1.eu-west-1:5439",
        "shop.public.sales",
    ),
    (
        "jdbc:redshift:iam://c1.abc123.eu-west-1.redshift.amazonaws.com:5440/shop",
        "s.t",
        "redshift://c1.eu-west-1:5440",
        "shop.s.t",
    ),
    ("jdbc:db2://db/shop:user=eve;password=p;", "S.SALES", "db2://db:50000", "shop.S.SALES"),
    ("jdbc:teradata://db/DATABASE=shop,DBS_PORT=1026,USER=eve,PASSWORD=p", "sales", "teradata://db:1026", "shop.sales"),
    ("jdbc:trino://db:8443/hive/web?SSL=true", "clicks", "trino://db:8443", "hive.web.clicks"),
    ("jdbc:presto://db/hive/web", "clicks", "trino://db:8080", "hive.web.clicks"),
    ("jdbc:clickhouse://db/shop", "sales", "clickhouse://db:8123", "shop.sales"),
    ("jdbc:crate://db/doc", "s.t", "crate://db:5432", "doc.s.t"),
    ("jdbc:oceanbase://db/shop", "sales", "oceanbase://db:2881", "shop.sales"),
    ("jdbc:sqlite:/data/shop.db?password=p", "sales", "sqlite:/data/shop.db", "sales"),
    ("jdbc:derby:/data/shop;create=true;password=p", "sales", "derby:/data/shop", "sales"),
    ("jdbc:odd:eve/tiger@somewhere", "t", "odd:somewhere", "t"),
    ("jdbc:postgresql://db/shop", "(SELECT * FROM sales WHERE name = 'Eve') q", "postgres://db:5432", "shop.(query)"),
    ("jdbc:postgresql://db/shop", "WITH x AS (SELECT 1) SELECT * FROM x", "postgres://db:5432", "shop.(query)"),
    ("JDBC:PostgreSQL://db/shop", "sales", "postgres://db:5432", "shop.sales"),
]
CONNECTORS: list[tuple[str, dict[str, str], tuple[str, str] | None]] = [
    (
        "net.snowflake.spark.snowflake",
        {"sfurl": "https://org-acct.snowflakecomputing.com:443", "sfdatabase": "DB", "sfschema": "S", "dbtable": "T"},
        ("snowflake://org-acct", "DB.S.T"),
    ),
    (
        "snowflake",
        {"sfurl": "org-acct.snowflakecomputing.com", "sfdatabase": "DB", "sfschema": "S", "dbtable": "D2.S2.T"},
        ("snowflake://org-acct", "D2.S2.T"),
    ),
    ("bigquery", {"table": "p.d.t"}, ("bigquery", "p.d.t")),
    ("bigquery", {"path": "p:d.t"}, ("bigquery", "p.d.t")),
    ("bigquery", {"table": "t", "dataset": "d", "parentproject": "p"}, ("bigquery", "p.d.t")),
    (
        "org.apache.spark.sql.cassandra",
        {"keyspace": "k", "table": "t", "spark.cassandra.connection.host": "c1,c2"},
        ("cassandra://c1:9042", "k.t"),
    ),
    (
        "cosmos.oltp",
        {
            "spark.cosmos.accountendpoint": "https://a.documents.azure.com:443/",
            "spark.cosmos.database": "d",
            "spark.cosmos.container": "c",
            "spark.cosmos.accountkey": "s3cret",
        },
        ("azurecosmos://a.documents.azure.com/dbs/d", "colls/c"),
    ),
    (
        "kinesis",
        {"streamarn": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"},
        ("arn:aws:kinesis:eu-west-1:123456789012", "stream/clicks"),
    ),
    (
        "kinesis",
        {"streamname": "clicks", "region": "eu-west-1"},
        ("kinesis://kinesis.eu-west-1.amazonaws.com", "clicks"),
    ),
    ("snowflake", {}, None),
    ("bigquery", {}, None),
    ("noop", {"path": "x"}, None),
]


@pytest.mark.parametrize(("uri", "namespace", "name"), PATHS)
def test_paths(uri: str, namespace: str, name: str) -> None:
    assert names.path_dataset(uri) == Dataset(namespace, name)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("/sales/day=2026-05-04", "/sales"),
        ("/sales/day=2026-05-04/", "/sales"),
        ("/sales/day=2026-05-04/hour=3", "/sales"),
        ("/sales/day=__HIVE_DEFAULT_PARTITION__", "/sales"),
        ("/sales/day=2026-*", "/sales"),
        ("/sales/d%3Day=a%2Fb", "/sales"),
        ("/sales/version=1.0", "/sales"),
        ("s3a://bucket/sales/day=1", "sales"),
        ("hdfs://namenode:8020/sales/day=1/hour=2", "/sales"),
        ("abfss://box@store.dfs.core.windows.net/sales/day=1", "/sales"),
        ("/tenant=a/sales", "/tenant=a/sales"),  # not at its end
        ("/tenant=a/sales/day=1", "/tenant=a/sales"),
        ("/sales/a=b=c", "/sales/a=b=c"),
        ("/sales/=1", "/sales/=1"),
        ("/sales/day=", "/sales/day="),
        ("/exports/day=1.csv", "/exports/day=1.csv"),  # a file
        ("/sales/day=1/part.parquet", "/sales/day=1/part.parquet"),
        ("/day=1/hour=2", "/day=1"),  # nothing would be left
        ("s3://bucket/day=1", "day=1"),
    ],
)
def test_folders_of_partitions_belong_to_the_dataset_that_they_are_parts_of(uri: str, name: str) -> None:
    assert names.path_dataset(uri, "parquet").name == name
    assert names.place_dataset(uri, "parquet").name.endswith(uri.rstrip("/").rpartition("/")[2])


def test_a_table_with_a_log_knows_its_root() -> None:
    assert names.path_dataset("/tenants/tenant=a", "delta").name == "/tenants/tenant=a"


@pytest.mark.parametrize(("url", "table", "namespace", "name"), DATABASES)
def test_databases(url: str, table: str, namespace: str, name: str) -> None:
    found = names.jdbc_dataset(url, table)
    assert (found.namespace, found.name) == (namespace, name)
    assert not [secret for secret in ("eve", "tiger", "p%40ss", "p/w", "t@ger", "Eve") if secret in str(found)]


@pytest.mark.parametrize(("kind", "options", "expected"), CONNECTORS)
def test_connectors(kind: str, options: dict[str, str], expected: tuple[str, str] | None) -> None:
    found = names.connector_dataset(kind, options)
    assert (found and (found.namespace, found.name)) == expected


@pytest.mark.parametrize(
    ("servers", "namespace"),
    [
        ("a:9092,b:9092", "kafka://a:9092"),
        (" a:9093 , b", "kafka://a:9093"),
        ("a", "kafka://a:9092"),
        ("SASL_SSL://a:9094", "kafka://a:9094"),
        ("", "kafka://"),
    ],
)
def test_topics(servers: str, namespace: str) -> None:
    assert names.kafka_dataset(servers, "clicks") == Dataset(namespace, "clicks")


GLUE = {
    "hive.metastore.client.factory.class": "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
}
HIVE = {"spark.sql.catalogImplementation": "hive", "hive.metastore.uris": "thrift://m1:9083,thrift://m2:9083"}
WAREHOUSE = {"spark.sql.warehouse.dir": "file:/warehouse/"}


@pytest.mark.parametrize(
    ("settings", "environment", "expected"),
    [
        (
            GLUE | {"hive.metastore.glue.catalogid": "123456789012"},
            {"AWS_REGION": "eu-west-1"},
            ("arn:aws:glue:eu-west-1:123456789012", "table/shop/sales"),
        ),
        (
            GLUE | {"spark.glue.accountId": "123456789012", "aws.region": "us-east-1"},
            {"AWS_DEFAULT_REGION": "eu-west-1"},
            ("arn:aws:glue:us-east-1:123456789012", "table/shop/sales"),
        ),
        (GLUE | WAREHOUSE, {}, ("file:/warehouse", "shop.sales")),
        (HIVE | WAREHOUSE, {}, ("hive://m1:9083", "shop.sales")),
        (HIVE | WAREHOUSE | {"spark.sql.catalogImplementation": "in-memory"}, {}, ("file:/warehouse", "shop.sales")),
        ({"spark.sql.warehouse.dir": "s3a://lake/w"}, {}, ("s3a://lake/w", "shop.sales")),
        ({}, {}, ("", "shop.sales")),
    ],
)
def test_tables_of_a_catalog(settings: dict[str, str], environment: dict[str, str], expected: tuple[str, str]) -> None:
    assert names.catalog_symlink(settings.get, environment, "shop", "sales") == expected


def test_the_rules_of_openlineages_own_client() -> None:
    """Independent of us: what its naming helpers say for the same places."""
    rules: Any = pytest.importorskip("openlineage.client.naming.dataset")
    ours = {
        names.jdbc_dataset("jdbc:postgresql://db:5432/shop", "public.sales"): rules.Postgres(
            "db", "5432", "shop", "public", "sales"
        ),
        names.jdbc_dataset("jdbc:mysql://db:3306/shop", "sales"): rules.MySQL("db", "3306", "shop", "sales"),
        names.jdbc_dataset("jdbc:oracle:thin:@//db:1521/orcl", "HR.EMP"): rules.Oracle(
            "db", "1521", "orcl", "HR", "EMP"
        ),
        names.jdbc_dataset("jdbc:db2://db:50000/shop", "S.T"): rules.DB2("db", "50000", "shop", "S", "T"),
        names.jdbc_dataset("jdbc:teradata://db/DATABASE=shop", "t"): rules.Teradata("db", "1025", "shop", "t"),
        names.jdbc_dataset("jdbc:trino://db:8080/hive/web", "clicks"): rules.Trino(
            "db", "8080", "hive", "web", "clicks"
        ),
        names.jdbc_dataset("jdbc:crate://db:5432/doc", "s.t"): rules.CrateDB("db", "5432", "doc", "s", "t"),
        names.jdbc_dataset("jdbc:oceanbase://db:2881/shop", "t"): rules.OceanBase("db", "2881", "shop", "t"),
        names.jdbc_dataset("jdbc:snowflake://org-acct.snowflakecomputing.com/?db=D&schema=S", "T"): rules.Snowflake(
            "org", "acct", "D", "S", "T"
        ),
        names.jdbc_dataset("jdbc:redshift://c1.abc.eu-west-1.redshift.amazonaws.com:5439/shop", "s.t"): rules.Redshift(
            "c1", "eu-west-1", "5439", "shop", "s", "t"
        ),
        names.path_dataset("s3a://bucket/a/b"): rules.S3("bucket", "a/b"),
        names.path_dataset("gs://bucket/a/b"): rules.GCS("bucket", "a/b"),
        names.path_dataset("abfss://box@store.dfs.core.windows.net/a"): rules.ABFSS("box", "store", "/a"),
        names.path_dataset("hdfs://namenode:8020/a"): rules.HDFS("namenode", "8020", "/a"),
        names.path_dataset("/data/a"): rules.LocalFileSystem("/data/a"),
        names.path_dataset("file://nas/data/a"): rules.RemoteFileSystem("nas", "/data/a"),
        names.kafka_dataset("broker:9092", "clicks"): rules.Kafka("broker", "9092", "clicks"),
        Dataset(*names.catalog_symlink(HIVE.get, {}, "shop", "sales")): rules.Hive("m1", "9083", "shop", "sales"),
        Dataset(
            *names.catalog_symlink(
                (GLUE | {"spark.glue.accountId": "1"}).get, {"AWS_REGION": "eu-west-1"}, "shop", "sales"
            )
        ): rules.AWSGlue("eu-west-1", "1", "shop", "sales"),
    }
    for found, rule in ours.items():
        assert (found.namespace, found.name) == (rule.get_namespace(), rule.get_name())


LAKE = "spark.sql.catalog.lake"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"type": "hadoop", "warehouse": "s3://box/wh/"}, ("s3://box/wh", "shop.orders")),
        ({"type": "hadoop", "warehouse": "/data/wh"}, ("file:/data/wh", "shop.orders")),
        (
            {"type": "hive", "uri": "thrift://m1:9083,thrift://m2:9083", "warehouse": "/w"},
            ("hive://m1:9083", "shop.orders"),
        ),
        (
            {"type": "rest", "uri": "https://eve:s3cret@rest.example.com/v1/"},
            ("https://rest.example.com/v1", "shop.orders"),
        ),
        ({"type": "rest"}, None),
    ],
)
def test_a_table_of_another_catalog_has_the_catalogs_name_beside_its_place(
    settings: dict[str, str], expected: tuple[str, str] | None
) -> None:
    told = {f"{LAKE}.{key}": value for key, value in settings.items()}
    properties = {"location": "s3a://box/wh/shop/orders", "provider": "iceberg", "format": "iceberg/parquet"}
    (dataset,) = plans.told_place("lake.shop.orders", properties, told.get)
    assert (dataset.namespace, dataset.name, dataset.format) == ("s3://box", "wh/shop/orders", "iceberg")
    assert dataset.symlinks == ((expected,) if expected else ())
    future = names.catalog_table("lake", ("shop", "orders"), told.get)
    assert (future.namespace, future.name, future.symlinks) == ("spark:catalog:lake", "shop.orders", dataset.symlinks)


def test_a_table_that_does_not_say_where_it_is_has_no_place() -> None:
    assert plans.told_place("lake.shop.orders", {"provider": "iceberg"}, {}.get) == ()
    (by_path,) = plans.told_place("/data/t.x", {"location": "/data/t.x", "provider": "hudi"}, {}.get)
    assert (by_path.namespace, by_path.name, by_path.symlinks) == ("file", "/data/t.x", ())
