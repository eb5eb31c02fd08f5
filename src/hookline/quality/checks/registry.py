"""Which kinds of checks there are. A plugin adds its own with ``@register("my_check", MyOptions)`` when imported.

The built-in ones are imported when a suite names them: a job pays for those that it uses.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any, NamedTuple, TypeVar

from hookline.core.errors import ConfigError
from hookline.quality.checks.base import Check, Options
from hookline.quality.checks.terms import Terms

CheckT = TypeVar("CheckT", bound=Check[Any])

GROUP = "hookline.checks"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MODULES: Mapping[str, tuple[str, ...]] = {
    "anomaly": ("anomaly",),
    "baselines": ("distribution", "category_drift"),
    "change": ("row_count_change",),
    "completeness": ("completeness",),
    "conditions": ("expression", "compare", "length", "castable"),
    "formats": ("not_blank", "format", "date_format"),
    "freshness": ("freshness", "latency"),
    "references": ("references", "monotonic", "sql"),
    "rows": ("unique", "row_count", "distinct_count"),
    "schema": ("schema",),
    "spread": ("stddev", "quantile", "median", "minimum", "maximum", "entropy", "correlation", "distinct_share"),
    "totals": ("sum", "mean", "reconcile"),
    "values": ("range", "set", "pattern"),
}
_BUILT_IN = {kind: f"hookline.quality.checks.{module}" for module, made in _MODULES.items() for kind in made}


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
        if check.__module__ != _BUILT_IN.get(kind):
            _import_built_in(kind)
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
    """Import those of these kinds that are built in, or that an installed distribution offers.

    A distribution does so by entry points of the group ``hookline.checks``.

    Raises:
        ConfigError: one can't be imported, or does not register what it is called.
    """
    names = set(names)
    for name in names:
        _import_built_in(name)
    wanted = names - set(_kinds)
    if not wanted:
        return
    for point in _offered():
        if point.name in wanted:
            import_modules([point.module])
            if point.name not in _kinds:
                raise ConfigError(f"the entry point {point.name!r} ({point.value}) registers no check of this name")


def _import_built_in(kind: str) -> None:
    if kind in _BUILT_IN and kind not in _kinds:
        importlib.import_module(_BUILT_IN[kind])


@lru_cache(maxsize=1)
def _offered() -> tuple[metadata.EntryPoint, ...]:
    """Looks at every distribution that is installed: once."""
    return tuple(metadata.entry_points(group=GROUP))


def find(kind: str) -> Registered:
    """A kind of check that is in ``names()``."""
    _import_built_in(kind)
    return _kinds[kind]


def names() -> set[str]:
    """What the kinds of checks are called: the built-in ones, and what else was imported."""
    return {*_BUILT_IN, *_kinds}


def kinds() -> dict[str, Registered]:
    """All of ``names()``, imported."""
    return {kind: find(kind) for kind in names()}
