"""``lake_formation``: the gate, and LF-tags that follow what was written."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.governance.access.lake_formation.server import ACCOUNT, REGION, AwsError, LakeServer
from tests.governance.endpoint import CREDENTIALS, moto_address

from hookline.core.errors import ConfigError, SinkError
from hookline.core.events import Dataset, Measure, Measured
from hookline.core.plugin import PluginContext
from hookline.core.store import LazyStore
from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
from hookline.governance.access.lake_formation.following import FollowingSink, message_of
from hookline.governance.audit import AuditLog
from hookline.plugins.lake_formation import LakeFormationConfig, LakeFormationPlugin
from hookline.plugins.presidio import look_for_personal_data
from hookline.testing import BusUnderTest, PluginContract, RecordingSink, sample_write

__all__ = ["moto_address"]
JOB = f"arn:aws:iam::{ACCOUNT}:role/etl/job"
POLICY: dict[str, Any] = {
    "kind": "access",
    "name": "crm",
    "principals": {"job": {"id": JOB}},
    "tags": {
        "sensitivity": {
            "values": ["public", "personal"],
            "carried": [{"databases": ["sales"], "value": "public"}],
            "classified": {"EMAIL_ADDRESS": "personal"},
        }
    },
    "tables": [{"name": "sales.orders", "location": "s3://lake/sales/orders"}],
    "rules": [
        {"name": "append", "principals": "job", "allow": "insert", "tables": ["sales.orders"]},
        {
            "name": "research",
            "principals": "job",
            "allow": ["insert", "delete"],
            "tables": ["sales.lab"],
            "purpose": "research",
        },
        {
            "name": "over",
            "principals": "job",
            "allow": "insert",
            "tables": ["sales.old"],
            "expires": "2020-01-01T00:00:00Z",
        },
    ],
}


@pytest.fixture(scope="module")
def server(moto_address: tuple[str, int]) -> Iterator[LakeServer]:
    made = LakeServer(moto_address)
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def _policies(tmp_path_factory: pytest.TempPathFactory, server: LakeServer) -> Iterator[None]:
    """A policy that the contract's plugins find, and an account."""
    file = tmp_path_factory.mktemp("policies") / "crm.yaml"
    file.write_text(json.dumps(POLICY))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        own = {"region": REGION, "endpoint_url": server.url, "policies": [str(file)], "attempts": 1}
        patch.setattr(TestContract, "good_options", own)
        yield


class TestContract(PluginContract):
    plugin = LakeFormationPlugin
    good_options: ClassVar[dict[str, Any]] = {}
    bad_options = (
        {"policies": ["nowhere.yaml"]},
        {"catalog_id": "12"},
        {"exclusive": "all"},
        {"attempts": 0},
        {"timeout_s": -1},
        {"location_role": "admin"},
        {"links": [{"database": "a", "account": "1", "target_database": "b"}]},
    )


class Plugged:
    """A plugin with a store, an account and an outbox that records."""

    def __init__(self, server: LakeServer, folder: Path, bus: BusUnderTest) -> None:
        self.server, self.folder, self.bus = server, folder, bus
        self.store = LazyStore(f"sqlite:///{folder / 'store.db'}")
        self.log = AuditLog(folder / "audit.log")

    def make(self, **options: Any) -> LakeFormationPlugin:
        (self.folder / "crm.yaml").write_text(json.dumps(POLICY))
        config = LakeFormationConfig.model_validate(
            {
                "region": REGION,
                "endpoint_url": self.server.url,
                "policies": ["crm.yaml"],
                "attempts": 2,
                "follow": False,
                **options,
            }
        )
        outbox = self.bus.outbox
        context = PluginContext("lake_formation", None, self.folder, self.folder, outbox, self.store)
        return LakeFormationPlugin(config, context)

    def refusal(self, plugin: LakeFormationPlugin, dataset: Dataset, operation: str = "append") -> str | None:
        event = sample_write(dataset=dataset, operation=operation)
        denial = plugin.authorize_write(event, self.bus.run)
        return None if denial is None else denial.reason


@pytest.fixture
def plugged(server: LakeServer, tmp_path: Path, hookline_bus: BusUnderTest) -> Iterator[Plugged]:
    server.reset()
    made = Plugged(server, tmp_path, hookline_bus)
    yield made
    made.store.close()
    assert server.wrong == []


ORDERS = Dataset("s3://lake", "sales/orders", "parquet")


def test_only_what_a_policy_lets_the_principal_write_is_written(plugged: Plugged):
    plugin = plugged.make(gate=True, principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/job/session-1")
    assert plugged.refusal(plugin, ORDERS) is None
    assert plugged.refusal(plugin, Dataset("s3a://lake", "sales/orders/")) is None
    assert "insert and delete in sales.orders" in (plugged.refusal(plugin, ORDERS, "overwrite") or "")
    assert "no name in a catalog" in (plugged.refusal(plugin, Dataset("s3://lake", "sales/elsewhere")) or "")
    for table in ("sales.old", "sales.lab", "sales.other"):
        assert f"insert in {table}" in (plugged.refusal(plugin, Dataset("catalog:x", f"spark_catalog.{table}")) or "")
    # A table's name does not help what lies elsewhere than the table.
    renamed = dataclasses.replace(ORDERS, name="sales/secret", symlinks=(("glue", "sales.orders"),))
    assert "lies elsewhere than sales.orders" in (plugged.refusal(plugin, renamed) or "")
    both = dataclasses.replace(ORDERS, symlinks=(("glue", "sales.other"),))
    assert "sales.other" in (plugged.refusal(plugin, both) or "")
    told = [record.entry for record in plugged.log.records() if record.entry.action == "access.write_refused"]
    assert len(told) == 7
    plugin = plugged.make(gate=True, principal="job", purposes=["research"])
    assert plugged.refusal(plugin, Dataset("catalog:x", "sales.lab"), "overwrite") is None


def test_who_is_in_no_policy_writes_nothing_and_without_an_answer_nobody_does(plugged: Plugged):
    assert "no access policy has the principal" in (plugged.refusal(plugged.make(gate=True), ORDERS) or "")
    plugin = plugged.make(gate=True, endpoint_url="http://127.0.0.1:9", attempts=1)
    with pytest.raises(Exception, match="get_caller_identity"):
        plugged.refusal(plugin, ORDERS)
    assert plugged.refusal(plugged.make(), ORDERS) is None


def test_no_policies_are_a_mistake(plugged: Plugged):
    with pytest.raises(ConfigError, match="names no file"):
        plugged.make(policies=["elsewhere/*.yaml"])


def tags(server: LakeServer) -> set[str]:
    own = server.lake.lf_columns_tags
    return {f"{place[-1]}={tag['TagValues'][0]}" for place, found in own.items() for tag in found}


def test_tags_follow_once_the_store_has_what_was_found(plugged: Plugged):
    server = plugged.server
    server.glue.create_database("sales", {"Name": "sales"}, None)
    for table in ("orders", "others"):
        columns = [{"Name": name, "Type": "string"} for name in ("id", "email")]
        storage = {"Columns": columns, "Location": f"s3://lake/sales/{table}"}
        server.glue.create_table("sales", table, {"Name": table, "StorageDescriptor": storage})
    double = RecordingSink()
    plugged.bus.replace_sink("lake_formation", double)
    plugin = plugged.make(follow=True)
    plugged.bus.outbox.start()
    looked = Measure.examined(look_for_personal_data, "")
    event = sample_write(
        dataset=ORDERS, published=True, measured=((looked, Measured({})),), started_at=dt.datetime.now(dt.timezone.utc)
    )
    plugin.on_write_finished(event, plugged.bus.run)
    plugin.on_write_finished(dataclasses.replace(event, published=False, write_id="r/2"), plugged.bus.run)
    plugged.bus.outbox.replay()
    (message,) = double.messages
    sink = FollowingSink(plugin._service)
    with pytest.raises(SinkError, match="not in the store") as caught:
        sink.deliver([message])
    assert caught.value.retryable
    now = dt.datetime.now(dt.timezone.utc).isoformat()
    found = (StoredClassification("email", "EMAIL_ADDRESS", 0.9, 1.0, False),)
    scan = StoredScan("s3://lake", "sales/orders", now, None, "c", 1, 1, found)
    with plugged.store.get().transaction() as connection:
        keep_scan(plugged.store.get(), connection, scan.payload())
    sink.deliver([message])
    assert tags(server) == {"email=personal"}
    assert {place[-1] for place in server.lake.lf_table_tags} == {"orders"}
    before = len(server.asked)
    sink.deliver([message])
    assert not any("Add" in operation for operation in server.asked[before:])
    with pytest.raises(SinkError) as caught:
        sink.deliver([dataclasses.replace(message, payload={})])
    assert not caught.value.retryable
    server.trouble = throttled
    with pytest.raises(SinkError, match="ThrottlingException") as caught:
        sink.deliver([message])
    assert caught.value.retryable


def throttled(operation: str, arguments: Any) -> None:
    raise AwsError("ThrottlingException")


def test_only_where_the_scan_will_be_in_the_store_tags_wait_for_it():
    for function, ok, waits in (
        (look_for_personal_data, True, True),
        (look_for_personal_data, False, False),
        (other, True, False),
    ):
        measured = Measured({}) if ok else Measured(None, error="it was not looked through")
        event = sample_write(dataset=ORDERS, measured=((Measure.examined(function, ""), measured),))
        assert (message_of(event)["looked"] is not None) == waits


def other(frame: Any, wanted: Any) -> list[Any]:
    return []


other.why = "something else"  # type: ignore[attr-defined]
