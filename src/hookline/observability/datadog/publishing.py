"""Dashboards and monitors of Datadog: to files, to Terraform, to the account by its API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core import hcl
from hookline.core.errors import ConfigError, SinkError
from hookline.core.web import Address, check
from hookline.observability.dashboards.boards import BOARDS
from hookline.observability.dashboards.checking import check_body
from hookline.observability.dashboards.publishing import Item, like
from hookline.observability.dashboards.watches import WATCHES
from hookline.observability.datadog.boards import MANAGED, body, monitors
from hookline.observability.datadog.options import DatadogOptions, environment_of

_PAGE = 50
_MOST_PAGES = 200


class DatadogPublisher:
    """See ``dashboards.publishing.Publisher``. Dashboards are found by their titles, monitors by their tags."""

    name = "datadog"

    def __init__(self, options: DatadogOptions, environment: str | None) -> None:
        self._options = options
        self._environment = environment_of(environment)
        self._address = Address(options.api, timeout_s=options.timeout_s)
        self._ids: dict[tuple[str, str], Any] = {}
        self._listed: set[str] = set()

    def items(self) -> Sequence[Item]:
        """Three dashboards and the monitors."""
        found = []
        for board in BOARDS:
            made = body(board, self._environment)
            check_body("datadog_dashboard", board.name, made)
            found.append(Item("dashboard", board.title, f"dashboard-{board.name}.json", made))
        for watch, made in zip(WATCHES, monitors(WATCHES, self._environment, self._options.notify), strict=True):
            found.append(Item("monitor", made["name"], f"monitor-{watch.id}.json", made))
        return found

    def terraform(self) -> str:
        """Resources of the provider ``DataDog/datadog``."""
        return hcl.document({"datadog": "DataDog/datadog"}, map(_resource, self.items()))

    def current(self, item: Item) -> Mapping[str, Any] | None:
        """The dashboard or the monitor of this name."""
        id = self._id_of(item)
        if id is None:
            return None
        there = self._call("GET", f"{_path(item)}/{id}")
        made: Mapping[str, Any] = like(there, item.body)
        return made

    def push(self, item: Item) -> None:
        """Make it, or change the one of this name."""
        id = self._id_of(item)
        if id is None:
            self._call("POST", _path(item), item.body)
        else:
            self._call("PUT", f"{_path(item)}/{id}", item.body)

    def _id_of(self, item: Item) -> Any:
        if item.kind not in self._listed:
            for name, id in self._dashboards() if item.kind == "dashboard" else self._monitors():
                self._ids.setdefault((item.kind, name), id)
            self._listed.add(item.kind)
        return self._ids.get((item.kind, item.name))

    def _dashboards(self) -> Iterator[tuple[str, Any]]:
        for page in range(_MOST_PAGES):
            answer = self._call("GET", f"/api/v1/dashboard?count={_PAGE}&start={page * _PAGE}")
            found = answer.get("dashboards", []) if isinstance(answer, dict) else []
            for one in found:
                if MANAGED in str(one.get("description")):
                    yield str(one["title"]), one["id"]
            if len(found) < _PAGE:
                return

    def _monitors(self) -> Iterator[tuple[str, Any]]:
        for page in range(_MOST_PAGES):
            query = f"monitor_tags={MANAGED}&page={page}&page_size={_PAGE // 5}"
            found = self._call("GET", f"/api/v1/monitor?{query}")
            for one in found if isinstance(found, list) else []:
                yield str(one["name"]), one["id"]
            if not isinstance(found, list) or len(found) < _PAGE // 5:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        key, application = self._options.key(), self._options.application_key()
        if not key or not application:
            raise ConfigError(
                "Datadog's API needs two keys: set `api_key` and `app_key`, or $DD_API_KEY and $DD_APP_KEY"
            )
        headers = {"Content-Type": "application/json", "DD-API-KEY": key, "DD-APPLICATION-KEY": application}
        data = b"" if body is None else json.dumps(body).encode()
        reply = self._address.send(data, headers, path=path, method=method)
        check(reply, self._address.place, "what was sent")
        try:
            return json.loads(reply.body)
        except ValueError:
            raise SinkError(f"{self._address.place}: something else than Datadog answered: check api_url") from None


def _path(item: Item) -> str:
    return "/api/v1/dashboard" if item.kind == "dashboard" else "/api/v1/monitor"


def _resource(item: Item) -> str:
    if item.kind == "dashboard":
        own = {"dashboard": json.dumps(item.body, separators=(",", ":"))}
        return hcl.resource("datadog_dashboard_json", item.file.removesuffix(".json"), own)
    monitor, options = item.body, item.body["options"]
    attributes = {
        "name": monitor["name"],
        "type": monitor["type"],
        "query": monitor["query"],
        "message": monitor["message"],
        "tags": monitor["tags"],
        "priority": monitor["priority"],
        "include_tags": options["include_tags"],
        "require_full_window": options["require_full_window"],
        "notify_audit": options["notify_audit"],
        "on_missing_data": options["on_missing_data"],
    }
    blocks: list[tuple[str, Mapping[str, Any]]] = [("monitor_thresholds", options["thresholds"])]
    if "threshold_windows" in options:
        blocks.append(("monitor_threshold_windows", options["threshold_windows"]))
    return hcl.resource("datadog_monitor", item.file.removesuffix(".json"), attributes, blocks)
