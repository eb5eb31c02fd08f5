"""Written files as a target, the way the interception of writes describes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from hookline.core.events import Column
from hookline.core.fuse import Target, WrittenFile

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

TargetOf = Callable[..., Target]


def _partition(base: Path, file: Path) -> dict[str, str | None]:
    pairs = (part.split("=", 1) for part in file.relative_to(base).parts[:-1])
    return {unquote(name): None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value) for name, value in pairs}


def _columns(schema: StructType) -> tuple[Column, ...]:
    return tuple(Column(field.name, field.dataType.simpleString()) for field in schema.fields)


@pytest.fixture
def parquet_target(spark: SparkSession) -> TargetOf:
    """The target of a Parquet folder that was written with this schema."""

    def make(path: Path, schema: StructType, **more: Any) -> Target:
        files = tuple(
            WrittenFile(str(file), file.stat().st_size, partition=_partition(path, file))
            for file in sorted(path.rglob("*.parquet"))
        )
        described = {
            "spark": spark,
            "format": "parquet",
            "columns": _columns(schema),
            "files": files,
            "read_back": lambda: spark.read.schema(schema).parquet(str(path)),
        }
        return Target(**(described | more))

    return make


@pytest.fixture
def delta_target(spark: SparkSession) -> TargetOf:
    """The target of a Delta table's first commit."""

    def make(path: Path, schema: StructType, **more: Any) -> Target:
        log = (path / "_delta_log" / "00000000000000000000.json").read_text()
        adds = [action["add"] for line in log.splitlines() if "add" in (action := json.loads(line))]
        files = []
        for add in adds:
            stats = json.loads(add.get("stats") or "{}", parse_float=Decimal)
            files.append(
                WrittenFile(
                    str(path / unquote(add["path"])),
                    add["size"],
                    rows=stats.get("numRecords"),
                    partition=add["partitionValues"],
                    minima=stats.get("minValues"),
                    maxima=stats.get("maxValues"),
                    nulls=stats.get("nullCount"),
                )
            )
        described = {
            "spark": spark,
            "format": "delta",
            "columns": _columns(schema),
            "files": tuple(files),
            "read_back": lambda: spark.read.format("delta").load(str(path)),
        }
        return Target(**(described | more))

    return make
