"""A key in memory."""

from __future__ import annotations

from typing import Any, NoReturn

KEY_BYTES = 32


class KeyVersion:
    """One version of a named key. It can't be shown, compared, copied into a pickle or turned to text.

    Attributes:
        name: the key's name.
        version: from 1.
    """

    __slots__ = ("_material", "name", "version")

    def __init__(self, name: str, version: int, material: bytes) -> None:
        self.name = name
        self.version = version
        self._material = material

    def reveal(self) -> bytes:
        """The key's bytes, for the one who computes with them and lets go of them."""
        return self._material

    def __repr__(self) -> str:
        return f"<key {self.name} version {self.version}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} can't be pickled: hand its name and version on")

    def __getstate__(self) -> Any:
        return self.__reduce__()
