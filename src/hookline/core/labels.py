"""What a user says of datasets and jobs besides the data: layer, owner, tags for cost allocation.

One place for all plugins: the configuration's ``labels``, handed to each plugin as ``PluginContext.labels``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from hookline.core.events import Dataset

Layer = Literal["bronze", "silver", "gold"]
LAYERS: tuple[Layer, ...] = ("bronze", "silver", "gold")
_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]


class DatasetLabels(BaseModel):
    """What is true of all datasets that a pattern matches."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    match: _Text = Field(
        description="A pattern with * and ? on the dataset's name as summaries show it, or on a table's name."
    )
    layer: Layer | None = Field(None, description="bronze, silver or gold; by default what the name itself says.")
    owner: _Text | None = Field(None, description="Who is told and who pays: a team, a person, an address.")
    tags: dict[_Key, _Text] = Field(default_factory=dict, description="Tags for metrics and cost allocation.")


class LabelsConfig(BaseModel):
    """Labels of jobs and datasets."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    owner: _Text | None = Field(None, description="The owner of what no pattern gives one.")
    tags: dict[_Key, _Text] = Field(
        default_factory=dict, description="Tags on every metric and cost, such as team or cost_center."
    )
    datasets: tuple[DatasetLabels, ...] = Field(
        (), description="Patterns with their labels; the first that matches and says something wins."
    )

    def of(self, dataset: Dataset) -> Labels:
        """What is known of a dataset."""
        names = (str(dataset), dataset.name, *(name for _, name in dataset.symlinks))
        rules = [rule for rule in self.datasets if dataset.matches(rule.match)]
        layer: Layer | None = next((rule.layer for rule in rules if rule.layer), None) or _layer_in(names)
        owner = next((rule.owner for rule in rules if rule.owner), self.owner)
        tags = dict(self.tags)
        for rule in reversed(rules):
            tags |= rule.tags
        return Labels(layer, owner, tags)


class Labels(NamedTuple):
    """A dataset's labels."""

    layer: Layer | None = None
    owner: str | None = None
    tags: Mapping[str, str] = {}


def _layer_in(names: tuple[str, ...]) -> Layer | None:
    """The layer that a folder or a schema is named for: ``/lake/silver/sales``, ``silver.sales``."""
    for name in names:
        parts = {part.lower() for part in re.split(r"[/.:]", name[-1_000:])}
        for layer in LAYERS:
            if layer in parts:
                return layer
    return None
