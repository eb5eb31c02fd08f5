"""What was found, beside what was put in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hookline.pipelines.retail.faults import KINDS, Fault, read_manifest
from hookline.pipelines.retail.lake import Lake


@dataclass(frozen=True)
class Finding:
    """One kind of fault: how many rows have it, and how many of exactly these rows were treated as they should be.

    Attributes:
        rows: ids of rows that were found, ``<day of landing>/<place in the file>``.
    """

    kind: str
    present: int
    found: int
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Balance:
    """Where the rows of the transactions went. ``landed`` is the sum of the other three, or a row was lost."""

    landed: int
    silver: int
    duplicates: int
    refused: int


def reason_of(fault: Fault) -> str:
    """The reason for which quarantine should hold this row."""
    return {
        "missing": f"missing:{fault.column}",
        "wrong_type": f"not_a_number:{fault.column}",
        "malformed_date": "not_a_time:transaction_timestamp",
        "unknown_product": "unknown:product_id",
        "absurd_quantity": "out_of_range:quantity",
        "duplicate": "duplicate",
    }[fault.kind]


def compare(lake: Lake, manifest: Path) -> list[Finding]:
    """For each kind of fault, how many rows have it and how many of them were found, and for the right reason."""
    faults = read_manifest(manifest)
    refused = refusals(lake)
    late = late_rows(lake)
    caught = [f for f in faults if (f.row_id in late if f.kind == "late" else refused.get(f.row_id) == [reason_of(f)])]
    found = {kind: tuple(fault.row_id for fault in caught if fault.kind == kind) for kind in KINDS}
    return [Finding(kind, _count(faults, kind), len(found[kind]), found[kind]) for kind in KINDS]


def tell(lake: Lake, manifest: Path) -> str:
    """What was found, for a person: each kind of bad row with where it is now and one to look at, and the balance."""
    lines = ["bad rows       landed  found  where they are now    such as"]
    for finding in compare(lake, manifest):
        table = "silver/transactions" if finding.kind == "late" else "silver/quarantine"
        example = finding.rows[0] if finding.rows else "-"
        lines.append(f"{finding.kind:<15}{finding.present:>6}{finding.found:>7}  {table:<20}  {example}")
    rows = balance(lake)
    lines.append(
        f"{rows.landed:,} rows landed: {rows.silver:,} in silver, {rows.duplicates:,} duplicates and {rows.refused:,} "
        "others in quarantine, each with its reasons"
    )
    return "\n".join(lines) + "\n"


def _count(faults: Iterable[Fault], kind: str) -> int:
    return sum(fault.kind == kind for fault in faults)


def refusals(lake: Lake) -> dict[str, list[str]]:
    """The rows in quarantine and the reasons for each."""
    rows = lake.read("silver/quarantine").select("row_id", "reasons").collect()
    return {row.row_id: list(row.reasons) for row in rows}


def late_rows(lake: Lake) -> set[str]:
    """The rows in silver that landed after the day of their sale."""
    rows = lake.read("silver/transactions").where("landed_on > sale_day").select("row_id").collect()
    return {row.row_id for row in rows}


def balance(lake: Lake) -> Balance:
    """Count the rows that landed and where they are now."""
    reasons = Counter("duplicate" if why == ["duplicate"] else "refused" for why in refusals(lake).values())
    return Balance(
        landed=lake.read("bronze/transactions").count(),
        silver=lake.read("silver/transactions").count(),
        duplicates=reasons["duplicate"],
        refused=reasons["refused"],
    )
