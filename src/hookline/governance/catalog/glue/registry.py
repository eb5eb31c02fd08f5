"""Schema versions in Glue's schema registry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core.errors import SchemaError, SinkError
from hookline.core.events import Column, Write
from hookline.governance.catalog.compatibility import Columns, Mode
from hookline.governance.catalog.gate import HARMLESS, hold
from hookline.governance.catalog.glue.avro import avro_of, columns_of_avro
from hookline.governance.catalog.glue.client import Glue, GlueError, pause
from hookline.governance.catalog.glue.options import GlueConfig, Place
from hookline.governance.catalog.options import SchemaRule

# The registry's own words.
COMPATIBILITY: Mapping[Mode, str] = {
    "NONE": "NONE",
    "BACKWARD": "BACKWARD",
    "BACKWARD_TRANSITIVE": "BACKWARD_ALL",
    "FORWARD": "FORWARD",
    "FORWARD_TRANSITIVE": "FORWARD_ALL",
    "FULL": "FULL",
    "FULL_TRANSITIVE": "FULL_ALL",
}
_TRIES = 5


class Registry:
    """One registry."""

    def __init__(self, glue: Glue, name: str, options: GlueConfig) -> None:
        self._glue, self._name, self._options = glue, name, options

    def register(self, place: Place, columns: Sequence[Column], mode: Mode) -> int | None:
        """Have a version of these columns, made where the last one has others; its number.

        Raises:
            SinkError: it is not there.
        """
        schema = self._id(place)
        definition = json.dumps(avro_of(columns, place.table), separators=(",", ":"))
        try:
            made = self._glue.call("register_schema_version", SchemaId=schema, SchemaDefinition=definition)
        except GlueError as error:
            if error.code != "EntityNotFoundException":
                raise
            made = self._create(schema, definition, mode)
            return int(made["LatestSchemaVersion"]) if "LatestSchemaVersion" in made else None
        self._await(str(made["SchemaVersionId"]), str(made["Status"]))
        return int(made["VersionNumber"])

    def check(self, rule: SchemaRule, event: Write, columns: Columns) -> None:
        """Let a write pass that keeps its rule by the versions in the registry; see ``gate.hold``.

        Raises:
            SchemaError: it does not, or the registry does not answer.
        """
        place = self._options.place_of(event.dataset)
        if event.operation in HARMLESS or place is None:
            return
        hold(rule, event, columns, [*self._versions(place, everything="TRANSITIVE" in rule.compatibility)])

    def _versions(self, place: Place, *, everything: bool) -> Iterator[Columns]:
        schema = self._id(place)
        try:
            latest = int(self._glue.call("get_schema", SchemaId=schema)["LatestSchemaVersion"])
            for number in range(1 if everything else latest, latest + 1):
                wanted = {"SchemaId": schema, "SchemaVersionNumber": {"VersionNumber": number}}
                found = self._glue.call("get_schema_version", **wanted)
                if found["Status"] == "AVAILABLE":
                    yield columns_of_avro(json.loads(found["SchemaDefinition"]))
        except GlueError as error:
            if error.code == "EntityNotFoundException":
                return
            raise SchemaError(f"the versions of its schema can't be had: {error}") from None
        except SchemaError as error:
            raise SchemaError(f"a version of its schema in the registry can't be read: {error}") from None
        except (KeyError, ValueError):
            raise SchemaError("a version of its schema in the registry can't be read: it is no JSON") from None

    def _create(self, schema: Mapping[str, str], definition: str, mode: Mode) -> Mapping[str, Any]:
        wanted = {
            "SchemaName": schema["SchemaName"],
            "DataFormat": "AVRO",
            "Compatibility": COMPATIBILITY[mode],
            "SchemaDefinition": definition,
        }
        try:
            return self._glue.call("create_schema", RegistryId={"RegistryName": self._name}, **wanted)
        except GlueError as error:
            if error.code != "EntityNotFoundException":
                raise
        self._glue.call("create_registry", RegistryName=self._name)
        return self._glue.call("create_schema", RegistryId={"RegistryName": self._name}, **wanted)

    def _await(self, version: str, status: str) -> None:
        """The registry checks a version by its own rule, after it took it."""
        for number in range(_TRIES):
            if status == "AVAILABLE":
                return
            if status != "PENDING":
                raise SinkError(f"Glue's schema registry does not take the schema ({status})", retryable=False)
            pause(number)
            status = str(self._glue.call("get_schema_version", SchemaVersionId=version)["Status"])
        raise SinkError("Glue's schema registry still checks the schema")

    def _id(self, place: Place) -> dict[str, str]:
        name = re.sub(r"[^a-zA-Z0-9_$#.-]", "_", f"{place.database}.{place.table}")[:255]
        return {"RegistryName": self._name, "SchemaName": name}
