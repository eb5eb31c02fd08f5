"""JDBC URLs as OpenLineage names databases: namespace and name. Whatever else a URL holds may be a secret and is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote

_PORTS: Mapping[str, int] = {
    "postgres": 5432,
    "mysql": 3306,
    "sqlserver": 1433,
    "oracle": 1521,
    "redshift": 5439,
    "db2": 50000,
    "teradata": 1025,
    "trino": 8080,
    "clickhouse": 8123,
    "crate": 5432,
    "oceanbase": 2881,
}
_SAME: Mapping[str, str] = {
    "postgresql": "postgres",
    "mariadb": "mysql",
    "presto": "trino",
    "ch": "clickhouse",
    "pgsql": "postgres",
}


def database_table(url: str, table: str) -> tuple[str, str]:
    """Namespace and name of a table behind a JDBC URL."""
    kind, rest = _kind(url)
    namespace, place = _NAMED.get(kind, _by_authority)(kind, rest)
    return namespace, ".".join(filter(None, (place, plain_table(table))))


def plain_table(table: str) -> str:
    """A table name without quotes; a sub-query in its place has no name."""
    text = table.strip()
    return (
        "(query)" if text.startswith("(") or re.match(r"(?i)(select|with)\s", text) else re.sub(r'[`"\[\]]', "", text)
    )


def _kind(url: str) -> tuple[str, str]:
    """The database's kind, and what follows it; of ``mysql:replication://``, ``jtds:sqlserver://`` the part that says it."""
    rest = re.sub(r"^(?i:jdbc):", "", url.strip())
    kind, _, tail = rest.partition(":")
    kind = kind.lower()
    if kind in ("jtds", "aws-wrapper"):
        return _kind(tail)
    if not tail.startswith("//") and kind in ("mysql", "mariadb", "postgresql", "redshift"):
        tail = "//" + tail.partition("//")[2]
    return _SAME.get(kind, kind), tail


def _by_authority(kind: str, rest: str) -> tuple[str, str]:
    """``//user:password@host:port,others/database?properties``, or a path (SQLite, Derby, H2 …) up to its properties."""
    if not rest.startswith("//"):
        return f"{kind}:{re.split('[;?]', rest)[0].rpartition('@')[2]}", ""
    authority, path = _split(rest)
    return f"{kind}://{_host(kind, authority)}", _database(path)


def _split(rest: str) -> tuple[str, str]:
    """Authority and path. A password may hold any sign: it ends at the last ``@`` that is in no property's value."""
    text = rest[2:]
    before, found, _ = text.rpartition("@")
    while found and "=" in before:
        before, found, _ = before.rpartition("@")
    place = text[len(before) + 1 :] if found else text
    authority, _, path = re.split("[;?]", place)[0].partition("/")
    return authority, path


def _host(kind: str, authority: str) -> str:
    """The first host, with the kind's own port when none is told."""
    first = authority.split(",")[0].strip()
    if re.search(r":\d+$", first):
        return first
    if not first.endswith("]"):  # what stands behind a colon and is no port may be a secret
        first = first.partition(":")[0]
    port = _PORTS.get(kind)
    return f"{first}:{port}" if port and first else first


def _database(path: str) -> str:
    """The path's own part: properties begin with ``:`` in Db2's, with ``,`` in Teradata's, and ``=`` is in none."""
    name = re.split("[:,&]", path.strip("/"))[0]
    return "" if "=" in name else unquote(name)


def _properties(rest: str) -> dict[str, str]:
    """``;key=value`` and ``?key=value&…``, keys in lower case."""
    text = re.split("[;?]", rest, maxsplit=1)
    pairs = re.split("[;&]", text[1]) if len(text) > 1 else []
    return {key.strip().lower(): value for key, _, value in (pair.partition("=") for pair in pairs)}


def _sql_server(kind: str, rest: str) -> tuple[str, str]:
    """``//host\\instance:port;databaseName=…``: an instance without a port is named beside its host."""
    authority, path = _split(rest)
    host, _, instance = authority.partition("\\")
    told = _properties(rest)
    instance, _, port = instance.partition(":")
    instance = instance or told.get("instancename", "")
    port = port or told.get("portnumber", "")
    place = (
        host if re.search(r":\d+$", host) else f"{host}:{port}" if port else f"{host}/{instance}" if instance else ""
    )
    database = told.get("databasename") or told.get("database") or _database(path)
    return f"{kind}://{place or _host(kind, host)}", database


def _oracle(kind: str, rest: str) -> tuple[str, str]:
    """``thin:user/password@`` and one of ``//host:port/service``, ``host:port:SID``, a descriptor, or an alias."""
    place = rest.rpartition("@")[2]
    if "(" in place:
        found = {name: _described(place, name) for name in ("host", "port", "service_name", "sid")}
        host = f"{found['host']}:{found['port'] or _PORTS[kind]}"
        return f"{kind}://{host}", found["service_name"] or found["sid"]
    plain = re.split("[?]", re.sub(r"^(\w+:)?//", "", place))[0]
    host, _, service = plain.partition("/")
    parts = host.split(":")
    if len(parts) == 3:  # host:port:SID
        return f"{kind}://{parts[0]}:{parts[1]}", parts[2]
    if not service and len(parts) == 1:
        return f"{kind}:{host}", ""  # an alias, known only where TNS names are kept
    return f"{kind}://{_host(kind, host)}", service.split(":")[0].split("/")[0]


def _described(text: str, name: str) -> str:
    found = re.search(rf"(?i)\(\s*{name}\s*=\s*([^()\s]+)\s*\)", text)
    return found.group(1) if found else ""


def _snowflake(kind: str, rest: str) -> tuple[str, str]:
    authority, _ = _split(rest)
    told = {key.lower(): value for key, value in parse_qsl(rest.partition("?")[2])}
    account = authority.split(":")[0].removesuffix(".snowflakecomputing.com")
    parts = (told.get("db") or told.get("database"), told.get("schema"))
    return f"{kind}://{account}", ".".join(filter(None, parts))


def _redshift(kind: str, rest: str) -> tuple[str, str]:
    """``cluster.id.region.redshift.amazonaws.com`` is ``cluster.region``."""
    authority, path = _split(rest)
    host, _, port = _host(kind, authority).rpartition(":")
    found = re.fullmatch(r"([^.]+)\.[^.]+\.([^.]+)\.redshift(?:-serverless)?\.amazonaws\.com(?:\.cn)?", host)
    return f"{kind}://{'.'.join(found.groups()) if found else host}:{port}", _database(path)


def _teradata(kind: str, rest: str) -> tuple[str, str]:
    authority, path = _split(rest)
    told = {key.strip().lower(): value for key, _, value in (pair.partition("=") for pair in path.split(","))}
    host = authority if ":" in authority else f"{authority}:{told.get('dbs_port') or _PORTS[kind]}"
    return f"{kind}://{host}", told.get("database", "")


def _trino(kind: str, rest: str) -> tuple[str, str]:
    """The path is catalog and schema."""
    authority, path = _split(rest)
    return f"{kind}://{_host(kind, authority)}", ".".join(filter(None, path.split("/")))


_NAMED: Mapping[str, Callable[[str, str], tuple[str, str]]] = {
    "oracle": _oracle,
    "redshift": _redshift,
    "snowflake": _snowflake,
    "sqlserver": _sql_server,
    "teradata": _teradata,
    "trino": _trino,
}
