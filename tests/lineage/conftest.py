"""Events of a small job, and the OpenLineage schemas to hold them against."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookline.core.events import Column, Dataset, ErrorInfo, Read, Run, RunEnded, Verdict, Write

SPEC = Path(__file__).parents[3] / "shared" / "openlineage-spec"
AT = dt.datetime(2026, 5, 4, 3, 2, 1, 600_000, tzinfo=dt.timezone.utc)
RUN_ID = "0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f"


@pytest.fixture
def run() -> Run:
    return Run(RUN_ID, "retail.silver", AT, environment="dev")


@pytest.fixture
def sales() -> Write:
    """A write with everything that a facet can be made of."""
    return Write(
        f"{RUN_ID}/1",
        Dataset("file", "/lake/silver/sales", format="delta", symlinks=(("hive://metastore:9083", "retail.sales"),)),
        "overwrite",
        AT,
        columns=(Column("id", "bigint", nullable=False), Column("price", "decimal(10,2)")),
        inputs=(
            Read(Dataset("s3://landing-zone", "bronze/transactions"), (Column("id", "string"),)),
            Read(Dataset("file", "/lake/bronze/products")),
        ),
        finished_at=AT + dt.timedelta(seconds=9),
        duration_s=9.0,
        rows=1200,
        bytes=4096,
        files=2,
        way="vectorised",
        published=True,
        verdicts=(
            Verdict("price_range", "critical", "failed", 3, 3, "price from 0 to 10", ("price",), "vectorised"),
            Verdict("key_unique", "error", "passed", 0, 0, "unique", ("id", "price"), "proof", plugin="quality"),
            Verdict("rows", "warn", "passed", 1200, None, "at least 1 row"),
            Verdict("latest_name", "info", "passed", "Mustermann", None, "a name"),
            Verdict("mean", "warn", "error", message="no such column"),
        ),
    )


@pytest.fixture
def ended(sales: Write) -> RunEnded:
    lookup = Read(Dataset("postgres://db:5432", "public.lookup"))
    return RunEnded(
        "finished", AT + dt.timedelta(seconds=20), 20.0, reads=(*sales.inputs, lookup), writes=(sales,), writes_total=1
    )


@pytest.fixture
def refused(sales: Write) -> Write:
    import dataclasses

    return dataclasses.replace(sales, published=False, error=ErrorInfo("WriteRefusedError"), rows=None, bytes=None)


@pytest.fixture(scope="session")
def validate() -> Callable[[dict[str, Any]], list[str]]:
    """Holds an event against OpenLineage.json and each of its facets against the schema that it names."""
    if not SPEC.is_dir():
        pytest.skip("the OpenLineage schemas are not here")
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    paths = [SPEC / "OpenLineage.json", *sorted((SPEC / "facets").glob("*.json"))]
    schemas = {schema["$id"]: schema for schema in (json.loads(path.read_text()) for path in paths)}
    registry: Registry[Any] = Registry().with_resources(
        (key, Resource.from_contents(schema)) for key, schema in schemas.items()
    )
    formats = Draft202012Validator.FORMAT_CHECKER
    formats.checks("date-time", ValueError)(lambda text: dt.datetime.fromisoformat(text).tzinfo is not None)
    formats.checks("uri")(lambda text: re.fullmatch(r"[a-z][a-z0-9+.-]*:[!-~]+", text) is not None)

    def problems(value: Any, reference: str) -> list[str]:
        assert reference.partition("#")[0] in schemas, f"{reference} is no schema of the specification"
        validator = Draft202012Validator({"$ref": reference}, registry=registry, format_checker=formats)
        return [f"{reference}: {error.message}" for error in validator.iter_errors(value)]

    def check(event: dict[str, Any]) -> list[str]:
        event = json.loads(json.dumps(event, allow_nan=False))
        found = problems(event, "https://openlineage.io/spec/2-0-2/OpenLineage.json")
        found += problems(event, event["schemaURL"])
        for facet in _facets(event):
            found += problems(facet, facet["_schemaURL"])
        return found

    return check


def _facets(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [facet for item in value for facet in _facets(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if "_schemaURL" in value else []
    return own + [facet for item in value.values() for facet in _facets(item)]
