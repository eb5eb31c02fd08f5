"""Checks that compare a column with a baseline: earlier writes, or a profile that was kept."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hookline.core.errors import MeasureError
from hookline.core.events import Measure, Verdict
from hookline.core.fuse.sketches import RANK_ERROR
from hookline.quality.checks.base import ColumnOptions, ColumnOptionsT, PlainColumnOptions, Results
from hookline.quality.checks.change import HistoryCheck, no_verdict
from hookline.quality.checks.registry import register
from hookline.quality.distances import chi_square, jensen_shannon, psi
from hookline.quality.history import History
from hookline.quality.profile.column import ColumnProfile
from hookline.quality.profile.comparing import Bins, CannotCompareError, common_bins, drift, ks
from hookline.quality.profile.model import Profile, merged

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Method = Literal["psi", "ks", "chi_square", "jensen_shannon"]
# What is commonly taken for a change worth a look.
_USUAL_LIMIT: Mapping[Method, float] = {"psi": 0.2, "ks": 0.1, "chi_square": 0.1, "jensen_shannon": 0.1}
_WORDS: Mapping[Method, str] = {
    "psi": "the population stability index",
    "ks": "the Kolmogorov-Smirnov distance",
    "chi_square": "Cramér's V of the chi-square test",
    "jensen_shannon": "the Jensen-Shannon distance",
}


@dataclass(frozen=True)
class BaselineCheck(HistoryCheck[ColumnOptionsT]):
    """A check of one column against a baseline. Without ``baseline`` that is what the store has of earlier writes."""

    no_exceptions: ClassVar[str] = "raise its limit instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.options.column,)

    @property
    def _file(self) -> str | None:
        return getattr(self.options, "baseline", None)

    @property
    def against(self) -> str:
        """The baseline, in words."""
        return f"the profile {self._file}" if self._file else "earlier writes"

    def measures(self) -> tuple[Measure, ...]:
        """What the column looks like."""
        return (Measure.sketch(self.options.column, required=self.terms.must_answer),)

    def judge(self, results: Results) -> Verdict:
        """Against a file no history is needed."""
        if self._file is None:
            return super().judge(results)
        return self._compared(read_profile(self._file), results)

    def judge_against(self, history: History, results: Results) -> Verdict:
        """Against all earlier writes that have a profile, together."""
        if self._file is not None:
            return self.judge(results)
        profiles = [Profile.from_document(one.document) for one in history.profiles]
        if not profiles:
            return no_verdict(
                self.verdict(
                    "skipped", results, message="no earlier write has a profile: let the plugin profile this dataset"
                )
            )
        return self._compared(merged(profiles), results)

    def _compared(self, baseline: Profile, results: Results) -> Verdict:
        measured = results[self.measures()[0]].value
        before = baseline.column(self.options.column)
        if before is None or before.error:
            raise MeasureError(f"the baseline has no column {self.options.column!r}")
        after = ColumnProfile(self.options.column, before.type, measured)
        try:
            return self.compare(before, after, results)
        except CannotCompareError as error:
            raise MeasureError(f"{self.options.column} can't be compared with {self.against}: {error}") from None

    @abstractmethod
    def compare(self, before: ColumnProfile, after: ColumnProfile, results: Results) -> Verdict:
        """The verdict on the two."""


@lru_cache(maxsize=32)
def _read_profile(path: str, changed_at: float) -> Profile:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return Profile.from_document(content["sketches"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MeasureError(
            f"the baseline {path} is no profile ({type(error).__name__}): make one with hookline profile --json"
        ) from None


def read_profile(path: str) -> Profile:
    """A profile that ``hookline profile --json`` wrote.

    Raises:
        MeasureError: it can't be read.
    """
    try:
        changed_at = Path(path).stat().st_mtime
    except OSError as error:
        raise MeasureError(f"the baseline {path} can't be read: {error.strerror}") from None
    return _read_profile(path, changed_at)


class DistributionOptions(ColumnOptions):
    """How far the column's distribution may be from the baseline's, and by which measure."""

    method: Method = "psi"
    max: Annotated[float | None, Field(ge=0, strict=False)] = None
    min_p: Share | None = None
    baseline: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check_limits(self) -> DistributionOptions:
        if self.min_p is not None and self.method != "chi_square":
            raise ValueError("min_p belongs to method: chi_square; the other methods take max")
        if self.min_p is not None and self.max is not None:
            raise ValueError("give min_p or max, not both")
        return self


@register("distribution", DistributionOptions)
@dataclass(frozen=True)
class Distribution(BaselineCheck[DistributionOptions]):
    """The column's values are spread as they were."""

    @property
    def name(self) -> str:
        """With its method, as a column may have several."""
        return self.terms.name or f"distribution({self.options.column}, {self.options.method})"

    @property
    def _limit(self) -> float:
        return _USUAL_LIMIT[self.options.method] if self.options.max is None else self.options.max

    @property
    def expected(self) -> str:
        """In words."""
        if self.options.min_p is not None:
            return f"p of the chi-square test of {self.options.column} with {self.against} is at least {self.options.min_p:g}"
        return f"{_WORDS[self.options.method]} of {self.options.column} from {self.against} is at most {self._limit:g}"

    def compare(self, before: ColumnProfile, after: ColumnProfile, results: Results) -> Verdict:
        """Observed is the distance, or p."""
        if self.options.method == "ks":
            observed = ks(before, after)
            exact = not (before.sketch.is_estimation_mode() or after.sketch.is_estimation_mode())
            return self._verdict(observed, results, "" if exact else f"off by at most {2 * RANK_ERROR:.1g}")
        bins = common_bins(before, after)
        if self.options.min_p is not None:
            p = chi_square(*bins).p
            verdict = self.verdict("passed" if p >= self.options.min_p else "failed", results, observed=p)
            return replace(verdict, kind="distribution_p")  # what was observed is no distance
        return self._verdict(_DISTANCES[self.options.method](bins), results)

    def _verdict(self, observed: float, results: Results, message: str = "") -> Verdict:
        status = "passed" if observed <= self._limit else "failed"
        return self.verdict(status, results, observed=observed, message=message)  # type: ignore[arg-type]


_DISTANCES: Mapping[str, Callable[[Bins], float]] = {
    "psi": lambda bins: psi(*bins),
    "chi_square": lambda bins: chi_square(*bins).effect,
    "jensen_shannon": lambda bins: jensen_shannon(*bins),
}


class CategoryDriftOptions(PlainColumnOptions):
    """Which share of the rows may be of categories that the baseline does not have, and how many may be gone."""

    max_new: Share = 0.0
    max_gone: Annotated[int, Field(ge=0)] | None = None
    baseline: Annotated[str, Field(min_length=1)] | None = None


@register("category_drift", CategoryDriftOptions)
@dataclass(frozen=True)
class CategoryDrift(BaselineCheck[CategoryDriftOptions]):
    """The column has the categories that it had. Which ones are new is not told: they are values of rows."""

    @property
    def expected(self) -> str:
        """In words."""
        new = f"at most {self.options.max_new:.3g} of the values are" if self.options.max_new else "no value is"
        gone = (
            "" if self.options.max_gone is None else f", and at most {self.options.max_gone} of its categories are gone"
        )
        return f"{new} of a category of {self.options.column} that {self.against} did not have{gone}"

    def compare(self, before: ColumnProfile, after: ColumnProfile, results: Results) -> Verdict:
        """Observed is the share of values in new categories."""
        found = drift(before, after)
        borne = Fraction(str(self.options.max_new)) * after.values >= found.new_rows
        fits = borne and (self.options.max_gone is None or found.gone <= self.options.max_gone)
        told = _told(new=found.new, gone=found.gone)
        observed = found.new_rows / after.values if after.values else 0.0
        return self.verdict(
            "passed" if fits else "failed", results, observed=observed, failing_rows=found.new_rows, message=told
        )


def _told(**counts: int) -> str:
    parts = (
        (count, "category is" if count == 1 else "categories are", what) for what, count in counts.items() if count
    )
    return ", ".join(f"{count} {words} {what}" for count, words, what in parts)
