"""Copies in S3 that can't be changed there: by them a log that was put back to an older state is found out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hookline.core.errors import AuditError
from hookline.core.outbox import Outbox
from hookline.core.safekeeping import AuditConfig
from hookline.governance.audit import AuditLog, Copies, Entry, verify
from hookline.governance.audit.copies import newest_head
from hookline.governance.audit.records import parse

CONFIG = AuditConfig(s3="s3://kept-log/audit/crm", s3_retain_days=30, region="eu-west-1")


@pytest.fixture
def s3(aws: None) -> Any:
    """Moto with a bucket that locks objects."""
    from botocore.session import get_session

    client = get_session().create_client("s3", region_name="eu-west-1")
    place = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="kept-log", CreateBucketConfiguration=place, ObjectLockEnabledForBucket=True)
    return client


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit.log")


def copy(log: AuditLog, folder: Path, config: AuditConfig = CONFIG) -> int:
    """Hand over and deliver; how many messages wait afterwards."""
    outbox = Outbox(folder / "outbox.db")
    copies = Copies(log, config, outbox, "audit")
    copies.hand_over()
    waiting = outbox.replay(deadline_s=10)
    outbox.close(1)
    return waiting


def keys(client: Any) -> list[str]:
    return sorted(one["Key"] for one in client.list_objects_v2(Bucket="kept-log").get("Contents", ()))


def test_every_record_is_copied_once_and_locked(s3: Any, log: AuditLog, tmp_path: Path) -> None:
    assert copy(log, tmp_path) == 0
    assert keys(s3) == []
    for number in range(3):
        log.append(Entry("deed", {"number": number}))
    assert copy(log, tmp_path) == copy(log, tmp_path) == 0
    log.append(Entry("deed", {"number": 3}))
    assert copy(log, tmp_path) == 0
    stem = f"audit/crm/{log.id()}/"
    assert keys(s3) == [f"{stem}{seq:020}.{kind}" for seq in (4, 5) for kind in ("head.json", "ndjson")]
    lines = b"".join(
        s3.get_object(Bucket="kept-log", Key=key)["Body"].read() for key in keys(s3) if key.endswith(".ndjson")
    )
    assert lines == log.path.read_bytes()
    assert [parse(line).seq for line in lines.splitlines()] == [1, 2, 3, 4, 5]
    for key in keys(s3):
        kept = s3.head_object(Bucket="kept-log", Key=key)
        assert kept["ObjectLockMode"] == "COMPLIANCE"
        assert 29 <= (kept["ObjectLockRetainUntilDate"] - kept["LastModified"]).days <= 30
    assert newest_head(CONFIG, "s3://kept-log/audit/crm", log.id()) == log.head()


def test_a_log_put_back_is_found_by_its_copy(s3: Any, log: AuditLog, tmp_path: Path) -> None:
    log.append(Entry("a"))
    before = log.path.read_bytes(), log.head_path.read_bytes()
    log.append(Entry("what shall not be known"))
    copy(log, tmp_path)
    log.path.write_bytes(before[0])
    log.head_path.write_bytes(before[1])
    public = [log.signing_key.with_suffix(".pub")]
    assert verify(log.path, public).findings == ()
    (finding,) = verify(log.path, public, [newest_head(CONFIG, str(CONFIG.s3), log.id())]).findings
    assert "has seen record 3" in str(finding)


def test_a_bucket_that_does_not_answer_keeps_everything_for_later(s3: Any, log: AuditLog, tmp_path: Path) -> None:
    log.append(Entry("a"))
    other = CONFIG.model_copy(update={"s3": "s3://no-such-bucket"})
    outbox = Outbox(tmp_path / "outbox.db")
    Copies(log, other, outbox, "audit").hand_over()
    assert outbox.replay(deadline_s=1) == 1
    outbox.close(0)
    assert copy(log, tmp_path) == 0
    assert len(keys(s3)) == 2


def test_long_logs_go_in_parts(s3: Any, log: AuditLog, tmp_path: Path) -> None:
    log.append(*(Entry("deed", {"text": "x" * 1_900, "number": number}) for number in range(600)))
    assert copy(log, tmp_path) == 0
    parts = [key for key in keys(s3) if key.endswith(".ndjson")]
    assert len(parts) == 3
    assert [key for key in keys(s3) if key.endswith(".head.json")] == [parts[-1].replace("ndjson", "head.json")]
    assert b"".join(s3.get_object(Bucket="kept-log", Key=key)["Body"].read() for key in parts) == log.path.read_bytes()


def test_what_is_not_there(s3: Any, log: AuditLog) -> None:
    with pytest.raises(AuditError, match="has no signed end"):
        newest_head(CONFIG, "s3://kept-log/other", "x")
    with pytest.raises(AuditError, match="NoSuchBucket"):
        newest_head(CONFIG, "s3://none", "x")
    s3.put_object(Bucket="kept-log", Key="x/1.head.json", Body=json.dumps({"version": 1}).encode())
    with pytest.raises(AuditError, match="ValueError"):
        newest_head(CONFIG, "s3://kept-log", "x")
