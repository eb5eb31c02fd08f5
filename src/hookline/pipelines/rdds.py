"""RDD saves: an event and an authorization. There are no columns to transform, measure or judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.pipelines import chain

# Each method with the position and keyword of its path; None where the path is in a configuration mapping.
RDD_SAVES: Mapping[str, str | None] = {
    "saveAsTextFile": "path",
    "saveAsPickleFile": "path",
    "saveAsSequenceFile": "path",
    "saveAsHadoopFile": "path",
    "saveAsNewAPIHadoopFile": "path",
    "saveAsHadoopDataset": None,
    "saveAsNewAPIHadoopDataset": None,
}
_PATH_KEYS = ("mapreduce.output.fileoutputformat.outputdir", "mapred.output.dir")


def rdd_request(
    rdd: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], bare: Callable[[], Any]
) -> chain.Request:
    """What an RDD's save method asks for."""
    from pyspark.sql import SparkSession

    from hookline.pipelines import chain, names, plans, targets

    spark = SparkSession._instantiatedSession or SparkSession(rdd.ctx)
    path = _path(method, args, kwargs)
    uri = None if path is None else plans.qualified(spark, path)
    dataset = (
        names.other_dataset(method) if uri is None else names.path_dataset(uri, "text" if "Text" in method else None)
    )
    return chain.Request(
        spark=spark,
        target=targets.OpaqueTarget(dataset),
        operation="errorifexists",
        execute=lambda _: bare(),
        opaque="an RDD has no columns, and its source is not known",
        measurable=False,
    )


def _path(method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    keyword = RDD_SAVES[method]
    if keyword is not None:
        return str(kwargs.get(keyword, args[0] if args else ""))
    configuration = kwargs.get("conf", args[0] if args else {})
    return next((str(configuration[key]) for key in _PATH_KEYS if key in configuration), None)
