"""Data whose files are encrypted as they are written: what ``transform_write`` may answer with in place of a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType


class Seal(Protocol):
    """How files are encrypted, and how that is seen."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that it is about, without those of fields in them."""

    def options(self, schema: StructType) -> Mapping[str, str]:
        """What the writer is told, for this one write.

        Args:
            schema: of the rows as the target will have them.

        Raises:
            HooklineError: they can't be encrypted.
        """

    def check(self, files: Sequence[str]) -> int:
        """How many rows the new files hold, which nobody else can see yet.

        Raises:
            HooklineError: one of them is not encrypted as it is to be.
        """


@dataclass(frozen=True)
class Sealed:
    """Data, and how its files are encrypted. A write that can't be told so is refused."""

    frame: DataFrame
    seal: Seal
