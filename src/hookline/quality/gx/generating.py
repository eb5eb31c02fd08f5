"""Suites by configuration: rules for datasets and for columns by their names, made into a suite for each dataset.

modules: [retail_expectations]
everywhere:
  - expect_table_row_count_to_be_between: {min_value: 1}
columns:
  "*_id":
    - expect_column_values_to_not_be_null: {}
datasets:
  silver/transactions:
    columns: [household_id, sales_value]
    expectations:
      - expect_compound_columns_to_be_unique: {column_list: [basket_id, product_id]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hookline.core.config_tree import plain
from hookline.core.config_yaml import parse
from hookline.core.errors import ConfigError
from hookline.quality.checks.registry import import_modules
from hookline.quality.gx.reading import read

_KEYS = ("modules", "everywhere", "columns", "datasets")
_OF_DATASET = ("columns", "expectations", "severity", "suite")
_BESIDE = ("severity", "notes")
ColumnsOf = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Rules:
    """What a file of rules says."""

    file: str
    everywhere: list[Any]
    columns: dict[str, list[Any]]
    datasets: dict[str, dict[str, Any]]


def read_rules(text: str, file: str) -> Rules:
    """Read rules, and import the modules that they name.

    Raises:
        ConfigError: they are not valid.
    """
    root = parse(text, file)
    given = None if root is None else plain(root)
    if not isinstance(given, dict) or not isinstance(given.get("datasets"), dict) or not given["datasets"]:
        raise ConfigError(f"{file}: rules are a mapping with datasets, each with its columns or expectations")
    for key in given:
        if key not in _KEYS:
            raise ConfigError(f"{file}: unknown key {key!r}; allowed: {', '.join(_KEYS)}")
    for dataset, rule in given["datasets"].items():
        if rule is not None and not isinstance(rule, dict):
            raise ConfigError(f"{file}: datasets.{dataset}: should be a mapping with {', '.join(_OF_DATASET)}")
        for key in rule or {}:
            if key not in _OF_DATASET:
                raise ConfigError(f"{file}: datasets.{dataset}: unknown key {key!r}; allowed: {', '.join(_OF_DATASET)}")
    import_modules([str(name) for name in given.get("modules") or ()])
    columns = given.get("columns") or {}
    everywhere = given.get("everywhere") or []
    if not isinstance(columns, dict) or not isinstance(everywhere, list):
        raise ConfigError(f"{file}: 'columns' is a mapping of globs to expectations, 'everywhere' a list of these")
    datasets = {str(name): rule or {} for name, rule in given["datasets"].items()}
    return Rules(file, everywhere, {str(glob): rules or [] for glob, rules in columns.items()}, datasets)


def generate(rules: Rules, columns_of: ColumnsOf) -> dict[str, dict[str, Any]]:
    """A suite for each dataset, JSON-ready, by its name.

    Args:
        columns_of: the columns of a dataset for which the rules list none.

    Raises:
        ConfigError: with what is wrong with the expectations of a dataset.
    """
    found = {}
    for dataset, rule in rules.datasets.items():
        name = str(rule.get("suite") or dataset.strip("/*").replace("/", "_"))
        columns = rule.get("columns")
        columns = columns_of(dataset) if columns is None else columns
        expectations = list(_expectations(rules, rule, [str(column) for column in columns]))
        document = {
            "name": name,
            "expectations": expectations,
            "meta": {"hookline": {"dataset": [dataset, f"*/{dataset.lstrip('/*')}"]}},
            "notes": None,
        }
        read(document, f"{rules.file}: datasets.{dataset}")
        found[name] = document
    return found


def _expectations(rules: Rules, rule: dict[str, Any], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for entry in rules.everywhere:
        yield _entry(entry, rules.file, rule)
    for column in columns:
        for glob, entries in rules.columns.items():
            if fnmatchcase(column, glob):
                yield from (_entry(entry, rules.file, rule, column) for entry in entries)
    for entry in rule.get("expectations") or ():
        yield _entry(entry, rules.file, rule)


def _entry(entry: Any, file: str, rule: dict[str, Any], column: str | None = None) -> dict[str, Any]:
    kinds = [key for key in entry if key not in _BESIDE] if isinstance(entry, dict) else []
    if len(kinds) != 1 or not isinstance(entry[kinds[0]] or {}, dict):
        raise ConfigError(
            f"{file}: an expectation is a mapping of its type to its arguments, and maybe a severity: {entry!r}"
        )
    kwargs = dict(entry[kinds[0]] or {})
    if column is not None:
        kwargs = {"column": column, **kwargs}
    severity = entry.get("severity", rule.get("severity", "critical"))
    return {"type": kinds[0], "kwargs": kwargs, "severity": severity, "meta": {}, "notes": entry.get("notes")}
