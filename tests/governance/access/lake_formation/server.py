"""Lake Formation at a real address: Moto behind a server that has what Moto lacks or does otherwise than AWS.

Moto keeps databases, tables, locations, settings, LF-tags and grants. Here are data cells filters and CloudTrail's events, which
it lacks; merging of tags and grants, failures entry by entry, pages, and AWS's way to tell a grant on a table in two parts, which
it does not do. Every request is held against botocore's service model first.
"""

from __future__ import annotations

import copy
import json
import re
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore import xform_name
from tests.governance.aws_requests import problems

ACCOUNT, REGION = "123456789012", "eu-west-1"
CALLER = f"arn:aws:sts::{ACCOUNT}:user/moto"
_PAGE = 40
HANGS_UP = "hangs up"


class AwsError(Exception):
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class LakeServer:
    """See the module.

    Attributes:
        asked: the operations that were asked for, as ``service.Operation``.
        wrong: what was wrong with requests.
        trouble: called with (operation, arguments) before each; may raise ``AwsError``.
        loses: the same after it was done, of what is answered here: the answer is lost.
        refuse: called with (entry) of a batch; returns an error's code, or nothing.
        grantor: who is told to have granted.
        events: what CloudTrail tells.
    """

    def __init__(self, moto: tuple[str, int]) -> None:
        self.moto = moto
        self.lock = threading.RLock()
        self.reset()
        server = self

        class Handler(_Handler):
            served = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reset(self) -> None:
        from moto.glue.models import glue_backends
        from moto.lakeformation.models import lakeformation_backends

        for backends in (glue_backends, lakeformation_backends):
            for account in [*backends.values()]:
                for backend in [*account.values()]:
                    backend.reset()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.trouble: Any = lambda operation, arguments: None
        self.loses: Any = lambda operation, arguments: None
        self.refuse: Any = lambda entry: None
        self.grantor = CALLER
        self.filters: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.by: dict[str, tuple[str, float]] = {}
        self.events: list[dict[str, Any]] = []

    def saved(self) -> Any:
        """All that is kept here and in Moto, to be put back by ``restore``."""
        return copy.deepcopy(
            [{name: getattr(held, name) for name in names} for held, names in self._held()], {id(self.lake): self.lake}
        )

    def restore(self, saved: Any) -> None:
        for (held, _), values in zip(self._held(), copy.deepcopy(saved), strict=True):
            for name, value in values.items():
                setattr(held, name, value)

    def _held(self) -> list[tuple[Any, tuple[str, ...]]]:
        tags = ("lf_database_tags", "lf_table_tags", "lf_columns_tags")
        return [
            (self.lake, ("resources", "settings", "grants", "tagger", *tags)),
            (self.glue, ("databases",)),
            (self, ("filters", "by")),
        ]

    @property
    def lake(self) -> Any:
        from moto.lakeformation.models import lakeformation_backends

        return lakeformation_backends[ACCOUNT][REGION]

    @property
    def glue(self) -> Any:
        from moto.glue.models import glue_backends

        return glue_backends[ACCOUNT][REGION]

    def answer(self, service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """What is answered here; None of what Moto answers."""
        self.asked.append(f"{service}.{operation}")
        found = problems(service, operation, arguments)
        self.wrong += found
        if found:
            raise AwsError("ValidationException", "; ".join(found))
        self.trouble(operation, arguments)
        own = getattr(self, "_" + xform_name(operation), None)
        if own is None:
            return None
        with self.lock:
            told = own(arguments)
        self.loses(operation, arguments)
        return told

    # Grants

    def _catalog(self) -> Any:
        from moto.lakeformation.models import PermissionCatalog

        held = self.lake.grants.setdefault(ACCOUNT, PermissionCatalog())
        members = [*held.permissions]
        held.permissions = set(members)  # Moto changes what a set's members are hashed by
        return held

    def _batch_grant_permissions(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"Failures": [*self._each(arguments["Entries"], self._grant)]}

    def _batch_revoke_permissions(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"Failures": [*self._each(arguments["Entries"], self._revoke)]}

    def _grant_permissions(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._grant(arguments)
        return {}

    def _revoke_permissions(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._revoke(arguments)
        return {}

    def _each(self, entries: list[dict[str, Any]], do: Any) -> Iterator[dict[str, Any]]:
        if len(entries) > 20:
            raise AwsError("InvalidInputException", "more than 20 entries")
        if len({entry["Id"] for entry in entries}) < len(entries):
            raise AwsError("InvalidInputException", "two entries with one id")
        for entry in entries:
            try:
                code = self.refuse(entry)
                if code:
                    raise AwsError(code, "refused by the test")
                do(entry)
            except AwsError as error:
                yield {"RequestEntry": entry, "Error": {"ErrorCode": error.code, "ErrorMessage": error.message}}

    def _grant(self, entry: dict[str, Any]) -> None:
        from moto.lakeformation.models import Permission

        resource = self._known(entry["Resource"])
        permissions, options = entry["Permissions"], entry.get("PermissionsWithGrantOption") or []
        if not permissions or not set(options) <= set(permissions):
            raise AwsError("InvalidInputException", "permissions with grant option must be among the permissions")
        if ("TableWithColumns" in resource or "DataCellsFilter" in resource) and set(permissions) != {"SELECT"}:
            raise AwsError("InvalidInputException", "only SELECT on columns and cells")
        self._catalog().add_permission(Permission(entry["Principal"], resource, permissions, options))
        self.by[_key(entry["Principal"], resource)] = (self.grantor, time.time())

    def _revoke(self, entry: dict[str, Any]) -> None:
        from moto.lakeformation.models import Permission

        resource, catalog = _whole(entry["Resource"]), self._catalog()
        wanted = Permission(
            entry["Principal"],
            resource,
            entry.get("Permissions") or [],
            entry.get("PermissionsWithGrantOption") or [],
        )
        for held in catalog.permissions:
            if held.equal_principal_and_resouce(wanted):
                if set(wanted.permissions) <= set(held.permissions):
                    catalog.remove_permission(wanted)
                    return
                break
        raise AwsError("InvalidInputException", f"No permissions revoked. Grantee does not have: {wanted.permissions}")

    def _known(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Unlike Moto, AWS grants nothing on what is not there."""
        resource = _whole(resource)
        ((kind, told),) = resource.items()
        if kind == "Database":
            self._table(told["Name"], None)
        elif kind in ("Table", "TableWithColumns"):
            table = self._table(told["DatabaseName"], told.get("Name"))
            for name in told.get("ColumnNames") or ():
                if name not in _columns(table):
                    raise AwsError("EntityNotFoundException", f"no column {name}")
        elif kind == "DataCellsFilter":
            if (told["DatabaseName"], told["TableName"], told["Name"]) not in self.filters:
                raise AwsError("EntityNotFoundException", "no such filter")
        elif kind == "LFTagPolicy":
            for term in told["Expression"]:
                for value in term["TagValues"]:
                    if value not in self._values(term["TagKey"]):
                        raise AwsError("EntityNotFoundException", "Tag or tag value does not exist.")
        return resource

    def _table(self, database: str, table: str | None) -> Any:
        held = self.glue.databases.get(database)
        if held is None:
            raise AwsError("EntityNotFoundException", "Database not found.")
        if table is None:
            return None
        if table not in held.tables:
            raise AwsError("EntityNotFoundException", "Table not found.")
        return held.tables[table]

    def _list_permissions(self, arguments: dict[str, Any]) -> dict[str, Any]:
        told = []
        for held in sorted(self._catalog().permissions, key=lambda one: _key(one.principal, one.resource)):
            by, at = self.by.get(_key(held.principal, held.resource), (CALLER, 0.0))
            about = {"Principal": held.principal, "LastUpdatedBy": by, "LastUpdated": at}
            for resource, permissions, options in _parts(held):
                told.append(
                    {**about, "Resource": resource, "Permissions": permissions, "PermissionsWithGrantOption": options}
                )
        return _page("PrincipalResourcePermissions", told, arguments)

    # LF-tags

    def _values(self, tag: str) -> list[str]:
        return list(self.lake.get_lf_tag(ACCOUNT, tag))

    def _get_lf_tag(self, arguments: dict[str, Any]) -> dict[str, Any]:
        values = self._values(arguments["TagKey"])
        if not values:
            raise AwsError("EntityNotFoundException", "no such tag")
        return {"CatalogId": ACCOUNT, "TagKey": arguments["TagKey"], "TagValues": values}

    def _create_lf_tag(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._values(arguments["TagKey"]):
            raise AwsError("AlreadyExistsException", "Tag key already exists")
        self.lake.create_lf_tag(ACCOUNT, arguments["TagKey"], arguments["TagValues"])
        return {}

    def _update_lf_tag(self, arguments: dict[str, Any]) -> dict[str, Any]:
        tag, there = arguments["TagKey"], self._values(arguments["TagKey"])
        add, gone = arguments.get("TagValuesToAdd") or [], arguments.get("TagValuesToDelete") or []
        if not there:
            raise AwsError("EntityNotFoundException", "no such tag")
        if set(add) & set(there) or not set(gone) <= set(there):
            raise AwsError("InvalidInputException", "values to add are there, or values to delete are not")
        self._drop_grants(tag, set(gone))
        self.lake.update_lf_tag(ACCOUNT, tag, gone, add)
        for places in self._places():
            for own in places.values():
                own[:] = [one for one in own if one["TagKey"] != tag or not set(one["TagValues"]) & set(gone)]
        return {}

    def _delete_lf_tag(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._drop_grants(arguments["TagKey"], set(self._values(arguments["TagKey"])))
        self.lake.delete_lf_tag(ACCOUNT, arguments["TagKey"])
        return {}

    def _drop_grants(self, tag: str, values: set[str]) -> None:
        catalog = self._catalog()
        for held in [*catalog.permissions]:
            terms = held.resource.get("LFTagPolicy", {}).get("Expression", ())
            if any(term["TagKey"] == tag and set(term["TagValues"]) & values for term in terms):
                catalog.permissions.discard(held)

    def _list_lf_tags(self, arguments: dict[str, Any]) -> dict[str, Any]:
        tags = self.lake.list_lf_tags(ACCOUNT)
        told = [{"CatalogId": ACCOUNT, "TagKey": tag, "TagValues": values} for tag, values in sorted(tags.items())]
        return _page("LFTags", told, arguments)

    def _places(self) -> tuple[dict[Any, list[dict[str, Any]]], ...]:
        return self.lake.lf_database_tags, self.lake.lf_table_tags, self.lake.lf_columns_tags

    def _carriers(self, resource: dict[str, Any]) -> list[tuple[dict[Any, Any], tuple[str, ...]]]:
        ((kind, told),) = _whole(resource).items()
        databases, tables, columns = self._places()
        if kind == "Database":
            self._table(told["Name"], None)
            return [(databases, (ACCOUNT, told["Name"]))]
        table = self._table(told["DatabaseName"], told["Name"])
        if kind == "Table":
            return [(tables, (ACCOUNT, told["DatabaseName"], told["Name"]))]
        for name in told["ColumnNames"]:
            if name not in _columns(table):
                raise AwsError("EntityNotFoundException", f"no column {name}")
        return [(columns, (ACCOUNT, told["DatabaseName"], told["Name"], name)) for name in told["ColumnNames"]]

    def _add_lf_tags_to_resource(self, arguments: dict[str, Any]) -> dict[str, Any]:
        failures = []
        carriers = self._carriers(arguments["Resource"])
        for tag in arguments["LFTags"]:
            if len(tag["TagValues"]) != 1:
                raise AwsError("InvalidInputException", "a resource has one value of a tag")
            if tag["TagValues"][0] not in self._values(tag["TagKey"]):
                error = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Tag or tag value does not exist."}
                failures.append({"LFTag": tag, "Error": error})
                continue
            for places, place in carriers:
                own = [one for one in places.get(place, ()) if one["TagKey"] != tag["TagKey"]]
                places[place] = [*own, {"CatalogId": ACCOUNT, **tag}]
        return {"Failures": failures}

    def _remove_lf_tags_from_resource(self, arguments: dict[str, Any]) -> dict[str, Any]:
        failures = []
        for places, place in self._carriers(arguments["Resource"]):
            for tag in arguments["LFTags"]:
                own = places.get(place, [])
                left = [one for one in own if (one["TagKey"], one["TagValues"]) != (tag["TagKey"], tag["TagValues"])]
                if len(left) == len(own):
                    error = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "not tagged so"}
                    failures.append({"LFTag": tag, "Error": error})
                places[place] = left
        return {"Failures": failures}

    def _get_resource_lf_tags(self, arguments: dict[str, Any]) -> dict[str, Any]:
        ((kind, _),) = arguments["Resource"].items()
        carriers = self._carriers(arguments["Resource"])
        if kind == "TableWithColumns":
            found = [{"Name": place[-1], "LFTags": tags} for places, place in carriers if (tags := places.get(place))]
            return {"LFTagsOnColumns": found} if found else {}
        ((places, place),) = carriers
        tags = places.get(place)
        return {"LFTagOnDatabase" if kind == "Database" else "LFTagsOnTable": tags} if tags else {}

    # Data cells filters, which Moto lacks

    def _create_data_cells_filter(self, arguments: dict[str, Any]) -> dict[str, Any]:
        data = arguments["TableData"]
        if _filter_key(data) in self.filters:
            raise AwsError("AlreadyExistsException", "Filter already exists")
        return self._keep_filter(data)

    def _update_data_cells_filter(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if _filter_key(arguments["TableData"]) not in self.filters:
            raise AwsError("EntityNotFoundException", "no such filter")
        return self._keep_filter(arguments["TableData"])

    def _keep_filter(self, data: dict[str, Any]) -> dict[str, Any]:
        table = self._table(data["DatabaseName"], data["TableName"])
        if ("ColumnNames" in data) == ("ColumnWildcard" in data):
            raise AwsError("InvalidInputException", "one of ColumnNames and ColumnWildcard is wanted")
        if len(data.get("RowFilter") or {}) != 1:
            raise AwsError("InvalidInputException", "one of FilterExpression and AllRowsWildcard is wanted")
        named = data.get("ColumnNames") or data.get("ColumnWildcard", {}).get("ExcludedColumnNames") or ()
        if not set(named) <= _columns(table):
            raise AwsError("InvalidInputException", "a column is not the table's")
        self.filters[_filter_key(data)] = data
        return {}

    def _delete_data_cells_filter(self, arguments: dict[str, Any]) -> dict[str, Any]:
        key = _filter_key(arguments)
        if key not in self.filters:
            raise AwsError("EntityNotFoundException", "no such filter")
        del self.filters[key]
        catalog = self._catalog()
        for held in [*catalog.permissions]:
            if "DataCellsFilter" in held.resource and _filter_key(held.resource["DataCellsFilter"]) == key:
                catalog.permissions.discard(held)
        return {}

    def _list_data_cells_filter(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return _page("DataCellsFilters", [self.filters[key] for key in sorted(self.filters)], arguments)

    # The rest

    def _update_resource(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["ResourceArn"] not in self.lake.resources:
            raise AwsError("EntityNotFoundException", "Resource not found")
        self.lake.resources[arguments["ResourceArn"]].role_arn = arguments["RoleArn"]
        return {}

    def _lookup_events(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return _page("Events", self.events, arguments)


def _page(key: str, told: list[Any], arguments: dict[str, Any]) -> dict[str, Any]:
    start = int(arguments.get("NextToken") or 0)
    end = start + min(_PAGE, arguments.get("MaxResults") or _PAGE)
    return {key: told[start:end], **({"NextToken": str(end)} if end < len(told) else {})}


def _parts(held: Any) -> Iterator[tuple[dict[str, Any], list[str], list[str]]]:
    """AWS tells SELECT on a table as a grant on all of its columns, apart from what else is granted on the table."""
    table = held.resource.get("Table")
    if table is None or "SELECT" not in held.permissions:
        yield held.resource, sorted(held.permissions), sorted(held.permissions_with_grant_options)
        return
    for chosen, resource in (
        (lambda one: one == "SELECT", _all_columns(table)),
        (lambda one: one != "SELECT", held.resource),
    ):
        permissions = sorted(filter(chosen, held.permissions))
        if permissions:
            yield resource, permissions, sorted(filter(chosen, held.permissions_with_grant_options))


def _all_columns(table: dict[str, Any]) -> dict[str, Any]:
    own = {key: table[key] for key in ("CatalogId", "DatabaseName")}
    return {"TableWithColumns": {**own, "Name": table.get("Name", "ALL_TABLES"), "ColumnWildcard": {}}}


def _whole(resource: dict[str, Any]) -> dict[str, Any]:
    """In one form: with the catalog, lists in order, and a table for all of its columns."""
    ((kind, told),) = resource.items()
    told = {key: sorted(value) if key == "ColumnNames" else value for key, value in told.items()}
    if kind not in ("Catalog", "DataCellsFilter"):
        told.setdefault("CatalogId", ACCOUNT)
    if kind == "TableWithColumns" and told.get("ColumnWildcard") == {}:
        return _whole({"Table": {key: told[key] for key in ("CatalogId", "DatabaseName", "Name")}})
    if kind == "LFTagPolicy":
        terms = ({**term, "TagValues": sorted(term["TagValues"])} for term in told["Expression"])
        told["Expression"] = sorted(terms, key=lambda term: str(term["TagKey"]))
    return {kind: dict(sorted(told.items()))}


def _columns(table: Any) -> set[str]:
    told = table.as_dict()
    own = [*told.get("StorageDescriptor", {}).get("Columns", ()), *told.get("PartitionKeys", ())]
    return {column["Name"] for column in own}


def _filter_key(data: dict[str, Any]) -> tuple[str, str, str]:
    return data["DatabaseName"], data["TableName"], data["Name"]


def _key(principal: dict[str, Any], resource: dict[str, Any]) -> str:
    return json.dumps([principal, resource], sort_keys=True)


class _Handler(BaseHTTPRequestHandler):
    served: LakeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scope = re.search(r"Credential=[^,]*", self.headers.get("Authorization", ""))
        service = scope.group().split("/")[3] if scope else ""
        try:
            told = None
            if service in ("lakeformation", "glue", "cloudtrail"):
                operation = self.headers.get("X-Amz-Target", self.path).replace("/", ".").rpartition(".")[2]
                told = self.served.answer(service, operation, json.loads(body or b"{}"))
            if told is None:
                self._pass_on(body)
            else:
                self._answer(200, json.dumps(told).encode(), "application/json")
        except AwsError as error:
            if error.code == HANGS_UP:
                self.close_connection = True
                return
            told = {"__type": error.code, "Message": error.message, "message": error.message}
            self._answer(error.status, json.dumps(told).encode(), "application/json", {"x-amzn-ErrorType": error.code})

    def _pass_on(self, body: bytes) -> None:
        connection = HTTPConnection(*self.served.moto, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            self._answer(answer.status, answer.read(), answer.getheader("Content-Type") or "")
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        head = {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
