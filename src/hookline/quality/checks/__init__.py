"""Kinds of checks: what they share, and how they are found (``registry``)."""

from __future__ import annotations

from hookline.quality.checks.base import Check, ColumnCheck, ColumnOptions, OptionError, Options, RowCheck
from hookline.quality.checks.registry import kinds, register
from hookline.quality.checks.terms import Terms, Tolerance

__all__ = [
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
