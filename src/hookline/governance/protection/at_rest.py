"""Parquet files with encrypted columns: Parquet's own modular encryption, whose keys are wrapped by ours.

Every file has data keys of its own, which it carries wrapped; the name and version of the key that opens them stand beside them.
The class ``jvm/AtRest.java`` wraps and unwraps them where the files are written and read. Options and settings name keys and
say where they are kept, and hold none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.governance.keys.ring import SALT, info_of
from hookline.governance.protection.jvm_classes import java_class
from hookline.governance.protection.leaves import parquet_paths

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.safekeeping import KeysConfig
    from hookline.governance.keys import Keyring, KeyVersion
    from hookline.governance.protection.policy import AtRest, Policy

logger = logging.getLogger(__name__)
FORMATS = frozenset({"parquet"})
_FACTORY = "parquet.crypto.factory.class"
_OURS = "hookline: "
# A job's own settings must not weaken what is written: 256 bits, pages authenticated, keys in the files, no summary beside them.
_FIXED: Mapping[str, str] = {
    "parquet.encryption.algorithm": "AES_GCM_V1",
    "parquet.encryption.data.key.length.bits": "256",
    "parquet.encryption.kek.length.bits": "256",
    "parquet.encryption.double.wrapping": "true",
    "parquet.encryption.key.material.store.internally": "true",
    "parquet.encryption.complete.columns": "false",
    "parquet.encryption.kms.instance.id": "hookline",
    "parquet.summary.metadata.level": "NONE",
}


@dataclass(frozen=True)
class Kept:
    """Columns that are encrypted at rest because of a policy, with a version of a key."""

    policy: str
    section: AtRest
    key: KeyVersion

    @property
    def master(self) -> str:
        """What the files call the key."""
        return f"{self.key.name}/{self.key.version}"

    def document(self) -> dict[str, Any]:
        """For the audit log."""
        return {
            "policy": self.policy,
            "columns": list(self.section.columns),
            "key": self.key.name,
            "version": self.key.version,
            "footer": self.section.footer,
        }


class AtRestKeeper:
    """Encrypts files, and lets a session read them.

    Args:
        keys, base_dir: where keys come from, also where the files are written and read.
        folder: for what the JVM is handed.
    """

    def __init__(self, keyring: Keyring, keys: KeysConfig, base_dir: Path, folder: Path) -> None:
        self._keyring = keyring
        self._keys = keys
        self._base_dir = base_dir.absolute()
        self._folder = folder
        self._met: SparkSession | None = None

    def meet(self, spark: SparkSession) -> None:
        """Let a session, and those beside it, read what was encrypted."""
        settings: Any = spark.sparkContext._jsc.hadoopConfiguration()
        # Parquet finds classes by its settings, which Spark may have made in a thread that knows nothing of added jars.
        settings.setClassLoader(java_class(spark, "AtRest", self._folder).getClassLoader())
        if settings.get(_FACTORY) not in (None, "", _reading(spark, self._keys, self._base_dir)[_FACTORY]):
            logger.warning("%s is set by the job: files that hookline encrypted are not read in it", _FACTORY)
            return
        for name, value in _reading(spark, self._keys, self._base_dir).items():
            settings.set(name, value)
        self._met = spark

    def leave(self) -> None:
        """Take that away from it."""
        if self._met is None:
            return
        with suppress(Exception):  # Spark may have ended
            settings: Any = self._met.sparkContext._jsc.hadoopConfiguration()
            for name in _reading(self._met, self._keys, self._base_dir):
                settings.unset(name)
        self._met = None

    def kept(self, policies: Iterable[Policy]) -> tuple[Kept, ...]:
        """What policies want encrypted, with the versions of keys that are current.

        Raises:
            KeyUnavailableError: a key can't be had.
        """
        return tuple(
            Kept(policy.name, policy.at_rest, self._keyring.get(policy.at_rest.key or policy.key))
            for policy in policies
            if policy.at_rest is not None
        )

    def seal(self, frame: DataFrame, kept: tuple[Kept, ...]) -> FileSeal:
        """For one write of a frame.

        Raises:
            ProtectionError: a column is not there, or the JVM does not take our class.
        """
        spark = frame.sparkSession
        try:
            java = java_class(spark, "AtRest", self._folder)
        except Exception as error:
            logger.debug("the reason", exc_info=True)
            raise ProtectionError(
                f"columns are to be encrypted at rest, and the JVM does not take our class ({type(error).__name__})"
            ) from None
        seal = FileSeal(spark, kept, java, _reading(spark, self._keys, self._base_dir))
        seal.options(frame.schema)
        return seal


@dataclass
class FileSeal:
    """How the files of one write are encrypted. See ``core.sealing.Seal``."""

    spark: SparkSession
    kept: tuple[Kept, ...]
    java: Any = field(repr=False)
    reading: Mapping[str, str] = field(repr=False)
    _paths: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """See ``Seal``. A name with dots of its own is that as well."""
        named = [column for one in self.kept for column in one.section.columns]
        return tuple(dict.fromkeys(name for column in named for name in (column, column.partition(".")[0])))

    @property
    def _plain(self) -> bool:
        return all(one.section.footer == "plaintext" for one in self.kept)

    def options(self, schema: StructType) -> Mapping[str, str]:
        """See ``Seal``."""
        sensitive = str(self.spark.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"
        by_key: dict[str, list[str]] = {}
        taken: set[str] = set()
        for one in self.kept:
            paths = parquet_paths(self.spark, schema, one.section.columns, case_sensitive=sensitive)
            if taken & {*paths}:
                raise ProtectionError(
                    f"the column {min(taken & {*paths})!r} is to be encrypted at rest by two policies"
                )
            taken |= {*paths}
            by_key.setdefault(one.master, []).extend(paths)
        self._paths = tuple(sorted(taken))
        return {
            **self.reading,
            **_FIXED,
            "parquet.encryption.column.keys": ";".join(f"{key}:{','.join(paths)}" for key, paths in by_key.items()),
            "parquet.encryption.footer.key": self.kept[0].master,
            "parquet.encryption.plaintext.footer": str(self._plain).lower(),
        }

    def check(self, files: Sequence[str]) -> int:
        """See ``Seal``. They are read as somebody without keys sees them, and then with keys."""
        from py4j.protocol import Py4JJavaError

        settings = self.spark._jsparkSession.sessionState().newHadoopConf()
        for name, value in self.reading.items():
            settings.set(name, value)
        texts: Any = self._texts
        values = [settings, texts(files), texts(self._paths), self._plain]
        arguments = self.spark._sc._gateway.new_array(self.spark._jvm.java.lang.Object, len(values))  # type: ignore[union-attr]
        for place, value in enumerate(values):
            arguments[place] = value
        (rows,) = [method for method in self.java.getMethods() if method.getName() == "rows"]
        try:
            return int(rows.invoke(None, arguments))
        except Py4JJavaError as error:
            raise ProtectionError(f"its files are not encrypted as they are to be: {_told(error)}") from None

    def _texts(self, values: Sequence[str]) -> Any:
        array = self.spark._sc._gateway.new_array(self.spark._jvm.java.lang.String, len(values))  # type: ignore[union-attr]
        for place, value in enumerate(values):
            array[place] = value
        return array


def _told(error: Any) -> str:
    """What our class says; nothing of what others say, who may quote data."""
    cause = error.java_exception
    kind = ""
    while cause is not None:
        message = str(cause.getMessage() or "")
        if message.startswith(_OURS):
            return message.removeprefix(_OURS)
        kind, cause = str(cause.getClass().getSimpleName()), cause.getCause()
    return kind


def _reading(spark: SparkSession, keys: KeysConfig, base_dir: Path) -> dict[str, str]:
    """What Hadoop's configuration has to say where such files are read."""
    place = keys.prefix if keys.provider == "environment" else str(base_dir / keys.path)
    request = json.dumps({"keys": keys.model_dump(mode="json"), "base_dir": str(base_dir)}, sort_keys=True)
    # Parquet keeps opened keys by this: those of another keeper are others.
    keeper = hashlib.sha256(f"{keys.provider} {place} {request}".encode()).hexdigest()[:16]
    return {
        _FACTORY: "org.apache.parquet.crypto.keytools.PropertiesDrivenCryptoFactory",
        "parquet.encryption.kms.client.class": "io.hookline.AtRest",
        "parquet.encryption.key.access.token": f"hookline-{keeper}",
        "parquet.encryption.cache.lifetime.seconds": str(max(1, math.floor(keys.cache_s))),
        "hookline.keys.provider": keys.provider,
        "hookline.keys.place": place,
        "hookline.keys.request": request,
        "hookline.keys.python": str(spark.sparkContext.pythonExec),
        "hookline.keys.purpose": base64.b64encode(info_of("at_rest", "", "")).decode(),
        "hookline.keys.salt": SALT.decode(),
        "hookline.keys.kept.ms": str(int(keys.cache_s * 1000)),
    }
