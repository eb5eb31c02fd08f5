"""Access policies from files, and all of them together: what is declared in one file is known in all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from hookline.core.config_problems import explain, raise_problems
from hookline.core.config_tree import Node, plain
from hookline.core.declared import read_all
from hookline.core.errors import ConfigError
from hookline.core.events import content_id
from hookline.governance.access.model import AccessPolicy, Principal, Rule, Table, Tag
from hookline.governance.access.names import folded
from hookline.governance.kinds import kind_of, read_tree


class OwnedRule(NamedTuple):
    """A rule, and the name of the policy that it stands in."""

    policy: str
    rule: Rule

    @property
    def id(self) -> str:
        """``policy.rule``: the same as long as both are called so."""
        return f"{self.policy}.{self.rule.name}"


@dataclass(frozen=True)
class Access:
    """All access policies together, in the order of their names. Make one with ``combine`` or ``find_access``."""

    policies: tuple[AccessPolicy, ...]

    @cached_property
    def principals(self) -> Mapping[str, Principal]:
        """By short name."""
        return {name: one for policy in self.policies for name, one in policy.principals.items()}

    @cached_property
    def tags(self) -> Mapping[str, Tag]:
        """By key."""
        return {key: one for policy in self.policies for key, one in policy.tags.items()}

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All that are declared."""
        return tuple(table for policy in self.policies for table in policy.tables)

    @cached_property
    def rules(self) -> tuple[OwnedRule, ...]:
        """All rules, expired ones too."""
        return tuple(OwnedRule(policy.name, rule) for policy in self.policies for rule in policy.rules)

    def digest(self) -> str:
        """Of all that they say together."""
        return content_id(*(policy.digest() for policy in self.policies))[:16]


def combine(policies: Iterable[AccessPolicy]) -> Access:
    """Policies as one.

    Raises:
        ConfigError: two policies, principals, tags or tables have one name, or a rule names what is nowhere declared.
    """
    access = Access(tuple(sorted(policies, key=lambda policy: policy.name)))
    mistakes = [*_twice(access), *_unknown(access)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return access


def find_access(patterns: Iterable[str], base_dir: Path) -> Access:
    """The access policies in the files that paths or glob patterns name; files with other policies are passed over.

    Raises:
        ConfigError: with all mistakes in all files, or those of ``combine``, or when there is no access policy at all.
    """
    policies, mistakes = read_all("policies", patterns, base_dir, _load_some)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    if not policies:
        raise ConfigError(f"policies: no file has `kind: access`, looked for in {base_dir}; say who may see what")
    return combine(policies)


def load_access(path: Path, *, shown: str | None = None) -> AccessPolicy:
    """The access policy of a file.

    Raises:
        ConfigError: when it can't be read, or with all its mistakes, one per line.
    """
    return _validated(read_tree(path, shown or str(path)))


def _load_some(path: Path, name: str) -> Iterator[AccessPolicy]:
    root = read_tree(path, name)
    if kind_of(root) == "access":
        yield _validated(root)


def _validated(root: Node) -> AccessPolicy:
    try:
        return AccessPolicy.model_validate(plain(root))
    except ValidationError as error:
        raise_problems(explain(error, root, AccessPolicy))
        raise


def _twice(access: Access) -> Iterator[str]:
    names: dict[tuple[str, str], list[str]] = {}
    for policy in access.policies:
        names.setdefault(("policy", policy.name), []).append(policy.name)
        for name in policy.principals:
            names.setdefault(("principal", name), []).append(policy.name)
        for key in policy.tags:
            names.setdefault(("tag", key), []).append(policy.name)
        for table in policy.tables:
            key = folded("/".join((table.catalog or "", *table.names)))
            names.setdefault(("table", key.removeprefix("/")), []).append(policy.name)
    for (kind, name), places in names.items():
        if len(places) > 1:
            yield f"{kind} {name!r} is declared {len(places)} times, in {', '.join(dict.fromkeys(places))}; keep one"


def _unknown(access: Access) -> Iterator[str]:
    by_id: dict[str, str] = {}
    for name, principal in access.principals.items():
        other = by_id.setdefault(principal.id, name)
        if other != name:
            yield f"the principals {other!r} and {name!r} have the same id; keep one of the names"
    for owned in access.rules:
        for name in owned.rule.principals:
            if name not in access.principals:
                yield f"rule {owned.id}: the principal {name!r} is nowhere declared; add it to principals, or correct it"
        for key, values in owned.rule.tagged.items():
            tag = access.tags.get(key)
            if tag is None:
                yield f"rule {owned.id}: the tag {key!r} is nowhere declared; add it to tags, or correct it"
                continue
            for value in values:
                if value not in tag.values:
                    yield f"rule {owned.id}: the tag {key!r} has no value {value!r}; it has {', '.join(tag.values)}"
