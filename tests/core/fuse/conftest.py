"""Written files as a target, the way the interception of writes describes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from hookline.core.fuse import Target, WrittenFile, columns_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

TargetOf = Callable[..., Target]


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
            "columns": columns_of(schema),
            "files": tuple(files),
            "read_back": lambda: spark.read.format("delta").load(str(path)),
        }
        return Target(**(described | more))

    return make
