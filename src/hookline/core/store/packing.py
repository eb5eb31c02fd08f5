"""Documents as the store keeps them: small, and text. Loads no database, as plugins pack theirs while a job starts."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any


def pack(document: Mapping[str, Any]) -> str:
    """A document as the store keeps it."""
    return base64.b64encode(zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 6)).decode()


def unpack(text: str) -> dict[str, Any]:
    """What ``pack`` made a text of."""
    return dict(json.loads(zlib.decompress(base64.b64decode(text))))
