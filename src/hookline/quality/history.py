"""Earlier writes of a dataset, as checks look at them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from hookline.core.events import Dataset, utc_now

if TYPE_CHECKING:
    from hookline.core.store import PastWrite, Store, StoredProfile


class History(Protocol):
    """What is known of earlier writes, each oldest first.

    Attributes:
        now: when the write that is judged began.
    """

    @property
    def now(self) -> dt.datetime:
        """See above."""

    @property
    def rows_before(self) -> int | None:
        """The number of rows of the dataset's last published write by an earlier run; None when there was none."""

    @property
    def writes(self) -> Sequence[PastWrite]:
        """Published writes by earlier runs."""

    @property
    def profiles(self) -> Sequence[StoredProfile]:
        """The profiles of such writes."""


@dataclass(frozen=True)
class StoredHistory:
    """The run history's answer; looked up once, when a check asks."""

    opened: Callable[[], Store] = field(repr=False)
    dataset: Dataset
    run_id: str = ""
    now: dt.datetime = field(default_factory=utc_now)

    @property
    def rows_before(self) -> int | None:
        """See ``History``."""
        return self.opened().rows_before(self.dataset, self.run_id)

    @cached_property
    def writes(self) -> Sequence[PastWrite]:
        """See ``History``."""
        return self.opened().past_writes(self.dataset, self.run_id)

    @cached_property
    def profiles(self) -> Sequence[StoredProfile]:
        """See ``History``."""
        return self.opened().past_profiles(self.dataset, self.run_id)
