"""Suites: which checks hold for which datasets, read from YAML.

    dataset: "*/silver/transactions"
    checks:
      - completeness: household_id
        severity: critical

Every mistake is reported with file, line, key and cure, all mistakes of a file at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import get_args

from hookline.core.config_problems import Problem, found, raise_problems, suggestion
from hookline.core.config_tree import Location, Node, plain
from hookline.core.config_yaml import parse
from hookline.core.declared import read_all, read_text
from hookline.core.errors import ConfigError
from hookline.core.events import Breaker, Dataset, content_id
from hookline.quality.check_entry import Place, read_check
from hookline.quality.checks.scalars import exact_fraction
from hookline.quality.judging import AnyCheck, with_unique_names

MAX_BYTES = 1_000_000
_KEYS = ("dataset", "checks", "breaker", "quarantine")
_NEEDED = ("dataset", "checks")
_SHAPE = "a suite has the keys dataset and checks"
# As YAML 1.1 reads on and off, and what off means.
_SAME: Mapping[object, object] = {True: "on", False: "audit", "off": "audit"}


@dataclass(frozen=True)
class Quarantine:
    """Where rows are set aside, and how many of them are borne.

    Attributes:
        path: a folder, as a path or URI; None is the one beside the target.
        at_most: the share of the rows beyond which the write is refused; None is all of them.
    """

    path: str | None = None
    at_most: Fraction | None = None


@dataclass(frozen=True)
class Suite:
    """Checks for the datasets whose name matches one of several globs (``*`` crosses slashes; case matters).

    Attributes:
        breaker: what follows from a failed check; None leaves that to the plugin.
        digest: of all that the suite says, to tell one version of it from another.
    """

    datasets: tuple[str, ...]
    checks: tuple[AnyCheck, ...]
    where: Location
    breaker: Breaker | None = None
    quarantine: Quarantine = Quarantine()
    digest: str = ""

    def matches(self, dataset: Dataset) -> bool:
        """Whether the dataset's name, with or without its namespace, or one of its other names fits."""
        return dataset.matches(*self.datasets)


def checks_for(dataset: Dataset, suites: Iterable[Suite]) -> tuple[AnyCheck, ...]:
    """The checks of all suites that match, their names unique."""
    return with_unique_names([check for suite in suites if suite.matches(dataset) for check in suite.checks])


def load_suites(path: Path, *, shown: str | None = None) -> tuple[Suite, ...]:
    """Read a file of suites; JSON is a suite of Great Expectations.

    Args:
        path: the file.
        shown: its name in errors; by default the path.

    Raises:
        ConfigError: when it can't be read, or with all its mistakes, one per line.
    """
    name = shown or str(path)
    if path.suffix == ".json":
        return (_great_expectations(path, name),)
    return parse_suites(read_text(path, name, "suite", MAX_BYTES), name)


def _great_expectations(path: Path, name: str) -> Suite:
    from hookline.quality.gx import reading, suites

    return suites.as_suite(reading.load(path, shown=name), name)


def find_suites(patterns: Iterable[str], base_dir: Path) -> tuple[Suite, ...]:
    """Read all suites in the files that paths or glob patterns name, each file once, in the order of the patterns.

    Args:
        patterns: relative ones start from ``base_dir``; ``**`` crosses folders.
        base_dir: a folder.

    Raises:
        ConfigError: when a pattern names no file, or with all mistakes in all files.
    """
    suites, mistakes = read_all("suites", patterns, base_dir, lambda path, name: load_suites(path, shown=name))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return tuple(suites)


def parse_suites(text: str, file: str) -> tuple[Suite, ...]:
    """Read suites from YAML text; ``file`` is its name in errors.

    Raises:
        ConfigError: with all mistakes, one per line.
    """
    try:
        root = parse(text, file)
    except ConfigError as error:
        raise ConfigError(f"{error}{_cure(str(error))}") from None
    if root is None:
        raise ConfigError(f"{file}: the file is empty; {_SHAPE}")
    problems: list[Problem] = []
    suites = [suite for place in _places(root, problems) if (suite := _read_suite(place)) is not None]
    raise_problems(problems)
    return tuple(suites)


def _cure(problem: str) -> str:
    if "alias" in problem:
        return '; text that begins with * has to be in quotes: "*/silver/transactions"'
    if "escape character" in problem:
        return "; put a pattern in single quotes, in which a backslash is only a backslash"
    return ""


def _places(root: Node, problems: list[Problem]) -> Iterator[Place]:
    """The one suite that the file is, or those under ``suites``."""
    place = Place(root, (), problems)
    if not isinstance(root.value, dict):
        place.report(f"found {found(root, ())}; {_SHAPE}")
    elif "suites" not in root.value:
        yield place
    else:
        for key in root.value:
            if key != "suites":
                place.child(key).report("stands beside 'suites'; move it into one of them")
        yield from place.child("suites").items("a list of suites")


def _read_suite(place: Place) -> Suite | None:
    if not isinstance(place.node.value, dict):
        place.report(f"found {found(place.node, ())}; {_SHAPE}")
        return None
    for key in place.node.value:
        if key not in _KEYS:
            place.child(key).report(f"unknown key{suggestion(key, _KEYS)}; allowed: {', '.join(_KEYS)}")
    missing = [key for key in _NEEDED if key not in place.node.value]
    for key in missing:
        place.report(f"{key!r} is missing; {_SHAPE}")
    if missing:
        return None
    datasets = tuple(_read_globs(place.child("dataset")))
    places = list(place.child("checks").items("a list of checks"))
    read = [(entry, check) for entry in places if (check := read_check(entry)) is not None]
    _report_repeated_names(read)
    breaker = _read_breaker(place.child("breaker")) if "breaker" in place.node.value else None
    quarantine = _read_quarantine(place.child("quarantine")) if "quarantine" in place.node.value else Quarantine()
    checks = with_unique_names([check for _, check in read])
    digest = content_id(plain(place.node))[:12]
    return Suite(datasets, checks, place.node.where, breaker, quarantine, digest)


def as_breaker(given: object) -> object:
    """``on`` and ``off`` in YAML's own reading, and ``off`` as what it is."""
    return _SAME.get(given, given) if isinstance(given, (bool, str)) else given


def _read_breaker(place: Place) -> Breaker | None:
    given = as_breaker(place.node.value)
    for mode in get_args(Breaker):
        if given == mode:
            return mode  # type: ignore[no-any-return]
    place.report(f"found {found(place.node, ())}; should be one of {', '.join(get_args(Breaker))}, off")
    return None


def _read_quarantine(place: Place) -> Quarantine:
    """A folder, or a mapping."""
    given = place.node.value
    if isinstance(given, str) and given.strip():
        return Quarantine(given)
    if not isinstance(given, dict):
        place.report(f"found {found(place.node, ())}; should be a folder, or a mapping with path and at_most")
        return Quarantine()
    for key in given:
        if key not in ("path", "at_most"):
            place.child(key).report(f"unknown key{suggestion(key, ('path', 'at_most'))}; allowed: path, at_most")
    path = at_most = None
    if "path" in given:
        node = place.child("path").node.value
        path = node if isinstance(node, str) and node.strip() else None
        if path is None:
            place.child("path").report(f"found {found(place.child('path').node, ())}; should be a folder, as text")
    if "at_most" in given:
        number = place.child("at_most").node.value
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
            place.child("at_most").report("a share of the rows is allowed here: 0.05 bears 5 %")
        else:
            at_most = exact_fraction(float(number))
    return Quarantine(path, at_most)


def _read_globs(place: Place) -> Iterator[str]:
    wanted = 'a pattern ("*/silver/transactions") or a list of patterns'
    places = place.items(wanted) if isinstance(place.node.value, list) else [place]
    for item in places:
        if isinstance(item.node.value, str) and item.node.value.strip():
            yield item.node.value
        else:
            item.report(f"found {found(item.node, ())}; should be {wanted}, as text")


def _report_repeated_names(read: list[tuple[Place, AnyCheck]]) -> None:
    count = Counter(check.terms.name for _, check in read if check.terms.name)
    first: dict[str, int] = {}
    for place, check in read:
        name = check.terms.name
        if name is None or count[name] == 1:
            continue
        if name in first:
            place.child("name").report(
                f"{name!r} is the name of another check too, in line {first[name]}; names are unique within a suite"
            )
        else:
            first[name] = place.child("name").node.where.line
