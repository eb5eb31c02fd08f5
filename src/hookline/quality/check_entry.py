"""One entry of a suite's list of checks: a kind with its options, and the terms beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hookline.core.config_problems import Path, Problem, explain, found, suggestion
from hookline.core.config_tree import Node, key_path, plain
from hookline.core.errors import ConfigError
from hookline.quality.checks import OptionError, Options, Terms
from hookline.quality.checks.registry import discover, find, names
from hookline.quality.judging import AnyCheck

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class Place:
    """A node of a suite's tree, its path, and where to report what is wrong with it."""

    node: Node
    path: Path
    problems: list[Problem]

    def child(self, key: str | int) -> Place:
        """The place under a key or index, which must exist."""
        node = self.node.child(key)
        if node is None:
            raise KeyError(key)
        return Place(node, (*self.path, key), self.problems)

    def items(self, wanted: str) -> Iterator[Place]:
        """The members of a list; reports what is no list, or is empty."""
        if not isinstance(self.node.value, list):
            self.report(f"found {found(self.node, ())}; should be {wanted}")
        elif not self.node.value:
            self.report(f"is empty; should be {wanted}")
        else:
            yield from (self.child(index) for index in range(len(self.node.value)))

    def report(self, text: str) -> None:
        """Note a problem here."""
        self.problems.append(Problem(self.node.where, key_path(self.path), text))


def read_check(place: Place) -> AnyCheck | None:
    """The check that an entry describes; None when something was reported."""
    entry = place.node.value
    if not isinstance(entry, dict):
        place.report(f"found {found(place.node, ())}; {_shape()}")
        return None
    try:
        discover(key for key in entry if key not in Terms.model_fields)
    except ConfigError as error:
        place.report(str(error))
        return None
    known = names()
    named = [key for key in entry if key in known]
    before = len(place.problems)
    if len(named) != 1:
        _report_kind(place, named)
        return None
    kind = named[0]
    registered = find(kind)
    _report_strays(place, kind, registered.options)
    options = _read_options(place.child(kind), registered.options)
    terms = _read_terms(place)
    if options is None or terms is None or len(place.problems) > before:
        return None
    try:
        return registered.check(options, terms)
    except ValueError as error:
        key = error.key if isinstance(error, OptionError) and error.key in entry else kind
        place.child(key).report(str(error))
        return None


def _shape() -> str:
    return f"a check is a mapping with one of these keys: {', '.join(sorted(names()))}"


def _report_kind(place: Place, named: list[str]) -> None:
    """None or several kinds: say which key was probably meant."""
    if named:
        place.report(f"has several kinds of checks, {', '.join(named)}; give each its own entry, with its own dash")
        return
    unknown = [key for key in place.node.value if key not in Terms.model_fields]
    for key in unknown[:1]:
        place.child(key).report(f"unknown check{suggestion(key, names())}; known: {', '.join(sorted(names()))}")
    if not unknown:
        place.report(f"names no check; {_shape()}")


def _report_strays(place: Place, kind: str, options: type[Options]) -> None:
    for key in place.node.value:
        if key == kind:
            continue
        if key in options.model_fields and key not in Terms.model_fields:
            place.child(key).report(f"belongs under {kind!r}; indent it further than {kind!r}")
        elif key not in Terms.model_fields:
            known = [kind, *Terms.model_fields]
            place.child(key).report(f"unknown key{suggestion(key, known)}; allowed: {', '.join(known)}")


def _read_options(place: Place, options: type[Options]) -> Options | None:
    value = place.node.value
    if isinstance(value, dict):
        misplaced = [key for key in value if key in Terms.model_fields and key not in options.model_fields]
        for key in misplaced:
            place.child(key).report(f"stands beside {place.path[-1]!r}, not under it; indent it less")
        place = Place(
            Node({key: node for key, node in value.items() if key not in misplaced}, place.node.where),
            place.path,
            place.problems,
        )
    given = options.expand(plain(place.node))
    if not isinstance(given, dict):
        keys = ", ".join(options.model_fields)
        short = f"{options.short}, or " if options.short else ""
        place.report(f"found {found(place.node, ())}; should be {short}a mapping with these keys: {keys}")
        return None
    return _validated(place, options, given)


def _read_terms(place: Place) -> Terms | None:
    terms = {key: plain(node) for key, node in place.node.value.items() if key in Terms.model_fields}
    return _validated(place, Terms, terms)


def _validated(place: Place, model: type[ModelT], given: dict[str, object]) -> ModelT | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for problem in explain(error, place.node, model, place.path):
            # What is wrong with several keys together is not about the mapping that holds them.
            text = problem.text.removeprefix("found a mapping; ")
            place.problems.append(Problem(problem.where, problem.key, text))
        return None
