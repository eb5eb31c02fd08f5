"""Example rows for a policy: what is given, and what is expected to become of it."""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hookline.core.config_tree import plain
from hookline.core.config_yaml import parse
from hookline.core.declared import read_text
from hookline.core.errors import ConfigError, HooklineError
from hookline.core.safekeeping import KeysConfig
from hookline.core.store import LazyStore
from hookline.governance.crypto.owned import OWNED
from hookline.governance.crypto.sealed import SEALED
from hookline.governance.crypto.tokens import TOKEN
from hookline.governance.keys import keyfile, open_keyring
from hookline.governance.kinds import MAX_BYTES
from hookline.governance.protection.owners import StoredKeys
from hookline.governance.protection.policy import KeyedRule, Policy
from hookline.governance.protection.protect import Protector

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ACTION = re.compile(r"<(tokenize|encrypt|fpe|mask|redact|generalize|drop|fake)>")
_FORMS = {"tokenize": (TOKEN,), "encrypt": (SEALED, OWNED)}


@dataclass(frozen=True)
class Case:
    """A row and what is expected of it; columns that are not expected anything may become what they like."""

    given: Mapping[str, Any]
    expect: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a case: in which ways it is not as expected."""

    number: int
    problems: Sequence[str] = field(default=())


def load_cases(path: Path) -> list[Case]:
    """A file of cases.

    Raises:
        ConfigError: it can't be read, or is none.
    """
    root = parse(read_text(path, str(path), "list of cases", MAX_BYTES), str(path))
    if root is None or not isinstance(root.value, list) or not root.value:
        raise ConfigError(f"{path}: it is no list of cases; a case has the keys given and expect")
    cases: list[Case] = []
    for node in root.value:
        value = plain(node)
        if not isinstance(value, dict) or set(value) != {"given", "expect"}:
            raise ConfigError(f"{node.where}: a case has the keys given and expect, and no others")
        if not isinstance(value["given"], dict) or not isinstance(value["expect"], dict):
            raise ConfigError(f"{node.where}: given and expect are mappings of columns to values")
        cases.append(Case(value["given"], value["expect"]))
    return cases


def try_cases(spark: SparkSession, policy: Policy, cases: Sequence[Case]) -> list[Outcome]:
    """What the policy makes of each case, with keys that are made for it and thrown away."""
    with tempfile.TemporaryDirectory(prefix="hookline-policy-") as folder:
        names = {rule.key or policy.key for rule in policy.rules if isinstance(rule, KeyedRule)}
        for name in sorted(names):
            keyfile.add_version(Path(folder) / "keys.json", name, new=True)
        keys = KeysConfig()
        keyring = open_keyring(keys, Path(folder))
        store = LazyStore(f"sqlite:///{quote(folder)}/store.db")
        subject_keys = StoredKeys(store.get, keyring)
        protector = Protector(keyring, keys, Path(folder), Path(folder), ("python",), subject_keys)
        try:
            return [Outcome(number, _problems(spark, protector, policy, case)) for number, case in enumerate(cases, 1)]
        finally:
            store.close()


def _problems(spark: SparkSession, protector: Protector, policy: Policy, case: Case) -> list[str]:
    from pyspark.sql import functions

    try:
        frame = _frame(spark, case.given)
        made_frame = protector.protect(frame, [policy]).frame
        columns = (made_frame["`" + name.replace("`", "``") + "`"] for name in made_frame.columns)
        (row,) = made_frame.select(functions.to_json(functions.struct(*columns))).collect()
    except HooklineError as error:
        return [str(error)]
    made = json.loads(row[0])
    return [
        f"{column}: expected {_shown(wanted)}, found {_shown(_at(made, column))}"
        for column, wanted in case.expect.items()
        if not _is_as_wanted(_at(made, column), wanted, _at(case.given, column))
    ]


def _frame(spark: SparkSession, given: Mapping[str, Any]) -> DataFrame:
    """One row, of the types that JSON has, and dates and times where the file has some."""
    text = json.dumps(given, default=str, ensure_ascii=True)
    frame = spark.read.json(spark.sparkContext.parallelize([text], 1))
    for name, value in given.items():
        if isinstance(value, dt.date):
            kind = "timestamp" if isinstance(value, dt.datetime) else "date"
            quoted = "`" + name.replace("`", "``") + "`"
            frame = frame.withColumn(name, frame[quoted].cast(kind))
    return frame


def _at(row: Any, column: str) -> Any:
    """What is under a name whose dots lead into structs; None where there is nothing."""
    if isinstance(row, Mapping) and column in row:
        return row[column]
    head, _, rest = column.partition(".")
    return _at(row[head], rest) if rest and isinstance(row, Mapping) and head in row else None


def _is_as_wanted(made: Any, wanted: Any, given: Any) -> bool:
    match = _ACTION.fullmatch(wanted) if isinstance(wanted, str) else None
    if match is None:
        return bool(made == json.loads(json.dumps(wanted, default=str)))
    forms = _FORMS.get(match[1])
    if match[1] == "drop":
        return made is None
    if forms is not None:
        return isinstance(made, str) and any(form.fullmatch(made) for form in forms)
    return made is not None and made != given


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
