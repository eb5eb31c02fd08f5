"""Which kinds of checks there are. A plugin adds its own with ``@register("my_check", MyOptions)`` when imported."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any, NamedTuple, TypeVar

from hookline.core.errors import ConfigError
from hookline.quality.checks.base import Check, Options
from hookline.quality.checks.terms import Terms

CheckT = TypeVar("CheckT", bound=Check[Any])

GROUP = "hookline.checks"
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


def import_modules(names: Sequence[str]) -> None:
    """Import modules that register kinds of checks.

    Raises:
        ConfigError: one can't be imported.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            raise ConfigError(
                f"the module {name!r}, which should bring checks, can't be imported ({type(error).__name__}): "
                "check the spelling, and that its folder is on PYTHONPATH"
            ) from error


def discover(names: Iterable[str]) -> None:
    """Import those of these kinds that an installed distribution offers, by entry points of the group ``hookline.checks``.

    Raises:
        ConfigError: one can't be imported, or does not register what it is called.
    """
    wanted = set(names) - set(_kinds)
    if not wanted:
        return
    for point in _offered():
        if point.name in wanted:
            import_modules([point.module])
            if point.name not in _kinds:
                raise ConfigError(f"the entry point {point.name!r} ({point.value}) registers no check of this name")


@lru_cache(maxsize=1)
def _offered() -> tuple[metadata.EntryPoint, ...]:
    """Looks at every distribution that is installed: once."""
    return tuple(metadata.entry_points(group=GROUP))


def kinds() -> dict[str, Registered]:
    """The kinds of checks that are known now, by name."""
    return dict(_kinds)
