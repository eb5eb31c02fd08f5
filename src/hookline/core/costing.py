"""Where a job's cost is to be reckoned from: the configuration's ``cost``, handed to plugins as ``PluginContext.cost``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Platform = Literal["emr_ec2", "emr_serverless", "glue", "databricks"]
_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BudgetConfig(BaseModel):
    """What may be spent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    job: _Text = Field("*", description="A pattern with * and ? on jobs' names.")
    amount: _Amount = Field(description="In the price book's currency.")
    period: Literal["run", "day", "month"] = Field("month", description="Calendar days and months are UTC's.")
    warn_at: Annotated[float, Field(gt=0, le=1)] = Field(0.8, description="The share of it that is worth a warning.")


class CostConfig(BaseModel):
    """Prices and budgets. Without a platform no cost is reckoned."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    platform: Platform | None = Field(None, description="What the job's executors run on, as the price book names it.")
    region: _Text = Field("us-east-1", description="The region whose prices count.")
    instance_type: _Text | None = Field(None, description="The machines of executors, where their type has the price.")
    worker_type: _Text | None = Field(None, description="Glue's worker type (G.1X), or Databricks' compute type.")
    price_book: _Text | None = Field(
        None, description="A file with prices of your own, from the configuration's folder; it wins over ours."
    )
    storage: tuple[_Text, ...] = Field(
        (),
        description="Patterns on datasets whose places are listed when a run that wrote them ends, for their size and cost.",
    )
    budgets: tuple[BudgetConfig, ...] = Field((), description="What may be spent, by job and period.")
