"""Tokens: HMAC-SHA256 (FIPS 198-1, RFC 2104) of a value. Equal values have equal tokens, so that joins keep working.

A token reads ``t2.`` and 43 characters of base64url: the key's version and all 256 bits of the code. It can't be turned back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

TOKEN = re.compile(r"t[1-9][0-9]{0,8}\.[A-Za-z0-9_-]{43}")


def token(key: bytes, version: int, text: str) -> str:
    """The token of a text.

    Args:
        key: derived for the purpose, the tenant and the entity.
        version: the version of the key that it was derived from.
    """
    code = hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"t{version}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"
