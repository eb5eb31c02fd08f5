"""Keys and policies for tests, and a session with the plugin ``protect``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.governance.endpoint import endpoint, moto_address

from hookline.core.config_models import Config, PluginEntry
from hookline.core.safekeeping import KeysConfig
from hookline.core.store import LazyStore
from hookline.governance.audit import AuditLog
from hookline.governance.keys import keyfile
from hookline.governance.keys.providers import FileKeys
from hookline.governance.keys.ring import Keyring
from hookline.governance.protection import Protected, Protector, StoredKeys
from hookline.governance.protection.policy import Policy
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["endpoint", "moto_address"]
WAYS = [("native", "python"), ("python",)]


def policy(*rules: dict[str, Any], **more: Any) -> Policy:
    """One for everything."""
    return Policy.model_validate({"name": "people", "datasets": ["*"], "rules": list(rules), **more})


class Vault:
    """A folder with a key file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = KeysConfig()
        self.store = LazyStore(f"sqlite:///{folder / 'state' / 'store.db'}")
        keyfile.add_version(folder / "keys.json", "default", new=True)

    def rotate(self) -> None:
        keyfile.add_version(self.folder / "keys.json", "default", new=False)

    def ring(self) -> Keyring:
        return Keyring(FileKeys(self.folder / "keys.json"))

    def protect(self, frame: DataFrame, *rules: dict[str, Any], ways: Any = WAYS[0], **more: Any) -> Protected:
        """What the rules make of a frame."""
        keys = StoredKeys(self.store.get, self.ring())
        protector = Protector(self.ring(), self.keys, self.folder, self.folder / "jar", ways, keys)
        return protector.protect(frame, [policy(*rules, **more)])


class Guarded:
    """A session with the plugin ``protect`` and one that records."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.vault = Vault(folder)
        self.log = AuditLog(folder / "state" / "audit.log")
        self._attachment: Any = None

    def begin(
        self, *rules: dict[str, Any], plugin: Any = None, keys: Any = None, others: Any = None, **more: Any
    ) -> Guarded:
        content = policy(*rules, **more).model_dump(mode="json", exclude_none=True)
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(content))
        plugins = (
            PluginEntry("protect", {"policies": ["policy.yaml"], **(plugin or {})}),
            *(PluginEntry(name, options) for name, options in (others or {}).items()),
            PluginEntry("hookline.testing:RecordingPlugin"),
        )
        config = Config(
            state_dir=self.folder / "state", base_dir=self.folder, plugins=plugins, keys=KeysConfig(**(keys or {}))
        )
        self._attachment = attach.attach(self.spark, config, job="crm")
        return self

    def written(self, hook: str = "on_write_finished") -> Any:
        watch.drain()
        return RecordingPlugin.last.seen(hook)[-1]

    def actions(self) -> list[str]:
        return [record.entry.action for record in self.log.records()][1:]

    def end(self) -> None:
        if self._attachment is not None:
            self._attachment.detach()
        self.vault.store.close()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moto in this process."""
    moto = pytest.importorskip("moto")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with moto.mock_aws():
        yield


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    held = Vault(tmp_path)
    yield held
    held.store.close()


@pytest.fixture
def guarded(spark: SparkSession, tmp_path: Path) -> Iterator[Guarded]:
    held = Guarded(spark, tmp_path)
    yield held
    held.end()
