"""The options of the plugin ``glue``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from hookline.core.plugin import PluginConfig
from hookline.governance.catalog.options import SchemaRule

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.events import Dataset

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,255}$")]
_Registry = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_$#.-]{1,255}$")]


class Place(NamedTuple):
    """A table in Glue."""

    database: str
    table: str


class GlueTable(PluginConfig):
    """Where datasets are in Glue that have no name in Spark's catalog, or shall have another one."""

    datasets: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        description="Patterns with * on datasets' names, with or without namespace, and on tables' names."
    )
    database: _Name = Field(description="Glue's database.")
    table: _Name | None = Field(
        None, description="The table, where the patterns are for one dataset. Default: its own name."
    )


class GlueConfig(PluginConfig):
    """Options of ``glue``."""

    region: _Text | None = Field(None, description="The region. Default: what the AWS settings say.")
    endpoint_url: _Text | None = Field(None, description="Another address of the service, such as a VPC endpoint.")
    catalog_id: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = Field(
        None, description="The account whose catalog it is. Default: the credentials' own."
    )
    datasets: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        ("*",), description="Patterns on the names of the datasets that are registered."
    )
    tables: tuple[GlueTable, ...] = Field(
        (), description="Names of tables; of those that match a dataset the first holds."
    )
    database: _Name | None = Field(
        None, description="The database of paths that have no other. Default: they are not registered."
    )
    create_database: bool = Field(False, description="Whether a database that is not there is made.")
    skip_archive: bool = Field(
        True,
        description="Whether Glue keeps no earlier version of a table that is changed; the schemas' are kept anyhow.",
    )
    column_statistics: bool = Field(
        False,
        description="Whether counts of nulls and of different values go to Glue's column statistics, where a write's profile is "
        "that of all the data.",
    )
    registry: _Registry | None = Field(None, description="The schema registry that versions go to. Default: none.")
    schemas: tuple[SchemaRule, ...] = Field(
        (),
        description="Rules that writes are held against by the versions in the registry: who can't ask it may not write. Of those "
        "that match a dataset the first holds.",
    )
    lineage_url: Annotated[str, Field(pattern=r"^https?://[!-~]{1,500}$")] | None = Field(
        None, description="The address of `hookline ui` as others reach it, for links to a dataset's lineage."
    )
    timeout_s: Annotated[float, Field(gt=0, le=25, allow_inf_nan=False)] = Field(
        10.0, description="Seconds to wait for an answer."
    )

    def place_of(self, dataset: Dataset) -> Place | None:
        """The table of a dataset; None of one that is not registered."""
        if not dataset.matches(*self.datasets):
            return None
        database, table = _catalog_name(dataset)
        rule = next((one for one in self.tables if dataset.matches(*one.datasets)), None)
        if rule is not None:
            database, table = rule.database, rule.table or table
        database = database or self.database
        return None if database is None or not table else Place(database, table)


def configured(config: Config) -> GlueConfig | None:
    """The options in a configuration; None without the plugin.

    Raises:
        ConfigError: the configuration of a plugin is not valid.
    """
    from hookline.core.loader import check_plugins

    return next((one.config for one in check_plugins(config) if isinstance(one.config, GlueConfig)), None)


def _catalog_name(dataset: Dataset) -> tuple[str | None, str]:
    """Database and table by the name in Spark's catalog; else a table that is called like the path's last part."""
    for _, name in dataset.symlinks:
        parts = name.split("/")[1:] if name.startswith("table/") else name.split(".")
        if len(parts) >= 2:
            return _plain(parts[-2]), _plain(parts[-1])
    return None, _plain(dataset.name.rstrip("/").rpartition("/")[2])


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.lower())[:255]
