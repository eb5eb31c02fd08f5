"""What tests of every room share."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.fuse import Target

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / ".cache" / "jars"
# OpenLineage's schemas, where they are kept beside the repository.
SPEC = next((found for above in ROOT.parents if (found := above / "shared" / "openlineage-spec").is_dir()), None)
Validate = Callable[[dict[str, Any]], list[str]]

# Workers of pytest-xdist have a main module without a file or a specification. PySpark takes that for its own doctests, and
# ends the process when Spark Connect's packages are missing.
if not hasattr(sys.modules["__main__"], "__file__") and sys.modules["__main__"].__spec__ is None:
    sys.modules["__main__"].__spec__ = ModuleSpec("__main__", None)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One small local session for all tests that need Spark, with Delta Lake when its jars have been fetched."""
    from pyspark.sql import SparkSession

    warehouse = tmp_path_factory.mktemp("warehouse")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = (
        SparkSession.builder.master("local[2]")
        .appName("hookline-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        # Thousands of tests share it: what Spark and Delta remember of each must not add up until the context stops itself.
        .config("spark.driver.memory", "2g")
        .config("spark.ui.retainedJobs", "50")
        .config("spark.ui.retainedStages", "50")
        .config("spark.ui.retainedTasks", "1000")
        .config("spark.sql.ui.retainedExecutions", "20")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(warehouse))
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={warehouse}")
    )
    jars = sorted(str(jar) for jar in JARS.glob("*.jar"))
    if any("delta-spark" in jar for jar in jars):
        builder = (
            builder.config("spark.jars", ",".join(jars))
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.databricks.delta.snapshotPartitions", "2")
        )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def _partition(base: Path, file: Path) -> dict[str, str | None]:
    pairs = (part.split("=", 1) for part in file.relative_to(base).parts[:-1])
    return {unquote(name): None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value) for name, value in pairs}


@pytest.fixture
def parquet_target(spark: SparkSession) -> Callable[..., Target]:
    """The target of a Parquet folder that was written with this schema."""

    from hookline.core.fuse import Target, WrittenFile, columns_of

    def make(path: Path, schema: StructType, **more: Any) -> Target:
        files = tuple(
            WrittenFile(str(file), file.stat().st_size, partition=_partition(path, file))
            for file in sorted(path.rglob("*.parquet"))
        )
        described = {
            "spark": spark,
            "format": "parquet",
            "columns": columns_of(schema),
            "files": files,
            "read_back": lambda: spark.read.schema(schema).parquet(str(path)),
        }
        return Target(**(described | more))

    return make


# -- OpenLineage: every event that any test makes is held against the specification's schemas --------------------------


@cache
def _validator() -> Validate | None:
    """Holds an event against OpenLineage.json and each of its facets against the schema that it names."""
    if SPEC is None:
        return None
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

    @cache
    def validator(reference: str) -> Any:
        assert reference.partition("#")[0] in schemas, f"{reference} is no schema of the specification"
        return Draft202012Validator({"$ref": reference}, registry=registry, format_checker=formats)

    def problems(value: Any, reference: str) -> list[str]:
        return [f"{reference}: {error.message}" for error in validator(reference).iter_errors(value)]

    def check(event: dict[str, Any]) -> list[str]:
        event = json.loads(json.dumps(event, allow_nan=False))
        found = problems(event, "https://openlineage.io/spec/2-0-2/OpenLineage.json")
        found += problems(event, event["schemaURL"])
        for facet in _facets_in(event):
            found += problems(facet, facet["_schemaURL"])
        return found

    return check


def _facets_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [facet for item in value for facet in _facets_in(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if "_schemaURL" in value else []
    return own + [facet for item in value.values() for facet in _facets_in(item)]


@pytest.fixture(scope="session")
def validate() -> Validate:
    """What is wrong with an event, by the specification's schemas."""
    check = _validator()
    if check is None:
        pytest.skip("the OpenLineage schemas are not here")
    return check


@pytest.fixture(scope="session", autouse=True)
def _invalid_events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Problems of the events that this process makes; at the end, those in files that other processes wrote as well."""
    from hookline.lineage import events, openlineage

    found: list[str] = []
    check = _validator()
    make, export = openlineage.EventBuilder._event, events._events

    def made(builder: Any, *arguments: Any) -> Any:
        event = make(builder, *arguments)
        found.extend(check(event) if check is not None else ())
        return event

    def exported(graph: Any) -> Iterator[dict[str, Any]]:
        for event in export(graph):
            found.extend(check(event) if check is not None else ())
            yield event

    openlineage.EventBuilder._event = made  # type: ignore[method-assign]
    events._events = exported
    yield found
    openlineage.EventBuilder._event = make  # type: ignore[method-assign]
    events._events = export
    for file in tmp_path_factory.getbasetemp().rglob("lineage.ndjson") if check is not None else ():
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()  # some tests spoil theirs
        events = [json.loads(line) for line in lines if line.startswith('{"eventType"')]
        assert [(file, problem) for event in events for problem in check(event)] == []


@pytest.fixture(autouse=True)
def _only_valid_events(_invalid_events: list[str]) -> Iterator[None]:
    """A test that made an invalid event fails, whatever became of the event."""
    yield
    problems = list(dict.fromkeys(_invalid_events))
    _invalid_events.clear()
    assert problems == []
