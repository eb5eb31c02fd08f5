"""Classes of ours in the JVM: their source lies in ``jvm``, Spark's own compiler makes a jar of it, which goes to the executors."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_lock = threading.Lock()
# By the session's class loader, since a session may have one of its own, and by name.
_known: dict[tuple[int, str], Any] = {}


def java_class(spark: SparkSession, name: str, folder: Path) -> Any:
    """A class of ours, in this session and on its executors.

    Args:
        folder: where the jar is put.

    Raises:
        Exception: whatever comes of it, where it can't be made.
    """
    session: Any = spark._jsparkSession
    loader = session.sharedState().jarClassLoader()
    place = int(spark._jvm.java.lang.System.identityHashCode(loader)), name  # type: ignore[union-attr]
    with _lock:
        if place not in _known:
            jar = _jar(spark, loader, name, folder)
            session.sessionState().resourceLoader().addJar(str(jar))
            _known[place] = loader.loadClass(f"io.hookline.{name}")
        return _known[place]


def _jar(spark: SparkSession, loader: Any, name: str, folder: Path) -> Path:
    source = files(__package__).joinpath("jvm").joinpath(f"{name}.java").read_text("utf-8")
    # It is linked to classes of this very Spark.
    built = hashlib.sha256(f"{spark.version} {source}".encode()).hexdigest()[:16]
    jar = folder / f"hookline-{name.lower()}-{built}.jar"
    if jar.exists():
        return jar
    compiler: Any = spark._jvm.org.codehaus.janino.SimpleCompiler()  # type: ignore[union-attr]
    compiler.setParentClassLoader(loader)
    compiler.cook(source)
    folder.mkdir(parents=True, exist_ok=True)
    hidden = jar.with_suffix(f".{threading.get_ident()}.new")
    with zipfile.ZipFile(hidden, "w") as archive:
        for full_name, code in compiler.getBytecodes().items():
            archive.writestr(full_name.replace(".", "/") + ".class", bytes(code))
    hidden.rename(jar)
    return jar
