"""The JVM with few calls: each call over the gateway costs both sides a tenth of a millisecond, which the job could use."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def java_class(spark: SparkSession, name: str) -> Any:
    """A class of the JVM by its full name, without a call; Spark's own view of the JVM asks for each part of a name."""
    from py4j.java_gateway import JavaClass

    return JavaClass(name, _gateway(spark)._gateway_client)


def items(java: Any) -> Iterator[Any]:
    """The items of a Scala Seq; half the calls that its iterator takes."""
    for place in range(java.size()):
        yield java.apply(place)


class Memory:
    """What was found out about objects of the JVM, kept there for as long as the JVM keeps the objects, or their equals.

    Its keys are weak: it holds no object, and nothing that belongs to one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._maps: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def recall(self, spark: SparkSession, thing: Any) -> str | None:
        """The text that is kept about it, or None."""
        told = self._map(spark).get(thing)
        return None if told is None else str(told)

    def keep(self, spark: SparkSession, thing: Any, text: str) -> None:
        """Keep a text about it."""
        self._map(spark).put(thing, text)

    def _map(self, spark: SparkSession) -> Any:
        key = _gateway(spark)
        with self._lock:
            if key not in self._maps:
                weak = java_class(spark, "java.util.WeakHashMap")()
                self._maps[key] = java_class(spark, "java.util.Collections").synchronizedMap(weak)
            return self._maps[key]


def _gateway(spark: SparkSession) -> Any:
    return spark._sc._gateway
