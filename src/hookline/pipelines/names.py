"""Dataset names as OpenLineage spells them (https://openlineage.io/docs/spec/naming)."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from hookline.core.events import Dataset

_SCHEMES = {"s3a": "s3", "s3n": "s3", "wasb": "wasbs", "abfs": "abfss"}
_JDBC_SCHEMES = {"postgresql": "postgres", "mariadb": "mysql"}
_JDBC_PORTS = {"postgres": 5432, "mysql": 3306, "sqlserver": 1433, "oracle": 1521}


def path_dataset(uri: str, format_name: str | None = None) -> Dataset:
    """A path or URI: ``file`` and an absolute path, or ``scheme://authority`` and the path in it.

    A trailing slash does not make another dataset, nor does ``file:///x`` beside ``file:/x`` and ``/x``.
    """
    scheme, rest = _split_scheme(uri)
    if scheme in ("", "file"):
        path = re.sub(r"/+", "/", "/" + rest.lstrip("/"))
        return Dataset("file", path.rstrip("/") or "/", format_name)
    authority, _, path = rest.removeprefix("//").partition("/")
    if scheme == "dbfs":
        return Dataset("dbfs", f"/{authority}/{path}".replace("//", "/").rstrip("/"), format_name)
    authority = authority.rpartition("@")[2] if scheme in ("s3a", "s3n", "s3") else authority
    return Dataset(f"{_SCHEMES.get(scheme, scheme)}://{authority}", path.strip("/") or "/", format_name)


def table_symlink(warehouse_uri: str, table: str) -> tuple[str, str]:
    """A catalog table's other name: the warehouse as namespace, ``database.table`` as name."""
    scheme, rest = _split_scheme(warehouse_uri)
    return (f"{scheme or 'file'}:{rest.rstrip('/')}" if rest.startswith("/") else warehouse_uri.rstrip("/"), table)


def jdbc_dataset(url: str, table: str) -> Dataset:
    """A table behind a JDBC URL: ``postgres://host:port`` and ``database.schema.table``. Credentials in the URL are left out."""
    rest = url.removeprefix("jdbc:")
    scheme, _, tail = rest.partition(":")
    scheme = _JDBC_SCHEMES.get(scheme.lower(), scheme.lower())
    if not tail.startswith("//"):
        # Derby, SQLite, H2 …: what follows the scheme is a path, up to the properties.
        return Dataset(f"{scheme}:{re.split('[;?]', tail)[0]}", _plain_table(table), "jdbc")
    parts = urlsplit(f"{scheme}:{re.split('[;?]', tail)[0]}")
    authority = parts.netloc.rpartition("@")[2]
    if scheme in _JDBC_PORTS and ":" not in authority:
        authority = f"{authority}:{_JDBC_PORTS[scheme]}"
    found = re.search(r"databaseName=([^;?&]+)", tail)
    database = found.group(1) if found else unquote(parts.path.strip("/"))
    return Dataset(f"{scheme}://{authority}", ".".join(filter(None, (database, _plain_table(table)))), "jdbc")


def kafka_dataset(bootstrap_servers: str, topic: str) -> Dataset:
    """A topic: ``kafka://first-server`` and the topic."""
    return Dataset(f"kafka://{bootstrap_servers.split(',')[0].strip()}", topic, "kafka")


def other_dataset(format_name: str, name: str | None = None) -> Dataset:
    """A sink that has no place of its own (``console``, ``noop``, ``memory`` …), or one that is not known here."""
    return Dataset(f"spark:{format_name}", name or format_name, format_name)


def _plain_table(table: str) -> str:
    """A table name without quotes; a sub-query in its place has no name."""
    text = table.strip()
    return "(query)" if text.startswith("(") or re.match(r"(?i)select\s", text) else re.sub(r'[`"\[\]]', "", text)


def _split_scheme(uri: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)(.*)", uri, re.S)
    return (match.group(1).lower(), match.group(2)) if match else ("", uri)
