"""Landing files: the real data cut into what a grocer's systems would deliver each day, faults included.

    <root>/landing/<dataset>/landed_on=<day>/<dataset>.csv
    <root>/faults/<day>.jsonl                              what is wrong with the transactions of that day's file

Sales, coupon redemptions and promotions land day by day, everything else once, on the first day. A day that has landed
stays as it is, so landing more days later adds files and changes none.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hookline.pipelines.retail import source
from hookline.pipelines.retail.faults import LONGEST_DELAY_DAYS, FaultShares, faults_of, spoil, write_manifest
from hookline.pipelines.retail.identities import identities
from hookline.pipelines.retail.schemas import LANDED

SNAPSHOTS = ("products", "demographics", "campaign_descriptions", "campaigns", "coupons")
OF_HOUSEHOLDS = ("demographics", "campaigns", "coupon_redemptions")
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Landing:
    """What to land.

    Attributes:
        root: the folder of the whole platform.
        fraction: which share of the households to keep, with everything they bought.
        seed: fixes the households that are kept, who they are, and the faults.
        faults: how much goes wrong.
    """

    root: Path
    fraction: float = 1.0
    seed: int = 2017
    faults: FaultShares = field(default_factory=FaultShares)

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction is a share of the households, above 0 and up to 1, not {self.fraction}")

    def file(self, dataset: str, day: dt.date) -> Path:
        """Where a dataset of a day lands."""
        return self.root / "landing" / dataset / f"landed_on={day.isoformat()}" / f"{dataset}.csv"

    @property
    def manifest(self) -> Path:
        """The folder that says what is wrong with the files."""
        return self.root / "faults"

    def land(self, days: int) -> list[dt.date]:
        """Land the first ``days`` days of the year.

        Returns:
            The days that had not landed before.

        Raises:
            SourceError: the real data is missing, or the folder holds files that were made with other settings.
        """
        data = source.folder()
        self._claim()
        for dataset in LANDED:
            (self.root / "landing" / dataset).mkdir(exist_ok=True)
        wanted = [source.FIRST_DAY + dt.timedelta(days=n) for n in range(min(days, source.DAYS))]
        new = [day for day in wanted if not (self.manifest / f"{day.isoformat()}.jsonl").is_file()]
        if new:
            households = self._households(data)
            self._land_snapshots(data, households)
            self._land_days(data, households, new)
        return new

    def _claim(self) -> None:
        """Refuse a folder whose files were made with other settings: the two halves would not fit together."""
        settings = json.dumps({"fraction": self.fraction, "seed": self.seed, "faults": asdict(self.faults)})
        file = self.root / "landing" / "settings.json"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(settings, encoding="utf-8")
        elif file.read_text(encoding="utf-8") != settings:
            raise source.SourceError(
                f"{file} says that the files beside it were made with another fraction, seed or share of faults; "
                "use the same again, or another folder"
            )

    def _households(self, data: Path) -> list[int]:
        import numpy as np

        everyone = sorted(source.read(data, "transactions", columns=["household_id"])["household_id"].unique())
        kept = np.random.default_rng(self.seed).permutation(len(everyone))[
            : max(1, round(self.fraction * len(everyone)))
        ]
        return sorted(int(everyone[place]) for place in kept)

    def _land_snapshots(self, data: Path, households: list[int]) -> None:
        if self.file("identities", source.FIRST_DAY).is_file():
            return
        for dataset in SNAPSHOTS:
            rows = source.read(data, dataset)
            if dataset in OF_HOUSEHOLDS:
                rows = rows[rows["household_id"].isin(households)]
            self._write(dataset, source.FIRST_DAY, rows)
        people = identities(households, seed=self.seed, cache=self.root / "cache")
        # The people come last: they say that all snapshots have landed.
        self._write("identities", source.FIRST_DAY, people)

    def _land_days(self, data: Path, households: list[int], days: list[dt.date]) -> None:
        products = source.read(data, "products", columns=["product_id"])["product_id"]
        sales = self._sales(data, households, days[0] - dt.timedelta(days=LONGEST_DELAY_DAYS), days[-1])
        promotions = source.read_promotions(data, sales)
        redemptions = source.read_days(data, "coupon_redemptions", "redemption_date", days[0], days[-1])
        redemptions = redemptions[redemptions["household_id"].isin(households)]

        for day, landed in self._deliveries(sales, set(products.astype(str)), days):
            if len(landed):
                self._write("transactions", day, landed)
            of_day = redemptions[redemptions["redemption_date"].dt.date == day]
            if len(of_day):
                self._write("coupon_redemptions", day, of_day)
            met = promotions[promotions["sold_on"] == day]
            if len(met):
                self._write("promotions", day, met)
            # The manifest comes last: it says that the whole day has landed.
            write_manifest(self.manifest, day, faults_of(landed))

    def _sales(self, data: Path, households: list[int], first: dt.date, last: dt.date) -> Any:
        sales = source.read_days(data, "transactions", "transaction_timestamp", first, last)
        return sales[sales["household_id"].isin(households)].reset_index(drop=True)

    def _deliveries(self, sales: Any, catalogue: set[str], days: list[dt.date]) -> Iterator[tuple[dt.date, Any]]:
        """The transactions file of each day: its own sales first, then what is late from the days before."""
        import pandas as pd

        sold_on = sales["transaction_timestamp"].dt.date
        text = sales.assign(transaction_timestamp=sales["transaction_timestamp"].dt.strftime(TIME_FORMAT)).astype(str)
        arriving: dict[dt.date, list[Any]] = {}
        first = days[0] - dt.timedelta(days=LONGEST_DELAY_DAYS)
        for day in (first + dt.timedelta(days=n) for n in range((days[-1] - first).days + 1)):
            spoilt = spoil(text[sold_on == day], day, catalogue, shares=self.faults, seed=self.seed)
            for landing_day, rows in spoilt.items():
                # The day's own rows go before the leftovers of the days before.
                arriving.setdefault(landing_day, []).insert(0, rows)
            if day in days:
                landed = pd.concat(arriving[day], ignore_index=True)
                landed["row_id"] = [f"{day.isoformat()}/{place:06d}" for place in range(1, len(landed) + 1)]
                yield day, landed

    def _write(self, dataset: str, day: dt.date, rows: Any) -> None:
        file = self.file(dataset, day)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Spark passes over names that start with a dot, so a file is seen whole or not at all.
        partial = file.with_name(f".{file.name}.partial")
        rows.to_csv(partial, index=False, columns=list(LANDED[dataset]))
        partial.replace(file)
