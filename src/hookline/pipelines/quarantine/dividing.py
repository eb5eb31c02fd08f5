"""A write divided into the rows that may pass and those that are set aside, with proof that none was lost or let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core import fuse
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Column, Measure, Measured, Verdict, Write
from hookline.pipelines.quarantine.deposit import Deposit, origin_of, place_of
from hookline.pipelines.targets import Written

if TYPE_CHECKING:
    from hookline.pipelines.chain.request import Request


def asks(verdicts: Iterable[Verdict]) -> bool:
    """Whether rows are to be set aside."""
    return any(_sets_aside(verdict) for verdict in verdicts)


def unanswered(verdicts: Iterable[Verdict]) -> bool:
    """Whether a verdict refuses for want of an answer: then there is nothing to be saved."""
    return any(verdict.refuses and verdict.status != "failed" for verdict in verdicts)


def _sets_aside(verdict: Verdict) -> bool:
    return verdict.status == "failed" and verdict.sets_aside is not None


class Division:
    """One write that is to be divided.

    Args:
        write: as it was judged.
        verdicts: those of its judges.
        columns: of what was written.

    Raises:
        MeasureError: rows that are no rows are to be set aside.
    """

    def __init__(
        self, request: Request, write: Write, verdicts: tuple[Verdict, ...], columns: tuple[Column, ...]
    ) -> None:
        self._request = request
        self._write = write
        self._first = verdicts
        self._columns = columns
        self._rules = [(v.check, v.sets_aside) for v in verdicts if v.sets_aside is not None and _sets_aside(v)]
        self._sieve = fuse.Sieve(self._rules, columns)
        self._before = 0

    def check(self, written: Written | None, results: Mapping[Measure, Measured]) -> None:
        """Whether it can be done.

        Raises:
            WriteRefusedError: it can't.
        """
        rows = results.get(Measure.rows())
        if written is None or written.split is None or self._write.published:
            self._refuse("what was written can't be divided here")
        if rows is None or not rows.ok:
            self._refuse("the number of rows is not known")
        else:
            self._before = rows.value

    def open(self, state_dir: Path, job: str) -> Deposit:
        """A place for the bad rows.

        Raises:
            HooklineError: there is none.
        """
        origin = origin_of(self._request.target)
        configured = next((a.measure.quarantine for _, a in self._rules if a.measure.quarantine is not None), None)
        root = place_of(self._request.spark, configured, origin)
        names = tuple(column.name for column in self._columns)
        return Deposit(self._request.spark, root, state_dir, self._write, job, origin, names)

    def split(self, written: Written, deposit: Deposit) -> Written:
        """What is left of what was written."""
        if written.split is None:
            raise RuntimeError("asked without a check")
        return written.split(self._sieve, deposit)

    def reconcile(self, results: Mapping[Measure, Measured], deposit: Deposit) -> None:
        """No row may be lost, and none doubled.

        Raises:
            WriteRefusedError: the numbers do not add up.
        """
        rows = results.get(Measure.rows())
        if rows is None or not rows.ok or deposit.rows is None:
            self._refuse("the rows that are left could not be counted")
        elif rows.value + deposit.rows != self._before:
            numbers = f"{self._before} rows were written, {rows.value} are left and {deposit.rows} were set aside"
            self._refuse(f"the numbers do not add up: {numbers}")

    def merge(self, second: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
        """What the judges said of the rows that were set aside, and what they say of the others.

        Raises:
            WriteRefusedError: rows that fail are left.
        """
        left = [verdict.check for verdict in second if _sets_aside(verdict)]
        if left:
            self._refuse(f"rows that fail are left ({', '.join(left)})")
        told = {(verdict.plugin, verdict.check): verdict for verdict in self._first if _sets_aside(verdict)}
        return tuple(told.get((verdict.plugin, verdict.check), verdict) for verdict in second)

    def _refuse(self, reason: str) -> None:
        checks = ", ".join(dict.fromkeys(name for name, _ in self._rules))
        sentence = f"rows that fail can't be set aside ({checks}): {reason}"
        raise WriteRefusedError(str(self._write.dataset), (sentence,), published=self._write.published)
