"""Pieces of a pipeline that are not Spark (functions, pandas, shell steps): a run each, with the inputs and outputs it names.

Nothing is intercepted here: the piece says what it reads and writes. What it says goes the way of every write: plugins that
decide are asked before it runs, and a measure that is required, which nobody can take of it, refuses it before it runs.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

from hookline.core.config import Config
from hookline.core.errors import WriteRefusedError
from hookline.core.events import ColumnLineage, Dataset, Measure, Measured, Operation, Read, Write, utc_now
from hookline.core.runtime import RunScope
from hookline.pipelines import names
from hookline.pipelines.attach import run_scope
from hookline.pipelines.targets import FILE_FORMATS
from hookline.pipelines.wording import error_info, refusal

P = ParamSpec("P")
R = TypeVar("R")
Place = Dataset | str | os.PathLike[str]
Places = Iterable[Place] | Callable[..., Iterable[Place]]
_UNTRACED = ColumnLineage(degraded="a piece that is not Spark tells of datasets, not of columns")
_UNMEASURED = "a piece that is not Spark wrote it: it can't be measured"


def lineage_job(
    name: str,
    *,
    inputs: Places = (),
    outputs: Places = (),
    operation: Operation = "overwrite",
    config: Config | Path | str | None = None,
    environment: str | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Each call of the decorated function is a run of this name that made each output from all inputs.

    Inside another run it is that one's child, and seen by the same plugins; its lineage is in the same graph.

    Args:
        inputs, outputs: datasets: ``hookline.Dataset``, or a path or URI. Or a function that is called with the decorated
            function's arguments and returns them.
        operation: what happens to the outputs.
        config: a configuration, or the path of one, for when nothing is attached yet.
        environment: the overlay to use, such as ``prod``.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
        WriteRefusedError: when a plugin refuses an output; the function has not run then, unless its verdict came after.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            sources, results = (_datasets(places, args, kwargs) for places in (inputs, outputs))
            with run_scope(name, config=config, environment=environment, engine="python") as scope:
                reads = tuple(_read(dataset) for dataset in sources)
                return _Piece(scope, reads, results, operation).run(lambda: function(*args, **kwargs))

        return wrapper

    return decorate


class _Piece:
    """One call: what it reads, and a write for each of its outputs."""

    def __init__(
        self, scope: RunScope, inputs: tuple[Read, ...], outputs: tuple[Dataset, ...], operation: Operation
    ) -> None:
        self._scope = scope
        self._inputs = inputs
        self._wanted: dict[str, Mapping[str, tuple[Measure, ...]]] = {}
        # Those that are not ended yet.
        self._open = [
            Write(
                scope.next_write_id(),
                dataset,
                operation,
                utc_now(),
                inputs=inputs,
                transformable=False,
                column_lineage=_UNTRACED,
            )
            for dataset in outputs
        ]

    def run(self, call: Callable[[], R]) -> R:
        """Ask, run, tell. Whatever ends it, each write is ended once."""
        for read in self._inputs:
            self._scope.record_read(read)
        try:
            with self._scope.overhead():
                self._ask()
            began = time.perf_counter()
            answer = call()
            took_s = time.perf_counter() - began
            with self._scope.overhead():
                self._tell(took_s)
        except BaseException as error:
            self._fail(error)
            raise
        return answer

    def _ask(self) -> None:
        """Whether all of it may be written.

        Raises:
            WriteRefusedError: it may not, or a measure is required that nobody can take.
        """
        for write in self._open:
            self._scope.bus.authorize(write, self._scope.run)
            wanted = self._scope.bus.measures(write, self._scope.run)
            self._wanted[write.write_id] = wanted
            required = [str(measure) for own in wanted.values() for measure in own if measure.required]
            if required:
                reason = f"{', '.join(required)} is required and could not be measured: {_UNMEASURED}"
                raise WriteRefusedError(str(write.dataset), (reason,))
        for write in self._open:
            self._scope.record_write_started(write)

    def _tell(self, took_s: float) -> None:
        """The writes are done: judge those that are judged without a measure, and tell."""
        refused: WriteRefusedError | None = None
        while self._open:
            size = _size(self._open[0].dataset)
            self._open[0] = dataclasses.replace(
                self._open[0],
                finished_at=utc_now(),
                duration_s=took_s,
                published=True,
                bytes=size,
                files=None if size is None else 1,
            )
            try:
                self._judge(0)
                self._scope.record_write_ended(self._open.pop(0), failed=False)
            except WriteRefusedError as error:
                refused = refused or error
                self._end(self._open.pop(0), error)
        if refused is not None:
            raise refused

    def _judge(self, position: int) -> None:
        """A verdict that refuses comes too late to undo anything; it is told, and ends the run."""
        write = self._open[position]
        wanted = self._wanted[write.write_id]
        results = {measure: Measured(error=_UNMEASURED) for own in wanted.values() for measure in own}
        self._scope.bus.show_measured(write, self._scope.run, wanted, results)
        verdicts = self._scope.bus.judge(write, self._scope.run, wanted, results)
        self._open[position] = write = dataclasses.replace(write, verdicts=verdicts)
        reasons = tuple(refusal(verdict) for verdict in verdicts if verdict.refuses)
        if reasons:
            raise WriteRefusedError(str(write.dataset), reasons, published=True)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, WriteRefusedError):
            self._scope.refuse()
            self._scope.note(str(error))
        while self._open:
            self._end(self._open.pop(0), error)

    def _end(self, write: Write, error: BaseException) -> None:
        ended = dataclasses.replace(write, finished_at=utc_now(), error=error_info(error))
        self._scope.record_write_ended(ended, failed=True)


def _datasets(places: Places, args: tuple[object, ...], kwargs: Mapping[str, object]) -> tuple[Dataset, ...]:
    found = places(*args, **kwargs) if callable(places) else places
    if isinstance(found, (str, Dataset, os.PathLike)):  # one alone; of a text each letter would be a path
        found = (found,)
    return tuple(dict.fromkeys(_dataset(place) for place in found))


def _dataset(place: Place) -> Dataset:
    """A dataset as it is; a URI or a path by its place, with the format that its name tells."""
    if isinstance(place, Dataset):
        return place
    text = os.fspath(place)
    suffix = Path(text).suffix.removeprefix(".").lower()
    uri = text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", text) else os.path.abspath(text)
    return names.path_dataset(uri, suffix if suffix in FILE_FORMATS else None)


def _read(dataset: Dataset) -> Read:
    size = _size(dataset)
    return Read(dataset, bytes=size, files=None if size is None else 1)


def _size(dataset: Dataset) -> int | None:
    """Of a local file, in bytes."""
    try:
        status = os.stat(dataset.name) if dataset.namespace == "file" else None
    except (OSError, ValueError):
        return None
    return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else None
