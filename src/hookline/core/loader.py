"""Loads the plugins that a configuration names, in its order, and says precisely why one can't be loaded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hookline.core.config_models import Config, PluginEntry
from hookline.core.config_problems import Problem, explain, raise_problems, redact
from hookline.core.config_tree import Location, key_path
from hookline.core.errors import ConfigError, HooklineError, MissingExtraError, PluginLoadError
from hookline.core.hookspecs import policy_of
from hookline.core.lanes import Call, CallFailedError, LaneTimeoutError
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.core.plugin_check import check_class, implemented_hooks
from hookline.core.plugin_source import (
    InstalledPlugin,
    failure,
    find_plugin,
    import_plugin,
    installed_plugins,
    lacking_module,
    missing_extra,
    missing_packages,
)

__all__ = [
    "CheckedPlugin",
    "Inspection",
    "InstalledPlugin",
    "LoadedPlugin",
    "check_plugins",
    "find_plugin",
    "inspect_plugin",
    "installed_plugins",
    "load_plugins",
]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckedPlugin:
    """A plugin that is fit to be made: its class, its hooks and its valid options."""

    entry: PluginEntry
    plugin_class: type[Any]
    hooks: tuple[str, ...]
    config: PluginConfig
    distribution: str | None


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin at work.

    Attributes:
        name: its key in the configuration.
        hooks: the names of the hooks that it implements.
        distribution: the installed distribution that brought it; None for a dotted path.
    """

    name: str
    instance: Any
    hooks: tuple[str, ...]
    distribution: str | None = None


@dataclass(frozen=True)
class Inspection:
    """What can be said of an installed plugin without making it: its hooks, what it lacks, what is wrong with it."""

    hooks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str | None = None


def load_plugins(config: Config, context_for: Callable[[str], PluginContext]) -> tuple[LoadedPlugin, ...]:
    """Make all plugins that the configuration names.

    Args:
        config: the configuration.
        context_for: gives a plugin, by its name, its surroundings.

    Raises:
        MissingExtraError: when the only problem is a package that is not installed.
        PluginLoadError: when the only problem is a plugin that can't be found, imported, accepted or made.
        ConfigError: for options that are not valid, and for several problems, one per line. Plugins that had already
            been made are closed.
    """
    loaded: list[LoadedPlugin] = []
    try:
        for plugin in check_plugins(config):
            instance = _make(plugin, context_for(plugin.entry.name), config.bus.decide_deadline_s)
            loaded.append(LoadedPlugin(plugin.entry.name, instance, plugin.hooks, plugin.distribution))
    except BaseException:
        _close(loaded)
        raise
    return tuple(loaded)


def check_plugins(config: Config) -> tuple[CheckedPlugin, ...]:
    """Everything that can be known of the configured plugins without making them.

    Raises:
        ConfigError: as ``load_plugins``.
    """
    checked: list[CheckedPlugin] = []
    errors: list[ConfigError] = []
    installed = installed_plugins() if config.plugins else ()
    for entry in config.plugins:
        try:
            checked.append(_check(entry, installed))
        except ConfigError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ConfigError("\n".join(str(error) for error in errors))
    _check_gates(config, checked)
    return tuple(checked)


def inspect_plugin(plugin: InstalledPlugin) -> Inspection:
    """Import a plugin's module, which imports no vendor's, and look at its class."""
    try:
        plugin_class = check_class(import_plugin(plugin))
        missing = missing_packages(plugin_class)
        return Inspection(implemented_hooks(plugin_class), missing, str(_lack(plugin, missing)) if missing else None)
    except MissingExtraError as error:
        return Inspection(missing=(error.package,), problem=str(error))
    except HooklineError as error:
        return Inspection(problem=str(error))


def _check(entry: PluginEntry, installed: Sequence[InstalledPlugin]) -> CheckedPlugin:
    try:
        source = find_plugin(entry.name, installed)
        plugin_class = check_class(import_plugin(source))
        hooks = implemented_hooks(plugin_class)
        missing = missing_packages(plugin_class)
        if missing:
            raise _lack(source, missing)
    except ConfigError as error:
        raise _placed(error, entry.where, entry.name) from error.__cause__
    return CheckedPlugin(entry, plugin_class, hooks, _options(entry, plugin_class.Config), source.distribution)


def _lack(source: InstalledPlugin, missing: Sequence[str]) -> MissingExtraError:
    return missing_extra(source, missing[0].partition(".")[0])


def _placed(error: ConfigError, where: Location, name: str) -> ConfigError:
    """The same error, with the place in the configuration before its text."""
    error.args = (str(Problem(where, key_path(("plugins", name)), str(error))),)
    return error


def _options(entry: PluginEntry, model: type[PluginConfig]) -> PluginConfig:
    try:
        return model.model_validate(dict(entry.options))
    except ValidationError as error:
        raise_problems(explain(error, entry.located(), model, ("plugins", entry.name)))
        raise
    except Exception as error:  # noqa: BLE001 - whatever a plugin's own validator raises
        text = redact(f"its Config {failure(error)}", entry.located(), ("plugins", entry.name))
        raise _placed(PluginLoadError(text), entry.where, entry.name) from None


def _check_gates(config: Config, checked: Iterable[CheckedPlugin]) -> None:
    for plugin in checked:
        deciding = any(policy_of(hook) == "closed" for hook in plugin.hooks)
        if plugin.entry.name in config.required_gates and not deciding:
            raise ConfigError(
                f"{config.gates_at}: required_gates: the plugin {plugin.entry.name!r} decides nothing, so that it "
                f"can't be a gate (it implements {', '.join(plugin.hooks)}); drop the requirement"
            )


def _make(plugin: CheckedPlugin, context: PluginContext, deadline_s: float) -> Any:
    entry = plugin.entry
    try:
        return _call(lambda: plugin.plugin_class(plugin.config, context), f"hookline-{entry.name}", deadline_s)
    except LaneTimeoutError as error:
        text = f"the class {plugin.plugin_class.__name__} {error} when it was made"
        raise _placed(PluginLoadError(text), entry.where, entry.name) from None
    except ModuleNotFoundError as error:
        source = InstalledPlugin(entry.name, entry.name, plugin.distribution)
        told = lacking_module(source, plugin.plugin_class.__module__, error)
        raise _placed(told, entry.where, entry.name) from error
    except HooklineError as error:
        safe = redact(str(error), entry.located(), ("plugins", entry.name))
        raise _placed(PluginLoadError(safe), entry.where, entry.name) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises
        text = f"the class {plugin.plugin_class.__name__} {failure(error)} when it was made"
        safe = redact(text, entry.located(), ("plugins", entry.name))
        # The original's text may quote an option that is secret: it must not be printed beside ours.
        raise _placed(PluginLoadError(safe), entry.where, entry.name) from None


def _call(function: Callable[[], Any], name: str, deadline_s: float) -> Any:
    """In a thread of its own: what waits there for a dead back end must not keep the job from its start for ever.

    Raises:
        LaneTimeoutError: when there is no answer within ``deadline_s`` seconds.
    """
    call = Call(function)
    threading.Thread(target=call.run, name=name, daemon=True).start()
    try:
        return call.result(deadline_s)
    except CallFailedError as failed:
        if isinstance(failed.error, (Exception, SystemExit)):
            raise failed.error from None
        # A KeyboardInterrupt of the plugin's own is nobody's Ctrl-C.
        raise PluginLoadError(f"the class {failure(failed.error)} when it was made") from None


def _close(loaded: Iterable[LoadedPlugin]) -> None:
    for plugin in loaded:
        close = getattr(plugin.instance, "close", None)
        if not callable(close):
            continue
        try:
            close()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - closing goes on
            logger.warning("plugin %r: close raised %s", plugin.name, type(error).__name__)
