"""Rows taken out of files that Spark reads, on whatever file system: one file after the other is written anew.

A new file is made in a folder that Spark does not read, and counted before it takes the old one's name. HDFS does that in one step;
in an object store, the object is replaced as a whole when the new content is all there. Who is killed on the way loses nothing, and
goes on by beginning again. Lines of JSON are kept as they are.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hookline.core.errors import ProtectionError
from hookline.core.text import quoted
from hookline.governance.erasure.columns import column_at, meant, place_of
from hookline.governance.erasure.hadoop import FileSystem
from hookline.governance.erasure.matching import Matcher
from hookline.governance.erasure.parquet import Found

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.sealing import Seal

Format = Literal["parquet", "orc", "json"]
# In a folder of this name Spark sees no data.
_SCRATCH = "_hookline_erase"
_LINE, _ROW, _FILE = "value", "hookline_row", "hookline_file"
# A path is one, whatever signs are in it.
_ONE_PATH = "__globPaths__"
_MEANWHILE = "a file was changed by somebody else meanwhile: erase again"
_SUFFIX = re.compile(r"\.(parquet|orc|json|jsonl|ndjson)(?:\.(?:gz|gzip|bz2|zst|deflate|snappy|lz4))?$")
_SUFFIXES: dict[str, Format] = {"parquet": "parquet", "orc": "orc", "json": "json", "jsonl": "json", "ndjson": "json"}
_CODEC = re.compile(r"\.(snappy|zstd|gz|lz4|lz4_raw|brotli|zlib)\.(?:parquet|orc)$")
_CODECS = {"gz": "gzip"}


Sealing = Callable[["DataFrame"], "Seal | None"]


def format_of(spark: SparkSession, uri: str) -> Format | None:
    """What the files at a place are, when all their names say the same."""
    system = FileSystem(spark, uri)
    found = {match[1] if (match := _SUFFIX.search(name)) else "" for name in system.names()} if system.exists else set()
    return _SUFFIXES.get(found.pop()) if len(found) == 1 else None


class _Having(NamedTuple):
    """A file with rows that are meant: how many, and of how many."""

    path: str
    meant: int
    rows: int


class Files:
    """The files of a format at a path.

    Args:
        sealing: how those are encrypted at rest that are written anew; None where they are not.

    Attributes:
        exists: whether there is anything.
    """

    def __init__(self, spark: SparkSession, uri: str, kind: Format, sealing: Sealing = lambda _: None) -> None:
        self.kind: Format = kind
        self._spark = spark
        self._uri = uri
        self._sealing = sealing
        self._system = FileSystem(spark, uri)
        self.exists = self._system.exists

    def columns(self) -> list[str]:
        """The names of its columns."""
        return self._rows().columns

    def rows(self, column: str, matcher: Matcher) -> Iterator[dict[str, Any]]:
        """See ``Holding``."""
        frame = self._rows()
        for row in frame.where(meant(frame, column, matcher)).toLocalIterator():
            yield row.asDict(recursive=True)

    def find(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
        """See ``Holding``."""
        return _summed(self._having(column, matcher, columns))

    def take_out(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
        """See ``Holding``.

        Raises:
            ProtectionError: a column can't be null, or a file was changed by somebody else meanwhile.
        """
        scratch = f"{self._uri.rstrip('/')}/{_SCRATCH}" if self._system.is_folder else f"{self._uri}.{_SCRATCH}"
        self._system.delete(scratch)
        folders = {name.lower() for name in self._system.folders()} if self._system.is_folder else set()
        if folders & {name.lower() for name in columns}:
            raise ProtectionError("a column that folders are named after can't be null: delete the rows instead")
        if columns and self.kind == "json":
            raise ProtectionError("lines of JSON are taken out and not changed: say `how: delete`")
        having = self._having(column, matcher, columns)
        try:
            for one in having:
                if column.lower() in folders:
                    self._put(one.path, lambda plain: plain.limit(0), 0, scratch)
                elif columns:
                    self._put(one.path, partial(_nulled, column, matcher, columns), one.rows, scratch)
                else:
                    self._put(one.path, self._without(column, matcher), one.rows - one.meant, scratch)
        finally:
            self._system.delete(scratch)
        if having and self._system.is_folder:
            self._system.drop_empty()
        return _summed(having)

    def _without(self, column: str, matcher: Matcher) -> Callable[[DataFrame], DataFrame]:
        def kept(plain: DataFrame) -> DataFrame:
            told = self._told(plain)
            return told.where(~meant(told, self._inside(column), matcher)).select(*map(quoted, plain.columns))

        return kept

    def _put(self, path: str, change: Callable[[DataFrame], DataFrame], left: int, scratch: str) -> None:
        """Put what is left of a file in its place; without any rows, there is no file, unless it is the last one."""
        before = self._system.state(path)
        fresh = None
        if left or not self._system.has_others(path):
            fresh = self._written(change(self._plain(path)), f"{scratch}/{uuid.uuid4().hex}", path)
            if self._plain(fresh).count() != left:
                raise ProtectionError(_MEANWHILE)
        if self._system.state(path) != before:
            raise ProtectionError(_MEANWHILE)
        if fresh is None:
            self._system.delete(path)
        else:
            self._system.replace(fresh, path)

    def _written(self, kept: DataFrame, scratch: str, old: str) -> str:
        """The path of the one file that the rows were written to."""
        seal = self._sealing(kept) if self.kind == "parquet" else None
        options = dict(seal.options(kept.schema)) if seal is not None else {}
        codec = _CODEC.search(old)
        if self.kind == "json":
            options["compression"] = self._system.codec_of(old) or "none"
        elif codec is not None:
            options["compression"] = _CODECS.get(codec[1], codec[1])
        kept.coalesce(1).write.format(self._format).options(**options).save(scratch)
        fresh = self._system.only_file(scratch)
        if seal is not None:
            seal.check([fresh])
        return fresh

    def _having(self, column: str, matcher: Matcher, columns: Sequence[str]) -> list[_Having]:
        from pyspark.sql import functions as F

        told = self._told(self._all().select("*", F.col("_metadata.file_path").alias(_FILE)))
        wanted = meant(told, self._inside(column), matcher, [self._inside(name) for name in columns])
        counted = told.groupBy(_FILE).agg(F.count_if(wanted).alias("meant"), F.count(F.lit(1)).alias("rows"))
        found = counted.where("meant > 0").collect()
        return sorted(_Having(self._system.of_uri(one[_FILE]), one["meant"], one["rows"]) for one in found)

    @property
    def _format(self) -> str:
        return "text" if self.kind == "json" else self.kind

    def _plain(self, path: str) -> DataFrame:
        """What is in one file."""
        return self._spark.read.format(self._format).option(_ONE_PATH, "false").load(path)

    def _all(self) -> DataFrame:
        """What is in all files, with what the folders' names say, as texts."""
        return self._read(self._format)

    def _rows(self) -> DataFrame:
        return self._read(self.kind)

    def _read(self, kind: str) -> DataFrame:
        conf, setting = self._spark.conf, "spark.sql.sources.partitionColumnTypeInference.enabled"
        before = str(conf.get(setting))
        conf.set(setting, "false")
        try:
            reader = self._spark.read.format(kind).option(_ONE_PATH, "false").option("mergeSchema", "true")
            return reader.load(self._uri)
        finally:
            conf.set(setting, before)

    def _told(self, frame: DataFrame) -> DataFrame:
        """With what lines of JSON say, in a column of its own."""
        from pyspark.sql import functions as F

        if self.kind != "json":
            return frame
        return frame.withColumn(_ROW, F.from_json(_LINE, self._schema))

    def _inside(self, column: str) -> str:
        if self.kind != "json" or column.lower() in {name.lower() for name in self._system.folders()}:
            return column
        return f"{_ROW}.{column}"

    @cached_property
    def _schema(self) -> StructType:
        """Of the objects in lines of JSON.

        Raises:
            ProtectionError: there are other lines.
        """
        from pyspark.sql import functions as F
        from pyspark.sql.types import StructType

        rows = self._rows()
        corrupt = str(self._spark.conf.get("spark.sql.columnNameOfCorruptRecord"))
        listed = self._all().where(F.ltrim(_LINE).startswith("[")).limit(1).count()
        if corrupt in rows.columns or listed:
            raise ProtectionError("it has lines that are no JSON objects: look by hand")
        folders = self._system.folders()
        return StructType([field for field in rows.schema.fields if field.name not in folders])


def _nulled(column: str, matcher: Matcher, columns: Sequence[str], frame: DataFrame) -> DataFrame:
    """The rows, with nothing in some columns of those that are meant."""
    from pyspark.sql import functions as F

    told = meant(frame, column, matcher)
    changed: dict[str, Column] = {}
    for name in columns:
        (top, *rest), kind = place_of(frame, name, cut=True)
        null = F.when(told, F.lit(None).cast(kind)).otherwise(column_at((top, *rest)))
        own = changed.get(top, column_at((top,)))
        changed[top] = own.withField(".".join(map(quoted, rest)), null) if rest else null
    return frame.select(*(changed.get(name, column_at((name,))).alias(name) for name in frame.columns))


def _summed(having: Sequence[_Having]) -> Found:
    folders = {one.path.rpartition("/")[0] for one in having if "=" in one.path.rpartition("/")[0].rpartition("/")[2]}
    return Found(sum(one.meant for one in having), len(having), len(folders))
