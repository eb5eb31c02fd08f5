"""What goes wrong on purpose, and a record of it to compare with what was found.

| kind            | what happens to the row                                  | where it should end up                |
|-----------------|----------------------------------------------------------|---------------------------------------|
| missing         | one required field is empty                              | quarantine, ``missing:<column>``      |
| wrong_type      | one numeric field holds text                             | quarantine, ``not_a_number:<column>`` |
| malformed_date  | the time stamp is none, or names a day that no year has  | quarantine, ``not_a_time:<column>``   |
| unknown_product | the product number is in no catalogue                    | quarantine, ``unknown:product_id``    |
| absurd_quantity | the quantity is negative, or a million and more          | quarantine, ``out_of_range:quantity`` |
| duplicate       | a copy arrives in the same file, or in the next day's    | quarantine of the copy, ``duplicate`` |
| late            | the row arrives one to three days after its sale         | silver and gold, on its day of sale   |

A row has one fault at most. What happens to the sales of a day depends on the seed and that day alone, so landing
fourteen days at once, or seven and then seven more, gives the same files. The source has rows of its own whose product
is in no catalogue; they are recorded as well, as not injected.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

REQUIRED = ("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp")
NUMERIC = ("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value")
TEXTS = ("two", "N/A", "#REF!", "12,50", "1O", "--")
BAD_TIMES = ("yesterday", "31/02/2017 10:00", "2017-02-30 10:00:00", "2017-13-01 08:00:00", "20170105T1000")
LONGEST_DELAY_DAYS = 3


@dataclass(frozen=True)
class FaultShares:
    """Which share of a day's rows gets each fault; at least one row, unless the share is 0."""

    missing: float = 0.003
    wrong_type: float = 0.002
    malformed_date: float = 0.002
    unknown_product: float = 0.002
    absurd_quantity: float = 0.002
    duplicate: float = 0.005
    late: float = 0.010

    def __post_init__(self) -> None:
        shares = asdict(self)
        wrong = [kind for kind, share in shares.items() if not 0 <= share <= 1]
        if wrong or sum(shares.values()) > 1:
            raise ValueError(
                f"shares of faults lie between 0 and 1, and so does their sum; look at {wrong or 'the sum'}"
            )

    def counts(self, rows: int) -> dict[str, int]:
        """How many of so many rows get each fault."""
        return {kind: max(1, round(share * rows)) if share else 0 for kind, share in asdict(self).items()}


KINDS = tuple(field.name for field in fields(FaultShares))
NO_FAULTS = FaultShares(**dict.fromkeys(KINDS, 0.0))


@dataclass(frozen=True)
class Fault:
    """One faulty row as it landed.

    Attributes:
        kind: one of ``KINDS``.
        row_id: the row, as its landing file numbers it: ``<day of landing>/<place in the file>``.
        column: the column that was changed, if one was.
        injected: False when the source has this fault by itself.
    """

    kind: str
    row_id: str
    column: str | None = None
    injected: bool = True


def spoil(
    sales: Any, day: dt.date, catalogue: Collection[str], *, shares: FaultShares, seed: int
) -> dict[dt.date, Any]:
    """Put faults into one day's sales.

    Args:
        sales: that day's rows as a pandas DataFrame of strings.
        day: the day of the sales.
        catalogue: the product numbers that exist.
        shares: how much goes wrong.
        seed: another seed, other faults.

    Returns:
        By day of landing, the rows of these sales that land on it, with the columns ``fault`` (a kind, or empty),
        ``fault_column`` and ``injected`` beside their own.
    """
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng([seed, day.toordinal()])
    known = sales["product_id"].isin(list(catalogue))
    rows = sales.assign(fault=known.map({True: "", False: "unknown_product"}), fault_column=None, injected=known)
    victims = _victims(draw, list(rows.index[known]), shares)
    for kind, change in _CHANGES.items():
        for index in victims[kind]:
            column, value = change(draw)
            rows.loc[index, [column, "fault", "fault_column"]] = [value, kind, column]

    copies = rows.loc[victims["duplicate"]].assign(fault="duplicate")
    late = rows.loc[victims["late"]].assign(fault="late")
    delays = {
        0: [rows.drop(index=victims["late"])],
        **{delay: [] for delay in range(1, LONGEST_DELAY_DAYS + 1)},
    }
    for moved, soonest, latest in ((copies, 0, 1), (late, 1, LONGEST_DELAY_DAYS)):
        delay_of = draw.integers(soonest, latest, size=len(moved), endpoint=True)
        for delay in range(soonest, latest + 1):
            delays[delay].append(moved[delay_of == delay])
    return {day + dt.timedelta(days=delay): pd.concat(parts) for delay, parts in delays.items()}


def _victims(draw: np.random.Generator, candidates: list[Any], shares: FaultShares) -> dict[str, list[Any]]:
    """Which rows get which fault: none gets two."""
    counts = shares.counts(len(candidates))
    if sum(counts.values()) > len(candidates):
        # A day with a handful of sales is left as it is.
        counts = dict.fromkeys(KINDS, 0)
    drawn = iter(draw.permutation(len(candidates)))
    return {kind: sorted(candidates[next(drawn)] for _ in range(count)) for kind, count in counts.items()}


def _pick(draw: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(draw.integers(len(choices)))]


def _absurd(draw: np.random.Generator) -> str:
    return str(draw.integers(-50, 0) if draw.random() < 0.5 else draw.integers(1_000_000, 9_999_999))


# What each fault that changes a field does: the column, and what it then holds.
_CHANGES: Mapping[str, Callable[[np.random.Generator], tuple[str, str | None]]] = {
    "missing": lambda draw: (_pick(draw, REQUIRED), None),
    "wrong_type": lambda draw: (_pick(draw, NUMERIC), _pick(draw, TEXTS)),
    "malformed_date": lambda draw: ("transaction_timestamp", _pick(draw, BAD_TIMES)),
    "unknown_product": lambda draw: ("product_id", str(draw.integers(90_000_000, 99_999_999))),
    "absurd_quantity": lambda draw: ("quantity", _absurd(draw)),
}


def faults_of(landed: Any) -> list[Fault]:
    """The faults among the rows of one landing file, which have their ``row_id`` by now."""
    faulty = landed[landed["fault"] != ""]
    columns = (faulty[name] for name in ("fault", "row_id", "fault_column", "injected"))
    return [
        Fault(kind, row_id, column, bool(injected)) for kind, row_id, column, injected in zip(*columns, strict=True)
    ]


def write_manifest(folder: Path, day: dt.date, faults: Iterable[Fault]) -> None:
    """Record what is wrong with the file that landed on a day."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(fault)) for fault in faults]
    (folder / f"{day.isoformat()}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_manifest(folder: Path) -> list[Fault]:
    """Everything that is wrong with the files that have landed so far, in the order of landing."""
    files = sorted(folder.glob("*.jsonl"))
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    return [Fault(**json.loads(line)) for line in lines]
