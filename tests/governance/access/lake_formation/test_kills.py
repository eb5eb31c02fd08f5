"""A plan that is ended at any call, and made again, ends as one that was never ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from tests.governance.access.lake_formation.conftest import Lake, wanted
from tests.governance.access.lake_formation.server import ACCOUNT, CALLER

from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.applying import apply
from hookline.governance.access.lake_formation.items import (
    Admin,
    Assigned,
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    TagValue,
    document_of,
)
from hookline.governance.access.lake_formation.resources import Columns, Database, Table, Tagged

ANNA, BEN = f"arn:aws:iam::{ACCOUNT}:role/anna", f"arn:aws:iam::{ACCOUNT}:role/ben"
OPENER = f"arn:aws:iam::{ACCOUNT}:role/opener"


def tagged(*terms: tuple[str, str]) -> Tagged:
    return Tagged("TABLE", tuple((key, (value,)) for key, value in terms))


GREEN, RED = (Filter("sales", "items", name, f"country = '{name}'", ("email",)) for name in ("green", "red"))
BEFORE: tuple[Item, ...] = (
    *(TagValue("k", value) for value in "12"),
    TagValue("l", "1"),
    Assigned("sales", "orders", None, "k", "1"),
    Assigned("sales", "items", None, "k", "2"),
    Grant(ANNA, tagged(("k", "1")), "SELECT"),
    Grant(ANNA, Table("sales", "orders"), "DESCRIBE"),
    Grant(BEN, Database("sales"), "DESCRIBE"),
    GREEN,
    Grant(BEN, GREEN.cells, "SELECT"),
    Registered("arn:aws:s3:::lake/sales"),
    Link("sales", "partners", "999999999999", "shared", "partners"),
    Admin(CALLER),
)
AFTER: tuple[Item, ...] = (
    *(TagValue("k", value) for value in "23"),
    Assigned("sales", "orders", None, "k", "2"),
    Assigned("sales", "items", "email", "k", "3"),
    Grant(ANNA, tagged(("k", "2")), "SELECT"),
    Grant(ANNA, Table("sales", "orders"), "DESCRIBE"),
    Grant(ANNA, Table("sales", "orders"), "DESCRIBE", option=True),
    Grant(BEN, Columns("sales", "orders", ("id",)), "SELECT"),
    RED,
    Grant(BEN, RED.cells, "SELECT"),
    Registered("arn:aws:s3:::lake/sales", OPENER),
    Registered("arn:aws:s3:::lake/other", OPENER),
    Link("sales", "partners", "999999999999", "shared", "members"),
    Link("theirs", None, "999999999999", "shared", None),
    Admin(CALLER),
    Admin(ANNA),
)


class Killed(BaseException):
    """Nothing catches it."""


class Dying(Account):
    """Ends at one call, before it is made or after."""

    def __init__(self, whole: Account, at: int, after: bool) -> None:
        super().__init__(whole._options, wait=lambda seconds: None)
        self._clients, self._identity = whole._clients, whole._caller()
        self.at, self.after, self.calls = at, after, 0
        self.changing: set[int] = set()

    def _call(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls += 1
        if not operation.startswith("get_"):
            self.changing.add(self.calls)
        if self.calls == self.at and not self.after:
            raise Killed
        answer = super()._call(service, operation, arguments)
        if self.calls == self.at:
            raise Killed
        return answer


def test_killed_at_every_call_in_turn_it_ends_the_same(lake: Lake):
    lake.table("sales", "orders")
    lake.table("sales", "items")
    goal = wanted(*AFTER, sales=("orders", "items"))
    assert lake.apply(wanted(*BEFORE, sales=("orders", "items"))).complete
    saved, record = lake.server.saved(), lake.record.items()
    plan = lake.plan(goal)
    counting = Dying(lake.account, 0, after=False)
    assert apply(plan, counting, lake.record, lake.log, "ada", lambda *_: None).complete
    assert lake.actual().items == {*AFTER}
    assert counting.calls > 20
    for at in range(1, counting.calls + 1):
        # After a call that only asks, all is as before the next one.
        for after in (False, True) if at in counting.changing else (False,):
            lake.server.restore(saved)
            lake.record.forget(lake.record.items())
            lake.record.keep(record)
            try:
                apply(plan, Dying(lake.account, at, after), lake.record, lake.log, "ada", lambda *_: None)
                raise AssertionError("it was not killed")
            except Killed:
                pass
            assert lake.apply(goal).complete
            assert lake.actual().items == {*AFTER}, (at, after)
            assert lake.record.items() == {*AFTER} - {Admin(CALLER)} | ({Admin(CALLER)} & record), (at, after)


PROGRAM = """
import json, pathlib, sys
from hookline.core.store import Store
from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.actual import read
from hookline.governance.access.lake_formation.applying import apply
from hookline.governance.access.lake_formation.diff import Wanted
from hookline.governance.access.lake_formation.items import item_of
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.planning import make_plan
from hookline.governance.access.lake_formation.record import Record
from hookline.governance.audit import AuditLog
told = json.load(sys.stdin)
folder = pathlib.Path(told["folder"])
account = Account(LakeFormationOptions(region="eu-west-1", endpoint_url=told["url"]))
record = Record(Store(f"sqlite:///{folder / 'store.db'}"), account.scope)
wanted = Wanted(frozenset(map(item_of, told["items"])), {"sales": frozenset({"orders", "items"})})
actual = read(account, lambda name: name in wanted.governed)
plan = make_plan(wanted, actual, record.items(), account.caller, account.catalog)
made = apply(plan, account, record, AuditLog(folder / "audit.log"), "ada", lambda *_: None)
sys.exit(0 if made.complete else 1)
"""


def test_a_real_kill_in_the_middle_of_a_call_leaves_what_a_second_run_mends(lake: Lake):
    lake.table("sales", "orders")
    lake.table("sales", "items")
    told = {"url": lake.server.url, "folder": str(lake.folder), "items": [document_of(item) for item in AFTER]}
    reached = []

    def trouble(operation: str, arguments: Mapping[str, Any]) -> None:
        if operation == "BatchGrantPermissions" and not reached:
            reached.append(operation)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    lake.server.trouble = trouble
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE)
    process.communicate(json.dumps(told).encode(), timeout=60)
    assert process.returncode == -signal.SIGKILL
    time.sleep(0.2)
    # The call that was on its way was done, and nobody learnt of it: it is known for ours all the same.
    assert {item for item in lake.actual().items if isinstance(item, Grant)} <= lake.record.items()
    again = subprocess.run([sys.executable, "-c", PROGRAM], input=json.dumps(told).encode(), timeout=60, check=False)
    assert again.returncode == 0
    assert lake.actual().items == {*AFTER}
