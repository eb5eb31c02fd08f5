"""Policies: which columns of which datasets may not be in clear, and what is done with them. Read from YAML.

version: 1
name: customers
datasets: ["*/silver/customers"]
rules:
  - columns: [email, contact.email]
    entity: EMAIL_ADDRESS
    action: tokenize
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator

from hookline.core.config_problems import explain, raise_problems
from hookline.core.config_tree import Node, plain
from hookline.core.declared import read_all
from hookline.core.errors import ConfigError
from hookline.core.events import Dataset, content_id
from hookline.governance.crypto.ff1 import ALPHABETS, FF1
from hookline.governance.kinds import kind_of, read_tree
from hookline.governance.pii.settings import DetectionSettings
from hookline.governance.protection.normal import STEPS, Step, steps_for

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Entity = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
_Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_Count = Annotated[int, Field(ge=0, le=1_000_000)]


def _alphabet(text: str) -> str:
    characters = ALPHABETS.get(text, text)
    if len(characters) < 2 or len(set(characters)) < len(characters):
        raise ValueError(f"Input should be {', '.join(ALPHABETS)}, or the characters themselves, each once")
    FF1(bytes(32), len(characters))
    return characters


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Rule(_Section):
    """What all rules have."""

    columns: tuple[_Text, ...] = Field(
        (),
        description="Columns by name; a dot leads into a struct, into the elements of an array or, by key and value, into a map.",
    )
    classified: tuple[_Entity, ...] = Field(
        (),
        description="In place of columns: entities. The rule is for every column that holds one of them and that no rule names.",
    )
    entity: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")] | None = Field(
        None, description="What it is, as Presidio names it: EMAIL_ADDRESS, PHONE_NUMBER, PERSON …"
    )
    serves: tuple[_Text, ...] = Field((), description="What the rule is there for, such as an article of a law.")
    missing: Literal["refuse", "allow"] = Field(
        "refuse", description="What is done when a write lacks such a column: it may have come under another name."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Rule:
        if bool(self.columns) == bool(self.classified):
            raise ValueError("Input should have either columns or classified")
        return self

    @property
    def deed(self) -> str:
        """Its action; each kind of rule has one of its own."""
        return str(self.__dict__["action"])


class KeyedRule(Rule):
    """What all rules have that need a key."""

    key: _Key | None = Field(None, description="The key's name; by default the policy's.")
    normalize: tuple[Step, ...] | None = Field(
        None, description=f"Steps before it: {', '.join(STEPS)}; by default those that suit the entity."
    )

    def steps(self) -> tuple[Step, ...]:
        """What is done to a value first."""
        return steps_for(self.entity) if self.normalize is None else self.normalize


class Tokenize(KeyedRule):
    """HMAC-SHA256: equal values have equal tokens, and none is turned back."""

    action: Literal["tokenize"]


class Encrypt(KeyedRule):
    """AES-256-GCM, or AES-SIV where equal values are to stay equal. It can be turned back."""

    action: Literal["encrypt"]
    normalize: tuple[Step, ...] | None = Field(
        (), description="Steps before it; by default none: what comes back is what went in."
    )
    deterministic: bool = Field(
        False, description="Equal values stay equal (AES-SIV), which shows which rows are alike."
    )
    subject: _Text | None = Field(
        None,
        description="The column that says whose value it is: each subject has a key of its own, destroyed when it is erased.",
    )
    subject_entity: _Entity | None = Field(
        None, description="What the subject's id is; by default what `erase` says of the same column."
    )
    erased: Literal["drop", "refuse", "null"] = Field(
        "drop",
        description="What is done with rows of those who were erased: they are left out, fail the write, or have null there.",
    )


class Fpe(KeyedRule):
    """FF1: a text of the same form, which can be turned back."""

    action: Literal["fpe"]
    normalize: tuple[Step, ...] | None = Field((), description="Steps before it; by default none: the form stays.")
    alphabet: Annotated[str, AfterValidator(_alphabet)] = Field(
        "digits",
        validate_default=True,
        description=f"What is encrypted: {', '.join(ALPHABETS)}, or characters; all others stay where they are.",
    )
    unfit: Literal["refuse", "null"] = Field(
        "refuse",
        description="What is done with a value with too few of these characters: it fails the write, or becomes null.",
    )


class Mask(Rule):
    """Characters are covered."""

    action: Literal["mask"]
    keep_first: _Count = Field(0, description="How many characters at the beginning stay.")
    keep_last: _Count = Field(
        0, description="How many at the end stay. A text that is not longer than both is covered whole."
    )
    cover: Annotated[str, Field(min_length=1, max_length=1)] = Field("*", description="What the others become.")


class Redact(Rule):
    """In texts, what Presidio finds gives way to its entity's name, or is covered; the rest stays."""

    action: Literal["redact"]
    entities: Annotated[tuple[_Entity, ...], Field(min_length=1)] | None = Field(
        None, description="What gives way; by default everything that is found, except dates, URLs and UUIDs."
    )
    score: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = Field(
        0.4, description="How sure Presidio has to be of it."
    )
    into: Literal["entity", "cover"] = Field(
        "entity", description="What is there then: <EMAIL_ADDRESS>, or an asterisk for each character."
    )


class Generalize(Rule):
    """A coarser value."""

    action: Literal["generalize"]
    to: Literal["month", "quarter", "year", "decade", "prefix", "band"] = Field(
        description="Of dates and times the first moment of their month, quarter, year or decade; of texts a prefix; of "
        "numbers a band."
    )
    length: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="The prefix's length (zip codes: 3)."
    )
    width: Annotated[int, Field(ge=2, le=1_000_000_000)] | None = Field(
        None, description="The band's width: 10 makes 30-39 of 34."
    )

    @model_validator(mode="after")
    def _whole(self) -> Generalize:
        for to, name in (("prefix", "length"), ("band", "width")):
            if (self.to == to) != (getattr(self, name) is not None):
                needed = f"Input should say {name}" if self.to == to else f"Input should not say {name}: it is for {to}"
                raise ValueError(needed)
        return self


class Drop(Rule):
    """The column is not written."""

    action: Literal["drop"]


class Fake(KeyedRule):
    """Made up by Faker, the same for the same value, or for the same subject."""

    action: Literal["fake"]
    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = Field(
        description="What Faker makes: name, email, street_address …"
    )
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2,3})?$")] = Field(
        "en_US", description="In which language."
    )
    subject: _Text | None = Field(
        None,
        description="The column that says whose value it is: one subject has one name. By default the value itself.",
    )


Rules = Tokenize | Encrypt | Fpe | Mask | Redact | Generalize | Drop | Fake
AnyRule = Annotated[Rules, Field(discriminator="action")]


class Consent(_Section):
    """Whose rows a write may carry."""

    subject: _Text = Field(description="The column that says whose row it is.")
    purpose: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="What the dataset is for, as the ledger names it."
    )
    entity: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")] | None = Field(
        None, description="What the subject's id is; by default the column's name takes its place."
    )
    key: _Key | None = Field(
        None, description="The key that subjects' ids are tokenized with; by default the policy's."
    )
    normalize: tuple[Step, ...] | None = Field(
        None, description=f"Steps before it: {', '.join(STEPS)}; by default those that suit the entity."
    )

    def steps(self) -> tuple[Step, ...]:
        """What is done to an id first."""
        return steps_for(self.entity) if self.normalize is None else self.normalize


class Erase(_Section):
    """How a subject's rows are erased."""

    subject: _Text = Field(description="The column that says whose row it is.")
    entity: _Entity = Field(description="What the subject's id is, as `hookline erase --entity` names it.")
    how: Literal["delete", "nullify"] = Field(
        "delete", description="Whether the rows go, or only what is personal in them becomes null."
    )
    columns: tuple[_Text, ...] = Field(
        (), description="What becomes null with nullify; by default the columns of the rules."
    )
    normalize: tuple[Step, ...] | None = Field(
        None, description=f"Steps before ids are compared: {', '.join(STEPS)}; by default those that suit the entity."
    )


class Retention(_Section):
    """For how long rows, or what is personal in them, are kept."""

    column: _Text = Field(description="The date or timestamp that the time is counted from.")
    keep: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4} (day|week|month|year)s?$")] = Field(
        description="For how long: 90 days, 24 months, 10 years."
    )
    how: Literal["delete", "nullify"] = Field(
        "delete", description="Whether the rows go then, or only what is personal in them becomes null."
    )
    entities: tuple[_Entity, ...] = Field(
        (), description="With nullify: the columns of rules for these entities, such as PERSON."
    )
    columns: tuple[_Text, ...] = Field(
        (), description="With nullify: these columns; by default those of entities, else of all rules."
    )

    @model_validator(mode="after")
    def _whole(self) -> Retention:
        if self.how == "delete" and (self.entities or self.columns):
            raise ValueError("Input should not say entities or columns with delete: the whole row goes")
        return self


class Reveal(_Section):
    """Who may turn values back."""

    allow: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(description="Users of the operating system.")
    per_hour: Annotated[int, Field(ge=1)] = Field(100, description="How many values each may turn back within an hour.")


class AtRest(_Section):
    """Columns that Parquet files hold encrypted."""

    columns: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        description="Columns that the files hold encrypted; a dot leads into a struct, an array or a map, as in rules."
    )
    key: _Key | None = Field(None, description="The name of the key that opens the files; by default the policy's.")
    footer: Literal["encrypted", "plaintext"] = Field(
        "encrypted",
        description="plaintext: whoever has no key can still read the other columns, the schema and the number of rows.",
    )


class Policy(_Section):
    """Rules for the datasets whose name matches one of several patterns."""

    version: Literal[1] = Field(1, description="The version of this format.")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")] = Field(description="The policy's name.")
    datasets: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        description="Patterns with * (which crosses slashes) on datasets' names, with or without namespace, and on tables' names."
    )
    tenant: _Text = Field("default", description="Whose data it is: tokens of two tenants differ.")
    key: _Key = Field("default", description="The name of the key that is used where a rule names none.")
    rules: tuple[AnyRule, ...] = Field(
        (), description="What is done, by column; it may be nothing where at_rest says something."
    )
    at_rest: AtRest | None = Field(None, description="Which columns Parquet files hold encrypted; by default none.")
    detection: DetectionSettings | None = Field(
        None,
        description="What redact and rules by classification look for: options of presidio, by default its defaults.",
    )
    classify: Annotated[tuple[Literal["scan", "lineage"], ...], Field(min_length=1)] = Field(
        ("scan", "lineage"),
        description="How rules by classification know what a column holds: a scan of the rows on their way, and what is known of "
        "the columns that it was made from.",
    )
    consent: Consent | None = Field(None, description="Whose rows a write may carry; by default everybody's.")
    erase: Erase | None = Field(None, description="Whose rows they are, and how a subject's rows are erased.")
    retention: tuple[Retention, ...] = Field((), description="For how long rows are kept; by default for ever.")
    reveal: Reveal | None = Field(None, description="Who may turn values back; by default nobody.")

    @model_validator(mode="after")
    def _says_something(self) -> Policy:
        if not (self.touches_writes or self.erase is not None or self.retention):
            raise ValueError("Input should have rules, at_rest, consent, erase or retention")
        return self

    @model_validator(mode="after")
    def _kept(self) -> Policy:
        known = {entity for rule in self.rules for entity in (rule.entity, *rule.classified)}
        for entity in (entity for one in self.retention for entity in one.entities):
            if entity not in known:
                raise ValueError(f"Input should name entities of rules in retention: no rule is for {entity}")
        return self

    @model_validator(mode="after")
    def _subjects(self) -> Policy:
        for rule in self.rules:
            if isinstance(rule, Encrypt) and rule.subject is not None and self.subject_entity(rule) is None:
                raise ValueError(
                    f"Input should say what the ids in {rule.subject!r} are: as subject_entity of the rule, or as entity of erase"
                )
        return self

    def subject_entity(self, rule: Encrypt) -> str | None:
        """What the ids are that say whose values a rule encrypts."""
        if rule.subject_entity is not None or self.erase is None or self.erase.subject != rule.subject:
            return rule.subject_entity
        return self.erase.entity

    def subject_steps(self, entity: str) -> tuple[Step, ...]:
        """What is done to a subject's id before it is compared."""
        own = self.erase.normalize if self.erase is not None and self.erase.entity == entity else None
        return steps_for(entity) if own is None else own

    def matches(self, dataset: Dataset) -> bool:
        """Whether it is for this dataset."""
        return dataset.matches(*self.datasets)

    @property
    def touches_writes(self) -> bool:
        """Whether it has anything to say of rows on their way."""
        return bool(self.rules) or self.at_rest is not None or self.consent is not None

    @property
    def looks_for(self) -> DetectionSettings:
        """What is looked for."""
        return self.detection or DetectionSettings()

    @property
    def by_classification(self) -> bool:
        """Whether it has rules that name no columns."""
        return any(rule.classified for rule in self.rules)

    @property
    def detects(self) -> bool:
        """Whether it needs Presidio."""
        return any(isinstance(rule, Redact) or (rule.classified and "scan" in self.classify) for rule in self.rules)

    def digest(self) -> str:
        """Of all that it says, to tell one version of it from another."""
        return content_id(self.model_dump_json())[:16]


def find_policies(patterns: Iterable[str], base_dir: Path) -> tuple[Policy, ...]:
    """All policies in the files that paths or glob patterns name, each file once; access policies are passed over.

    Raises:
        ConfigError: when a pattern names no file, no file has a policy of this kind, two policies have one name, or with all
            mistakes in all files.
    """
    policies, mistakes = read_all("policies", patterns, base_dir, _load_some)
    if not policies and not mistakes:
        mistakes.append(f"policies: all have `kind: access`, and none protects columns, looked for in {base_dir}")
    names = [policy.name for policy in policies]
    for name in sorted({name for name in names if names.count(name) > 1}):
        mistakes.append(
            f"policies: {name!r} is the name of {names.count(name)} policies; the audit log tells them apart by it"
        )
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return tuple(policies)


def load_policies(path: Path, *, shown: str | None = None) -> tuple[Policy, ...]:
    """The policy of a file.

    Raises:
        ConfigError: when it can't be read, or with all its mistakes, one per line.
    """
    name = shown or str(path)
    root = read_tree(path, name)
    if kind_of(root) == "access":
        raise ConfigError(
            f"{name}: it says who may see what (kind: access), and a policy that protects columns is wanted"
        )
    return (_validated(root),)


def _load_some(path: Path, name: str) -> Iterator[Policy]:
    root = read_tree(path, name)
    if kind_of(root) == "protection":
        yield _validated(root)


def _validated(root: Node) -> Policy:
    try:
        return Policy.model_validate(plain(root))
    except ValidationError as error:
        raise_problems(explain(error, root, Policy))
        raise
