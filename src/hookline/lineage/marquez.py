"""Reads lineage from a Marquez server: the events that it was sent, and the tags that people gave its datasets.

Only the standard library, and only what Marquez documents: ``GET /api/v1/events/lineage`` gives the raw OpenLineage
events, a page at a time; ``GET /api/v1/namespaces`` and ``…/datasets`` give tags.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hookline.core.errors import HooklineError
from hookline.core.web import NoRedirection
from hookline.lineage.described import mapping
from hookline.lineage.history import Event, is_event, works_of
from hookline.lineage.nodes import iso
from hookline.lineage.works import Described, Period, Work

_PAGE = 500
_TIMEOUT_S = 30.0
_LARGEST_BYTES = 256 * 1024 * 1024


class MarquezError(HooklineError):
    """A Marquez server that does not answer, or answers something else."""


class Marquez:
    """A client of one server.

    Args:
        url: where it is, such as ``http://localhost:5000``; ``/api/v1`` may be part of it.
        api_key: sent as a bearer token. Default: ``$OPENLINEAGE_API_KEY``, as for sending.
        timeout_s: for each request.
        page: how many events or datasets to ask for at a time.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout_s: float = _TIMEOUT_S, page: int = _PAGE
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MarquezError(f"{self._shown(url)!r} is no address of a Marquez server: write http://host:5000")
        self._base = url.rstrip("/").removesuffix("/api/v1") + "/api/v1"
        self._place = self._shown(url)
        self._key = os.environ.get("OPENLINEAGE_API_KEY") if api_key is None else api_key
        self._timeout_s = timeout_s
        self._page = page
        self._opener = urllib.request.build_opener(NoRedirection)

    def works(self, period: Period | None = None) -> Iterator[Work]:
        """What the events tell to have been done, the earliest first, and what the server knows of datasets."""
        yield from works_of(self.events(period))
        for dataset in self.datasets():
            yield Work(
                job=None, at=0.0 if period is None else min(period.as_of, max(period.since, 0.0)), inputs=[dataset]
            )

    def events(self, period: Period | None = None) -> Iterator[Event]:
        """The OpenLineage events of a period, the earliest first. What is no event is passed over."""
        wanted: dict[str, str] = {"sortDirection": "asc"}
        if period and period.as_of != float("inf"):
            wanted["before"] = iso(period.as_of + 1e-3) or ""
        if period and period.since != float("-inf"):
            wanted["after"] = iso(period.since) or ""
        for event in self._pages("/events/lineage", "events", wanted):
            if is_event(event):
                yield event

    def datasets(self) -> Iterator[Described]:
        """The datasets that somebody gave tags, with those of their columns."""
        for namespace in self._pages("/namespaces", "namespaces", {}):
            path = f"/namespaces/{quote(str(mapping(namespace).get('name', '')), safe='')}/datasets"
            for dataset in self._pages(path, "datasets", {}):
                found = _tagged(mapping(dataset))
                if found:
                    yield found

    def _pages(self, path: str, key: str, wanted: dict[str, str]) -> Iterator[Any]:
        offset = 0
        while True:
            answer = self._get(f"{path}?{urlencode({**wanted, 'limit': self._page, 'offset': offset})}")
            items = answer.get(key)
            if not isinstance(items, list):
                raise MarquezError(
                    f"{self._place} answered {path.partition('?')[0]} without a list of {key}: is it Marquez?"
                )
            yield from items
            offset += len(items)
            total = answer.get("totalCount")
            if not items or (isinstance(total, int) and offset >= total) or (total is None and len(items) < self._page):
                return

    def _get(self, path: str) -> dict[str, Any]:
        request = urllib.request.Request(self._base + path, headers={"Accept": "application/json"})  # noqa: S310
        if self._key:
            request.add_unredirected_header("Authorization", f"Bearer {self._key}")
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                body = response.read(_LARGEST_BYTES + 1)
        except urllib.error.HTTPError as error:
            error.close()
            cure = "; set OPENLINEAGE_API_KEY" if error.code in (401, 403) else ""
            raise MarquezError(f"{self._place} answered with status {error.code}{cure}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise MarquezError(f"{self._place} can't be reached: {type(reason).__name__}") from None
        if len(body) > _LARGEST_BYTES:
            raise MarquezError(f"{self._place} answered with more than {_LARGEST_BYTES} bytes at once")
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise MarquezError(f"{self._place} answered with something that is no JSON object: is it Marquez?")
        return answer

    @staticmethod
    def _shown(url: str) -> str:
        """The address without a name and a password in it."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]


def _tagged(dataset: dict[str, Any]) -> Described | None:
    identity = mapping(dataset.get("id"))
    name = (str(identity.get("namespace") or ""), str(identity.get("name") or dataset.get("name") or ""))
    found = Described(name)
    found.about.tags = dict.fromkeys(map(str, dataset.get("tags") or ()), "")
    fields = [mapping(field) for field in dataset.get("fields") or ()]
    found.column_tags = {
        str(field["name"]): dict.fromkeys(map(str, field["tags"]), "")
        for field in fields
        if field.get("name") and field.get("tags")
    }
    return found if all(name) and (found.about.tags or found.column_tags) else None
