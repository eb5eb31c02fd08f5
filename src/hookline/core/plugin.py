"""What a plugin is built from: its options and its surroundings.

A plugin is a class with ``Config: ClassVar[type[PluginConfig]]`` and ``__init__(self, config, context)``; its hooks are
methods marked with ``@hookline.hookimpl``. ``close()`` is called at the end when there is one. A plugin that tells of every
write somewhere may have ``writes_told(run_id)``: how many of a run's writes it has told of, or None when it tells of none by
intention; the run's summary holds that against the number of writes. One with a true ``needs_telemetry``, on the class or the
instance, finds Spark's numbers on the events (``core.telemetry``). One with ``meet_session(spark)`` is shown every session before
the job uses it. A class that needs
packages names their imports in ``requires: ClassVar[tuple[str, ...]]``; one that is missing is then known without
importing it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from hookline.core.costing import CostConfig
from hookline.core.labels import LabelsConfig
from hookline.core.safekeeping import AuditConfig, KeysConfig

if TYPE_CHECKING:
    from hookline.core.outbox import Outbox
    from hookline.core.store import LazyStore


class PluginConfig(BaseModel):
    """A plugin's options: derive a model from it, with a type, a default and a description for each key.

    Unknown keys are errors, instances are frozen, and a validation error does not quote its input: it may be a secret.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True)
class PluginContext:
    """What surrounds a plugin.

    Attributes:
        name: its key in the configuration.
        environment: the chosen environment, or None.
        state_dir: the folder in which hookline keeps its state.
        base_dir: the folder that relative paths in the plugin's options start from.
        outbox: for everything that leaves the process; nothing else may block the job.
        store: the run history; None where there is none, as in tests.
        labels: what the configuration says of layers, owners and tags.
        cost: what it says of prices and budgets.
        keys: where keys come from.
        audit: where the audit log lies.
    """

    name: str
    environment: str | None
    state_dir: Path
    base_dir: Path
    outbox: Outbox
    store: LazyStore | None = None
    labels: LabelsConfig = field(default_factory=LabelsConfig)
    cost: CostConfig = field(default_factory=CostConfig)
    keys: KeysConfig = field(default_factory=KeysConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
