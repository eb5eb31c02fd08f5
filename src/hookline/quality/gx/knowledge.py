"""Which expectations there are, and what is wrong with one: known here for those that map, asked of Great Expectations else."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from hookline.core.errors import HooklineError
from hookline.quality.gx import arguments, itself

_PARAMETER = "$PARAMETER"
# What an expectation that does more than give other defaults defines.
_REWRITTEN = ("_validate", "get_validation_dependencies", "map_metric", "metric_dependencies", "metrics_validate")


def problem_with(kind: str, kwargs: Mapping[str, Any]) -> str | None:
    """What is wrong with an expectation, in a sentence; None when nothing is."""
    unset = list(_parameters(kwargs))
    if unset:
        return f"the suite parameter {unset[0]!r} has no value here; set it among the plugin's parameters"
    if kind in arguments.ARGUMENTS:
        return "; ".join(problem for _, problem in arguments.problems(kind, kwargs)) or None
    try:
        configuration = itself.module("great_expectations.expectations.expectation_configuration")
    except HooklineError as error:
        near = _near(kind, arguments.ARGUMENTS)
        return f"{kind!r} is not known here{near}, and Great Expectations can't be asked: {error}"
    with itself.quiet():
        try:
            configuration.ExpectationConfiguration(type=kind, kwargs=dict(kwargs)).to_domain_obj()
        except Exception as error:  # noqa: BLE001 - pydantic's, its own, or those of somebody's own expectation
            return _told(kind, error)
    return None


@lru_cache(maxsize=1024)
def as_mapped(kind: str, text: str) -> tuple[str, str] | None:
    """The type and arguments that measures are known for: of an expectation of somebody's own, those of the one that it
    only gives other defaults to. None when there is none.

    Args:
        text: its arguments as JSON.
    """
    if kind in arguments.ARGUMENTS:
        return kind, text
    given = json.loads(text)
    with itself.quiet():
        own = itself.module("great_expectations.expectations.registry").get_expectation_impl(kind)
        base = next((one for one in own.__mro__ if getattr(one, "expectation_type", None) in arguments.ARGUMENTS), None)
        between = own.__mro__[: own.__mro__.index(base)] if base is not None else ()
        if base is None or any(set(vars(one)) & set(_REWRITTEN) for one in between):
            return None
        made = own(**given)
        names = [name.rstrip("!") for name in arguments.ARGUMENTS[base.expectation_type]]
        kwargs = {name: getattr(made, name, None) for name in names} | {
            name: given[name] for name in ("row_condition", "condition_parser") if name in given
        }
        plain = json.dumps(
            {name: value for name, value in kwargs.items() if value is not None}, default=str, sort_keys=True
        )
    return None if problem_with(base.expectation_type, json.loads(plain)) else (base.expectation_type, plain)


def known_to_it() -> tuple[str, ...]:
    """The types that Great Expectations knows now, a company's own among them once their module is imported."""
    itself.module("great_expectations.expectations.core")
    names: Iterable[str] = itself.module(
        "great_expectations.expectations.registry"
    ).list_registered_expectation_implementations()
    return tuple(sorted(names))


def _told(kind: str, error: Exception) -> str:
    if type(error).__name__ == "ExpectationNotFoundError":
        own = "; one of your own has to be imported first, by the plugin's modules"
        return f"there is no expectation {kind!r}{_near(kind, known_to_it())}{own}"
    problems = getattr(error, "errors", None)
    if not callable(problems):
        return f"{kind}: {type(error).__name__}"
    found: dict[str, str] = {}
    for problem in problems():
        found.setdefault(".".join(map(str, problem["loc"])).replace("__root__", "arguments"), problem["msg"])
    return "; ".join(f"{place}: {message}" for place, message in found.items())


def _near(kind: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(kind, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _parameters(given: Any) -> Iterable[str]:
    if isinstance(given, Mapping):
        if set(given) == {_PARAMETER} and isinstance(given[_PARAMETER], str):
            yield given[_PARAMETER]
        else:
            for one in given.values():
                yield from _parameters(one)
    elif isinstance(given, list):
        for one in given:
            yield from _parameters(one)


def with_parameters(given: Any, values: Mapping[str, Any]) -> Any:
    """Arguments with the values of suite parameters in their place; those without one stay as they are."""
    if isinstance(given, Mapping):
        name = given.get(_PARAMETER)
        if set(given) == {_PARAMETER} and isinstance(name, str) and name in values:
            return values[name]
        return {key: with_parameters(one, values) for key, one in given.items()}
    return [with_parameters(one, values) for one in given] if isinstance(given, list) else given
