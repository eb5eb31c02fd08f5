"""Dataset names as OpenLineage spells them (https://openlineage.io/docs/spec/naming). Databases are in ``jdbc``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hookline.core.events import Dataset
from hookline.pipelines.jdbc import database_table, plain_table

_SCHEMES = {"s3a": "s3", "s3n": "s3", "wasb": "wasbs", "abfs": "abfss"}
# Their objects have keys, which begin without a slash; in file systems a path begins with one.
_OBJECT_STORES = frozenset({"s3", "gs", "wasbs"})
_KAFKA_PORT = 9092
# What keeps a log of its own knows its root; in plain folders the root is where the partitions' folders begin.
_KNOW_THEIR_ROOT = frozenset({"delta", "iceberg", "hudi"})
_PARTITION = re.compile(r"[^=/]+=[^=/]+")
_FILE = re.compile(r"\.(parquet|csv|json|jsonl|ndjson|orc|avro|txt|text|xml|gz|bz2|zst|snappy|lz4)$", re.I)
_GLUE_FACTORY = "AWSGlueDataCatalogHiveClientFactory"


def path_dataset(uri: str, format_name: str | None = None) -> Dataset:
    """What a path or URI is a part of: the same as ``place_dataset``, without the folders of partitions at its end.

    ``/sales/day=2026-05-04`` and its siblings are one dataset, ``/sales``, whether they are read or written one by one or
    together, as OpenLineage's own Spark listener has it. A path of nothing else stays as it is.
    """
    place = place_dataset(uri, format_name)
    if (format_name or "").lower() in _KNOW_THEIR_ROOT:
        return place
    name = place.name
    while _is_partition(last := name.rpartition("/")[2]) and (root := name[: -len(last)].rstrip("/")):
        name = root
    return replace(place, name=name)


def place_dataset(uri: str, format_name: str | None = None) -> Dataset:
    """A path or URI that is a dataset's root: ``file`` and an absolute path, or ``scheme://authority`` and the path in it.

    A trailing slash does not make another dataset, nor does ``file:///x`` beside ``file:/x`` and ``/x``.
    """
    scheme, rest = _split_scheme(uri)
    if scheme in ("", "file"):
        host, path = _remote(rest) if scheme else ("", rest)
        plain = re.sub(r"/+", "/", "/" + path.lstrip("/")).rstrip("/") or "/"
        return Dataset(f"file://{host}" if host else "file", plain, format_name)
    authority, _, path = rest.removeprefix("//").partition("/")
    if scheme == "dbfs":
        return Dataset("dbfs", f"/{authority}/{path}".replace("//", "/").rstrip("/"), format_name)
    authority = authority.rpartition("@")[2] if scheme in ("s3a", "s3n", "s3") else authority
    scheme = _SCHEMES.get(scheme, scheme)
    inner = path.strip("/")
    name = inner or "/" if scheme in _OBJECT_STORES else f"/{inner}"
    return Dataset(f"{scheme}://{authority}", name, format_name)


def _is_partition(folder: str) -> bool:
    return _PARTITION.fullmatch(folder) is not None and _FILE.search(folder) is None


def table_symlink(warehouse_uri: str, table: str) -> tuple[str, str]:
    """A catalog table's other name: the warehouse as namespace, ``database.table`` as name."""
    scheme, rest = _split_scheme(warehouse_uri)
    return (f"{scheme or 'file'}:{rest.rstrip('/')}" if rest.startswith("/") else warehouse_uri.rstrip("/"), table)


def catalog_symlink(
    setting: Callable[[str], str | None], environment: Mapping[str, str], database: str | None, table: str
) -> tuple[str, str]:
    """A table's name in the session's catalog: Glue's, a Hive metastore's, else by the warehouse.

    Args:
        setting: gives a setting of Spark or Hadoop by its name.
        environment: where Glue's region is told, when no setting does.
    """
    plain = ".".join(filter(None, (database, table)))
    if _GLUE_FACTORY in (setting("hive.metastore.client.factory.class") or ""):
        region = setting("aws.region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        account = setting("hive.metastore.glue.catalogid") or setting("spark.glue.accountId")
        if region and account:
            return f"arn:aws:glue:{region}:{account}", f"table/{database or 'default'}/{table}"
    metastore = urlsplit((setting("hive.metastore.uris") or "").split(",")[0].strip()).netloc
    if metastore and setting("spark.sql.catalogImplementation") == "hive":
        return f"hive://{metastore}", plain
    return table_symlink(setting("spark.sql.warehouse.dir") or "", plain)


def other_catalog_symlink(setting: Callable[[str], str | None], catalog: str, table: str) -> tuple[str, str] | None:
    """A table's name in a catalog that was configured beside the session's own, such as Iceberg's: a Hive metastore's, a
    REST catalog's, else by the warehouse; None when the settings tell none of these."""
    told = f"spark.sql.catalog.{catalog}"
    uri = (setting(f"{told}.uri") or "").split(",")[0].strip()
    if setting(f"{told}.type") == "hive" and urlsplit(uri).netloc:
        return f"hive://{urlsplit(uri).netloc}", table
    if urlsplit(uri).hostname:
        parts = urlsplit(uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}", table
    warehouse = setting(f"{told}.warehouse")
    return table_symlink(warehouse, table) if warehouse else None


def jdbc_dataset(url: str, table: str) -> Dataset:
    """A table behind a JDBC URL: ``postgres://host:port`` and ``database.schema.table``. Credentials are left out."""
    return Dataset(*database_table(url, table), "jdbc")


def kafka_dataset(bootstrap_servers: str, topic: str) -> Dataset:
    """A topic: ``kafka://first-server`` and the topic."""
    server = re.sub(r"^\w+://", "", bootstrap_servers.split(",")[0].strip())
    known = re.search(r":\d+$", server) is not None or not server
    return Dataset(f"kafka://{server}" if known else f"kafka://{server}:{_KAFKA_PORT}", topic, "kafka")


def kinesis_dataset(stream: str, region: str | None = None) -> Dataset:
    """A stream: by its ARN, as Glue's tables are, or by the region's endpoint and its name.

    The naming rules have no word on Kinesis.
    """
    arn = re.fullmatch(r"(arn:aws[\w-]*:kinesis:[^:]+:\d*):(stream/.+)", stream)
    if arn:
        return Dataset(arn.group(1), arn.group(2), "kinesis")
    return Dataset(f"kinesis://kinesis.{region or 'unknown'}.amazonaws.com", stream, "kinesis")


def connector_dataset(format_name: str, options: Mapping[str, str]) -> Dataset | None:
    """What a warehouse's own connector reads or writes, by its options (keys in lower case); None when it is not known."""
    kind = format_name.lower().rpartition(".")[2]
    table = plain_table(options.get("dbtable") or options.get("query") or options.get("table") or "")
    if kind == "snowflake" and options.get("sfurl"):
        account = re.sub(r"^\w+://", "", options["sfurl"]).split(":")[0].removesuffix(".snowflakecomputing.com")
        parts: list[str | None] = [options.get("sfdatabase"), options.get("sfschema"), table]
        return Dataset(f"snowflake://{account}", ".".join(_missing(parts, table)), "snowflake")
    if kind == "bigquery" and (table or options.get("path")):
        name = (table or options["path"]).replace(":", ".")
        parts = [options.get("project") or options.get("parentproject"), options.get("dataset"), name]
        return Dataset("bigquery", ".".join(_missing(parts, name)), "bigquery")
    if kind == "cassandra" and options.get("keyspace"):
        host = options.get("spark.cassandra.connection.host") or "unknown"
        port = options.get("spark.cassandra.connection.port") or "9042"
        return Dataset(f"cassandra://{host.split(',')[0]}:{port}", f"{options['keyspace']}.{table}", "cassandra")
    if kind == "oltp" and options.get("spark.cosmos.accountendpoint"):
        cosmos = urlsplit(options["spark.cosmos.accountendpoint"]).hostname
        namespace = f"azurecosmos://{cosmos}/dbs/{options.get('spark.cosmos.database', '')}"
        return Dataset(namespace, f"colls/{options.get('spark.cosmos.container', '')}", "cosmos")
    if kind in ("kinesis", "aws-kinesis"):
        stream = options.get("streamarn") or options.get("streamname") or options.get("kinesis.streamname")
        return kinesis_dataset(stream, options.get("region") or options.get("kinesis.region")) if stream else None
    return None


def catalog_table(catalog: str, parts: Sequence[str], setting: Callable[[str], str | None] = lambda _: None) -> Dataset:
    """A table that only its catalog knows the place of.

    Args:
        setting: gives a setting of Spark, which may tell what others call the catalog.
    """
    symlink = other_catalog_symlink(setting, catalog, ".".join(parts))
    return replace(other_dataset(f"catalog:{catalog}", ".".join(parts)), symlinks=(symlink,) if symlink else ())


def other_dataset(format_name: str, name: str | None = None) -> Dataset:
    """A sink that has no place of its own (``console``, ``noop``, ``memory`` …), or one that is not known here."""
    return Dataset(f"spark:{format_name}", name or format_name, format_name)


def is_nowhere(dataset: Dataset) -> bool:
    """Whether it is one of these sinks, rather than a table of a catalog."""
    return dataset.namespace.startswith("spark:") and not dataset.namespace.startswith("spark:catalog:")


def _missing(parts: list[str | None], name: str) -> list[str]:
    """The parts that the name itself does not have, then the name."""
    before, own = parts[:-1], name.count(".")
    return [part for part in before[: max(0, len(before) - own)] if part] + [name]


def _remote(rest: str) -> tuple[str, str]:
    """The host of ``file://host/path``, when it is another one, and the path."""
    if not rest.startswith("//") or rest.startswith("///"):
        return "", rest
    host, _, path = rest[2:].partition("/")
    return ("" if host.lower() == "localhost" else host), f"/{path}"


def _split_scheme(uri: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)(.*)", uri, re.S)
    return (match.group(1).lower(), match.group(2)) if match else ("", uri)
