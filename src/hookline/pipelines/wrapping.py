"""Wrapping methods of modules that may not be imported yet.

Small on purpose: a library for this loads asyncio and more, and every job would wait for that.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Hook = Callable[[ModuleType], None]
Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def wrap_method(module: Any, name: str, wrapper: Wrapper) -> None:
    """Put ``wrapper(bound method, instance, args, kwargs)`` in a method's place.

    Args:
        name: ``Class.method``; a plain method, not a static one or one of the class.
    """
    class_name, _, method = name.partition(".")
    owner = getattr(module, class_name)
    original = getattr(owner, method)

    @functools.wraps(original)
    def wrapped(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if getattr(sys, "excepthook", None) is None:  # Python then makes no thread, and we need some
            sys.excepthook = sys.__excepthook__
        return wrapper(original.__get__(self), self, args, kwargs)

    setattr(owner, method, wrapped)


def when_imported(name: str, hook: Hook) -> None:
    """Call ``hook(module)`` now when the module is imported already, else right after it is, before its importer goes on."""
    module = sys.modules.get(name)
    if module is not None:
        hook(module)
        return
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.hooks[name] = hook


class _Finder(MetaPathFinder):
    """Finds what the other finders find, and has the module's hook called when it is loaded."""

    def __init__(self) -> None:
        self.hooks: dict[str, Hook] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.hooks:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader, self.hooks)
                return spec
        return None


class _Loader(Loader):
    """Loads like the loader that it stands for, which the module is left with."""

    def __init__(self, loader: Any, hooks: dict[str, Hook]) -> None:
        self._loader = loader
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        found: ModuleType | None = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None  # noqa: S101 - the import system has just filled it in
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        hook = self._hooks.pop(module.__name__, None)
        if hook is not None:
            hook(module)


_finder = _Finder()
