"""Whether a log is what was written: every line, their order, and its end against what was signed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookline.core.errors import AuditError
from hookline.governance.audit.log import OPENED
from hookline.governance.audit.records import START, NotARecordError, Record, parse
from hookline.governance.audit.signing import Checkpoint, Signatures

_MOST_FINDINGS = 100


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        line: the line of the log, from 1; None when it is about the log as a whole.
        problem: what is wrong.
    """

    line: int | None
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}" if self.line else self.problem


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        records: how many records were read.
        checkpoints: how many signed ends the log was held against.
        findings: what is wrong, in the order of the log; at most a hundred.
    """

    records: int
    checkpoints: int
    findings: tuple[Finding, ...]


def verify(path: Path, public_keys: Iterable[Path], against: Sequence[Checkpoint] = ()) -> Verified:
    """Read the whole log.

    Args:
        path: the log; its signed end lies beside it, as ``<name>.head``.
        public_keys: PEM files with the keys that signed.
        against: further signed ends, from elsewhere. Somebody who can write the log and its head can put an older
            state of both in their place; only an end that is kept where they can't write shows that.

    Raises:
        AuditError: the log, or a key, can't be read.
    """
    signatures = Signatures.read(public_keys)
    findings: list[Finding] = []
    checkpoints, problems = _checkpoints(path, against)
    for checkpoint, where in checkpoints:
        problem = signatures.problem(checkpoint)
        if problem is not None:
            problems.append(Finding(None, f"{where}: {problem}"))
    wanted: dict[int, list[tuple[Checkpoint, str]]] = {}
    for checkpoint, where in checkpoints:
        wanted.setdefault(checkpoint.seq, []).append((checkpoint, where))
    chain = _Chain()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                for finding in chain.read(number, line):
                    if len(findings) < _MOST_FINDINGS:
                        findings.append(finding)
                last = chain.last
                if last is not None and chain.fresh:
                    for one in wanted.pop(last.seq, ()):
                        findings.extend(_compared(number, last, chain.log, *one))
    except OSError as error:
        raise AuditError(f"the audit log {path} can't be read: {error.strerror}") from None
    end = chain.last.seq if chain.last else 0
    for seq, where in ((seq, where) for seq, several in sorted(wanted.items()) for _, where in several):
        problem = f"the log ends at record {end}, {where} has seen record {seq}: the records after {end} were cut off"
        findings.append(Finding(None, problem if seq > end else f"record {seq}, which {where} has seen, is not there"))
    return Verified(chain.records, len(checkpoints), tuple(findings + problems))


class _Chain:
    """Reads line after line; each that does not fit is told, and reading goes on behind it."""

    def __init__(self) -> None:
        self.last: Record | None = None
        self.fresh = False
        self.records = 0
        self.log = ""
        self._illegible = 0

    def read(self, number: int, line: bytes) -> Iterator[Finding]:
        self.fresh = False
        if not line.endswith(b"\n"):
            yield Finding(number, "it is not whole: its writer was killed, or the log was cut within a line")
            return
        try:
            record = parse(line[:-1])
        except NotARecordError as error:
            self._illegible += 1
            yield Finding(number, f"it was changed: {error}")
            return
        self.records += 1
        yield from self._fits(number, record)
        self.last, self.fresh, self._illegible = record, True, 0

    def _fits(self, number: int, record: Record) -> Iterator[Finding]:
        before, last = (self.last.seq, self.last.hash) if self.last else (0, START), self.last
        if last is None:
            self.log = str(record.entry.what.get("log", ""))
            if record.entry.action != OPENED:
                yield Finding(number, f"the log begins with record {record.seq}: what came before was removed")
                return
        if record.seq <= before[0]:
            yield Finding(number, f"record {record.seq} stands after record {before[0]}: it was moved or repeated")
        elif record.seq > before[0] + 1:
            # Those lines that can't be read were told of.
            if record.seq - before[0] - 1 != self._illegible:
                gap = f"{before[0] + 1} to {record.seq - 1}" if record.seq > before[0] + 2 else str(record.seq - 1)
                yield Finding(number, f"between record {before[0]} and this one {gap} should stand: removed or moved")
        elif record.prev != before[1]:
            yield Finding(number, f"it does not follow on record {before[0]}: one of the two was written anew")


def _compared(number: int, record: Record, log: str, checkpoint: Checkpoint, where: str) -> Iterator[Finding]:
    if log and checkpoint.log != log:
        yield Finding(None, f"{where} is another log's ({checkpoint.log}): the whole log was replaced")
    elif checkpoint.hash != record.hash:
        yield Finding(number, f"{where} has seen another record {record.seq}: the log was written anew")


def _checkpoints(path: Path, against: Sequence[Checkpoint]) -> tuple[list[tuple[Checkpoint, str]], list[Finding]]:
    found = [(one, f"the signed end of {one.at[:19]}") for one in against]
    head = path.with_name(path.name + ".head")
    try:
        return [*found, (Checkpoint.parse(json.loads(head.read_bytes())), f"{head.name}")], []
    except FileNotFoundError:
        return found, [Finding(None, f"{head.name} is not there: whether the log was cut can't be told")]
    except (OSError, ValueError):
        return found, [Finding(None, f"{head.name} is not a signed end of a log")]
