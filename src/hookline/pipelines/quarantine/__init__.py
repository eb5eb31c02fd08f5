"""Rows that a write sets aside: where they go, and how they get there together with the write or not at all."""

from hookline.pipelines.quarantine.companion import Along, Companion, along, current_along
from hookline.pipelines.quarantine.deposit import SUFFIX, Deposit, Origin, place_of

__all__ = ["SUFFIX", "Along", "Companion", "Deposit", "Origin", "along", "current_along", "place_of"]
