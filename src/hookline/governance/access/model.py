"""Access policies: who may do what with which tables, columns and rows. Read from YAML with ``kind: access``.

kind: access
version: 1
name: crm
principals:
  analysts: {id: "arn:aws:iam::123456789012:role/analysts"}
tags:
  sensitivity:
    values: [public, internal, personal]
    carried:
      - {databases: [crm], value: internal}
      - {tables: [crm.customers], columns: [phone], value: personal}
    classified: {EMAIL_ADDRESS: personal}
tables:
  - {name: crm.customers, location: "s3://lake/crm/customers/", columns: {id: bigint, email: string, country: string}}
rules:
  - name: analysts-read
    principals: [analysts]
    allow: [select]
    tables: [crm.customers]
    columns: {exclude: [phone]}
    filter: "country = 'DE'"
    masks: {email: {mask: hash}}
    purpose: reporting
    expires: 2027-01-01T00:00:00Z

There are only allows: what no rule allows is denied. ``hookline.governance.access.decide`` says what they come to.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hookline.core.events import content_id
from hookline.governance.access.filters import Condition, FilterError, parse_filter
from hookline.governance.access.names import Names, Part, parts, path

TableAction = Literal["select", "insert", "delete", "alter", "drop", "describe"]
DatabaseAction = Literal["create_table", "alter", "drop", "describe"]
Action = Literal["select", "insert", "delete", "alter", "drop", "describe", "create_table"]
PrincipalKind = Literal["role", "user", "group", "account", "organization"]
TABLE_ACTIONS: tuple[TableAction, ...] = ("select", "insert", "delete", "alter", "drop", "describe")
DATABASE_ACTIONS: tuple[DatabaseAction, ...] = ("create_table", "alter", "drop", "describe")

_IDS: dict[PrincipalKind, str] = {
    "role": r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}",
    "user": r"arn:aws[a-z-]*:(iam::\d{12}:(user/[\w+=,.@/-]{1,512}|saml-provider/[\w.-]{1,128}:user/[\w+=,.@ /-]{1,256})"
    r"|identitystore:::user/[0-9a-f-]{1,47})",
    "group": r"arn:aws[a-z-]*:(iam::\d{12}:saml-provider/[\w.-]{1,128}:group/[\w+=,.@ /-]{1,256}"
    r"|identitystore:::group/[0-9a-f-]{1,47})",
    "account": r"\d{12}",
    "organization": r"arn:aws[a-z-]*:organizations::\d{12}:(organization/o-[a-z0-9]{10,32}"
    r"|ou/o-[a-z0-9]{10,32}/ou-[a-z0-9-]{5,68})",
}


def _kind_of(id: str) -> PrincipalKind | None:
    return next((kind for kind, pattern in _IDS.items() if re.fullmatch(pattern, id, re.ASCII)), None)


def _principal(id: str) -> str:
    if _kind_of(id) is None:
        raise ValueError(
            "Input should be the ARN of an IAM role or user, of a SAML or Identity Center user or group, of an organization or "
            "its unit, or an account's twelve digits in quotes"
        )
    return id


def _name_of(count: int, what: str) -> AfterValidator:
    def check(text: str) -> str:
        if len(parts(text)) != count:
            raise ValueError(f"Input should be {what}")
        return text

    return AfterValidator(check)


def _path(text: str) -> str:
    path(text)
    return text


def _exact(text: str) -> str:
    if any(part.is_pattern for part in parts(text)):
        raise ValueError("Input should be one name, without *")
    return text


def _filter(text: str) -> str:
    try:
        parse_filter(text)
    except FilterError as error:
        raise ValueError(f"Input should be a row filter: {error}") from None
    return text


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_Text = Annotated[str, Field(min_length=1, max_length=256)]
_TagText = Annotated[str, Field(pattern=r"^[a-z0-9_.:/=+@-]{1,128}$")]
_Entity = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
_Account = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
_ColumnPath = Annotated[str, Field(min_length=1), AfterValidator(_path)]
DatabasePattern = Annotated[str, Field(min_length=1), _name_of(1, "a database, or a pattern with *")]
TablePattern = Annotated[str, Field(min_length=1), _name_of(2, "database.table, where * stands for any signs")]
_TableName = Annotated[str, Field(min_length=1), _name_of(2, "database.table"), AfterValidator(_exact)]
_Purpose = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_. -]{0,127}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Principal(_Section):
    """Who it is, as AWS knows it. Rules name it by its short name, which is its key under ``principals``."""

    id: Annotated[str, AfterValidator(_principal)] = Field(
        description="An ARN, or an account's twelve digits in quotes; never a wildcard."
    )
    attributes: dict[_Name, _Text] = Field(
        default_factory=dict,
        description="What else is to be known of it, such as team and contact; it decides nothing.",
    )

    @property
    def kind(self) -> PrincipalKind:
        """What it is, by its id."""
        kind = _kind_of(self.id)
        if kind is None:
            raise ValueError("an id that was never checked")
        return kind


class Carried(_Section):
    """Who carries a value of a tag. A table has what its database carries, and a column what its table carries."""

    value: _TagText = Field(description="One of the tag's values.")
    databases: tuple[DatabasePattern, ...] = Field((), description="Databases, or patterns with *.")
    tables: tuple[TablePattern, ...] = Field(
        (), description="In place of databases: database.table, or patterns with *."
    )
    columns: tuple[_ColumnPath, ...] = Field(
        (), description="Of these tables not they themselves but these columns; of a field the column that it is in."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Carried:
        if bool(self.databases) == bool(self.tables):
            raise ValueError("Input should have either databases or tables")
        if self.columns and not self.tables:
            raise ValueError("Input should have tables where it has columns")
        return self


class Tag(_Section):
    """An LF-tag, and who carries it. Its key under ``tags`` is the tag's key."""

    values: Annotated[tuple[_TagText, ...], Field(min_length=1, max_length=1_000)] = Field(
        description="What it may be, from the freest to the strictest: where several are said of one thing, the strictest holds."
    )
    carried: tuple[Carried, ...] = Field((), description="Who carries which value.")
    classified: dict[_Entity, _TagText] = Field(
        default_factory=dict,
        description="By entity, such as EMAIL_ADDRESS: the value of columns that it was found in and that `carried` does not name.",
    )

    @model_validator(mode="after")
    def _known(self) -> Tag:
        if len(set(self.values)) < len(self.values):
            raise ValueError("Input should have each value once")
        for value in (*(one.value for one in self.carried), *self.classified.values()):
            if value not in self.values:
                raise ValueError(f"Input should have {value!r} among its values, which are {', '.join(self.values)}")
        return self

    def strictest(self, values: set[str]) -> str | None:
        """Of several values the one that holds; None of none."""
        return max(values, key=self.values.index, default=None)


class Table(_Section):
    """A table as it is declared: for checks of policies, for plans, and for Terraform."""

    name: _TableName = Field(description="database.table; a name with other signs stands in double quotes.")
    catalog: _Account | None = Field(None, description="The account whose Glue catalog it is in; by default one's own.")
    location: Annotated[str, Field(pattern=r"^s3://[^\s\"'\\*?${}]{3,1000}$")] | None = Field(
        None, description="Where its files are, for Lake Formation to be in charge of them."
    )
    columns: dict[_Text, _Text] = Field(
        default_factory=dict, description="Names and Spark's types, in order; by default what the store knows."
    )
    partitioned_by: tuple[_Text, ...] = Field(
        (), description="Columns that are partitions: Lake Formation's filters can't ask whether those are null."
    )

    @property
    def names(self) -> tuple[str, str]:
        """Database and table."""
        database, table = path(self.name)
        return database, table


class ColumnChoice(_Section):
    """Which columns; a path stands for all that is in it."""

    include: tuple[_ColumnPath, ...] = Field((), description="These alone.")
    exclude: tuple[_ColumnPath, ...] = Field((), description="In place of include: all but these.")

    @model_validator(mode="after")
    def _one_of_two(self) -> ColumnChoice:
        if bool(self.include) == bool(self.exclude):
            raise ValueError("Input should have either include or exclude")
        return self


class Mask(_Section):
    """What is shown in place of a value. The type stays: what is no text becomes null under every mask."""

    mask: Literal["partial", "hash", "redact", "nullify"] = Field(
        description="partial covers characters, hash is SHA-256 (who can guess the value can check the guess), redact is *** in "
        "place of any text, nullify is null."
    )
    keep_first: Annotated[int, Field(ge=0, le=1_000)] = Field(
        0, description="With partial: how many characters stay at the beginning."
    )
    keep_last: Annotated[int, Field(ge=0, le=1_000)] = Field(
        0, description="With partial: how many stay at the end. A text that is not longer than both is covered whole."
    )

    @model_validator(mode="after")
    def _whole(self) -> Mask:
        if self.mask != "partial" and (self.keep_first or self.keep_last):
            raise ValueError("Input should have keep_first and keep_last with partial only")
        return self


class Rule(_Section):
    """Something that is allowed."""

    name: _Name = Field(description="Its name, once in a policy: plans, logs and addresses in Terraform have it.")
    principals: Annotated[tuple[_Name, ...], Field(min_length=1), BeforeValidator(_one_or_more)] = Field(
        description="Short names of principals."
    )
    allow: Annotated[tuple[Action, ...], Field(min_length=1), BeforeValidator(_one_or_more)] = Field(
        description="On tables select, insert, delete, alter, drop, describe; on databases create_table, alter, drop, describe."
    )
    databases: tuple[DatabasePattern, ...] = Field((), description="Databases, or patterns with *.")
    tables: tuple[TablePattern, ...] = Field((), description="Or tables: database.table, or patterns with *.")
    tagged: dict[_TagText, Annotated[tuple[_TagText, ...], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="Or tables by tags: for each key the values that will do. With select it is for columns that carry them, "
        "with anything else for tables that do.",
    )
    catalog: _Account | None = Field(
        None, description="The account whose Glue catalog it is about; by default one's own."
    )
    columns: ColumnChoice | None = Field(None, description="With select: which columns; by default all.")
    filter: Annotated[str, AfterValidator(_filter)] | None = Field(
        None, description="With select: which rows, in the SQL of Lake Formation's row filters; by default all."
    )
    masks: dict[_ColumnPath, Mask] = Field(
        default_factory=dict, description="With select: what is shown of a column in place of its values."
    )
    missing: Literal["deny", "allow"] = Field(
        "deny",
        description="What the rule is worth on a table without a column that it excludes or masks: nothing, since the column may "
        "have come under another name, or as much as elsewhere.",
    )
    purpose: _Purpose | None = Field(
        None, description="It holds for those who say that they work for this; by default for whatever they work."
    )
    expires: AwareDatetime | None = Field(None, description="From when on it is worth nothing: a time with its zone.")
    grantable: bool = Field(False, description="Whether they may pass it on, where a catalog has such a thing.")

    @model_validator(mode="after")
    def _whole(self) -> Rule:
        if sum(map(bool, (self.databases, self.tables, self.tagged))) != 1:
            raise ValueError("Input should have one of databases, tables and tagged")
        possible: tuple[str, ...] = DATABASE_ACTIONS if self.databases else TABLE_ACTIONS
        for action in self.allow:
            if action not in possible:
                raise ValueError(f"Input should allow some of {', '.join(possible)}, not {action}")
        if (self.columns or self.filter or self.masks) and self.allow != ("select",):
            raise ValueError("Input should allow select alone where it has columns, a filter or masks")
        return self

    @property
    def condition(self) -> Condition | None:
        """The row filter, read; None for all rows."""
        return None if self.filter is None else parse_filter(self.filter)

    def column_masks(self) -> dict[Names, Mask]:
        """The masks by path."""
        return {path(column): mask for column, mask in self.masks.items()}

    def holds_at(self, now: dt.datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or now < self.expires

    def table_patterns(self) -> tuple[tuple[Part, Part], ...]:
        """Database and table of each of its patterns."""
        return tuple((found[0], found[1]) for found in map(parts, self.tables))


class AccessPolicy(_Section):
    """One file. Principals, tags and tables may be declared in one and used in another."""

    kind: Literal["access"] = Field(description="access: it says who may see what.")
    version: Literal[1] = Field(1, description="The version of this format.")
    name: _Name = Field(description="The policy's name.")
    principals: dict[_Name, Principal] = Field(
        default_factory=dict, description="By short name: who may be allowed something."
    )
    tags: dict[_TagText, Tag] = Field(default_factory=dict, description="By key: LF-tags.")
    tables: tuple[Table, ...] = Field((), description="Tables that are declared here.")
    rules: tuple[Rule, ...] = Field((), description="What is allowed; all else is not.")

    @model_validator(mode="after")
    def _once(self) -> AccessPolicy:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"Input should have each rule's name once; {name!r} is there {names.count(name)} times"
                )
        return self

    @cached_property
    def _digest(self) -> str:
        return content_id(self.model_dump_json())[:16]

    def digest(self) -> str:
        """Of all that it says, to tell one version of it from another."""
        return self._digest
