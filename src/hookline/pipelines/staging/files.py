"""Hadoop's file system at a place: what moving files takes, with an error wherever Hadoop only answers false."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hookline.core.errors import PublishError
from hookline.pipelines import plans
from hookline.pipelines.storage import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Where a rename is one step, of a whole folder too.
_ATOMIC = frozenset({"file", "hdfs", "viewfs"})


class TakenError(PublishError):
    """There is something already where data was to be moved: another writer was faster."""


class Files:
    """The file system that a URI is on."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._java = plans.jvm(spark)
        self._gateway: Any = spark._sc._gateway
        self._path = self._java.org.apache.hadoop.fs.Path
        self._configuration = spark._jsparkSession.sessionState().newHadoopConf()
        self._system = self._path(uri).getFileSystem(self._configuration)
        self.scheme = str(self._system.getUri().getScheme())

    @property
    def atomic(self) -> bool:
        """Whether a folder is renamed in one step; elsewhere each file is copied, and what it was copied from deleted."""
        return self.scheme in _ATOMIC

    def exists(self, uri: str) -> bool:
        """Whether there is a file or folder."""
        return bool(self._system.exists(self._path(uri)))

    def is_folder(self, uri: str) -> bool:
        """Whether what is there is a folder."""
        return bool(self._system.getFileStatus(self._path(uri)).isDirectory())

    def below(self, root: str) -> list[str]:
        """Every file below a folder (hidden ones as well), relative to it; nothing when there is no folder."""
        path = self._path(root)
        if not self._system.exists(path):
            return []
        prefix = str(self._system.makeQualified(path).toUri().getPath()).rstrip("/") + "/"
        found = []
        statuses = self._system.listFiles(path, True)
        while statuses.hasNext():
            found.append(str(statuses.next().getPath().toUri().getPath()).removeprefix(prefix))
        return sorted(found)

    def make_folder(self, uri: str) -> None:
        """Make a folder and those around it."""
        if not self._system.mkdirs(self._path(uri)):
            raise PublishError(f"the folder {uri} can't be made")

    def missing(self, uri: str) -> tuple[str, ...]:
        """The folder and those around it, as far as they do not exist, outermost first."""
        path, found = self._path(uri), []
        while path is not None and not self._system.exists(path):
            found.append(str(path.toString()))
            path = path.getParent()
        return tuple(reversed(found))

    def move(self, source: str, target: str) -> None:
        """Rename a file or folder to a name that is free.

        Raises:
            TakenError: when it is not free (any more).
        """
        # Hadoop moves into a folder that is there, and some file systems over a file.
        if self.exists(target):
            raise TakenError(f"{target} came into being while the data for it was staged")
        if self.atomic and self.is_folder(source):
            self._move_folder(source, target)
        elif not self._system.rename(self._path(source), self._path(target)):
            raise PublishError(f"{source} can't be moved to {target}")

    def _move_folder(self, source: str, target: str) -> None:
        """In one step that fails when another writer was faster since the look at the target."""
        here, there = local_path(source), local_path(target)
        if self.scheme == "file" and here is not None and there is not None:
            try:
                os.rename(here, there)
            except OSError as error:
                raise TakenError(f"{source} can't be moved to {target} ({error.strerror})") from None
            return
        option = self._java.org.apache.hadoop.fs.Options.Rename
        context = self._java.org.apache.hadoop.fs.FileContext.getFileContext(
            self._path(source).toUri(), self._configuration
        )
        try:
            context.rename(self._path(source), self._path(target), self._gateway.new_array(option, 0))
        except Exception as error:  # noqa: BLE001 - each file system has its own
            kind = plans.simple_class(getattr(error, "java_exception", None) or error)
            raise TakenError(f"{source} can't be moved to {target} ({kind})") from None

    def delete(self, uri: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing when there is none."""
        self._system.delete(self._path(uri), True)

    def delete_if_empty(self, uri: str) -> None:
        """Delete a folder without files, or an empty file."""
        path = self._path(uri)
        if not self._system.exists(path):
            return
        status = self._system.getFileStatus(path)
        if int(status.getLen()) == 0 if status.isFile() else len(self._system.listStatus(path)) == 0:
            self._system.delete(path, bool(status.isDirectory()))

    def touch(self, uri: str) -> None:
        """Make an empty file, also where there is one."""
        self._system.create(self._path(uri), True).close()

    def fixed(self, uri: str) -> bool:
        """Whether a folder can't be renamed: a root, a link, a mount point, or one whose surroundings can't be written."""
        if self._path(uri).getParent() is None:
            return True
        local = local_path(uri) if self.scheme == "file" else None
        if local is None or not os.path.lexists(local):
            return False
        return (
            os.path.islink(local) or os.path.ismount(local) or not os.access(os.path.dirname(local), os.W_OK | os.X_OK)
        )


def parent_of(uri: str) -> str:
    """The folder that a path is in."""
    return uri.rpartition("/")[0]


def join(root: str, name: str) -> str:
    """A path below a folder; "" is the folder itself."""
    return f"{root}/{name}" if name else root
