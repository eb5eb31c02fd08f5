"""Options of CloudWatch, for the plugin and for ``hookline dashboards``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hookline.core.plugin import PluginConfig

_Text = Annotated[str, Field(min_length=1, max_length=255)]
_Arn = Annotated[str, Field(pattern=r"^arn:[!-~]{1,1020}$")]
_Group = Annotated[str, Field(pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$")]


def _not_of_aws(name: str) -> str:
    if name.upper().startswith("AWS/"):
        raise ValueError("Input should be a namespace of your own; those with AWS/ are AWS's")
    return name


_Namespace = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/#-][A-Za-z0-9._/#:-]{0,254}$"), AfterValidator(_not_of_aws)]
# What PutRetentionPolicy takes.
_Days = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
Tags = tuple[_Text, ...]
# Every series that an alarm looks at: all jobs of an environment together, and each job of it.
ROLLUPS: tuple[tuple[str, ...], ...] = (("env",), ("env", "job"))


class CloudWatchOptions(PluginConfig):
    """Where metrics and records go, and by what they are told apart there."""

    region: _Text | None = Field(None, description="The region. Default: where the AWS SDK looks, such as $AWS_REGION.")
    profile: _Text | None = Field(None, description="A profile of AWS's configuration files.")
    endpoint_url: _Text | None = Field(None, description="Another address of the services, such as a VPC endpoint.")
    namespace: _Namespace = Field("Hookline", description="CloudWatch's namespace of the metrics.")
    metrics: Literal["api", "emf", "off"] = Field(
        "api", description="How metrics are sent: by PutMetricData, as EMF in a log group, or not at all."
    )
    metrics_log_group: _Group = Field("/hookline/metrics", description="The log group of EMF.")
    dimensions: Annotated[Tags, Field(max_length=10)] = Field(
        (), description="Tags of the configuration's labels that are dimensions as well, such as cost_center."
    )
    rollups: bool = Field(
        True, description="Whether each metric is also told for the environment and for the job, which alarms need."
    )
    resolution_s: Literal[1, 60] = Field(60, description="The finest step in which metrics are kept, in seconds.")
    max_tag_values: Annotated[int, Field(ge=1, le=100_000)] = Field(
        200, description='How many values of one tag a process tells apart; further ones are "(other)".'
    )
    log_group: _Group | None = Field(None, description="The log group of records of runs and writes. Default: none.")
    masked_samples: Annotated[int, Field(ge=0, le=20)] = Field(
        0,
        description="How many rows that a write set aside its record shows, of every value the shape alone (Xxxx 99).",
    )
    log_retention_days: _Days | None = Field(None, description="How long a log group that is made here keeps records.")
    timeout_s: Annotated[float, Field(gt=0, le=120)] = Field(20.0, description="Seconds to wait for an answer.")

    alarm_jobs: tuple[_Text, ...] = Field(
        (), description="Jobs with alarms of their own; all jobs together always have."
    )
    alarm_actions: tuple[_Arn, ...] = Field(
        (), description="What alarms set off and take back, such as an SNS topic: ARNs."
    )

    @property
    def rolled_up(self) -> tuple[tuple[str, ...], ...]:
        """The sets of tags besides a metric's own that its points are told for."""
        return ROLLUPS if self.rollups else ()
