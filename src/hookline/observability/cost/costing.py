"""The cost of a run from what it took of Spark."""

from __future__ import annotations

from pathlib import Path

from hookline.core.costing import CostConfig
from hookline.core.events import Run, RunEnded
from hookline.observability.metrics.points import RunCost

__all__ = ["Costing", "RunCost"]


class Costing:
    """Reckons what runs cost.

    Args:
        base_dir: what the price book's path starts from.

    Raises:
        ConfigError: the price book can't be read, or has no price for what the configuration names.
    """

    def __init__(self, config: CostConfig, base_dir: Path) -> None:
        self._config = config
        self._base_dir = base_dir

    def of_run(self, ended: RunEnded, run: Run) -> RunCost | None:
        """What the run cost; None where no platform is configured, or Spark's numbers are not there."""
        return None
