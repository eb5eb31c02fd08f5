"""What the plugin ``quality`` can be told."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from hookline.core.events import Breaker
from hookline.core.plugin import PluginConfig
from hookline.quality.profile.wanted import Profilings
from hookline.quality.suite import as_breaker


class QualityConfig(PluginConfig):
    """Options of the plugin ``quality``."""

    suites: tuple[str, ...] = Field(
        (), description="Files with suites: paths or glob patterns, from the configuration's own folder."
    )
    profile: Profilings = Field(
        (),
        description="Datasets to profile on each write: patterns, or mappings with dataset, columns (patterns; all of them by "
        "default), show (patterns of columns whose values may be kept; none by default) and partitions (true: each by itself as "
        "well).",
    )
    modules: tuple[str, ...] = Field(
        (), description="Python modules to import, which bring checks of your own (`my_company.checks`)."
    )
    breaker: Annotated[Breaker, BeforeValidator(as_breaker)] = Field(
        "on",
        description="What follows from a failed check where its suite does not say: on refuses critical ones, publish does so "
        "and insists on holding the write back, quarantine sets bad rows aside, audit (or off) only tells.",
    )
    quarantine: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="A folder (path or URI) with a folder for each dataset whose rows are set aside; by default they are "
        "beside the datasets.",
    )
    samples: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="How many rows that were set aside a report may show of each write, every value masked."
    )
    results: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="A folder (path or URI) that gets a Parquet file with the verdicts on each write, partitioned by date.",
    )

    @model_validator(mode="after")
    def _check_use(self) -> QualityConfig:
        if not self.suites and not self.profile:
            raise ValueError("it has nothing to do: name suites, datasets to profile, or both")
        return self
