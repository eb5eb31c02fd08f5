"""The price book: prices as data, each with its region, its date and where it was read; a user's own win."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hookline.core.costing import CostConfig
from hookline.core.errors import ConfigError

_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Count = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Name = Annotated[str, Field(min_length=1, max_length=120)]


class Price(BaseModel):
    """What every price says of itself.

    Attributes:
        as_of: the day on which it was read.
        source: where.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    region: _Name
    as_of: dt.date
    source: _Name

    @property
    def names(self) -> tuple[str, ...]:
        """What it is found by."""
        return (self.region,)


class ServerlessPrice(Price):
    """By vCPU and memory that executors had, and the driver too."""

    vcpu_hour: _Price
    gib_hour: _Price


class GluePrice(Price):
    """By DPU; a worker type is so many of them."""

    dpu_hour: _Price
    dpu_vcpus: _Count = 4


class MachinePrice(Price):
    """By machine: its own price, and what the platform asks for it."""

    instance_type: _Name
    vcpus: _Count
    memory_gib: _Count
    machine_hour: _Price
    uplift_hour: _Price = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """See ``Price``."""
        return (self.region, self.instance_type)


class DatabricksPrice(MachinePrice):
    """By machine, and by the DBUs that it uses."""

    worker_type: _Name
    dbu_hour: _Price
    dbu_per_hour: _Count

    @property
    def names(self) -> tuple[str, ...]:
        """See ``Price``."""
        return (self.region, self.worker_type, self.instance_type)


class StoragePrice(Price):
    """Of a GiB for a month, and of a thousand requests."""

    gib_month: _Price
    put_1000: _Price = 0.0
    get_1000: _Price = 0.0


class StreamPrice(Price):
    """Of a shard for an hour, and of a million units that are put."""

    shard_hour: _Price
    put_units_1000000: _Price
    put_unit_bytes: _Count = 25_600


class WarehousePrice(Price):
    """Of a credit."""

    edition: _Name
    credit: _Price

    @property
    def names(self) -> tuple[str, ...]:
        """See ``Price``."""
        return (self.region, self.edition)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Compute(_Section):
    """By platform."""

    emr_serverless: tuple[ServerlessPrice, ...] = ()
    glue: tuple[GluePrice, ...] = ()
    emr_ec2: tuple[MachinePrice, ...] = ()
    databricks: tuple[DatabricksPrice, ...] = ()


class Storage(_Section):
    """By service."""

    s3: tuple[StoragePrice, ...] = ()


class Streams(_Section):
    """By service."""

    kinesis: tuple[StreamPrice, ...] = ()


class Warehouses(_Section):
    """By service."""

    snowflake: tuple[WarehousePrice, ...] = ()


class PriceBook(_Section):
    """All prices, in one currency."""

    version: Literal[1]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    compute: Compute = Field(default_factory=Compute)
    storage: Storage = Field(default_factory=Storage)
    streams: Streams = Field(default_factory=Streams)
    warehouses: Warehouses = Field(default_factory=Warehouses)


PriceT = TypeVar("PriceT", bound=Price)


def price_book(config: CostConfig, base_dir: Path) -> PriceBook:
    """The prices that count: the user's before ours; ours are left out where the user's are in another currency.

    Raises:
        ConfigError: the user's file can't be read or is no price book.
    """
    own = _parsed(
        files("hookline.observability.cost").joinpath("prices.yaml").read_text(encoding="utf-8"), "prices.yaml"
    )
    if config.price_book is None:
        return own
    path = base_dir / config.price_book
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"cost.price_book: {path} can't be read: {reason}") from None
    theirs = _parsed(text, str(path))
    if theirs.currency != own.currency:
        return theirs
    return PriceBook.model_validate(_joined(theirs.model_dump(), own.model_dump()))


def find(prices: Sequence[PriceT], *names: str | None) -> PriceT | None:
    """The first price of that region, worker type and machine; None stands for any."""
    for price in prices:
        if all(wanted is None or wanted == name for wanted, name in zip(names, price.names, strict=True)):
            return price
    return None


def _parsed(text: str, where: str) -> PriceBook:
    try:
        return PriceBook.model_validate(yaml.safe_load(text))
    except yaml.YAMLError:
        raise ConfigError(
            f"{where} is no YAML: a price book looks like hookline's own, see docs/reference/cost.md"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{where}: {place}: {first['msg']}") from None


def _joined(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Lists one behind the other: who looks for a price finds the first."""
    found: dict[str, Any] = dict(theirs)
    for name, value in ours.items():
        if isinstance(value, Mapping):
            found[name] = _joined(theirs[name], value)
        elif isinstance(value, (tuple, list)):
            found[name] = (*theirs[name], *value)
    return found
