"""Which kinds of checks there are. A plugin adds its own with ``@register("my_check", MyOptions)`` when imported."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from hookline.quality.checks.base import Check, Options
from hookline.quality.checks.terms import Terms

CheckT = TypeVar("CheckT", bound=Check[Any])

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Registered(NamedTuple):
    """A kind of check: its class, and the model of its options."""

    check: type[Check[Any]]
    options: type[Options]


_kinds: dict[str, Registered] = {}


def register(kind: str, options: type[Options]) -> Callable[[type[CheckT]], type[CheckT]]:
    """A class decorator that makes a check usable in suites.

    Args:
        kind: its key in a suite, in lower case with underscores.
        options: the model of what stands under that key.

    Raises:
        ValueError: when the name can't be used, or another class has it.
    """
    if not _NAME.fullmatch(kind) or kind in Terms.model_fields:
        raise ValueError(
            f"{kind!r} can't name a kind of check: lower case, digits and underscores, and none of the terms"
        )

    def add(check: type[CheckT]) -> type[CheckT]:
        known = _kinds.get(kind)
        # A module that is reloaded defines its classes anew; that is no clash.
        if known and (known.check.__module__, known.check.__qualname__) != (check.__module__, check.__qualname__):
            raise ValueError(f"check {kind!r} is already {known.check.__module__}.{known.check.__qualname__}")
        check.kind = kind
        _kinds[kind] = Registered(check, options)
        return check

    return add


def kinds() -> dict[str, Registered]:
    """The kinds of checks that are known now, by name."""
    return dict(_kinds)
