"""What is wrong in a configuration, said so that it can be cured: where, which key, what was found, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hookline.core.config_tree import Location, Node, key_path
from hookline.core.errors import ConfigError

Path = tuple[str | int, ...]

_SECRET_KEY = re.compile(r"pass|token|secret|key|credential|auth|dsn|webhook|^headers$|^store$", re.IGNORECASE)
_USERINFO = re.compile(r"://[^/\s]*@")
_KINDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "a mapping",
    list: "a list",
    type(None): "nothing",
}
_WANTED = {
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "set_type": "should be a list",
    "frozen_set_type": "should be a list",
    "dict_type": "should be a mapping (key: value)",
    "model_type": "should be a mapping (key: value)",
    "model_attributes_type": "should be a mapping (key: value)",
    "dataclass_type": "should be a mapping (key: value)",
    "string_type": "should be text; put it in quotes",
    "string_too_short": "should not be empty",
    "too_short": "should not be empty",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
}
_MOST = 30


@dataclass(frozen=True)
class Problem:
    """One thing to cure. ``key`` is the path of the key, empty when the whole file is meant."""

    where: Location
    key: str
    text: str

    def __str__(self) -> str:
        named = f"{self.key}: " if self.key and not str(self.where).endswith(f" {self.key}") else ""
        return f"{self.where}: {named}{self.text}"


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raise all problems as one error, in the order of their lines; nothing when there are none.

    Raises:
        ConfigError: one line per problem.
    """
    if problems:
        # What has no line (an option) comes last, in the order given.
        ordered = sorted(problems, key=lambda problem: (problem.where.line == 0, problem.where.line))
        lines = list(dict.fromkeys(str(problem) for problem in ordered))
        # A file that is something else altogether has a problem in every line.
        more = [f"… and {len(lines) - _MOST:,} more problems"] if len(lines) > _MOST else []
        raise ConfigError("\n".join([*lines[:_MOST], *more]))


def explain(error: ValidationError, root: Node, model: type[BaseModel], prefix: Path = ()) -> list[Problem]:
    """pydantic's errors as problems.

    Args:
        error: what validation raised.
        root: the tree that was validated.
        model: the model that it was validated against.
        prefix: the path of ``root`` in the whole configuration.
    """
    wanted: dict[Path, list[str]] = {}
    nodes: dict[Path, Node] = {}
    items = error.errors(include_url=False, include_context=False, include_input=False)
    for item in items:
        path, node = _locate(root, item["loc"])
        if item["type"] == "too_short" and node.value:
            continue  # pydantic counts what is valid: each item that is not has its own line
        full = (*prefix, *path)
        nodes[full] = node
        text = _missing(item, items) or _text(item, node, full, model, (root, prefix))
        wanted.setdefault(full, []).append(text)
    return [
        Problem(nodes[path].where, key_path(path), "; or ".join(dict.fromkeys(texts))) for path, texts in wanted.items()
    ]


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)``, or nothing when no known word is near."""
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    near = near or [name for name in words if len(word) > 2 and name.startswith(word)]
    return f" (did you mean {near[0]!r}?)" if near else ""


def found(node: Node, path: Path) -> str:
    """What stands there, for an error: its kind alone when it may be a secret."""
    kind = kind_of(node)
    if isinstance(node.value, (dict, list)) or node.value is None or is_secret(node, path):
        return kind
    shown = str(node.value).lower() if isinstance(node.value, bool) else repr(node.value)
    return (shown if len(shown) <= 60 else f"{shown[:57]}…") + f" ({kind})"


def kind_of(node: Node) -> str:
    """What kind of value it is, in words."""
    return _KINDS.get(type(node.value), type(node.value).__name__)


def is_secret(node: Node, path: Path) -> bool:
    """Whether a value must not be shown: a variable made it, its key says so, or it is a URL with a password."""
    if node.variable or any(isinstance(part, str) and _SECRET_KEY.search(part) for part in path):
        return True
    return isinstance(node.value, str) and _USERINFO.search(node.value) is not None


def redact(text: str, root: Node, prefix: Path = ()) -> str:
    """``text`` without the secrets of a tree, for messages that plugins wrote."""
    secrets = {str(node.value) for path, node in root.walk(prefix) if _is_secret_scalar(node, path)}
    for secret in sorted(secrets, key=len, reverse=True):
        for form in dict.fromkeys((secret, repr(secret)[1:-1])):
            # A short one is replaced as a word only: "1" must not tear "10" apart.
            text = text.replace(form, "***") if len(form) > 3 else re.sub(rf"\b{re.escape(form)}\b", "***", text)
    return text


def _is_secret_scalar(node: Node, path: Path) -> bool:
    if isinstance(node.value, (dict, list, bool)) or node.value in (None, ""):
        return False
    return is_secret(node, path)


def _locate(root: Node, loc: Sequence[str | int]) -> tuple[Path, Node]:
    """Follow pydantic's location as far as the tree goes; parts that name a union's branch are left out."""
    node = root
    path: list[str | int] = []
    for part in loc:
        child = node.child(part)
        if child is not None:
            node = child
            path.append(part)
    return tuple(path), node


def _missing(item: ErrorDetails, items: Sequence[ErrorDetails]) -> str | None:
    """Of one model (or one branch of a union) all keys are wanted, in one sentence; of several branches, any."""
    if item["type"] != "missing":
        return None
    keys = [
        repr(other["loc"][-1])
        for other in items
        if other["type"] == "missing" and other["loc"][:-1] == item["loc"][:-1]
    ]
    if len(keys) == 1:
        return f"{keys[0]} is missing; add it"
    return f"{', '.join(keys[:-1])} and {keys[-1]} are missing; add them"


def _text(item: ErrorDetails, node: Node, path: Path, model: type[BaseModel], whole: tuple[Node, Path]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        known = sorted(_allowed_keys(model, item["loc"]))
        return f"unknown key{suggestion(str(item['loc'][-1]), known)}; allowed: {', '.join(known) or 'none'}"
    message = _WANTED.get(kind) or item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = re.sub(r"^Input should be", "should be", message).replace("\n", " ")
    return f"found {found(node, path)}; {redact(message, *whole)}"


def _allowed_keys(model: type[BaseModel], loc: Sequence[str | int]) -> set[str]:
    owners = [model]
    for part in loc[:-1]:
        branches = [owner for owner in owners if owner.__name__ == part]
        children = [child for owner in owners for child in _children(owner, part)]
        owners = children or branches or owners
    return {field.alias or name for owner in owners for name, field in owner.model_fields.items()}


def _children(owner: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    for name, field in owner.model_fields.items():
        if part in (name, field.alias):
            yield from _models_in(field.annotation)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
