"""Copies of the log in S3, which nobody can change there when the bucket locks objects: parts of it, each with a signed end.

``<prefix>/<log>/<seq>.ndjson`` has the lines up to that record, ``<seq>.head.json`` the end that was signed then.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import AuditError, SinkError
from hookline.core.events import content_id, utc_now
from hookline.governance.audit.signing import Checkpoint
from hookline.governance.aws import client, code_of

if TYPE_CHECKING:
    from hookline.core.outbox import Message, Outbox
    from hookline.core.safekeeping import AuditConfig
    from hookline.governance.audit.log import AuditLog

logger = logging.getLogger(__name__)
_PART_CHARS = 500_000


class Copies:
    """Hands what is new in a log to the outbox.

    Args:
        name: the sink's.
    """

    def __init__(self, log: AuditLog, config: AuditConfig, outbox: Outbox, name: str) -> None:
        self._log = log
        self._outbox = outbox
        self._name = name
        self._told = log.path.with_name(log.path.name + ".copied")
        outbox.register(name, S3Sink(config))

    def hand_over(self) -> None:
        """What came since the last time. Twice told is no harm: a part has its name by its end."""
        head = self._log.head()
        if head is None:
            return
        done = self._done(head.log)
        try:
            for seq, lines in _parts(self._log, done, head.seq):
                payload: dict[str, Any] = {"log": head.log, "seq": seq, "lines": lines}
                if seq == head.seq:
                    payload["head"] = head.document()
                self._outbox.put(
                    self._name, payload, kind="audit", id=content_id("audit", head.log, seq), order_key=head.log
                )
            self._told.write_text(json.dumps({"log": head.log, "seq": head.seq}))
        except (AuditError, OSError) as error:
            logger.warning("the audit log is not copied: %s", error)

    def _done(self, log: str) -> int:
        try:
            told = json.loads(self._told.read_bytes())
            return int(told["seq"]) if told["log"] == log else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0


class S3Sink:
    """Puts parts into a bucket."""

    batch_size = 10

    def __init__(self, config: AuditConfig) -> None:
        self._config = config
        self._bucket, self._prefix = _place(str(config.s3))
        self._client: Any = None

    def deliver(self, messages: Sequence[Message]) -> None:
        """One object for each part, and one for its signed end."""
        for message in messages:
            part = message.payload
            stem = f"{self._prefix}{part['log']}/{part['seq']:020}"
            self._put(f"{stem}.ndjson", part["lines"].encode("ascii"))
            if "head" in part:
                self._put(f"{stem}.head.json", json.dumps(part["head"]).encode())

    def _put(self, key: str, body: bytes) -> None:
        lock: dict[str, Any] = {}
        if self._config.s3_retain_days is not None:
            until = utc_now() + dt.timedelta(days=self._config.s3_retain_days)
            lock = {"ObjectLockMode": self._config.s3_lock_mode, "ObjectLockRetainUntilDate": until}
        try:
            if self._client is None:
                self._client = _client(self._config)
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256", **lock)
        except Exception as error:  # noqa: BLE001 - botocore has no one class; whatever it is, the part stays for later
            raise SinkError(f"S3 does not take the audit log ({code_of(error)})") from None


def newest_head(config: AuditConfig, place: str, log: str) -> Checkpoint:
    """The last signed end of a log that S3 has.

    Args:
        place: s3://bucket/prefix.

    Raises:
        AuditError: there is none, or it can't be read.
    """
    bucket, prefix = _place(place)
    try:
        bucket_client = _client(config)
        pages = bucket_client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}{log}/")
        keys = [one["Key"] for page in pages for one in page.get("Contents", ()) if one["Key"].endswith(".head.json")]
        if not keys:
            raise AuditError(f"{place} has no signed end of the log {log}")
        return Checkpoint.parse(json.loads(bucket_client.get_object(Bucket=bucket, Key=max(keys))["Body"].read()))
    except AuditError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise AuditError(f"{place} can't be read ({code_of(error)})") from None


def _parts(log: AuditLog, done: int, end: int) -> Iterator[tuple[int, str]]:
    """The lines behind a record up to another, in parts, each with the number of its last record."""
    lines: list[str] = []
    size, last = 0, done
    for record in log.records():
        if not done < record.seq <= end:
            continue
        line = record.line().decode("ascii")
        if lines and size + len(line) > _PART_CHARS:
            yield last, "".join(lines)
            lines, size = [], 0
        lines.append(line)
        size, last = size + len(line), record.seq
    if lines:
        yield last, "".join(lines)


def _place(url: str) -> tuple[str, str]:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


def _client(config: AuditConfig) -> Any:
    return client("s3", config, "copies in S3 need", read_timeout_s=20, attempts=2)
