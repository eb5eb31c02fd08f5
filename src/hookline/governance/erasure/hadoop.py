"""What a file system of Hadoop's does with files: listed, told apart, replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from hookline.governance.erasure.parquet import hidden

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Where a rename replaces what is there in one step. Elsewhere an object is put in place of another one.
_RENAMING = frozenset({"file", "hdfs", "viewfs"})


class State(NamedTuple):
    """By which it is seen that a file was changed."""

    modified_ms: int
    bytes: int


class FileSystem:
    """The file system of a place, by the settings of a session. Paths are Hadoop's, and hold any signs as they are.

    Attributes:
        is_folder: whether the place is one.
    """

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._jvm: Any = spark._jvm
        self._gateway: Any = spark.sparkContext._gateway
        self._conf = spark._jsparkSession.sessionState().newHadoopConf()
        self._root = self._path(uri)
        self._system = self._root.getFileSystem(self._conf)
        self.exists = bool(self._system.exists(self._root))
        self.is_folder = self.exists and bool(self._system.getFileStatus(self._root).isDirectory())

    def of_uri(self, uri: str) -> str:
        """The path that a URI names, as Spark's ``_metadata`` does."""
        return str(self._jvm.org.apache.hadoop.fs.Path(self._jvm.java.net.URI(uri)).toString())

    def state(self, path: str) -> State:
        """A file's."""
        status = self._system.getFileStatus(self._path(path))
        return State(status.getModificationTime(), status.getLen())

    def folders(self) -> set[str]:
        """The columns that folders are named after: ``country=DE``."""
        found = set()
        for path in self._data_files():
            while (path := path.getParent()) is not None and not path.equals(self._root):
                name, equals, _ = path.getName().partition("=")
                found |= {unquote(name)} if equals else set()
        return found

    def names(self) -> Iterator[str]:
        """The names of the data files."""
        yield from (str(path.getName()) for path in self._data_files())

    def has_others(self, path: str) -> bool:
        """Whether there are data files besides one."""
        own = self._system.makeQualified(self._path(path))
        return any(not self._system.makeQualified(other).equals(own) for other in self._data_files())

    def codec_of(self, path: str) -> str | None:
        """The codec's class by which a file's name says that it is compressed."""
        codec = self._jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(self._conf).getCodec(self._path(path))
        return None if codec is None else str(codec.getClass().getName())

    def only_file(self, folder: str) -> str:
        """The data file in a folder that has one."""
        (found,) = (status for status in self._system.listStatus(self._path(folder)) if not hidden(_name(status)))
        return str(found.getPath().toString())

    def delete(self, path: str) -> None:
        """A file, or a folder with all that is in it."""
        self._system.delete(self._path(path), True)

    def replace(self, fresh: str, old: str) -> None:
        """Give a file another one's name."""
        source, target = self._path(fresh), self._path(old)
        if self._system.getUri().getScheme() in _RENAMING:
            rename = self._jvm.org.apache.hadoop.fs.Options.Rename
            ways = self._gateway.new_array(rename, 1)
            ways[0] = rename.OVERWRITE
            self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(self._root.toUri(), self._conf).rename(
                source, target, ways
            )
        else:
            copy = self._jvm.org.apache.hadoop.fs.FileUtil.copy
            copy(self._system, source, self._system, target, True, True, self._conf)

    def drop_empty(self) -> None:
        """Folders of partitions that nothing is left of: their names may tell whose rows they had."""
        for folder in [*self._folders_below(self._root)]:
            if "=" in folder.getName() and all(hidden(_name(one)) for one in self._system.listStatus(folder)):
                self._system.delete(folder, True)

    def _data_files(self) -> Iterator[Any]:
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            for status in self._system.listStatus(folder):
                if not hidden(_name(status)) or not self.is_folder:
                    if status.isDirectory():
                        waiting.append(status.getPath())
                    else:
                        yield status.getPath()

    def _folders_below(self, folder: Any) -> Iterator[Any]:
        """Those within others first."""
        for status in self._system.listStatus(folder):
            if status.isDirectory() and not hidden(_name(status)):
                yield from self._folders_below(status.getPath())
                yield status.getPath()

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path)


def _name(status: Any) -> str:
    return str(status.getPath().getName())
