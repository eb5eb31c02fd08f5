"""Rows that a write set aside, every value masked: for reports and log records, where somebody asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline.core.errors import HooklineError
from hookline.core.events import Dataset
from hookline.core.text import printable, shorten
from hookline.pipelines.quarantine.holdings import Quarantine
from hookline.quality.audit import Sample, masked

_LONGEST = 500


def sample_of(quarantine: Dataset, write_id: str, most: int) -> Sample | None:
    """Some rows that a write set aside and that still wait; None when there are none.

    Raises:
        HooklineError: the quarantine can't be read.
    """
    found = Quarantine(quarantine.name if quarantine.namespace == "file" else str(quarantine))
    for held in found.held(write=write_id):
        if held.write_id == write_id:
            rows = list(found.rows(held, most))
            columns = tuple(dict.fromkeys(name for row in rows for name in row["row"]))
            values = tuple(tuple(masked(row["row"].get(column)) for column in columns) for row in rows)
            return Sample(columns, values, tuple(", ".join(row["reasons"]) for row in rows))
    return None


def fields_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a log record says of them: ``masked_samples``, a list of ``{reasons, row}``.

    Args:
        told: ``namespace`` and ``name`` of the quarantine, ``write_id``, and how many rows at ``most``.
    """
    try:
        sample = sample_of(Dataset(told["namespace"], told["name"]), told["write_id"], told["most"])
    except (HooklineError, KeyError):  # a quarantine that was emptied since takes nothing from the record
        return {}
    if sample is None:
        return {}
    rows = []
    for reasons, values in zip(sample.reasons, sample.rows, strict=True):
        pairs = (f"{printable(name)}={value}" for name, value in zip(sample.columns, values, strict=True))
        rows.append({"reasons": _text(reasons), "row": _text("; ".join(pairs))})
    return {"masked_samples": rows}


def _text(text: str) -> str:
    return shorten(printable(text), _LONGEST)
