"""Every way to change a log is found, and its place is named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline.core.errors import AuditError
from hookline.governance.audit import AuditLog, Entry, verify
from hookline.governance.audit.records import following, parse
from hookline.governance.audit.signing import Checkpoint, Signer

Lines = list[bytes]


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path / "audit.log")
    for number in range(10):
        log.append(Entry("deed", {"number": number, "dataset": f"lake/{number}"}, "etl"))
    return log


def problems(log: AuditLog, *against: Checkpoint) -> list[str]:
    return [str(one) for one in verify(log.path, [log.signing_key.with_suffix(".pub")], against).findings]


def change(log: AuditLog, how: Callable[[Lines], Lines]) -> None:
    log.path.write_bytes(b"".join(how(log.path.read_bytes().splitlines(keepends=True))))


def swapped(lines: Lines, one: int, other: int) -> Lines:
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def rehashed(lines: Lines, place: int) -> Lines:
    """One record changed by somebody who can compute hashes."""
    before = parse(lines[place - 1][:-1])
    lines[place] = following(before.seq, before.hash, Entry("deed", {"number": 99}, "etl")).line()
    return lines


def rewritten(lines: Lines, place: int) -> Lines:
    """One record changed, and all after it with it."""
    lines = rehashed(lines, place)
    for later in range(place + 1, len(lines)):
        before = parse(lines[later - 1][:-1])
        lines[later] = following(before.seq, before.hash, parse(lines[later][:-1]).entry).line()
    return lines


def test_a_log_that_is_as_it_was_written(log: AuditLog) -> None:
    found = verify(log.path, [log.signing_key.with_suffix(".pub")])
    assert (found.records, found.checkpoints, found.findings) == (11, 1, ())


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        (lambda lines: [one.replace(b"lake/4", b"lake/7") for one in lines], ["line 6: it was changed: its hash"]),
        (
            lambda lines: [one.replace(b'"seq":6', b'"seq":6 ') for one in lines],
            ["line 6: it was changed: it is not written"],
        ),
        (
            lambda lines: [one.replace(b'"etl"', b'"\\u0065tl"') if b'"seq":3,' in one else one for one in lines],
            ["line 3: it was ch"],
        ),
        (lambda lines: lines[:5] + lines[6:], ["line 6: between record 5 and this one 6 should stand"]),
        (lambda lines: lines[:5] + lines[8:], ["line 6: between record 5 and this one 6 to 8 should stand"]),
        (lambda lines: lines[1:], ["line 1: the log begins with record 2"]),
        (lambda lines: lines[4:], ["line 1: the log begins with record 5"]),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], ["line 6: record 5 stands after record 5"]),
        (
            lambda lines: swapped(lines, 4, 5),
            ["line 5: between record 4", "line 6: record 5 stands after record 6", "line 7: between"],
        ),
        (
            lambda lines: lines[:-1],
            ["the log ends at record 10, audit.log.head has seen record 11: the records after 10 were cut"],
        ),
        (lambda lines: lines[:3], ["the log ends at record 3"]),
        (lambda lines: [], ["the log ends at record 0"]),
        (lambda lines: [*lines[:-1], lines[-1][:-20]], ["line 11: it is not whole", "the log ends at record 10"]),
        (lambda lines: [*lines[:5], b"\n", *lines[5:]], ["line 6: it was changed: it is not JSON"]),
        (lambda lines: [*lines[:5], b"x" * 40 + b"\n", *lines[6:]], ["line 6: it was changed: it is not JSON"]),
        (lambda lines: rehashed(lines, 5), ["line 7: it does not follow on record 6"]),
        (lambda lines: rehashed(lines, 10), ["line 11: audit.log.head has seen another record 11"]),
        (
            lambda lines: rewritten(lines, 5),
            ["line 11: audit.log.head has seen another record 11: the log was written anew"],
        ),
    ],
    ids=range(18),
)
def test_what_was_done_to_a_log(log: AuditLog, how: Callable[[Lines], Lines], wanted: list[str]) -> None:
    change(log, how)
    found = problems(log)
    assert len(found) == len(wanted), found
    for problem, beginning in zip(found, wanted, strict=True):
        assert problem.startswith(beginning)


def test_any_byte_that_is_changed_is_found(log: AuditLog) -> None:
    content = log.path.read_bytes()
    chance = random.Random(7)
    for place in chance.sample(range(len(content)), 300):
        other = chance.choice([byte for byte in range(256) if byte != content[place]])
        log.path.write_bytes(content[:place] + bytes([other]) + content[place + 1 :])
        assert problems(log), (place, other)


def test_a_head_that_is_gone_broken_or_anothers(log: AuditLog, tmp_path: Path) -> None:
    head = log.head_path.read_bytes()
    log.head_path.unlink()
    assert problems(log) == ["audit.log.head is not there: whether the log was cut can't be told"]
    log.head_path.write_bytes(b"{}")
    assert problems(log) == ["audit.log.head is not a signed end of a log"]
    document = json.loads(head)
    log.head_path.write_text(json.dumps({**document, "hash": "0" * 64}))
    assert [one.partition(":")[0] for one in problems(log)] == ["line 11", "audit.log.head"]
    other = AuditLog(tmp_path / "other" / "audit.log")
    for _ in range(10):
        other.append(Entry("a"))
    shutil.copy(other.head_path, log.head_path)
    found = problems(log)
    assert "is another log's" in found[0]
    assert "is not among those to verify with" in found[1]


def test_a_log_and_its_head_put_back_are_found_by_an_end_that_was_kept_elsewhere(log: AuditLog) -> None:
    content, head = log.path.read_bytes(), log.head_path.read_bytes()
    kept = log.append(Entry("what shall not be known"))
    log.path.write_bytes(content)
    log.head_path.write_bytes(head)
    assert problems(log) == []
    (problem,) = problems(log, kept)
    assert "the log ends at record 11" in problem
    assert "has seen record 12" in problem


def test_a_log_that_is_written_anew_with_another_key(log: AuditLog) -> None:
    public = log.signing_key.with_suffix(".pub").read_bytes()
    kept = log.head()
    assert kept is not None
    for path in (log.path, log.head_path, log.signing_key, log.signing_key.with_suffix(".pub")):
        path.unlink()
    forged = AuditLog(log.path)
    for number in range(10):
        forged.append(Entry("deed", {"number": number}))
    assert problems(forged) == []
    elsewhere = log.path.with_name("kept.pub")
    elsewhere.write_bytes(public)
    found = [str(one) for one in verify(log.path, [elsewhere], [kept]).findings]
    assert any("the whole log was replaced" in one for one in found)
    assert any("which is not among those to verify with" in one for one in found)


def test_several_keys(log: AuditLog, tmp_path: Path) -> None:
    """The signing key was changed on the way: ends of both times hold."""
    first = log.head()
    assert first is not None
    changed = AuditLog(log.path, tmp_path / "new.key")
    changed.append(Entry("a"))
    both = tmp_path / "both.pub"
    both.write_bytes(log.signing_key.with_suffix(".pub").read_bytes() + (tmp_path / "new.pub").read_bytes())
    assert verify(log.path, [both], [first]).findings == ()
    assert len(verify(log.path, [tmp_path / "new.pub"], [first]).findings) == 1


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_public_key_that_is_none(log: AuditLog, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pub").write_bytes(content)
    with pytest.raises(AuditError):
        verify(log.path, [tmp_path / "x.pub"])


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    Signer(tmp_path / "audit.key").public_key()
    with pytest.raises(AuditError, match="can't be read"):
        verify(tmp_path / "audit.log", [tmp_path / "audit.pub"])


@pytest.mark.parametrize("document", [None, [], {}, {"version": 2}, {"version": 1, "log": 1}])
def test_what_is_no_checkpoint(document: object) -> None:
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.parse(document)
