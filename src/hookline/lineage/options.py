"""The options that every plugin with OpenLineage events has, and what is made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hookline.core.plugin import PluginConfig
from hookline.lineage.about import AboutDataset, AboutJob, source_of_main
from hookline.lineage.openlineage import PRODUCER, EventBuilder, job_namespace
from hookline.lineage.parents import started_by


class DatasetOptions(BaseModel):
    """What is said of the datasets that a pattern fits."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    owners: tuple[str, ...] = Field((), description="Who answers for it, such as team:sales.")
    tags: Mapping[str, str] = Field(default_factory=dict, description="Tags of the dataset.")
    columns: Mapping[str, Mapping[str, str]] = Field(
        default_factory=dict, description="Tags by column, such as its classification."
    )


class EventOptions(PluginConfig):
    """What events say besides what happened."""

    namespace: str | None = Field(
        None, min_length=1, description='The namespace of jobs. Default: $OPENLINEAGE_NAMESPACE, else "hookline".'
    )
    producer: str = Field(
        PRODUCER, pattern=r"^[a-z][a-z0-9+.-]*:\S+$", description="The URI that names the producer of the events."
    )
    owners: tuple[str, ...] = Field(
        (), description="Who answers for the job, such as team:sales. Default: the owner that Airflow tells."
    )
    tags: Mapping[str, str] = Field(default_factory=dict, description="Tags of the job.")
    datasets: Mapping[str, DatasetOptions] = Field(
        default_factory=dict,
        description="By a pattern on whole dataset names (* fits anything): owners, tags, and columns with their tags.",
    )
    environment_variables: tuple[str, ...] = Field(
        (), description="Names of environment variables that events may carry with their values."
    )
    source: Literal["none", "location", "code"] = Field(
        "location",
        description="The job's source in events: nothing, its place in the git repository, or the code too.",
    )
    sql: bool = Field(True, description="Whether events carry a write's SQL; its values are replaced by ? in any case.")
    running_every_s: float = Field(
        300.0, gt=0, description="Seconds after which a write of a run that goes on is followed by a RUNNING event."
    )


def builder(options: EventOptions, environment: Mapping[str, str] | None = None) -> EventBuilder:
    """The builder for these options in this process's surroundings."""
    environment = os.environ if environment is None else environment
    started = started_by(environment)
    return EventBuilder(
        namespace=job_namespace(options.namespace),
        producer=options.producer,
        spark_version=_spark_version(),
        parent=started.parent,
        root=started.root,
        about=AboutJob(
            owners=options.owners or started.owners,
            tags=options.tags,
            environment={name: environment[name] for name in options.environment_variables if name in environment},
            nominal_start=started.nominal_start,
            nominal_end=started.nominal_end,
            datasets=tuple(
                (pattern, AboutDataset(told.owners, told.tags, told.columns))
                for pattern, told in options.datasets.items()
            ),
            source=_no_source
            if options.source == "none"
            else partial(source_of_main, with_code=options.source == "code"),
        ),
    )


def _no_source() -> tuple[None, None]:
    return None, None


def _spark_version() -> str | None:
    """The installed pyspark's, read without importing it."""
    try:
        return version("pyspark")
    except PackageNotFoundError:
        return None
