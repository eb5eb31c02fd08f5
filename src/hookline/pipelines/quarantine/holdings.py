"""What a quarantine holds, read without Spark: its rows' reasons and where they come from, and which were replayed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.errors import HooklineError
from hookline.core.events import jsonable
from hookline.pipelines import storage
from hookline.pipelines.quarantine.deposit import SUFFIX

REPLAYED = "_replayed"
_FACTS = ("quarantine_id", "run_id", "job", "dataset", "target_format", "reasons")


@dataclass
class Held:
    """What one write set aside.

    Attributes:
        format: of the dataset that they were meant for.
        files: its files.
        waiting, replayed: the ids of its rows that are still there to be repaired, and of those that were brought back.
        reasons: how many of the waiting rows have each.
    """

    write_id: str
    run_id: str
    job: str
    dataset: str
    run_date: str
    format: str | None = None
    files: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    replayed: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)


class Quarantine:
    """A quarantine's folder.

    Args:
        place: its path or URI.

    Raises:
        HooklineError: there is none, or it can't be read.
    """

    def __init__(self, place: str) -> None:
        from pyarrow import fs

        self.place = place.rstrip("/")
        local = storage.local_path(self.place)
        try:
            found: tuple[Any, str] = (
                (fs.LocalFileSystem(), local) if local is not None else fs.FileSystem.from_uri(_plain(self.place))
            )
            self._system, self._root = found
            selector = fs.FileSelector(self._root, recursive=True)
            files = [info.path for info in self._system.get_file_info(selector) if info.is_file]
        except (OSError, ValueError) as error:
            raise HooklineError(f"{place} can't be read as a quarantine: {_reason(error)}; correct the path") from None
        self._files = sorted(path for path in files if path.endswith(".parquet") and "/.hookline-" not in path)

    def again(self) -> Quarantine:
        """The same as it is now."""
        return Quarantine(self.place)

    def held(self, *, run: str | None = None, write: str | None = None) -> list[Held]:
        """By write, the oldest first.

        Args:
            run, write: only those of a run or a write, by its id or the beginning of it.
        """
        found: dict[str, Held] = {}
        replayed = self.replayed()
        for path in self._rows_files():
            facts = self._read(path, ["write_id", *_FACTS])
            for row in facts:
                if (run and not row["run_id"].startswith(run)) or (write and not row["write_id"].startswith(write)):
                    continue
                one = found.setdefault(row["write_id"], self._describe(row, path))
                if path not in one.files:
                    one.files.append(path)
                if row["quarantine_id"] in replayed:
                    one.replayed.add(row["quarantine_id"])
                else:
                    one.waiting.add(row["quarantine_id"])
                    one.reasons.update(row["reasons"])
        return sorted(found.values(), key=lambda held: (held.run_date, held.write_id))

    def replayed(self) -> set[str]:
        """The ids of all rows that were brought back."""
        marks = (path for path in self._files if f"/{REPLAYED}/" in path)
        return {row["quarantine_id"] for path in marks for row in self._read(path, ["quarantine_id"])}

    def rows(self, held: Held, most: int) -> Iterator[Mapping[str, Any]]:
        """Some waiting rows of a write as they were to be written, JSON-ready. These are values of the job's data."""
        for path in held.files:
            for row in self._read(path, ["quarantine_id", "reasons", "row"]):
                if most <= 0:
                    return
                if row["quarantine_id"] in held.waiting:
                    most -= 1
                    yield {name: _shown(value) for name, value in row.items()}

    def uri(self, path: str) -> str:
        """A file as Spark reads it."""
        return path if storage.local_path(self.place) is not None else f"{self.place}{path.removeprefix(self._root)}"

    def _rows_files(self) -> list[str]:
        return [path for path in self._files if "/run_date=" in path and f"/{REPLAYED}/" not in path]

    def _describe(self, row: Mapping[str, Any], path: str) -> Held:
        run_date = path.rpartition("/run_date=")[2].partition("/")[0]
        return Held(row["write_id"], row["run_id"], row["job"], row["dataset"], run_date, row["target_format"])

    def _read(self, path: str, columns: list[str]) -> list[dict[str, Any]]:
        from pyarrow import ArrowException, parquet

        try:
            with self._system.open_input_file(path) as source:
                rows: list[dict[str, Any]] = parquet.read_table(source, columns=columns).to_pylist()
            return rows
        except (ArrowException, OSError, KeyError) as error:
            raise HooklineError(f"{path} is no file of a quarantine ({_reason(error)}); move it elsewhere") from None


def quarantine_beside(place: str) -> str:
    """The quarantine of a target, unless it is one already."""
    plain = place.rstrip("/")
    return plain if plain.endswith(SUFFIX) else plain + SUFFIX


def _plain(uri: str) -> str:
    """A URI as pyarrow knows its scheme."""
    scheme, mark, rest = uri.partition("://")
    return f"s3{mark}{rest}" if scheme in ("s3a", "s3n") else uri


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _shown(value: Any) -> Any:
    """Bytes as hexadecimal text, and what JSON has none for as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): _shown(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(part) for part in value]
    return json.loads(json.dumps(jsonable(value)))
