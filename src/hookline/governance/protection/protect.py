"""A frame with everything done to it that policies want."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.governance.protection import native
from hookline.governance.protection.arrays import changer, tokenizer
from hookline.governance.protection.deeds import Deed, Keyed, Names, deeds_for, keyed_for_consent
from hookline.governance.protection.expressions import Make, as_text, made_by, rebuilt
from hookline.governance.protection.owners import Left, SubjectKeys, with_keys
from hookline.governance.protection.policy import Fpe, Policy, Tokenize

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructField

    from hookline.core.safekeeping import KeysConfig
    from hookline.governance.keys import Keyring


# By a purpose: the tokens of those who allow it.
Permitted = Callable[[str], set[str]]
_SUBJECT = "__hookline_subject"
_OF_SUBJECT = Tokenize(columns=("subject",), action="tokenize")


@dataclass(frozen=True)
class Protected:
    """What became of a frame.

    Attributes:
        deeds: what is done, column by column.
        native: whether tokens are made in the JVM.
        allowed: by policies that ask for consent: how many subjects give it.
        erased: of subjects who were erased: how many rows came, and what was done with them.
    """

    frame: DataFrame
    deeds: tuple[Deed, ...]
    native: bool
    allowed: Mapping[str, int]
    erased: tuple[Left, ...] = ()


class Protector:
    """Does what policies say.

    Args:
        keys, base_dir: where keys come from, also where the rows are.
        folder: for what the JVM is handed.
        ways: which ways tokens may be made; Python's is always there.
        subject_keys: keeps the keys of subjects, where a policy gives each of them one.
    """

    def __init__(
        self,
        keyring: Keyring,
        keys: KeysConfig,
        base_dir: Path,
        folder: Path,
        ways: Sequence[str] = ("native", "python"),
        subject_keys: SubjectKeys | None = None,
    ) -> None:
        self._subject_keys = subject_keys
        self._keyring = keyring
        self._keys = keys, base_dir.absolute()
        self._folder = folder
        self._native = "native" in ways and keys.provider in native.PROVIDERS

    def protect(self, frame: DataFrame, policies: Iterable[Policy], permitted: Permitted | None = None) -> Protected:
        """The frame with its columns protected, and only the rows that consent allows.

        Args:
            permitted: tells the tokens of those who allow a purpose, where a policy asks for consent.

        Raises:
            ProtectionError: a column is not there, or is of a kind that its rule can't be applied to; or consent is asked
                for, and nobody can tell of it.
            KeyUnavailableError: a key can't be had.
        """
        policies = tuple(policies)
        spark = frame.sparkSession
        sensitive = str(spark.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"
        deeds = deeds_for(policies, frame.schema, self._keyring, self._keys, case_sensitive=sensitive)
        asking = [policy for policy in policies if policy.consent is not None]
        owned = any(deed.owner is not None for deed in deeds)
        wants = self._native and (asking or owned or any(isinstance(deed.rule, Tokenize) for deed in deeds))
        java = native.native_class(spark, self._folder) if wants else None
        allowed: dict[str, int] = {}
        for policy in asking:
            frame, allowed[policy.name] = self._consented(frame, policy, permitted, java, sensitive)
        left: tuple[Left, ...] = ()
        if owned:
            frame, deeds, left = with_keys(
                frame, deeds, lambda name, keyed: _tokens(frame, name, keyed, java), self._subject_keys, sensitive
            )
        return Protected(_changed(frame, deeds, java) if deeds else frame, deeds, java is not None, allowed, left)

    def _consented(
        self, frame: DataFrame, policy: Policy, permitted: Permitted | None, java: Any, sensitive: bool
    ) -> tuple[DataFrame, int]:
        """Those rows whose subjects allow the policy's purpose, and how many subjects do."""
        consent = policy.consent
        if consent is None or permitted is None:
            raise ProtectionError(f"policy {policy.name!r} asks for consent, and there is no ledger to ask")
        same = (lambda name: name) if sensitive else str.lower
        names = [name for name in frame.columns if same(name) == same(consent.subject)]
        if len(names) != 1:
            raise ProtectionError(
                f"policy {policy.name!r} asks for the consent of {consent.subject!r}, a column that this write does not have"
            )
        keyed = keyed_for_consent(policy, consent, self._keyring, self._keys)
        tokens = sorted(permitted(consent.purpose))
        return _of_subjects(frame, names[0], keyed, tokens, java), len(tokens)


def _of_subjects(frame: DataFrame, name: str, keyed: Keyed, tokens: list[str], java: Any) -> DataFrame:
    """The rows whose subject has one of these tokens. Tokens alone are in the plan."""
    import pyarrow as pa
    from pyspark.sql import functions as F

    allowed = frame.sparkSession.createDataFrame(pa.table({_SUBJECT: pa.array(tokens, pa.string())}))
    marked = frame.withColumn(_SUBJECT, _tokens(frame, name, keyed, java))
    return marked.join(F.broadcast(allowed), _SUBJECT, "left_semi").drop(_SUBJECT)


def _tokens(frame: DataFrame, name: str, keyed: Keyed, java: Any) -> Column:
    """The tokens of the subjects that a column has the ids of."""
    from pyspark.sql.pandas.functions import arrow_udf

    text = as_text(_named(frame, name), frame.schema[name].dataType, Deed("", (name,), _OF_SUBJECT, keyed))
    function: Any = arrow_udf
    if java is None:
        made: Column = function(tokenizer(keyed), "string")(text)
        return made
    return native.tokens(frame.sparkSession, java, text, keyed)


def _changed(frame: DataFrame, deeds: tuple[Deed, ...], java: Any) -> DataFrame:
    """Two steps, since a function of Python's can't stand inside of Spark's own: first Spark's, and texts for the others."""
    spark = frame.sparkSession
    in_python = [deed for deed in deeds if deed.in_workers and not _is_native(deed, java)]
    prepared: list[Column] = []
    carriers = {deed.carrier for deed in deeds}
    for field in frame.schema.fields:
        if field.name in carriers:
            continue
        leaves: dict[Names, Make | None] = {
            deed.names[1:]: _make(spark, deed, java) for deed in deeds if deed.names[0] == field.name
        }
        column = _named(frame, field.name)
        changed = rebuilt(column, field.dataType, leaves) if leaves else column
        if changed is not None:
            prepared.append(_alias(changed, field))
    if not prepared:
        raise ProtectionError("the policy drops every column of this write")
    if in_python:
        _check_subjects(frame, in_python)
    subjects = {subject for deed in in_python if (subject := deed.whose) is not None}
    hidden = {subject: f"__hookline_subject_{place}" for place, subject in enumerate(sorted(subjects))}
    extra = [_named(frame, subject).cast("string").alias(name) for subject, name in hidden.items()]
    result = frame.select(*prepared, *extra)
    return _by_python(result, in_python, hidden) if in_python else result


def _by_python(frame: DataFrame, deeds: Sequence[Deed], hidden: dict[str, str]) -> DataFrame:
    from pyspark.sql.pandas.functions import arrow_udf

    columns: list[Column] = []
    for field in frame.schema.fields:
        mine = [deed for deed in deeds if deed.names[0] == field.name]
        column = _named(frame, field.name)
        if mine:
            inputs = [column]
            whose = {subject for deed in mine if (subject := deed.whose) is not None}
            inputs += [_named(frame, hidden[subject]) for subject in sorted(whose)]
            function: Any = arrow_udf
            changed = function(changer(mine, subjects=bool(whose)), field.dataType)(*inputs)
            columns.append(_alias(changed, field))
        elif field.name not in hidden.values():
            columns.append(column)
    return frame.select(*columns)


def _check_subjects(frame: DataFrame, deeds: Sequence[Deed]) -> None:
    for deed in deeds:
        subject = deed.whose
        if subject is None:
            continue
        if subject not in frame.columns:
            raise ProtectionError(f"the column {subject!r}, which {deed.column!r} is to be made up by, is not there")
        others = {one.whose for one in deeds if one.names[0] == deed.names[0]}
        if len(others) > 1:
            raise ProtectionError(f"the fields of {deed.names[0]!r} are of several subjects: one column has one")


def _make(spark: Any, deed: Deed, java: Any) -> Make | None:
    if not deed.in_workers:
        return made_by(deed)
    keyed = deed.keyed
    if keyed is not None and _is_native(deed, java):
        return lambda column, type: native.tokens(spark, java, as_text(column, type, deed), keyed)
    if isinstance(deed.rule, Fpe) and deed.rule.unfit == "null":
        return lambda column, type: _nullable(as_text(column, type, deed))
    return lambda column, type: as_text(column, type, deed)


def _nullable(text: Column) -> Column:
    from pyspark.sql import functions as F

    return F.when(F.length(text) >= 0, text)


def _is_native(deed: Deed, java: Any) -> bool:
    return java is not None and isinstance(deed.rule, Tokenize)


def _alias(column: Column, field: StructField) -> Column:
    """Under its name and with its comment; what Spark notes of a type (``__CHAR_VARCHAR…``) is no more true."""
    kept = {key: value for key, value in field.metadata.items() if not key.startswith("__")}
    return column.alias(field.name, metadata=kept) if kept else column.alias(field.name)


def _named(frame: DataFrame, name: str) -> Column:
    """A top-level column, whatever is in its name."""
    return frame["`" + name.replace("`", "``") + "`"]
