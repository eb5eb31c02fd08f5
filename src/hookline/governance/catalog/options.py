"""The options of the plugin ``catalog``; ``hookline catalog`` reads them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hookline.core.plugin import PluginConfig
from hookline.governance.catalog.compatibility import Mode

if TYPE_CHECKING:
    from hookline.core.config import Config

_Text = Annotated[str, Field(min_length=1, max_length=256)]


class SchemaRule(PluginConfig):
    """What a new version of a schema has to keep."""

    datasets: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        description="Patterns with * on datasets' names, with or without namespace, and on tables' names."
    )
    compatibility: Mode = Field(
        "BACKWARD",
        description="BACKWARD: who reads by the new schema reads older data. FORWARD: who reads by the schema before reads new "
        "data. FULL: both. With _TRANSITIVE every earlier version counts, not the last alone. NONE: anything goes.",
    )
    strict_nulls: bool = Field(
        False,
        description="Whether columns that are never null in the job's data count as such. Files give every column back as one "
        "that may be null.",
    )


class CertificationRules(PluginConfig):
    """What a certified dataset has to keep; what breaks one of them is certified no more."""

    owner: bool = Field(True, description="It has an owner.")
    quality_days: Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False)] = Field(
        7.0,
        description="Days without a critical check that failed or could not be evaluated, refused writes included; and its last "
        "write was judged. 0: quality does not count.",
    )
    column_lineage: bool = Field(True, description="It is known where the columns of its last write came from.")
    no_unprotected_pii: bool = Field(
        True, description="It was looked through for personal data, and none is known in it, found there or inherited."
    )
    fresh_within_h: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Hours since its last write at most. Default: any number."
    )


class CatalogConfig(PluginConfig):
    """Options of ``catalog``."""

    schemas: tuple[SchemaRule, ...] = Field(
        (), description="Rules of schemas' versions; of those that match a dataset the first holds."
    )
    certified: CertificationRules = Field(
        default_factory=CertificationRules, description="What a certified dataset has to keep."
    )
    lineage_url: Annotated[str, Field(pattern=r"^https?://[!-~]{1,500}$")] | None = Field(
        None, description="The address of `hookline ui` as others reach it, for links to a dataset's lineage."
    )


def configured(config: Config) -> CatalogConfig:
    """The options in a configuration; without the plugin the defaults.

    Raises:
        ConfigError: the configuration of a plugin is not valid.
    """
    from hookline.core.loader import check_plugins

    found = (plugin.config for plugin in check_plugins(config) if isinstance(plugin.config, CatalogConfig))
    return next(found, None) or CatalogConfig()
