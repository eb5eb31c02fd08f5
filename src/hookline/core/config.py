"""Reads ``hookline.yaml``: finds it, lays overlays on it, fills in variables, validates, and explains what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from hookline.core.config_layers import read_layers, with_environment, with_overrides
from hookline.core.config_models import BusConfig, Config, FileModel, MeasureConfig, OutboxConfig, PluginEntry
from hookline.core.config_problems import Problem, explain, found, raise_problems, suggestion
from hookline.core.config_tree import Location, Node, key_path, plain
from hookline.core.config_vars import expand

__all__ = [
    "BusConfig",
    "Config",
    "Location",
    "MeasureConfig",
    "OutboxConfig",
    "PluginEntry",
    "environment_names",
    "load_config",
]


def load_config(path: Path | None = None, *, environment: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read the configuration.

    Args:
        path: the file; None looks at ``$HOOKLINE_CONFIG``, then for ``hookline.yaml`` in the working directory, and
            does without a file when there is neither.
        environment: the overlay to apply; None takes ``$HOOKLINE_ENV``, and the file alone when that isn't set either.
        overrides: ``a.b.c=VALUE``, applied last, VALUE being YAML.

    Raises:
        ConfigError: all problems, one per line, each with file, line, key, what was found and what is allowed.
    """
    layers = read_layers(path)
    environment = environment or os.environ.get("HOOKLINE_ENV") or None
    root = with_overrides(with_environment(layers, environment), overrides)
    return _validated(root, layers.source, environment)


def environment_names(path: Path | None = None) -> tuple[str, ...]:
    """The environments that the file defines.

    Raises:
        ConfigError: as ``load_config``, for what can be seen without choosing one.
    """
    return tuple(read_layers(path).environments)


def _validated(root: Node, source: Path | None, environment: str | None) -> Config:
    problems: list[Problem] = []
    root = expand(root, os.environ, problems)
    unset = {problem.key for problem in problems}
    model = None
    try:
        model = FileModel.model_validate(plain(root))
    except ValidationError as error:
        # A value whose variable is missing is reported as that alone.
        problems += [problem for problem in explain(error, root, FileModel) if problem.key not in unset]
    problems += _plugin_problems(root)
    problems += _gate_problems(root)
    base_dir = source.absolute().parent if source else Path.cwd()
    state_dir = _state_dir(root, model.state_dir, base_dir, problems) if model else Path()
    raise_problems(problems)
    assert model is not None  # noqa: S101 - a model that failed left a problem
    common = {name: getattr(model, name) for name in Config.model_fields if name in FileModel.model_fields}
    gates = root.child("required_gates")
    return Config(
        **{
            **common,
            "state_dir": state_dir,
            "plugins": tuple(_entries(root)),
            "source": source,
            "environment": environment,
            "base_dir": base_dir,
            "gates_at": gates.where if gates else root.where,
        }
    )


def _state_dir(root: Node, text: str, base_dir: Path, problems: list[Problem]) -> Path:
    wins = os.environ.get("HOOKLINE_DIR")
    node = root.child("state_dir")
    if wins:
        node, text, base_dir = Node(wins, Location("$HOOKLINE_DIR")), wins, Path.cwd()
    elif node is not None and not node.where.line:
        base_dir = Path.cwd()  # a path typed as --set is meant from where it was typed
    path = base_dir / os.path.expanduser(text)
    there = next((place for place in (path, *path.parents) if os.path.lexists(place)), None)
    if node is not None and there is not None and not there.is_dir():
        what = f"found {found(node, ('state_dir',))}; a file is in its place, or in that of a folder above it"
        problems.append(Problem(node.where, "" if wins else "state_dir", f"{what}: name a folder"))
    return path


def _plugins(root: Node) -> dict[str, Node]:
    node = root.child("plugins")
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _entries(root: Node) -> Iterator[PluginEntry]:
    for name, node in _plugins(root).items():
        if node.value is not False:
            yield PluginEntry(name, plain(node), node.where, node)


def _plugin_problems(root: Node) -> list[Problem]:
    problems = []
    for name, node in _plugins(root).items():
        path = key_path(("plugins", name))
        if not name.strip():
            problems.append(Problem(node.where, path, "a plugin without a name; write its name, or pkg.module:Class"))
        elif not isinstance(node.value, dict) and node.value is not False:
            wanted = "should be a mapping of options, nothing, or false to disable the plugin"
            problems.append(Problem(node.where, path, f"found {found(node, ('plugins', name))}; {wanted}"))
    return problems


def _gate_problems(root: Node) -> list[Problem]:
    gates = root.child("required_gates")
    if gates is None or not isinstance(gates.value, list):
        return []
    enabled = [entry.name for entry in _entries(root)]
    return [
        Problem(gate.where, key_path(("required_gates", index)), _gate_cure(gate, root, enabled))
        for index, gate in enumerate(gates.value)
        if isinstance(gate.value, str) and gate.value not in enabled
    ]


def _gate_cure(node: Node, root: Node, enabled: list[str]) -> str:
    gate = "(from a variable)" if node.variable else node.value
    if gate in _plugins(root):
        return f"the plugin {gate!r} is a required gate and is disabled; enable it, or drop the requirement"
    known = ", ".join(enabled) or "none"
    return f"no enabled plugin is named {gate!r}{suggestion(gate, enabled)}; enable it under plugins (enabled: {known})"
