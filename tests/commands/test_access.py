"""``hookline policy`` for access policies, as somebody who writes them types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hookline.cli import main

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

POLICY: dict[str, Any] = {
    "kind": "access",
    "name": "crm",
    "principals": {name: {"id": f"arn:aws:iam::123456789012:role/{name}"} for name in ("ann", "bob")},
    "tables": [{"name": "cmd_crm.people", "columns": {"id": "int", "email": "string", "country": "string"}}],
    "rules": [
        {
            "name": "read",
            "principals": ["ann"],
            "allow": "select",
            "tables": ["cmd_crm.people"],
            "filter": "country = 'DE'",
            "masks": {"email": {"mask": "partial", "keep_last": 4}},
        }
    ],
}
ROWS = {"cmd_crm.people": [{"id": 1, "email": "ada@x.org", "country": "DE"}, {"id": 2, "email": None, "country": "FR"}]}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "crm.yaml").write_text(yaml.safe_dump(POLICY, sort_keys=False))
    (tmp_path / "rows.yaml").write_text(yaml.safe_dump(ROWS))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["policy", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_validate(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "validate", "policies/*.yaml")
    assert (code, err) == (0, "")
    assert "crm: 1 rules for 2 principals\n" in out
    assert "crm.read  Lake Formation, in part  it hides masked columns, and shows no masked values\n" in out
    (here / "policies" / "hide.yaml").write_text("name: hide\ndatasets: ['*']\nrules: [{columns: [a], action: drop}]\n")
    (here / "schema.yaml").write_text("cmd_crm.people: {id: int}\n")
    code, out, err = run(capsys, "validate", "policies/*.yaml", "--schema", "schema.yaml")
    assert (code, err) == (1, "")
    assert out.startswith(
        "hide: 1 rules for *\nerror: crm.read: worth nothing on cmd_crm.people: the table has no column email"
    )


def test_explain(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "explain", "ann", "CMD_crm.people")
    assert (code, err) == (0, "")
    assert "  crm.read: \"country\" = 'DE'\n" in out
    assert "  email: partial (first 0, last 4) in rows of crm.read\n" in out
    assert "no rule is about this principal and table" in run(capsys, "explain", "bob", "cmd_crm.people")[1]
    told = json.loads(run(capsys, "explain", "ann", "cmd_crm.people", "--json")[1])
    assert told["version"] == 1
    assert told["columns"][0] == {"column": "id", "shown": [{"rule": "crm.read", "mask": None}]}
    for arguments, wanted in (
        (("mallory", "cmd_crm.people"), "'mallory' is nowhere declared; known are ann, bob"),
        (("ann", "people"), "a table is written database.table"),
        (("ann", "cmd_crm.other"), "the columns of cmd_crm.other are not known"),
        (("ann", "cmd_crm.people", "--policy", "none.yaml"), "'none.yaml' names no file"),
    ):
        code, _, err = run(capsys, "explain", *arguments)
        assert code == 4
        assert wanted in err


@pytest.mark.spark
def test_simulate(here: Path, capsys: pytest.CaptureFixture[str], spark: SparkSession) -> None:
    code, out, err = run(capsys, "simulate", "--rows", "rows.yaml")
    assert (code, err) == (0, "")
    assert "ann on cmd_crm.people:\nid  email      country\n1   *****.org  DE\n" in out
    assert "bob on cmd_crm.people:\n  there is no such table\n" in out
    told = json.loads(run(capsys, "simulate", "--rows", "rows.yaml", "--principal", "ann", "--json")[1])
    seen = [{"id": 1, "email": "*****.org", "country": "DE"}]
    assert told == {"version": 1, "seen": [{"principal": "ann", "table": "cmd_crm.people", "rows": seen}]}
    for rows, wanted in (
        ({"cmd_crm.people": [{"phone": 1}]}, "has no column phone"),
        ({"cmd_crm.people": [{"id": "x"}]}, "do not fit its columns"),
        ({"cmd_crm.other": []}, "are not known"),
        ({"people": []}, "it should be database.table"),
    ):
        (here / "rows.yaml").write_text(yaml.safe_dump(rows))
        code, _, err = run(capsys, "simulate", "--rows", "rows.yaml")
        assert code == 4
        assert wanted in err


@pytest.mark.spark
def test_publish(here: Path, capsys: pytest.CaptureFixture[str], spark: SparkSession) -> None:
    spark.sql("CREATE DATABASE cmd_crm")
    try:
        rows = [tuple(row.values()) for row in ROWS["cmd_crm.people"]]
        spark.createDataFrame(rows, "id int, email string, country string").write.saveAsTable("cmd_crm.people")
        code, out, err = run(capsys, "publish", "ann", "cmd_crm.people", str(here / "copy"))
        assert (code, err) == (0, "")
        assert out == f"{here}/copy: 3 columns of cmd_crm.people, as ann sees it\n"
        assert [tuple(row) for row in spark.read.parquet(str(here / "copy")).collect()] == [(1, "*****.org", "DE")]
        assert run(capsys, "publish", "ann", "cmd_crm.people", "cmd_crm.people_for_ann")[0] == 0
        assert spark.table("cmd_crm.people_for_ann").count() == 1
        assert run(capsys, "publish", "ann", "cmd_crm.people", "cmd_crm.PEOPLE")[0] == 1
        assert run(capsys, "publish", "bob", "cmd_crm.people", str(here / "other"))[0] == 1
        assert not (here / "other").exists()
        assert spark.table("cmd_crm.people").count() == 2
        code = main(["audit", "list", "--json"])
        actions = [one["action"] for one in json.loads(capsys.readouterr().out)["records"]]
        assert actions[1:4] == ["access.session", "access.allowed", "access.published"]
    finally:
        spark.sql("DROP DATABASE cmd_crm CASCADE")
