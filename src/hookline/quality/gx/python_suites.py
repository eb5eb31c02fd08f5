"""Suites that Python builds: ``my_suites.py:sales``, ``my_company.suites:sales``, an object or a function that makes it."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hookline.core.errors import ConfigError
from hookline.quality.gx import itself
from hookline.quality.gx.reading import Source, read


def load(reference: str, base_dir: Path, parameters: Mapping[str, Any] | None = None) -> Source:
    """The suite that a reference means.

    Args:
        reference: a file or module, a colon, and a name in it.
        base_dir: the folder that the path of a file starts from.

    Raises:
        ConfigError: when there is no such suite, or with its mistakes.
    """
    place, _, name = reference.rpartition(":")
    itself.ready()
    with itself.quiet():
        module = _file(base_dir / place, reference) if place.endswith(".py") else _module(place, reference)
        found = getattr(module, name, None)
        if found is None:
            raise ConfigError(f"{reference}: there is no {name!r} in it")
        found = _call(found, reference) if callable(found) else found
        as_json = getattr(found, "to_json_dict", None)
        if as_json is None:
            raise ConfigError(f"{reference}: {name} is {type(found).__name__}, and no ExpectationSuite, nor makes one")
        document = json.loads(json.dumps(as_json(), default=str))
    return read(document, reference, parameters)


def is_reference(text: str) -> bool:
    """Whether a text names an object in Python, and no file of JSON."""
    place, colon, name = text.rpartition(":")
    return bool(colon) and name.isidentifier() and (place.endswith(".py") or place.replace(".", "").isidentifier())


def _module(name: str, reference: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ConfigError(
            f"{reference}: the module {name!r} can't be imported ({type(error).__name__}): check the spelling, and that "
            "its folder is on PYTHONPATH"
        ) from error


def _file(path: Path, reference: str) -> ModuleType:
    if not path.is_file():
        raise ConfigError(f"{reference}: there is no file {path}; correct the path")
    name = f"hookline_suites_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{reference}: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ConfigError(f"{reference}: the file fails when it is run ({type(error).__name__})") from error
    return module


def _call(function: Any, reference: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise ConfigError(f"{reference}: it fails when it is called ({type(error).__name__})") from error
