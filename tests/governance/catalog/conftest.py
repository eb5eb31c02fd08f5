"""A session with the plugin ``catalog`` and one that records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.endpoint import endpoint, moto_address

from hookline.core.config_models import Config, PluginEntry
from hookline.core.labels import LabelsConfig
from hookline.core.store import Store
from hookline.governance.audit import AuditLog
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["endpoint", "moto_address"]


class Catalogued:
    """A folder with a store and an audit log, and a session that is attached as often as a test wants."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.log = AuditLog(folder / "state" / "audit.log")
        self._attachment: Any = None

    def begin(self, rule: str | None = None, *, others: Mapping[str, Any] | None = None, **more: Any) -> Catalogued:
        """Attach, with this rule for all datasets."""
        self.end()
        options = {"schemas": [{"datasets": ["*"], "compatibility": rule}]} if rule else {}
        named = {**(others or {}), "catalog": {**options, **more.pop("catalog", {})}}
        plugins = (
            *(PluginEntry(name, one) for name, one in named.items()),
            PluginEntry("hookline.testing:RecordingPlugin"),
        )
        state = self.folder / "state"
        self.config = Config(state_dir=state, base_dir=self.folder, plugins=plugins, labels=LabelsConfig(**more))
        self._attachment = attach.attach(self.spark, self.config, job="crm")
        return self

    def path(self, name: str = "lake") -> str:
        return str(self.folder / name)

    def written(self, hook: str = "on_write_finished") -> Any:
        watch.drain()
        return RecordingPlugin.last.seen(hook)[-1]

    def actions(self) -> list[str]:
        return [record.entry.action for record in self.log.records()][1:]

    @contextmanager
    def store(self) -> Iterator[Store]:
        """After the end: all facts are in it."""
        self.end()
        with closing(Store(self.config.store_url())) as store:
            yield store

    def end(self) -> None:
        if self._attachment is not None:
            self._attachment.detach()
            self._attachment = None


@pytest.fixture
def catalogued(spark: SparkSession, tmp_path: Path) -> Iterator[Catalogued]:
    held = Catalogued(spark, tmp_path)
    yield held
    held.end()
