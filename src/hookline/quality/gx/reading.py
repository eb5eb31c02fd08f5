"""Suites of Great Expectations from JSON: as 1.x writes them, and as 0.18 did, with what is wrong told by its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.core.config_problems import suggestion
from hookline.core.declared import read_content
from hookline.core.errors import ConfigError
from hookline.quality.gx.knowledge import problem_with, with_parameters
from hookline.quality.gx.model import SEVERITIES, Expectation

MAX_BYTES = 10_000_000
_MOST_TOLD = 20
_KEYS = (
    "type",
    "kwargs",
    "meta",
    "severity",
    "notes",
    "description",
    "id",
    "rendered_content",
    "windows",
    "success_on_last_run",
)
_OLD_KEYS = ("expectation_type", "ge_cloud_id", "expectation_context")
_SHAPE = "a suite of Great Expectations is an object with a name and a list of expectations"


@dataclass(frozen=True)
class Source:
    """A suite as it was read.

    Attributes:
        datasets: the globs that its ``meta`` names for hookline; none when it names none.
    """

    name: str
    expectations: tuple[Expectation, ...]
    datasets: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


def load(path: Path, *, shown: str | None = None, parameters: Mapping[str, Any] | None = None) -> Source:
    """Read a suite from a file.

    Args:
        shown: its name in errors; by default the path.
        parameters: values of suite parameters.

    Raises:
        ConfigError: when it can't be read, or with its mistakes, one per line.
    """
    name = shown or str(path)
    content = read_content(path, name, "suite", MAX_BYTES)
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name}:{error.lineno}:{error.colno}: this is no JSON: {error.msg}") from None
    except RecursionError:
        raise ConfigError(f"{name}: nests too deeply") from None
    return read(document, name, parameters)


def read(document: Any, file: str, parameters: Mapping[str, Any] | None = None) -> Source:
    """Read a suite from what its JSON holds; ``file`` is its name in errors.

    Raises:
        ConfigError: with its mistakes, one per line.
    """
    if not isinstance(document, dict) or not isinstance(document.get("expectations"), list):
        raise ConfigError(f"{file}: {_SHAPE}")
    name = document.get("name", document.get("expectation_suite_name"))
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{file}: its name is missing ('name'; 'expectation_suite_name' before 1.0); {_SHAPE}")
    meta = document.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    values = {**_defaults(document), **(parameters or {})}
    mistakes: list[str] = []
    found = []
    for at, entry in enumerate(document["expectations"]):
        where = f"{file}: expectations[{at}]"
        problems = list(_problems(entry))
        if not problems:
            expectation = _expectation(entry, where, values)
            problem = problem_with(expectation.type, expectation.kwargs)
            found.append(expectation)
            problems = [] if problem is None else [f"{expectation.type}: {problem}"]
        mistakes += [f"{where}: {problem}" for problem in problems]
    if mistakes:
        more = len(mistakes) - _MOST_TOLD
        raise ConfigError("\n".join(mistakes[:_MOST_TOLD] + ([f"{file}: and {more} more"] if more > 0 else [])))
    return Source(name, tuple(found), _datasets(meta), meta)


def _defaults(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The suite parameters that it brings (``evaluation_parameters`` before 1.0)."""
    for key in ("suite_parameters", "evaluation_parameters"):
        if isinstance(document.get(key), dict):
            return document[key]  # type: ignore[no-any-return]
    return {}


def _datasets(meta: Mapping[str, Any]) -> tuple[str, ...]:
    own = meta.get("hookline")
    given = own.get("dataset", ()) if isinstance(own, dict) else ()
    given = [given] if isinstance(given, str) else given
    return tuple(one for one in given if isinstance(one, str)) if isinstance(given, (list, tuple)) else ()


def _problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "an expectation is an object with a type and kwargs"
        return
    kind = entry.get("type", entry.get("expectation_type"))
    if not isinstance(kind, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        yield "its type is missing ('type'; 'expectation_type' before 1.0), such as expect_column_values_to_be_unique"
    if not isinstance(entry.get("kwargs", {}), dict):
        yield "its kwargs are no object"
    severity = entry.get("severity")
    if severity is not None and severity not in SEVERITIES:
        yield f"severity should be one of {', '.join(SEVERITIES)}{suggestion(str(severity), SEVERITIES)}"
    for key in entry:
        if key not in (*_KEYS, *_OLD_KEYS):
            yield f"unknown key {key!r}{suggestion(key, _KEYS)}; allowed: {', '.join(_KEYS)}"


def _expectation(entry: Mapping[str, Any], where: str, values: Mapping[str, Any]) -> Expectation:
    meta = entry.get("meta") or {}
    severity = entry.get("severity")
    notes = entry.get("notes") or entry.get("description") or ""
    return Expectation.of(
        entry.get("type", entry.get("expectation_type")),
        with_parameters(entry.get("kwargs", {}), values),
        severity=None if severity is None else SEVERITIES[severity],
        notes="\n".join(map(str, notes)) if isinstance(notes, list) else str(notes),
        meta=json.dumps(meta if isinstance(meta, dict) else {}, sort_keys=True),
        id=entry.get("id", entry.get("ge_cloud_id")),
        where=where,
    )
