"""Kinds of checks. Importing this registers the built-in ones."""

from __future__ import annotations

from hookline.quality.checks import (
    anomaly,
    baselines,
    change,
    completeness,
    conditions,
    formats,
    freshness,
    references,
    rows,
    schema,
    spread,
    totals,
    values,
)
from hookline.quality.checks.base import Check, ColumnCheck, ColumnOptions, OptionError, Options, RowCheck
from hookline.quality.checks.registry import kinds, register
from hookline.quality.checks.terms import Terms, Tolerance

BUILT_IN = (
    anomaly,
    baselines,
    change,
    completeness,
    conditions,
    formats,
    freshness,
    references,
    rows,
    schema,
    spread,
    totals,
    values,
)

__all__ = [
    "BUILT_IN",
    "Check",
    "ColumnCheck",
    "ColumnOptions",
    "OptionError",
    "Options",
    "RowCheck",
    "Terms",
    "Tolerance",
    "kinds",
    "register",
]
