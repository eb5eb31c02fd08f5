"""YAML text to a tree of located values.

PyYAML composes; constructing is ours, because of what PyYAML would let pass: a key given twice, YAML 1.1's ``NO`` that
becomes False in a list of countries, aliases that grow a small file into gigabytes, and Python tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from hookline.core.config_problems import Problem, raise_problems
from hookline.core.config_tree import Location, Node, key_path
from hookline.core.errors import ConfigError

_MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Composes with YAML 1.2's core schema, plus dates and times; refuses aliases and bottomless nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _refusal(self, "aliases (*name) are not supported; write the value out")
        if self.depth >= _MAX_DEPTH:
            raise _refusal(self, f"nested more than {_MAX_DEPTH} levels deep")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _refusal(loader: _Loader, problem: str) -> yaml.MarkedYAMLError:
    event: Any = loader.peek_event()  # type: ignore[no-untyped-call]
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _teach_resolvers() -> None:
    for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
        (
            "float",
            r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
            list("-+.0123456789"),
        ),
    ):
        _Loader.add_implicit_resolver(_TAG + tag, re.compile(f"^(?:{pattern})$"), first)
    for tag, expression in yaml.SafeLoader.yaml_implicit_resolvers["0"]:
        if tag == _TAG + "timestamp":
            _Loader.add_implicit_resolver(tag, expression, list("0123456789"))


_teach_resolvers()

_CONSTRUCT: dict[str, Callable[[yaml.ScalarNode], Any]] = {
    _TAG + "null": lambda node: None,
    _TAG + "bool": lambda node: {"true": True, "false": False}[node.value.lower()],
    _TAG + "int": lambda node: int(node.value, 0 if node.value[:2] in ("0x", "0o") else 10),
    _TAG + "float": lambda node: float(re.sub(r"\.(?=inf|nan)", "", node.value.lower())),
    _TAG + "str": lambda node: node.value,
    _TAG + "timestamp": lambda node: yaml.constructor.SafeConstructor().construct_yaml_timestamp(node),
}


def parse(text: str, file: str) -> Node | None:
    """Read one YAML document.

    Args:
        text: the document.
        file: the name that errors show.

    Returns:
        The tree; None for an empty document.

    Raises:
        ConfigError: with file, line and column for text that is not YAML, else with every key given twice, every key
            that is not text, and every tag or value that can't be read.
    """
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax_message(error, text, file)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{file}:{line}: not valid YAML: a control character (U+{ord(text[error.position]):04X}); remove it, or "
            "check that this is a text file"
        ) from None
    if root is None:
        return None
    problems: list[Problem] = []
    tree = _convert(root, Location(file, root.start_mark.line + 1), (), problems)
    raise_problems(problems)
    return tree


def relocated(node: Node, where: Location) -> Node:
    """The same tree, said to come from somewhere else (an option of the command line has no lines)."""
    if isinstance(node.value, dict):
        return Node({key: relocated(item, where) for key, item in node.value.items()}, where)
    if isinstance(node.value, list):
        return Node([relocated(item, where) for item in node.value], where)
    return Node(node.value, where)


def _convert(node: yaml.Node, where: Location, path: tuple[str | int, ...], problems: list[Problem]) -> Node:
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        return Node(dict(_items(node, where.file, path, problems)), where)
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        items = enumerate(node.value)
        return Node([_convert(item, _at(item, where.file), (*path, i), problems) for i, item in items], where)
    construct = _CONSTRUCT.get(node.tag) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(node, yaml.ScalarNode) or construct is None:
        tag = node.tag.replace(_TAG, "!!")
        problems.append(Problem(where, key_path(path), f"the tag {tag} is not supported; write a plain value"))
        return Node(None, where)
    try:
        return Node(construct(node), where)
    except (ValueError, KeyError, OverflowError, AttributeError):
        kind = node.tag.removeprefix(_TAG)
        problems.append(Problem(where, key_path(path), f"looks like a YAML {kind} and is none; write text in quotes"))
        return Node(None, where)


def _items(
    node: yaml.MappingNode, file: str, path: tuple[str | int, ...], problems: list[Problem]
) -> Iterator[tuple[str, Node]]:
    first: dict[str, int] = {}
    for key_node, value_node in node.value:
        where = _at(key_node, file)
        if key_node.tag != _TAG + "str" or not isinstance(key_node, yaml.ScalarNode):
            problems.append(
                Problem(where, key_path(path), f"the key {_shown(key_node)} is not text; write it in quotes")
            )
            continue
        key = key_node.value
        own = (*path, key)
        if key in first:
            what = "this plugin is named twice" if own[:-1] == ("plugins",) else "this key is given twice"
            problems.append(Problem(where, key_path(own), f"{what}, first in line {first[key]}; keep one of the two"))
            continue
        first[key] = where.line
        yield key, _convert(value_node, where, own, problems)


def _shown(node: yaml.Node) -> str:
    return repr(node.value[:40]) if isinstance(node, yaml.ScalarNode) else "(a list or mapping)"


def _at(node: yaml.Node, file: str) -> Location:
    return Location(file, node.start_mark.line + 1)


def _syntax_message(error: yaml.MarkedYAMLError, text: str, file: str) -> str:
    mark = error.problem_mark or error.context_mark
    context = f"{error.context}, " if error.context else ""
    message = f"not valid YAML: {context}{error.problem}"
    if mark is None:
        return f"{file}: {message}"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    return f"{file}:{mark.line + 1}:{mark.column + 1}: {message}{_cure(str(error.problem), line)}"


def _cure(problem: str, line: str) -> str:
    if "\\t" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return "; YAML is indented with spaces, never with tabs"
    if "${" in line:
        return '; a value with ${…} inside [ ] or { } has to be in quotes: "${NAME}"'
    if "single document" in problem or "expected a single" in problem:
        return "; a configuration is one document, without a second ---"
    if "mapping values are not allowed" in problem:
        return "; check the indentation, and put text that contains ': ' in quotes"
    if problem.startswith(("aliases", "nested")):
        return ""
    return "; check the brackets, quotes and indentation there and in the lines before"
