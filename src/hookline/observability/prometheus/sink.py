"""The outbox's sinks: points become totals in the store, and totals a job's file and its group on the Pushgateway.

What the Pushgateway and the file show is a state, not samples with times: when one of them was away, the next state has
everything, in any order, however late. So nothing is ever too old.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError, SinkError
from hookline.core.events import content_id, utc_now
from hookline.observability.metrics import Point, tag_value
from hookline.observability.prometheus.options import PushOptions
from hookline.observability.prometheus.text import CONTENT_TYPE, render
from hookline.observability.prometheus.totals import Totals

if TYPE_CHECKING:
    from hookline.core.outbox import Message, Outbox
    from hookline.core.store import LazyStore
    from hookline.core.web import Address


class Keeper:
    """The totals of jobs.

    Args:
        store: where they live; None: in this process.
        forget_s: after how many seconds a series that does not change is dropped.
    """

    def __init__(self, store: LazyStore | None, forget_s: float, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store = store
        self._forget_s = forget_s
        self._clock = clock
        self._own: dict[str, Mapping[str, Any]] = {}

    def add(self, job: str, messages: Sequence[Message]) -> None:
        """Add the points of messages, those of each once.

        Raises:
            StoreError: the store can't be used.
        """
        key = content_id("prometheus", job)
        if self._store is None:
            self._own[key] = self._added(self._own.get(key), messages)
            return
        from hookline.core.store.totals import keep_totals, read_totals

        store = self._store.get()
        with store.transaction() as connection:
            store.lock(connection, key)
            document = self._added(read_totals(connection, key), messages)
            keep_totals(store, connection, key, self._clock().isoformat(), document)

    def totals(self, job: str) -> Totals:
        """The totals of a job.

        Raises:
            StoreError: the store can't be used.
        """
        key = content_id("prometheus", job)
        if self._store is None:
            return Totals.load(self._own.get(key))
        from hookline.core.store.totals import read_totals

        with self._store.get().transaction() as connection:
            return Totals.load(read_totals(connection, key))

    def _added(self, known: Mapping[str, Any] | None, messages: Sequence[Message]) -> dict[str, Any]:
        totals = Totals.load(known)
        for message in messages:
            totals.add((Point.from_payload(point) for point in message.payload["points"]), message.id)
        totals.forget(self._clock() - dt.timedelta(seconds=self._forget_s))
        return totals.dump()


class TotalsSink:
    """Adds points to totals, and has them shown: by a message, so that what is added is added, whether it can be shown or not.

    Args:
        show: the name of the sink that shows.
    """

    batch_size = 200

    def __init__(self, keeper: Keeper, outbox: Outbox, show: str) -> None:
        self._keeper = keeper
        self._outbox = outbox
        self._show = show

    def deliver(self, messages: Sequence[Message]) -> None:
        """Add each message's points once.

        Raises:
            SinkError: the store did not take them.
        """
        for job, mine in _by_job(messages).items():
            try:
                self._keeper.add(job, mine)
            except (KeyError, TypeError, ValueError) as error:
                raise SinkError(f"points are not understood ({type(error).__name__})", retryable=False) from None
            except HooklineError as error:
                raise SinkError(f"totals wait for the store: {error}") from None
            id = content_id("show", *(message.id for message in mine))
            self._outbox.put(self._show, {"job": job}, kind="show", id=id, order_key=mine[0].order_key)


class ShowingSink:
    """Shows the totals of jobs as they are now: a job's file, its group on the Pushgateway.

    Args:
        folder: where files go; None for nowhere.
        push: the Pushgateway; None for none.
    """

    batch_size = 200

    def __init__(self, keeper: Keeper, folder: Path | None, push: PushOptions | None) -> None:
        self._keeper = keeper
        self._folder = folder
        self._pusher = None if push is None else _Pusher(push)

    def deliver(self, messages: Sequence[Message]) -> None:
        """Show the jobs that are named, each once.

        Raises:
            SinkError: the store, the folder or the Pushgateway did not do it.
        """
        for job in _by_job(messages):
            try:
                content = render(self._keeper.totals(job))
            except HooklineError as error:
                raise SinkError(f"totals wait for the store: {error}") from None
            if self._folder is not None:
                _write(self._folder / f"hookline-{file_name(job)}.prom", content)
            if self._pusher is not None:
                self._pusher.push(job, content)


def _by_job(messages: Sequence[Message]) -> dict[str, list[Message]]:
    found: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages:
        found[str(message.payload.get("job", ""))].append(message)
    return dict(found)


class _Pusher:
    """Replaces a job's group on a Pushgateway."""

    def __init__(self, options: PushOptions) -> None:
        self._options = options
        self._address: Address | None = None
        self._headers = {"Content-Type": CONTENT_TYPE}
        if options.username is not None and options.password is not None:
            login = f"{options.username}:{options.password.get_secret_value()}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"

    def push(self, job: str, content: bytes) -> None:
        from hookline.core.web import Address, check

        if self._address is None:
            url = self._options.url.get_secret_value().rstrip("/")
            self._address = Address(url, timeout_s=self._options.timeout_s)
        path = f"/metrics/{_grouping('job', tag_value(job) or 'unnamed')}"
        if self._options.instance is not None:
            path += f"/{_grouping('instance', self._options.instance)}"
        reply = self._address.send(content, self._headers, path=path, method="PUT")
        check(reply, self._address.place, "the metrics")


def _grouping(name: str, value: str) -> str:
    """A part of the path; what is not plain is in base64."""
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", value):
        return f"{name}/{value}"
    return f"{name}@base64/{base64.urlsafe_b64encode(value.encode()).decode()}"


def file_name(job: str) -> str:
    """A job's name as a part of a file's: no separators, bounded, unique."""
    digest = hashlib.sha256(job.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', job)[:60]}-{digest}"


def _write(path: Path, content: bytes) -> None:
    """Under another name first, which the collector passes over: nobody reads half a file."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_bytes(content)
        hidden.chmod(0o644)
        os.replace(hidden, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            hidden.unlink()
        raise SinkError(f"{path.parent} can't be written: {error.strerror}") from None
