"""``hookline export-subject``, and rows that are kept for too long."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.governance.conftest import policy
from tests.governance.erasure.conftest import ERASE, NAME, PEOPLE, Company

from hookline.core.errors import ConfigError
from hookline.governance.erasure.retention import before
from hookline.governance.protection import load_policies

ME = getpass.getuser()


def job(company: Company) -> None:
    company.spark.sql(PEOPLE).write.format("delta").save(company.path("silver/people"))
    silver = company.spark.read.format("delta").load(company.path("silver/people"))
    made = silver.selectExpr(
        "id AS customer", "named_struct('q', array(part, 1.5)) AS deep", "X'00' AS b", "date '2026-05-04' AS d"
    )
    made.write.parquet(company.path("gold/parts"))


@pytest.mark.spark
def test_all_rows_of_a_subject_and_what_is_known_of_them(company: Company) -> None:
    reveal = {"allow": [ME], "per_hour": 5}
    keep = [{"column": "at", "keep": "24 months"}]
    company.policy(erase=ERASE, reveal=reveal, retention=keep, consent={"subject": "id", "purpose": "newsletter"})
    file = str(company.folder / "policies" / "people.yaml")
    for subject in ("7", "8"):
        company.hookline("consent", "grant", "--policy", file, "--subject", subject, "--basis", "contract")
    company.run(job)
    code, out, err = company.hookline("export-subject", "--subject", "7", "--out", "out", "--reason", "ticket 7")
    assert (code, err) == (0, "")
    folder = company.folder / "out"
    index = json.loads((folder / "index.json").read_text())
    people, parts = sorted(index["datasets"], key=lambda one: str(one["name"]), reverse=True)
    (row,) = json.loads((folder / people["file"]).read_text())
    assert row == {"id": 7, "code": "c7", "name": "name7", "part": 1, "mail": "k7@canary.example"}
    (row,) = json.loads((folder / parts["file"]).read_text())
    assert row == {"customer": 7, "deep": {"q": ["1.0", "1.5"]}, "b": "00", "d": "2026-05-04"}
    assert people["purpose"] == "newsletter"
    assert people["retention"] == ["24 months from at"]
    assert people["columns"] == ["id", "code", "name", "part", "mail"]
    assert people["recipients"] == [company.path("gold/parts"), "job crm"]
    assert parts["sources"] == [company.path("silver/people")]
    assert parts["found_by"] == "customer"
    assert [(one["purpose"], one["basis"], one["kind"]) for one in index["consents"]] == [
        ("newsletter", "contract", "granted")
    ]
    assert index["left"] == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    (asked,) = company.records("export.subject")
    assert asked["reason"] == "ticket 7"
    assert company.records("reveal.values")[0]["values"] == 1
    assert company.records("export.finished")[0]["rows"] == 2
    assert b"name7" not in company.log.path.read_bytes()
    assert "name7" not in out
    code, _, err = company.hookline("export-subject", "--subject", "7", "--out", "out")
    assert (code, "is not empty" in err) == (1, True)


@pytest.mark.spark
def test_what_may_not_be_turned_back_stays_encrypted(company: Company) -> None:
    company.policy(erase=ERASE, reveal={"allow": ["somebody"], "per_hour": 3})
    company.run(job)
    done = company.document("export-subject", "--subject", "7", "--out", "one", code=3)
    assert f"does not allow {ME} to turn values back" in done["left"][0]
    assert "name7" not in (company.folder / "one" / "index.json").read_text()
    assert all("name7" not in path.read_text() for path in (company.folder / "one").iterdir())
    for name in ("two", "three"):
        company.hookline("export-subject", "--subject", "7", "--out", name)
    code, _, err = company.hookline("export-subject", "--subject", "7", "--out", "four")
    assert (code, "may export 3 subjects an hour" in err) == (1, True)
    assert len(company.records("export.refused")) == 1
    assert list((company.folder / "four").iterdir()) == []


@pytest.mark.spark
def test_nothing_is_left_to_export_of_who_was_erased(company: Company) -> None:
    company.policy(erase=ERASE, reveal={"allow": [ME]})
    company.run(job)
    company.erase("7")
    done = company.document("export-subject", "--subject", "7", "--out", "out", code=0)
    assert done["datasets"] == []
    assert [path.name for path in (company.folder / "out").iterdir()] == ["index.json"]


@pytest.mark.spark
def test_what_is_kept_for_too_long(company: Company) -> None:
    rules = [
        {"columns": ["name"], "entity": "PERSON", "action": "tokenize"},
        {"columns": ["mail"], "action": "tokenize"},
    ]
    retention = [
        {"column": "at", "keep": "24 months"},
        {"column": "at", "keep": "30 days", "how": "nullify", "entities": ["PERSON"]},
    ]
    company.policy(rules=rules, retention=retention)
    times = "current_timestamp() - make_interval(0, CAST(id AS int) * 5) AS at"

    def write(company: Company) -> None:
        rows = company.spark.sql(f"SELECT id, {times}, 'n' || id AS name, 'm' || id AS mail FROM range(12)")
        rows.coalesce(1).write.format("delta").save(company.path("silver/delta"))
        rows.coalesce(1).write.parquet(company.path("silver/parquet"))

    company.run(write)
    planned = company.document("erase", "--expired", "--dry-run")
    assert sorted((Path(one["name"]).name, one["how"], one["rows"]) for one in planned["datasets"]) == [
        ("delta", "delete", 7),
        ("delta", "nullify", 11),
        ("parquet", "delete", 7),
        ("parquet", "nullify", 11),
    ]
    done = company.document("erase", "--expired", "--yes")
    assert {one["status"] for one in done["datasets"]} == {"erased"}
    for kind in ("delta", "parquet"):
        rows = company.read(f"silver/{kind}", kind).orderBy("id").collect()
        assert [row.id for row in rows] == [0, 1, 2, 3, 4], kind
        assert [row.name is None for row in rows] == [False, True, True, True, True]
        assert all(row.mail is not None for row in rows)
    begun = company.records("erase.begun")[0]
    assert list(begun["policies"]) == ["people"]
    again = company.document("erase", "--expired", "--yes")
    assert {one["status"] for one in again["datasets"]} == {"nothing"}


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        ("1 day", "2026-03-30"),
        ("2 weeks", "2026-03-17"),
        ("1 month", "2026-02-28"),
        ("24 months", "2024-03-31"),
        ("3 months", "2025-12-31"),
        ("10 years", "2016-03-31"),
        ("9999 years", "0001-01-01"),
    ],
)
def test_months_and_years_are_the_calendars(keep: str, wanted: str) -> None:
    found = before(dt.datetime(2026, 3, 31, tzinfo=dt.timezone.utc), keep)
    assert found.date().isoformat() == wanted


@pytest.mark.parametrize(
    ("retention", "wanted"),
    [
        ({"column": "at", "keep": "soon"}, "keep"),
        ({"column": "at", "keep": "0 days"}, "keep"),
        ({"keep": "1 day"}, "column"),
        ({"column": "at", "keep": "1 day", "columns": ["x"]}, "the whole row goes"),
        (
            {"column": "at", "keep": "1 day", "how": "nullify", "entities": ["PHONE_NUMBER"]},
            "no rule is for PHONE_NUMBER",
        ),
    ],
)
def test_retention_that_is_none(tmp_path: Path, retention: Any, wanted: str) -> None:
    import yaml

    file = tmp_path / "policy.yaml"
    content = policy({**NAME, "subject_entity": "CUSTOMER_ID"}).model_dump(
        mode="json", exclude_none=True, exclude_defaults=True
    )
    file.write_text(yaml.safe_dump({**content, "retention": [retention]}))
    with pytest.raises(ConfigError, match=wanted):
        load_policies(file)
