"""Which regions a phone number could be of, told from its digits before libphonenumber is asked.

Presidio has the library try every region on every text, in Python. A number that is written without ``+`` is one of a region only
when its digits, after what is dialled before it, match a pattern in the region's plan: the library's own data says so.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# Digits with what the library takes for punctuation of a number between them (four characters at most, x among them).
_RUN = re.compile(r"[0-9](?:[^0-9a-wyz]{0,6}[0-9])*", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[^0-9]+")
_PLANS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)
# The shortest number of the regions that Presidio tries is a German pager's.
LEAST = r"[0-9](?:[^0-9a-wyz]{0,6}[0-9]){3}"


def could_be(text: str, region: str) -> bool:
    """Whether an ASCII text could hold a number of this region; True may be wrong, False is not."""
    if "+" in text:
        return True
    whole, part = _plan(region)
    for run in _RUN.findall(text):
        digits = _PUNCTUATION.sub("", run)
        # Of groups of digits each row may be the number; digits that nothing parts are it as they are, or not at all.
        if (whole.fullmatch(digits) if digits == run else part.search(digits)) is not None:
            return True
    return False


@lru_cache(maxsize=512)
def _plan(region: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Of a whole row of digits, and of a part of one."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    own: Any = PhoneMetadata.metadata_for_region(region)
    wanted: set[str] = set()
    for neighbour in COUNTRY_CODE_TO_REGION_CODE[own.country_code]:
        plan: Any = PhoneMetadata.metadata_for_region(neighbour)
        kinds = [getattr(plan, kind) for kind in _PLANS]
        wanted |= {kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern}
    numbers = "|".join(sorted(wanted))
    abroad = rf"(?:{own.international_prefix})\d+"
    before = own.national_prefix_for_parsing or own.national_prefix or ""
    # The library takes a prefix off twice where a country's code stands before it.
    # Where the plan rewrites what is dialled, nothing is said of the rest.
    rewritten = rf"|(?:{before})\d*" if own.national_prefix_transform_rule else ""
    whole = rf"{abroad}|(?:{own.country_code})?(?:{before}){{0,2}}(?:{numbers}){rewritten}"
    return re.compile(whole), re.compile(rf"{abroad}|{numbers}{rewritten}")
