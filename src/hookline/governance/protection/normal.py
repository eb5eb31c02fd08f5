"""What is done to a value before it is protected, so that ``Ada@Example.com `` and ``ada@example.com`` have one token.

Every step is defined by itself and not by a language's own idea of it, since the same is done in the JVM (``Tokens.java``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from typing import Literal, get_args

Step = Literal["nfkc", "trim", "lower", "compact"]
STEPS: tuple[Step, ...] = get_args(Step)
# Unicode's White_Space, without what NFKC makes a space of anyway.
BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
# What people put between the digits and letters of a number.
PUNCTUATION = BLANKS + "-\u2010\u2011\u2012\u2013./()+"
_COMPACT = str.maketrans("", "", PUNCTUATION)
_PLAIN: tuple[Step, ...] = ("nfkc", "trim")
_NUMBER: tuple[Step, ...] = ("nfkc", "compact", "lower")
_BY_ENTITY: Mapping[str, tuple[Step, ...]] = {
    "EMAIL_ADDRESS": ("nfkc", "trim", "lower"),
    "PHONE_NUMBER": _NUMBER,
    "CREDIT_CARD": _NUMBER,
    "IBAN_CODE": _NUMBER,
    "US_SSN": _NUMBER,
    "UK_NHS": _NUMBER,
    "US_PASSPORT": _NUMBER,
}


def steps_for(entity: str | None) -> tuple[Step, ...]:
    """The steps that suit an entity when a policy names none."""
    return _BY_ENTITY.get(entity or "", _PLAIN)


def normal(text: str, steps: Collection[str]) -> str:
    """The text after the steps, which are always done in the order of ``STEPS``."""
    if "nfkc" in steps and not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if "trim" in steps:
        text = text.strip(BLANKS)
    if "lower" in steps:
        text = text.lower()
    return text.translate(_COMPACT) if "compact" in steps else text
