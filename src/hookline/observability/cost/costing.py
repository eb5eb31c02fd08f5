"""The cost of a run from what it took of Spark: the cores, the memory and the time that were there for it.

The formulas, with ``core_h``, ``memory_gib_h`` and ``driver_h`` from ``RunTelemetry``:

- EMR Serverless: core_h * vCPU price + memory_gib_h * GiB price, plus the driver's own cores and memory for driver_h.
- Glue: (core_h / 4 + driver_h * the worker's DPUs) * DPU price.
- EMR on EC2: core_h / the machine's vCPUs * (machine price + EMR's uplift).
- Databricks: core_h / the machine's vCPUs * (machine price + DBUs an hour * DBU price).

What is paid while no run goes on (a cluster that waits) is no run's. A dataset's share is that of its writes' executor time
in all executor time of the run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hookline.core.costing import CostConfig
from hookline.core.errors import ConfigError
from hookline.core.events import Run, RunEnded
from hookline.core.telemetry import RunTelemetry
from hookline.observability.metrics.points import RunCost
from hookline.observability.telemetry.runs import size_bytes

if TYPE_CHECKING:
    from hookline.observability.cost.book import Price, PriceBook, StoragePrice

__all__ = ["Costing", "RunCost"]
_HOUR, _GIB = 3600.0, 1024.0**3
# Glue's worker types, in DPUs.
_DPUS = {"G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0}
_WORKER, _DATABRICKS_WORKER = "G.1X", "jobs"
_DRIVER_CORES = 1.0


class _Amount(NamedTuple):
    total: float
    formula: str


class Costing:
    """Reckons what runs cost.

    Args:
        base_dir: what the price book's path starts from.

    Raises:
        ConfigError: the price book can't be read, or has no price for what the configuration names.
    """

    def __init__(self, config: CostConfig, base_dir: Path) -> None:
        self._config = config
        self._reckon: Callable[[RunTelemetry], _Amount] | None = None
        if config.platform is None:
            return
        from hookline.observability.cost.book import price_book

        self.book: PriceBook = price_book(config, base_dir)
        self._price, self._reckon = self._priced(config.platform)

    def of_run(self, ended: RunEnded, run: Run) -> RunCost | None:
        """What the run cost; None where no platform is configured, or Spark's numbers are not there."""
        told = ended.telemetry
        if self._reckon is None or told is None or not told.known:
            return None
        amount = self._reckon(told)
        return RunCost(
            total=amount.total,
            currency=self.book.currency,
            price=f"{self._config.platform} {' '.join(self._price.names)}, {self._price.as_of}, {self._price.source}",
            formula=amount.formula,
            by_dataset=_shares(ended, amount.total),
        )

    def storage_price(self) -> StoragePrice | None:
        """What storage costs in the configured region; None without a platform, or without a price."""
        if self._reckon is None:
            return None
        from hookline.observability.cost.book import find

        return find(self.book.storage.s3, self._config.region)

    def _priced(self, platform: str) -> tuple[Price, Callable[[RunTelemetry], _Amount]]:
        from hookline.observability.cost.book import find

        config, compute = self._config, self.book.compute
        region = config.region
        if platform == "emr_serverless" and (serverless := find(compute.emr_serverless, region)):
            return serverless, lambda told: _serverless(told, serverless.vcpu_hour, serverless.gib_hour)
        if platform == "glue" and (glue := find(compute.glue, region)):
            dpus = self._worker_dpus()
            return glue, lambda told: _glue(told, glue.dpu_hour, glue.dpu_vcpus, dpus)
        if platform == "emr_ec2" and (machine := find(compute.emr_ec2, region, config.instance_type)):
            hour = machine.machine_hour + machine.uplift_hour
            return machine, lambda told: _machines(told, machine.vcpus, hour)
        if platform == "databricks":
            worker = config.worker_type or _DATABRICKS_WORKER
            if databricks := find(compute.databricks, region, worker, config.instance_type):
                hour = databricks.machine_hour + databricks.dbu_per_hour * databricks.dbu_hour
                return databricks, lambda told: _machines(told, databricks.vcpus, hour)
        wanted = ", ".join(filter(None, (region, config.worker_type, config.instance_type)))
        raise ConfigError(
            f"cost: the price book has no price of {platform} for {wanted}; write one into a file of your own and name it as "
            "cost.price_book (docs/reference/cost.md has its shape)"
        )

    def _worker_dpus(self) -> float:
        worker = self._config.worker_type or _WORKER
        if worker not in _DPUS:
            raise ConfigError(f"cost.worker_type: {worker!r} is no worker type of Glue; allowed: {', '.join(_DPUS)}")
        return _DPUS[worker]


def _serverless(told: RunTelemetry, vcpu_hour: float, gib_hour: float) -> _Amount:
    memory = size_bytes(dict(told.settings).get("spark.driver.memory", "1g")) / _GIB
    core_h = told.core_s / _HOUR + _DRIVER_CORES * _driver_h(told)
    gib_h = told.memory_byte_s / _GIB / _HOUR + memory * _driver_h(told)
    formula = f"{core_h:.4g} vCPU h * {vcpu_hour:g} + {gib_h:.4g} GiB h * {gib_hour:g}"
    return _Amount(core_h * vcpu_hour + gib_h * gib_hour, formula)


def _glue(told: RunTelemetry, dpu_hour: float, dpu_vcpus: float, driver_dpus: float) -> _Amount:
    dpu_h = told.core_s / _HOUR / dpu_vcpus + driver_dpus * _driver_h(told)
    return _Amount(dpu_h * dpu_hour, f"{dpu_h:.4g} DPU h * {dpu_hour:g}")


def _machines(told: RunTelemetry, vcpus: float, machine_hour: float) -> _Amount:
    hours = told.core_s / _HOUR / vcpus
    return _Amount(hours * machine_hour, f"{hours:.4g} machine h * {machine_hour:g}")


def _driver_h(told: RunTelemetry) -> float:
    """A driver of its own: where tasks run in it, its time is counted with the cores already."""
    return 0.0 if told.master.startswith("local") else told.driver_s / _HOUR


def _shares(ended: RunEnded, total: float) -> Mapping[tuple[str, str], float]:
    spent: defaultdict[tuple[str, str], float] = defaultdict(float)
    for write in ended.writes:
        if write.telemetry is not None:
            spent[write.dataset.namespace, write.dataset.name] += write.telemetry.executor_run_s
    told = ended.telemetry
    whole = max(sum(spent.values()), told.executor_run_s if told is not None else 0.0)
    return {dataset: total * seconds / whole for dataset, seconds in spent.items()} if whole > 0 else {}
