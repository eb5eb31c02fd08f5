"""Tokens made in the JVM: a function of Spark's own kind, which is handed a key's name and finds the key where it runs.

Its source lies in ``jvm/Tokens.java``. Spark's own compiler makes a class of it, which goes to the executors as a jar, once a
session.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.governance.keys.ring import SALT, info_of
from hookline.governance.protection.normal import BLANKS, PUNCTUATION

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

    from hookline.governance.protection.deeds import Keyed

logger = logging.getLogger(__name__)
# Keepers that a JVM can ask without a further library.
PROVIDERS = frozenset({"file", "environment"})
_CLASS = "io.hookline.Tokens"
_lock = threading.Lock()
# By the session's class loader, since a session may have one of its own: the class, or None where it can't be had.
_known: dict[int, Any] = {}


def native_class(spark: SparkSession, folder: Path) -> Any:
    """The class, in this session; None where it can't be made, and Python has to do it.

    Args:
        folder: where the jar is put.
    """
    try:
        session: Any = spark._jsparkSession  # Spark Connect has none
        loader = session.sharedState().jarClassLoader()
        place = int(spark._jvm.java.lang.System.identityHashCode(loader))  # type: ignore[union-attr]
        with _lock:
            if place not in _known:
                _known[place] = _loaded(spark, session, loader, folder)
            return _known[place]
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


def _loaded(spark: SparkSession, session: Any, loader: Any, folder: Path) -> Any:
    source = files(__package__).joinpath("jvm").joinpath("Tokens.java").read_text("utf-8")
    # It is linked to classes of this very Spark.
    built = hashlib.sha256(f"{spark.version} {source}".encode()).hexdigest()[:16]
    jar = folder / f"hookline-tokens-{built}.jar"
    if not jar.exists():
        _compile(spark, loader, source, jar)
    session.sessionState().resourceLoader().addJar(str(jar))
    return session.sharedState().jarClassLoader().loadClass(_CLASS)


def _compile(spark: SparkSession, loader: Any, source: str, jar: Path) -> None:
    compiler: Any = spark._jvm.org.codehaus.janino.SimpleCompiler()  # type: ignore[union-attr]
    compiler.setParentClassLoader(loader)
    compiler.cook(source)
    folder = jar.parent
    folder.mkdir(parents=True, exist_ok=True)
    hidden = jar.with_suffix(".new")
    with zipfile.ZipFile(hidden, "w") as archive:
        for name, code in compiler.getBytecodes().items():
            archive.writestr(name.replace(".", "/") + ".class", bytes(code))
    hidden.rename(jar)
