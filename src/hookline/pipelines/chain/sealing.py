"""Writes whose files are encrypted: what the writer is told, and what the files show of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hookline.core.errors import HooklineError, WriteRefusedError

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from hookline.core.events import Write
    from hookline.core.sealing import Seal, Sealed
    from hookline.pipelines.chain.request import Request
    from hookline.pipelines.targets import Written


def sealed(request: Request, data: Sealed, write: Write) -> Request:
    """The same request for files that are encrypted.

    Raises:
        WriteRefusedError: they can't be.
    """
    try:
        options = data.seal.options(_schema(request, data))
    except HooklineError as error:
        raise WriteRefusedError(str(write.dataset), (str(error),)) from None
    return dataclasses.replace(request, seal=data.seal, options=options)


def checked(seal: Seal, written: Written, write: Write) -> Written:
    """What was written, once it is seen to be encrypted; with the number of its rows.

    Raises:
        WriteRefusedError: it is not, or that can't be told.
    """
    published = write.published
    if written.files is None:
        reason = "its files are to be encrypted, and which they are can't be told"
        raise WriteRefusedError(str(write.dataset), (reason,), published=published)
    try:
        rows = seal.check([file.path for file in written.files])
    except HooklineError as error:
        raise WriteRefusedError(str(write.dataset), (str(error),), published=published) from None
    return dataclasses.replace(written, rows=rows)


def _schema(request: Request, data: Sealed) -> StructType:
    """Of the rows as the target will have them.

    Where columns go by their position, a policy's names are the frame's and the file's are the table's: they have to agree.
    """
    if request.schema is None:
        return data.frame.schema
    schema = request.schema()
    sensitive = str(request.spark.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"
    same = (lambda name: name) if sensitive else str.lower
    columns = [same(name) for name in data.frame.columns]
    wanted = {same(name) for name in data.seal.columns}
    names = [same(field.name) for field in schema.fields]
    if len(names) != len(columns):  # a static partition is no column of the frame
        names = [name for name in names if name in columns]
    moved = any(one != other and wanted & {one, other} for one, other in zip(names, columns, strict=False))
    if moved or len(names) != len(columns):
        raise HooklineError(
            "a column that is to be encrypted may go to one of the table's columns that has another name: select the columns "
            "under the table's names and in its order"
        )
    return schema
