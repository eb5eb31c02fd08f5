"""The tables that policies are held against: declared ones, and those that jobs wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookline.core.errors import ConfigError
from hookline.core.events import Column, Dataset, Run, Write, as_dict
from hookline.core.outbox import Message
from hookline.core.store import LazyStore, Store, StoreSink
from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
from hookline.governance.access.known import known_tables, read_schema
from hookline.governance.access.loading import Access, combine
from hookline.governance.access.model import AccessPolicy

START = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
RUN = Run("1a111111-1111-4111-8111-111111111111", "daily", START)
COLUMNS = (Column("Mail", "string"), Column("contact", "struct<mail:string>", True, (Column("mail", "string"),)))
HIVE = Dataset("s3://lake", "crm/people", "delta", symlinks=(("hive://metastore", "CRM.People"),))
GLUE = Dataset("s3://lake", "hr/pay", "parquet", symlinks=(("arn:aws:glue:eu-west-1:123456789012", "table/hr/pay"),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    lazy = LazyStore(f"sqlite:///{tmp_path}/store.db")
    messages = [Message("0", "store", "run_started", {"run_id": RUN.run_id, **as_dict(RUN)}, RUN.run_id, START, 0)]
    for number, dataset in enumerate((HIVE, GLUE, Dataset("file", "/lake/raw.csv")), 1):
        write = Write(
            f"{RUN.run_id}/{number}", dataset, "append", START, columns=COLUMNS, finished_at=START, published=True
        )
        messages.append(
            Message(str(number), "store", "write", {"run_id": RUN.run_id, **as_dict(write)}, RUN.run_id, START, 0)
        )
    StoreSink(lazy).deliver(messages)
    opened = lazy.get()
    found = tuple(
        StoredClassification(name, "EMAIL_ADDRESS", 1.0, 1.0, False) for name in ("mail", "contact.mail", "contacts")
    )
    scan = StoredScan("s3://lake", "crm/people", START.isoformat(), None, "x", 3, 3, found)
    with opened.transaction() as connection:
        keep_scan(opened, connection, scan.payload())
    yield opened
    lazy.close()


def access(*tables: dict[str, Any]) -> Access:
    return combine([AccessPolicy.model_validate({"kind": "access", "name": "p", "tables": list(tables)})])


def test_what_jobs_wrote_is_known_by_its_names_in_catalogs(store: Store) -> None:
    people, pay = known_tables(access(), {}, store)
    assert (people.database, people.name, people.columns) == ("crm", "people", COLUMNS)
    assert people.held == {("Mail",): ("EMAIL_ADDRESS",), ("contact",): ("EMAIL_ADDRESS",)}
    assert (str(pay), pay.held) == ("hr.pay", None)


def test_what_is_declared_goes_before_what_the_store_says(store: Store) -> None:
    declared = access({"name": "crm.People", "columns": {"mail": "string"}}, {"name": "crm.orders"})
    found = {str(table): table for table in known_tables(declared, {("x", "y"): {"id": "bigint"}}, store)}
    assert list(found) == ["x.y", "crm.People", "hr.pay"]
    assert [column.name for column in found["crm.People"].columns] == ["mail"]
    assert found["crm.People"].held == {("mail",): ("EMAIL_ADDRESS",)}
    assert known_tables(access(), {}, None) == []


@pytest.mark.parametrize(
    "content", [[], {"people": {"id": "int"}}, {"crm.people": ["id"]}, {"crm.people": {"id": 1}}, {'"': {}}]
)
def test_what_is_no_schema(tmp_path: Path, content: Any) -> None:
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="schema"):
        read_schema(tmp_path / "schema.yaml")
