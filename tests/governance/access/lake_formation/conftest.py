"""A lake to plan and apply against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.governance.access.lake_formation.server import ACCOUNT, CALLER, REGION, LakeServer
from tests.governance.endpoint import CREDENTIALS, moto_address

from hookline.core.store import Store
from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.actual import Actual, read
from hookline.governance.access.lake_formation.applying import Applied, apply
from hookline.governance.access.lake_formation.diff import Wanted
from hookline.governance.access.lake_formation.items import Item
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.planning import Plan, make_plan
from hookline.governance.access.lake_formation.record import Record
from hookline.governance.audit import AuditLog

__all__ = ["moto_address"]


class Lake:
    """The server, and what is spoken to it with."""

    def __init__(self, server: LakeServer, account: Account, folder: Path) -> None:
        self.server = server
        self.account = account
        self.folder = folder
        self.store = Store(f"sqlite:///{folder / 'store.db'}")
        self.log = AuditLog(folder / "audit.log")
        self.record = Record(self.store, f"lakeformation:{REGION}:{ACCOUNT}")

    def table(
        self, database: str, table: str, columns: Iterable[str] = ("id", "email", "country"), **more: Any
    ) -> None:
        if database not in self.server.glue.databases:
            self.server.glue.create_database(database, {"Name": database}, None)
        storage = {"Columns": [{"Name": name, "Type": "string"} for name in columns]}
        storage["Location"] = f"s3://lake/{database}/{table}"
        self.server.glue.create_table(database, table, {"Name": table, "StorageDescriptor": storage, **more})

    def admin(self, *principals: str) -> None:
        admins = [{"DataLakePrincipalIdentifier": one} for one in principals or (CALLER,)]
        self.server.lake.settings[ACCOUNT]["DataLakeAdmins"] = admins

    def actual(self, *databases: str) -> Actual:
        return read(self.account, lambda name: name in (databases or ("sales",)))

    def plan(self, wanted: Wanted, exclusive: Any = "never") -> Plan:
        actual = self.actual(*wanted.governed)
        return make_plan(wanted, actual, self.record.items(), self.account.caller, ACCOUNT, exclusive)

    def apply(self, wanted: Wanted, exclusive: Any = "never") -> Applied:
        plan = self.plan(wanted, exclusive)
        return apply(plan, self.account, self.record, self.log, "ada", lambda step, why: None)

    def actions(self) -> list[str]:
        return [record.entry.action for record in self.log.records()]


def wanted(*items: Item, **governed: Iterable[str]) -> Wanted:
    """Of some tables by database."""
    return Wanted(frozenset(items), {name: frozenset(tables) for name, tables in (governed or {"sales": ()}).items()})


@pytest.fixture(scope="session")
def lake_server(moto_address: tuple[str, int]) -> Iterator[LakeServer]:
    server = LakeServer(moto_address)
    yield server
    server.close()


@pytest.fixture(scope="session")
def lake_account(lake_server: LakeServer) -> Account:
    options = LakeFormationOptions(region=REGION, endpoint_url=lake_server.url, attempts=3)
    return Account(options, wait=lambda seconds: None)


@pytest.fixture
def lake(
    lake_server: LakeServer, lake_account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lake]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    lake_server.reset()
    made = Lake(lake_server, lake_account, tmp_path)
    made.admin()
    yield made
    made.store.close()
    assert lake_server.wrong == []
