"""The options of the plugin ``presidio``; ``hookline scan`` reads them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hookline.core.plugin import PluginConfig
from hookline.governance.pii.settings import DetectionSettings, Section

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.events import Dataset

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Entity = Annotated[str, Field(pattern=r"^(?:\*|[A-Z][A-Z0-9_]{0,63})$")]


class Gate(Section):
    """Datasets that may not hold personal data in clear."""

    datasets: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        description="Patterns with * on datasets' names, with or without namespace, and on tables' names."
    )
    entities: Annotated[tuple[_Entity, ...], Field(min_length=1)] = Field(
        ("*",), description="What they may not hold, as Presidio names it; by default nothing that is found."
    )
    severity: Literal["critical", "error", "warn"] = Field(
        "critical", description="critical refuses the write; the others tell."
    )
    confidence: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = Field(
        0.8, description="How sure a verdict has to be."
    )


class PresidioConfig(DetectionSettings, PluginConfig):
    """Options of ``presidio``."""

    datasets: Annotated[tuple[_Text, ...], Field(min_length=1)] = Field(
        ("*",), description="Patterns on the names of the datasets whose writes are looked through."
    )
    again_after_days: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        7.0,
        description="Days after which a dataset is looked through again though its columns are the same; 0: at every write.",
    )
    gates: tuple[Gate, ...] = Field(
        (),
        description="Datasets that may not hold personal data; each of their writes is looked through before it is published.",
    )

    def detection(self) -> DetectionSettings:
        """What is looked for, alone."""
        own = {name: getattr(self, name) for name in DetectionSettings.model_fields}
        return DetectionSettings.model_construct(**own)

    def gates_of(self, dataset: Dataset) -> tuple[Gate, ...]:
        """Those that are for this dataset."""
        return tuple(gate for gate in self.gates if dataset.matches(*gate.datasets))


def configured(config: Config) -> PresidioConfig:
    """The options in a configuration; without the plugin the defaults.

    Raises:
        ConfigError: the configuration of a plugin is not valid.
    """
    from hookline.core.loader import check_plugins

    found = (plugin.config for plugin in check_plugins(config) if isinstance(plugin.config, PresidioConfig))
    return next(found, None) or PresidioConfig()
