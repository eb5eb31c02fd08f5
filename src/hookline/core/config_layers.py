"""The layers of a configuration: the file's own keys, an environment's overlay, and the options of the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookline.core.config_models import DEFAULT_PLUGINS, FileModel
from hookline.core.config_problems import Problem, found, kind_of, raise_problems, suggestion
from hookline.core.config_tree import Location, Node, key_path, merge, plant
from hookline.core.errors import ConfigError

FILE_NAME = "hookline.yaml"
MAX_BYTES = 1_000_000
_SECTIONS = ("bus", "measure", "outbox", "plugins", "environments")


@dataclass(frozen=True)
class Layers:
    """What a file says: its own keys, and each environment's."""

    source: Path | None
    base: Node
    environments: Mapping[str, Node]


def read_layers(path: Path | None) -> Layers:
    """Find and read the file.

    Args:
        path: the file; None looks at ``$HOOKLINE_CONFIG``, then for ``hookline.yaml`` in the working directory.

    Raises:
        ConfigError: when a file that was asked for isn't there, can't be read or is not YAML, and when it, or one of
            its environments, is no mapping or an environment has keys that do not belong there.
    """
    source, asked_by = _find(path)
    name = str(source) if source else "(no configuration file)"
    root = _parse(_read(source, asked_by), name) if source else None
    if root is None or root.value is None:
        root = Node({}, Location(name))
    if not isinstance(root.value, dict):
        # Only the kind: a file that is no configuration may hold nothing but a password.
        raise ConfigError(f"{root.where}: found {kind_of(root)}; a configuration is a mapping (key: value)")
    filled = _fill(root)
    environments = _environments(filled)
    base = Node({key: node for key, node in filled.value.items() if key != "environments"}, filled.where)
    if "plugins" not in base.value:
        base = base.with_child("plugins", plant({key: {} for key in DEFAULT_PLUGINS}, Location("(default)")))
    return Layers(source, base, environments)


def with_environment(layers: Layers, name: str | None) -> Node:
    """The file's keys with an environment's laid on them.

    Raises:
        ConfigError: when there is no such environment; it lists those there are.
    """
    if name is None:
        return layers.base
    if name in layers.environments:
        return merge(layers.base, layers.environments[name])
    if layers.source is None:
        raise ConfigError(f"environment {name!r} is asked for, and there is no {FILE_NAME} that could define it")
    known = ", ".join(layers.environments) or "none"
    hint = suggestion(name, layers.environments)
    raise ConfigError(f"{layers.source}: there is no environment {name!r}{hint}; defined here: {known}")


def with_overrides(root: Node, overrides: Sequence[str]) -> Node:
    """The keys with ``a.b.c=VALUE`` options laid on them, one after the other.

    Raises:
        ConfigError: when one can't be read; it names the option, not the value.
    """
    if overrides:
        from hookline.core.config_overrides import parse_override

        for override in overrides:
            root = merge(root, _fill(parse_override(override)))
    return root


def _parse(text: str, name: str) -> Node | None:
    from hookline.core.config_yaml import parse  # PyYAML takes its time, and where there is no file there is no YAML

    return parse(text, name)


def _find(path: Path | None) -> tuple[Path | None, str]:
    if path is not None:
        return Path(path), "--config"
    named = os.environ.get("HOOKLINE_CONFIG")
    if named:
        return Path(named), "$HOOKLINE_CONFIG"
    # A link that leads nowhere is a mistake to report, not a reason to do without.
    return (Path(FILE_NAME) if os.path.lexists(FILE_NAME) else None), "the working directory"


def _read(path: Path, asked_by: str) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"{path}: there is no such file, and {asked_by} names it; correct the path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigError(f"{path}: can't be read: {reason}; name a file that may be read") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; a configuration is no place for data")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from None


def _environments(root: Node) -> dict[str, Node]:
    named = root.child("environments") or Node({}, root.where)
    if not isinstance(named.value, dict):
        problem = Problem(named.where, "environments", f"found {found(named, ())}; should be a mapping by name")
        raise_problems([problem])
    overlays = {key: Node({}, node.where) if node.value is None else _fill(node) for key, node in named.value.items()}
    problems = [problem for key, node in overlays.items() for problem in _overlay_problems(key, node)]
    if problems:
        # The file's own unknown keys belong into the same report.
        raise_problems([*problems, *_unknown_keys(root, tuple(FileModel.model_fields))])
    return overlays


def _overlay_problems(name: str, node: Node) -> list[Problem]:
    path = ("environments", name)
    if not isinstance(node.value, dict):
        return [Problem(node.where, key_path(path), f"found {found(node, ())}; should be a mapping of the file's keys")]
    known = tuple(key for key in FileModel.model_fields if key != "environments")
    return _unknown_keys(node, known, path)


def _unknown_keys(node: Node, known: Sequence[str], path: tuple[str, ...] = ()) -> list[Problem]:
    allowed = ", ".join(sorted(known))
    return [
        Problem(item.where, key_path((*path, key)), f"unknown key{suggestion(key, known)}; allowed: {allowed}")
        for key, item in node.value.items()
        if key not in known
    ]


def _fill(node: Node) -> Node:
    """An empty section (everything in it commented out), and a plugin without options, are empty mappings.

    So is ``true`` for a plugin, the opposite of the ``false`` that disables one.
    """
    if not isinstance(node.value, dict):
        return node
    for section in _SECTIONS:
        item = node.child(section)
        if item is not None and item.value is None:
            node = node.with_child(section, Node({}, item.where))
    plugins = node.child("plugins")
    if plugins is None or not isinstance(plugins.value, dict):
        return node
    enabled = {
        name: Node({}, item.where) if item.value is None or item.value is True else item
        for name, item in plugins.value.items()
    }
    return node.with_child("plugins", Node(enabled, plugins.where))
