"""How an account is spoken to, and what of it is looked at: the options that the plugin and the commands share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hookline.core.plugin import PluginConfig

_Name = Annotated[str, Field(min_length=1, max_length=255)]
_Account = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
_Arn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.{1,1500}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class LinkOptions(_Section):
    """A resource link: a name in this account for what another account shares."""

    database: _Name = Field(description="The database of the link; without `table`, the link's own name.")
    table: _Name | None = Field(None, description="The link's name, for a link to a table.")
    account: _Account = Field(description="The account that shares it.")
    target_database: _Name = Field(description="The database there.")
    target_table: _Name | None = Field(None, description="The table there; by default the link's name.")


class LakeFormationOptions(PluginConfig):
    """Options of ``lake_formation``."""

    policies: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        ("policies/*.yaml",),
        description="Files with access policies, from the configuration's folder; patterns with * and ** are allowed.",
    )
    region: str | None = Field(None, description="The AWS region; by default what the AWS settings say.")
    profile: str | None = Field(None, description="A profile of AWS's configuration files.")
    endpoint_url: str | None = Field(None, description="Another address of Lake Formation, Glue, STS and CloudTrail.")
    catalog_id: _Account | None = Field(
        None, description="The account whose catalog is meant; by default that of the credentials."
    )
    purposes: tuple[_Name, ...] = Field(
        (),
        description="What everybody in the account works for: rules for these purposes are granted. Lake Formation asks nobody for "
        "one, so rules for others are not.",
    )
    follow: bool = Field(
        True, description="Whether LF-tags follow the classifications of what was written, once it is published."
    )
    gate: bool = Field(
        False, description="Whether a write is refused unless a policy lets the job's principal write the table."
    )
    principal: _Name | None = Field(
        None, description="As whom jobs write, for `gate`: a name of the policies; by default the credentials' own ARN."
    )
    register_locations: bool = Field(
        True, description="Whether the locations of declared tables are put in charge of Lake Formation."
    )
    location_role: _Arn | None = Field(
        None, description="The role that opens these locations; by default the service-linked role."
    )
    links: tuple[LinkOptions, ...] = Field((), description="Resource links to what other accounts share.")
    admins: tuple[_Arn, ...] = Field(
        (), description="The data lake administrators; by default these are left as they are."
    )
    exclusive: Literal["never", "everybody", "tables"] = Field(
        "never",
        description="Which grants that others made are revoked: none; those to IAM_ALLOWED_PRINCIPALS on what policies speak "
        "of; all on the tables and databases that these speak of.",
    )
    accepted: tuple[_Name, ...] = Field(
        (), description="Principals, as patterns with *, whose grants outside of the policies are no drift."
    )
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        6, description="How often a call is made before it counts as failed."
    )
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        20.0, description="Seconds to wait for an answer."
    )
