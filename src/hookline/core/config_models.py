"""The configuration's shape. ``FileModel`` is what a file may say, ``Config`` what the rest of hookline works with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.functional_validators import AfterValidator

from hookline.core.config_tree import Location, Node, plant
from hookline.core.costing import CostConfig
from hookline.core.labels import LabelsConfig
from hookline.core.safekeeping import AuditConfig, KeysConfig

DEFAULT_PLUGINS = ("console", "lineage")
BUILT_IN = Location("(default)")
# How a store's URL may begin, and SQLAlchemy's name for the driver that it then has.
STORE_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
MeasuringWay = Literal["proof", "vectorised", "observe", "spark"]


def _no_bool(value: Any) -> Any:
    # pydantic takes True for 1; `deadline_s: yes` is no deadline.
    if isinstance(value, bool):
        raise ValueError("Input should be a number")
    return value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("Input should be a list without repetitions")
    return values


def _known_store(url: SecretStr) -> SecretStr:
    # The store itself parses it, with SQLAlchemy, which takes its time: what is none at all is found out before Spark starts.
    if not url.get_secret_value().startswith(tuple(f"{scheme}://" for scheme in STORE_DRIVERS)):
        raise ValueError(
            "Input should be sqlite:////path/to/store.db or postgresql+psycopg://user:password@host:5432/database"
        )
    return url


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("Input should be a path; it contains a NUL character")
    return text


Seconds = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, allow_inf_nan=False)]
Bytes = Annotated[int, BeforeValidator(_no_bool), Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]
PathText = Annotated[Text, AfterValidator(_no_nul)]


class _Section(BaseModel):
    # Building a validator takes milliseconds that every job waits for: each is built when it is first used.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class BusConfig(_Section):
    """How long the job waits for its plugins."""

    notify_deadline_s: Seconds = Field(
        2.0, description="Seconds that the job waits for one notification of one plugin."
    )
    decide_deadline_s: Seconds = Field(
        30.0, description="Seconds that a write waits for one plugin's decision; then the write is refused."
    )


class MeasureConfig(_Section):
    """How writes are measured."""

    ways: Annotated[tuple[MeasuringWay, ...], Field(min_length=1), AfterValidator(_distinct)] = Field(
        ("proof", "vectorised", "observe", "spark"),
        description="The ways that may be taken; per measure, the first of these that is exact is.",
    )
    deadline_s: Seconds = Field(600.0, description="Seconds that measuring one write may take.")


class OutboxConfig(_Section):
    """How messages leave the process."""

    flush_deadline_s: Seconds = Field(
        5.0, description="Seconds that the end of a process waits for deliveries; the rest waits for `outbox replay`."
    )
    max_bytes: Bytes = Field(1 << 30, description="Bytes of undelivered messages to keep on disk at most.")


class _Settings(_Section):
    """What the file and the resulting configuration have in common."""

    job: Text | None = Field(
        None, description="The job's name; by default the script's, with `attach` the Spark application's."
    )
    store: Annotated[SecretStr, AfterValidator(_known_store)] | None = Field(
        None, description="SQLAlchemy URL of the run history; by default an SQLite file in state_dir."
    )
    required_gates: Annotated[tuple[str, ...], AfterValidator(_distinct)] = Field(
        (), description="Names of plugins without which, or without whose answer, nothing may be written."
    )
    publish: Literal["staged", "direct"] = Field(
        "staged",
        description="Where a plugin judges writes: staged publishes what passed its judgement, direct publishes first and "
        "judges then.",
    )
    bus: BusConfig = Field(default_factory=BusConfig)
    measure: MeasureConfig = Field(default_factory=MeasureConfig)
    outbox: OutboxConfig = Field(default_factory=OutboxConfig)
    labels: LabelsConfig = Field(default_factory=LabelsConfig)
    cost: CostConfig = Field(default_factory=CostConfig)
    keys: KeysConfig = Field(default_factory=KeysConfig)
    audit: AuditConfig = Field(default_factory=AuditConfig)


class FileModel(_Settings):
    """The keys of a file. Plugins and environments are looked into separately."""

    version: Literal[1] = Field(1, description="The version of this format.")
    state_dir: PathText = Field(
        ".hookline", description="The folder for hookline's state, from the file's own folder; $HOOKLINE_DIR wins."
    )
    plugins: dict[str, Any] = Field(
        default_factory=dict, description="Plugins in the order in which they are called, each with its options."
    )
    environments: dict[str, Any] = Field(
        default_factory=dict, description="Overlays by name, each with the same keys as the file; chosen with --env."
    )


@dataclass(frozen=True)
class PluginEntry:
    """A plugin that the configuration names.

    Attributes:
        name: an entry point, or ``package.module:Class``.
        options: its options, not yet validated. May hold secrets, so that it is left out of the repr.
        where: the place of its name.
        tree: the options with the place of each.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    where: Location = BUILT_IN
    tree: Node | None = field(default=None, repr=False, compare=False)

    def located(self) -> Node:
        """The options as a tree."""
        return self.tree if self.tree is not None else plant(self.options, self.where)


class Config(_Settings):
    """A configuration that is valid, except for the plugins' own options, which their models judge on loading."""

    state_dir: Path = Path(".hookline")
    plugins: tuple[PluginEntry, ...] = ()
    source: Path | None = None
    environment: str | None = None
    base_dir: Path = Field(default_factory=Path.cwd, description="What relative paths in the configuration start from.")
    gates_at: Location = Field(BUILT_IN, exclude=True)

    def store_url(self) -> str:
        """The SQLAlchemy URL of the run history. It may hold a password."""
        if self.store is not None:
            return self.store.get_secret_value()
        return f"sqlite:///{quote(os.fsencode(self.state_dir.absolute() / 'store.db'))}"
