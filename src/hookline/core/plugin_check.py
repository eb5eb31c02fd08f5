"""Whether a class is a plugin, and which hooks it implements: found out from the class alone, before anything runs.

pluggy lets pass what would then never be called or filled: a misspelt hook, a hook without its marker, a parameter
with a default. Here each is an error.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pluggy

from hookline.core.config_problems import suggestion
from hookline.core.errors import PluginLoadError
from hookline.core.hookspecs import HOOKS, PROJECT, Hooks
from hookline.core.plugin import PluginConfig


def check_class(candidate: Any) -> type[Any]:
    """``candidate``, when it is a class with options of the right kind.

    Raises:
        PluginLoadError: when it is something else.
    """
    if not inspect.isclass(candidate):
        kind = "a module" if inspect.ismodule(candidate) else f"an instance of {type(candidate).__name__}"
        kind = "a function" if inspect.isroutine(candidate) else kind
        raise PluginLoadError(f"is {kind}, not a class; name the plugin's class")
    config = getattr(candidate, "Config", None)
    if config is None:
        raise PluginLoadError(
            f"the class {candidate.__name__} has no Config; a plugin names its options: "
            "Config: ClassVar[type[PluginConfig]] = …, a model derived from hookline.PluginConfig"
        )
    if not (inspect.isclass(config) and issubclass(config, PluginConfig)):
        raise PluginLoadError(f"{candidate.__name__}.Config is not derived from hookline.PluginConfig; derive it")
    return candidate


def implemented_hooks(plugin_class: type[Any]) -> tuple[str, ...]:
    """The hooks that a class implements, in the order of the specifications.

    Raises:
        PluginLoadError: with everything that would keep a hook from being called as its author meant.
    """
    manager = pluggy.PluginManager(PROJECT)
    found: set[str] = set()
    problems: list[str] = []
    for name in dir(plugin_class):
        options = manager.parse_hookimpl_opts(plugin_class, name)
        if options is None:
            if name in HOOKS and inspect.isroutine(getattr(plugin_class, name, None)):
                problems.append(f"{name} lacks its marker and would never be called; put @hookline.hookimpl on it")
            continue
        hook = options.get("specname") or name
        if hook in HOOKS:
            found.add(hook)
            problems += _signature_problems(plugin_class, name, hook, options)
        elif not options.get("optionalhook"):
            problems.append(f"there is no hook {hook}{suggestion(hook, HOOKS)}; hooks: {', '.join(HOOKS)}")
    if not found and not problems:
        problems.append("implements no hook; put @hookline.hookimpl on a method that is named like one")
    if problems:
        raise PluginLoadError(f"the class {plugin_class.__name__}: " + "; ".join(problems))
    return tuple(hook for hook in HOOKS if hook in found)


def _signature_problems(plugin_class: type[Any], name: str, hook: str, options: Mapping[str, Any]) -> Iterator[str]:
    function = getattr(plugin_class, name)
    if options.get("wrapper") or options.get("hookwrapper"):
        yield f"{name} is a wrapper; hooks are called one by one, so that there is nothing to wrap"
        return
    if options.get("tryfirst") or options.get("trylast"):
        yield f"{name} asks for a place with tryfirst or trylast; the order is the configuration's"
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        yield f"{name} is a coroutine or generator and would not run; make it a plain function"
    known = _parameters(Hooks, hook)
    for parameter in _parameters(plugin_class, name).values():
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD or parameter.default is not parameter.empty:
            yield f"{name}: the parameter {parameter} would never be filled; use {', '.join(known)}, without defaults"
        elif parameter.name not in known:
            hint = suggestion(parameter.name, known)
            yield f"{name}: the hook gives no parameter {parameter.name!r}{hint}; it gives {', '.join(known)}"


def _parameters(owner: type[Any], name: str) -> Mapping[str, inspect.Parameter]:
    """A method's parameters without ``self`` or ``cls``, whatever they are called."""
    function: Callable[..., Any] = getattr(owner, name)
    parameters = inspect.signature(function).parameters
    bare = inspect.isfunction(inspect.getattr_static(owner, name))
    return {key: item for index, (key, item) in enumerate(parameters.items()) if index or not bare}
