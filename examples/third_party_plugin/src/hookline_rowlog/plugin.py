"""``rowlog``: appends one line of JSON to a file for every write that a job finishes."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hookline import Message, PluginConfig, PluginContext, Run, SinkError, Write, hookimpl
from pydantic import Field


class RowlogConfig(PluginConfig):
    """Options of ``rowlog``."""

    path: str = Field("rowlog.jsonl", min_length=1, description="The file, from the configuration's folder.")
    minimum_rows: int = Field(0, ge=0, description="Smaller writes are passed over.")


class RowlogPlugin:
    """Writes become messages here, and lines in ``FileSink``."""

    Config: ClassVar[type[PluginConfig]] = RowlogConfig

    def __init__(self, config: RowlogConfig, context: PluginContext) -> None:
        self._config = config
        self._name = context.name
        self._outbox = context.outbox
        self._outbox.register(self._name, FileSink(context.base_dir / config.path))

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Put one line on its way."""
        if (event.rows or 0) >= self._config.minimum_rows:
            # The id follows from the write, so that a repeated message can be told.
            self._outbox.put(self._name, _line(event, run), kind="write", id=event.write_id, order_key=run.run_id)


class FileSink:
    """Appends messages to a file."""

    batch_size = 100

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, messages: Sequence[Message]) -> None:
        """Append all messages, or none.

        Raises:
            SinkError: when the file can't be written; worth another try, since a disk can be emptied.
        """
        lines = "".join(json.dumps({"id": message.id, **message.payload}) + "\n" for message in messages)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as stream:
                _append(stream.fileno(), lines.encode())
        except OSError as error:
            raise SinkError(f"{self._path}: {error.strerror}") from error


def _append(descriptor: int, content: bytes) -> None:
    """Write everything and see it on the disk; what was written of a part is taken back."""
    size_bytes = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, content) < len(content):
            raise OSError(0, "the disk took only a part")
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size_bytes)
        raise


def _line(event: Write, run: Run) -> Mapping[str, Any]:
    return {
        "at": (event.finished_at or event.started_at).isoformat(),
        "job": run.job,
        "environment": run.environment,
        "dataset": str(event.dataset),
        "rows": event.rows,
    }
