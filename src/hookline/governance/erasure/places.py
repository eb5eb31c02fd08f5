"""Where a subject's rows may be: the datasets that policies name, and all that lineage says were made from them or they from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from hookline.core.events import Dataset
from hookline.governance.protection.policy import Policy

How = Literal["delete", "nullify"]
# Rows that were set aside are kept in a struct of this name.
_ROW = "row"
_MAGIC = frozenset("*?[")


@dataclass(frozen=True)
class Held:
    """A column that holds the values of another one.

    Attributes:
        column: None where nobody knows in which columns they are.
        exact: whether the values came there unchanged, or masked by a policy.
    """

    dataset: Dataset
    column: str | None
    exact: bool = True


class Flow(Protocol):
    """What is known of datasets and of the ways between their columns."""

    def datasets(self) -> Iterable[Dataset]:
        """Every dataset, with its other names and the format that it was last written in."""

    def beside(self, dataset: Dataset) -> Iterable[Dataset]:
        """Where rows of a dataset were set aside."""

    def holding(self, dataset: Dataset, column: str) -> Iterable[Held]:
        """All that values of a column came from or went to."""

    def of_unknown_origin(self) -> Iterable[Dataset]:
        """Datasets that were written by something that nobody could look into, from nobody knows what."""


@dataclass(frozen=True)
class Place:
    """A dataset that may hold rows of the subject.

    Attributes:
        column: says whose row it is.
        how, columns: what is done: the rows go, or these columns become null in them.
        policy: by which policy.
        exact: whether the ids are there as they were, so that finding none means that there are none.
        problem: why nothing can be done by itself.
    """

    dataset: Dataset
    column: str
    how: How
    columns: tuple[str, ...]
    policy: str
    exact: bool = True
    problem: str | None = None


@dataclass(frozen=True)
class Survey:
    """All places, and what else is to be told of."""

    places: tuple[Place, ...]
    notes: tuple[str, ...]


def survey(policies: Sequence[Policy], entity: str, flow: Flow, unseen: Mapping[str, str]) -> Survey:
    """The places that may hold rows of subjects of an entity.

    Args:
        policies: those that are about the entity.
        unseen: by policy, why ids can't be told where it protected them.
    """
    found: dict[tuple[str, str], Place] = {}
    notes: list[str] = []
    for policy in policies:
        erase = policy.erase
        if erase is None or erase.entity != entity:
            continue
        columns = (erase.columns or personal(policy)) if erase.how == "nullify" else ()
        seeds = [*known_for(policy, flow)]
        notes += [] if seeds else [nothing_known(policy)]
        for dataset in seeds:
            # A policy for the dataset itself has more to say than lineage from another one.
            problem = unseen.get(policy.name)
            found[_key(dataset)] = Place(dataset, erase.subject, erase.how, columns, policy.name, problem=problem)
    by_name = {policy.name: policy for policy in policies}
    for seed in [*found.values()]:
        for place in _around(seed, personal(by_name[seed.policy]), flow):
            known = found.get(_key(place.dataset))
            if known is None or (known.problem and known.column == "" and not place.problem):
                # What was made from a dataset whose ids can't be told has the same.
                found[_key(place.dataset)] = replace(place, exact=place.exact and seed.problem is None)
    for place in [*found.values()]:
        for dataset in flow.beside(place.dataset):
            column, *columns_there = (f"{_ROW}.{name}" for name in (place.column, *place.columns))
            found.setdefault(
                _key(dataset), replace(place, dataset=dataset, column=column, columns=tuple(columns_there))
            )
    for dataset in flow.of_unknown_origin() if found else ():
        reason = "it was written by something that can't be looked into (an RDD, say), and nobody knows from what"
        found.setdefault(_key(dataset), Place(dataset, "", "delete", (), "", False, reason))
    return Survey(tuple(found[key] for key in sorted(found)), tuple(notes))


def personal(policy: Policy) -> tuple[str, ...]:
    """The columns that a policy's rules protect, without the one that says whose row it is."""
    subject = policy.erase.subject if policy.erase is not None else None
    names = (name for rule in policy.rules if rule.deed != "drop" for name in rule.columns)
    return tuple(dict.fromkeys(name for name in names if name != subject))


def known_for(policy: Policy, flow: Flow) -> Iterator[Dataset]:
    """The datasets that are known and that a policy is for."""
    matched = [dataset for dataset in flow.datasets() if policy.matches(dataset)]
    yield from matched
    for pattern in policy.datasets:
        # A path that no run has written or read yet is one all the same.
        if pattern.startswith("/") and not _MAGIC & set(pattern) and not any(one.matches(pattern) for one in matched):
            yield Dataset("file", pattern.rstrip("/"))


def nothing_known(policy: Policy) -> str:
    """What people are told who have to look themselves."""
    patterns = ", ".join(policy.datasets)
    return f"policy {policy.name!r}: no dataset is known that it is for ({patterns}): look for it by hand"


def _around(seed: Place, personal: Sequence[str], flow: Flow) -> Iterator[Place]:
    """What holds the same ids; and what was made of personal columns and does not say whose they are."""
    whose: dict[tuple[str, str], Held] = {}
    blind: dict[tuple[str, str], Held] = {}
    for held in flow.holding(seed.dataset, seed.column):
        own = whose if held.column is not None else blind
        known = own.get(_key(held.dataset))
        if known is None or (held.exact and not known.exact):
            own[_key(held.dataset)] = held
    elsewhere = _elsewhere(seed, personal, flow)
    nulled = elsewhere if seed.columns == tuple(personal) else _elsewhere(seed, seed.columns, flow)
    for key, held in whose.items():
        if held.column is not None and key != _key(seed.dataset):
            columns = tuple(nulled.get(key, ())) if seed.how == "nullify" else ()
            yield Place(held.dataset, held.column, seed.how, columns, seed.policy, held.exact)
    for key, held in blind.items():
        if key not in whose:
            reason = f"it was made from {seed.dataset}, and nobody knows which of its columns has the ids"
            yield Place(held.dataset, "", seed.how, (), seed.policy, False, reason)
    for key, there in elsewhere.items():
        if key not in whose and key not in blind and key != _key(seed.dataset):
            (dataset, *_) = there.values()
            reason = f"{', '.join(there)} came from {seed.dataset}, and no column says whose they are"
            yield Place(dataset, "", seed.how, (), seed.policy, False, reason)


def _elsewhere(seed: Place, columns: Sequence[str], flow: Flow) -> Mapping[tuple[str, str], dict[str, Dataset]]:
    """By dataset, the columns that hold what some columns of the seed hold."""
    found: dict[tuple[str, str], dict[str, Dataset]] = {}
    for column in columns:
        for held in flow.holding(seed.dataset, column):
            if held.column is not None:
                found.setdefault(_key(held.dataset), {})[held.column] = held.dataset
    return found


def _key(dataset: Dataset) -> tuple[str, str]:
    return dataset.namespace, dataset.name
