"""From a name in the configuration to a plugin's class: entry points of the group ``hookline.plugins``, dotted paths.

Only what is named is imported; one broken package in the environment is no trouble to anybody who does not name it.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from hookline.core.config_problems import suggestion
from hookline.core.errors import ConfigError, MissingExtraError, PluginLoadError

GROUP = "hookline.plugins"
_OWN = "hookline"


@dataclass(frozen=True)
class InstalledPlugin:
    """A plugin that can be named in the configuration.

    Attributes:
        name: its key in the configuration.
        target: ``package.module:Class``.
        distribution: the installed distribution that brings it; None for a dotted path.
        version: that distribution's version.
    """

    name: str
    target: str
    distribution: str | None = None
    version: str | None = None


def installed_plugins() -> tuple[InstalledPlugin, ...]:
    """All entry points of the group, sorted by name. Imports none of them."""
    points = metadata.entry_points(group=GROUP)
    found = {InstalledPlugin(point.name, _target(point), *_origin(point)) for point in points}
    return tuple(sorted({*found, *_uninstalled()}, key=lambda plugin: (plugin.name, plugin.target)))


def find_plugin(name: str, installed: Sequence[InstalledPlugin] | None = None) -> InstalledPlugin:
    """What a name in the configuration means. Imports nothing.

    Args:
        installed: what ``installed_plugins`` gave, for a caller with several names: it looks at every distribution.

    Raises:
        PluginLoadError: when nothing, or more than one thing, has this name.
    """
    if ":" in name:
        return InstalledPlugin(name, name)
    installed = installed_plugins() if installed is None else installed
    named = [plugin for plugin in installed if plugin.name == name]
    targets = {plugin.target for plugin in named}
    if len(targets) > 1:
        claims = " and ".join(f"{plugin.distribution} ({plugin.target})" for plugin in named)
        raise PluginLoadError(
            f"more than one plugin has this name: {claims}; uninstall one, or name it by package.module:Class"
        )
    if not named:
        raise PluginLoadError(_unknown(name, installed))
    return named[0]


def import_plugin(plugin: InstalledPlugin) -> Any:
    """Import what a plugin's target names.

    Raises:
        PluginLoadError: when the module is not there, raises or exits on import, or lacks the name.
        MissingExtraError: when the module needs a package that is not installed.
    """
    module_name, _, attribute = plugin.target.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *attribute.split("."))):
        raise PluginLoadError(f"{plugin.target!r} is not of the form package.module:Class")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise lacking_module(plugin, module_name, error) from error
    except (Exception, SystemExit) as error:
        raise PluginLoadError(f"the module {module_name} {failure(error)} on import; {_repair(plugin)}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in vars(found) if isinstance(getattr(found, name, None), type)]
            raise PluginLoadError(f"the module {module_name} has no {attribute}{suggestion(part, names)}")
        found = getattr(found, part)
    return found


def missing_packages(plugin_class: Any) -> tuple[str, ...]:
    """Those of the imports that a class declares in ``requires`` that are not installed. Imports none of them."""
    return tuple(name for name in getattr(plugin_class, "requires", ()) if not _is_importable(name))


def lacking_module(plugin: InstalledPlugin, importer: str, error: ModuleNotFoundError) -> ConfigError:
    """What it means that a module was not found: the plugin itself, a part of something installed, or a package."""
    missing = error.name or ""
    package = missing.partition(".")[0]
    if importer == missing or importer.startswith(f"{missing}."):
        cure = _repair(plugin) if plugin.distribution else "check the spelling, and that its folder is on PYTHONPATH"
        return PluginLoadError(f"there is no module {missing!r}; {cure}")
    if not missing or _is_importable(package):
        told = f"imports {missing}, which the installed {package} does not have" if missing else failure(error)
        return PluginLoadError(f"the module {importer} {told}; {_repair(plugin)}")
    return missing_extra(plugin, package)


def missing_extra(plugin: InstalledPlugin, package: str) -> MissingExtraError:
    """The error for a package that a plugin lacks, with the pip line that cures it."""
    return MissingExtraError(plugin.name, package, _pip_line(plugin))


def failure(error: BaseException) -> str:
    """What an exception was, in words, on one line."""
    if isinstance(error, SystemExit):
        return f"called sys.exit({error.code if isinstance(error.code, int) else ''})"
    text = " ".join(str(error).split())
    return f"raised {type(error).__name__}" + (f" ({text[:200]})" if text else "")


def _uninstalled() -> Iterator[InstalledPlugin]:
    """hookline's own plugins, by their names' convention, where hookline runs from a zip, without metadata."""
    try:
        metadata.distribution(_OWN)
    except metadata.PackageNotFoundError:
        package = f"{_OWN}.plugins"
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not module.name.startswith("_"):
                class_name = "".join(word.capitalize() for word in module.name.split("_")) + "Plugin"
                yield InstalledPlugin(module.name, f"{package}.{module.name}:{class_name}")


def _target(point: metadata.EntryPoint) -> str:
    # An entry point may name extras after its object, which pip once looked at.
    return point.value.partition("[")[0].strip()


def _origin(point: metadata.EntryPoint) -> tuple[str | None, str | None]:
    return (point.dist.name, point.dist.version) if point.dist else (None, None)


def _unknown(name: str, installed: Sequence[InstalledPlugin]) -> str:
    names = list(dict.fromkeys(plugin.name for plugin in installed))
    message = f"no plugin of this name is installed{suggestion(name, names)}"
    if name in _extras(_OWN):
        return f'{message}; {name!r} is an extra of hookline: pip install "hookline[{name}]"'
    if "." in name:
        message += "; a class is named as package.module:Class"
    return f"{message}; installed: {', '.join(names) or 'none'}"


def _extras(distribution: str) -> list[str]:
    try:
        return metadata.metadata(distribution).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return []


def _repair(plugin: InstalledPlugin) -> str:
    if plugin.distribution is None:
        return "correct the module, or remove the plugin from the configuration"
    return f"reinstall or upgrade {plugin.distribution}, or remove the plugin from the configuration"


def _pip_line(plugin: InstalledPlugin) -> str:
    if plugin.distribution is None:
        return "install the distribution that provides it"
    # pip fills in what an installed distribution lacks.
    extra = f"[{plugin.name}]" if plugin.name in _extras(plugin.distribution) else ""
    return f'pip install "{plugin.distribution}{extra}"'


def _is_importable(name: str) -> bool:
    """Like importlib.util.find_spec, which for ``a.b`` would import ``a``."""
    parts = name.split(".")
    path: Any = None
    for index in range(len(parts)):
        qualified = ".".join(parts[: index + 1])
        if qualified in sys.modules:
            path = getattr(sys.modules[qualified], "__path__", None)
            continue
        spec = next(_specs(qualified, path), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    return True


def _specs(name: str, path: Any) -> Iterator[Any]:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            yield spec
