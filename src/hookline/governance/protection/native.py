"""Tokens made in the JVM: an expression of Spark's own kind, which is handed a key's name and finds the key where it runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.governance.keys.ring import SALT, info_of
from hookline.governance.protection.jvm_classes import java_class
from hookline.governance.protection.normal import BLANKS, PUNCTUATION

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

    from hookline.governance.protection.deeds import Keyed

logger = logging.getLogger(__name__)
# Keepers that a JVM can ask without a further library.
PROVIDERS = frozenset({"file", "environment"})


def native_class(spark: SparkSession, folder: Path) -> Any:
    """The class, in this session; None where it can't be made, and Python has to do it.

    Args:
        folder: where the jar is put.
    """
    try:
        return java_class(spark, "Tokens", folder)
    except Exception as error:
        logger.warning(
            "tokens are made by Python, which takes longer: the JVM does not take our class (%s)", type(error).__name__
        )
        logger.debug("the reason", exc_info=True)
        return None


def tokens(spark: SparkSession, java: Any, column: Column, keyed: Keyed) -> Column:
    """The tokens of a column of texts, by the class that ``native_class`` gave."""
    jvm: Any = spark._jvm
    gateway: Any = spark.sparkContext._gateway
    from_environment = keyed.keys.provider == "environment"
    values = (
        keyed.keys.provider,
        keyed.keys.prefix if from_environment else str(keyed.key_file),
        keyed.key,
        keyed.version,
        bytearray(info_of(keyed.purpose, keyed.tenant, keyed.entity)),
        SALT.decode(),
        BLANKS,
        PUNCTUATION,
        ",".join(keyed.steps),
        str(int(keyed.keys.cache_s * 1000)),
    )
    arguments = gateway.new_array(jvm.java.lang.Object, len(values))
    for place, value in enumerate(values):
        arguments[place] = value
    function = java.getConstructors()[0].newInstance(arguments)
    made: Column = type(column)(function.of(column._jc))
    return made
