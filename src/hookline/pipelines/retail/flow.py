"""The platform's steps in their order.

Any step may be the last before a crash: running all of them again finishes the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from hookline.pipelines.retail import bronze, gold, silver
from hookline.pipelines.retail.lake import Lake
from hookline.pipelines.retail.schemas import LANDED


@dataclass(frozen=True)
class Step:
    """One table brought up to date: its name, and what does it. The action says whether there was anything new."""

    table: str
    action: Callable[[Lake], bool]


@dataclass(frozen=True)
class Progress:
    """A step that is done: its place among all of them, and whether it wrote anything."""

    table: str
    place: int
    of: int
    wrote: bool


def steps() -> Iterator[Step]:
    """All steps: bronze, then silver's dimensions, then its transactions, which need them, then gold."""
    for dataset in LANDED:
        yield Step(f"bronze/{dataset}", partial(bronze.ingest, dataset=dataset))
    for dataset in silver.CONFORMED:
        yield Step(f"silver/{dataset}", partial(silver.conform, dataset=dataset))
    yield Step("silver/transactions", silver.refine_transactions)
    yield Step("gold/daily_sales", gold.update_daily_sales)
    yield Step("gold/household_value", gold.update_household_value)
    yield Step("gold/campaign_redemption", gold.update_campaign_redemption)


def run(lake: Lake, progress: Callable[[Progress], None] = lambda done: None) -> list[str]:
    """Bring the whole platform up to date with its landing files.

    Args:
        lake: where the tables are.
        progress: called after each step.

    Returns:
        The tables that were written to; none when nothing new has landed.
    """
    lake.look_again()
    todo = list(steps())
    written = []
    for place, step in enumerate(todo, start=1):
        wrote = step.action(lake)
        if wrote:
            written.append(step.table)
        progress(Progress(step.table, place, len(todo), wrote))
    return written
