"""``hookline keys``, ``audit`` and ``reveal``, as a steward types them."""

from __future__ import annotations

import getpass
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookline.cli import main
from hookline.governance.audit import AuditLog
from hookline.governance.crypto.ff1 import DIGITS, Format
from hookline.governance.crypto.sealed import seal, seal_equally
from hookline.governance.keys.providers import FileKeys
from hookline.governance.keys.ring import derived

POLICY = {
    "name": "people",
    "datasets": ["*"],
    "reveal": {"allow": [getpass.getuser()], "per_hour": 5},
    "rules": [
        {"columns": ["name"], "entity": "PERSON", "action": "encrypt"},
        {"columns": ["card"], "action": "fpe"},
        {"columns": ["mail"], "action": "tokenize"},
    ],
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookline.yaml").write_text("job: crm\n")
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    return tmp_path


def hookline(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, err = hookline(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_keys_are_made_changed_listed_and_destroyed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hookline(capsys, "keys", "new", "customers") == (
        0,
        f"{here}/keys.json: version 1 of the key 'customers' made\n",
        "",
    )
    assert hookline(capsys, "keys", "rotate", "customers")[1].endswith(
        "version 2 of the key 'customers' made; it is the current one\n"
    )
    material = FileKeys(here / "keys.json").get("customers", 1).reveal()
    listed = document(capsys, "keys", "list")["keys"]
    assert [(one["key"], one["key_version"], one["current"], one["encrypted_by"]) for one in listed] == [
        ("customers", 1, False, None),
        ("customers", 2, True, None),
    ]
    _, out, _ = hookline(capsys, "keys", "list")
    assert "current" in out
    assert document(capsys, "keys", "destroy", "customers", "--version", "1")["key_version"] == 1
    assert len(document(capsys, "keys", "list")["keys"]) == 1
    log = AuditLog(here / ".hookline" / "audit.log")
    assert [record.entry.action for record in log.records()][1:] == ["keys.new", "keys.rotate", "keys.destroy"]
    assert material.hex() not in out
    for path in here.rglob("*"):
        assert path.name == "keys.json" or path.is_dir() or material not in path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (("keys", "rotate", "a"), 4, "no key 'a'"),
        (("keys", "new", "A"), 4, "no name for a key"),
        (("keys", "list"), 1, "can't be read"),
        (("keys", "destroy", "a", "--version", "1"), 1, "can't be read"),
        (("keys", "new", "a", "--set", "keys.provider=environment"), 4, "the environment holds the keys"),
        (("keys", "new", "a", "--set", "keys.provider=aws_kms"), 4, "kms_key is to name"),
        (("audit", "verify"), 1, "can't be read"),
        (("reveal", "--policy", "none.yaml", "--column", "name"), 4, "can't be read"),
    ],
)
def test_what_can_not_be_done(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, wanted: str
) -> None:
    found, out, err = hookline(capsys, *arguments)
    assert (found, out) == (code, "")
    assert wanted in err


def test_the_log_is_listed_and_verified(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hookline(capsys, "keys", "new", "a")
    hookline(capsys, "keys", "rotate", "a")
    found = document(capsys, "audit", "list", "--action", "keys", "--limit", "1")["records"]
    assert [(one["action"], one["what"], one["actor"]) for one in found] == [
        ("keys.rotate", {"key": "a", "version": 2}, getpass.getuser())
    ]
    assert document(capsys, "audit", "list", "--actor", "nobody")["records"] == []
    assert document(capsys, "audit", "list", "--since", "2999")["records"] == []
    assert "keys.rotate" in hookline(capsys, "audit", "list")[1]
    verified = document(capsys, "audit", "verify")
    assert (verified["records"], verified["checkpoints"], verified["findings"], verified["intact"]) == (3, 1, [], True)
    log = AuditLog(here / ".hookline" / "audit.log")
    head = log.head_path.read_text()
    (here / "kept.json").write_text(head)
    assert hookline(capsys, "audit", "verify", "--against", "kept.json")[0] == 0
    log.path.write_bytes(log.path.read_bytes().replace(b'"version":1', b'"version":7'))
    code, out, _ = hookline(capsys, "audit", "verify")
    assert code == 1
    assert "line 2: it was changed: its hash is not its content's" in out
    assert "not intact; 2 records, held against 1 signed end" in out
    (here / "kept.json").write_text("{}")
    assert "no signed end" in hookline(capsys, "audit", "verify", "--against", "kept.json")[2]


def revealed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, column: str, *values: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{value}\n" for value in values)))
    return hookline(capsys, "reveal", "--policy", "policy.yaml", "--column", column, "--reason", "ticket 7")


def test_values_are_turned_back_for_some_so_many_an_hour_and_recorded(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hookline(capsys, "keys", "new", "default")
    ring = FileKeys(here / "keys.json").get("default", None)
    name_key = derived(ring, "encrypt", "default", "PERSON")
    domain = b"default\0PERSON"
    sealed = seal(name_key, 1, "Ada", domain), seal_equally(name_key, 1, "Bob", domain)
    hookline(capsys, "keys", "rotate", "default")
    assert revealed(capsys, monkeypatch, "name", *sealed) == (0, "Ada\nBob\n", "")
    made = Format(derived(FileKeys(here / "keys.json").get("default", 2), "fpe", "default", "card"), DIGITS).encrypt(
        "4111-1111"
    )
    assert revealed(capsys, monkeypatch, "card", made) == (0, "4111-1111\n", "")
    code, out, err = revealed(capsys, monkeypatch, "name", *sealed, sealed[0])
    assert (code, out) == (1, "")
    assert "may turn back 5 values an hour, and has turned back 3" in err
    log = AuditLog(here / ".hookline" / "audit.log")
    records = list(log.records())[-3:]
    assert [(one.entry.action, one.entry.what["values"], one.entry.what["reason"]) for one in records] == [
        ("reveal.values", 2, "ticket 7"),
        ("reveal.values", 1, "ticket 7"),
        ("reveal.refused", 3, "ticket 7"),
    ]
    assert b"Ada" not in log.path.read_bytes()


def test_who_may_not(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    hookline(capsys, "keys", "new", "default")
    key = derived(FileKeys(here / "keys.json").get("default", None), "encrypt", "default", "PERSON")
    sealed = seal(key, 1, "Ada", b"default\0PERSON")
    for column, value, wanted in (
        ("mail", sealed, "does not encrypt the column 'mail'"),
        ("other", sealed, "has no rule for the column 'other'"),
        ("name", "canary", "not encrypted by hookline"),
        ("name", sealed[:-2], "it was changed"),
    ):
        code, out, err = revealed(capsys, monkeypatch, column, value)
        assert (code, out) == (1, "")
        assert wanted in err
        assert "canary" not in err
    for reveal in (None, {"allow": ["somebody"]}):
        content = {key: value for key, value in POLICY.items() if key != "reveal"} | (
            {"reveal": reveal} if reveal else {}
        )
        (here / "policy.yaml").write_text(yaml.safe_dump(content))
        code, out, err = revealed(capsys, monkeypatch, "name", sealed)
        assert (code, out) == (1, "")
        assert "does not allow" in err


CASES = """
- given: {name: Ada, card: "4111-1111", mail: ada@example.com, other: 1}
  expect: {name: <encrypt>, card: <fpe>, mail: <tokenize>, other: 1}
- given: {name: null, card: "4111-1111", mail: "", at: 2026-05-04, deep: {x: [1, 2]}}
  expect: {name: null, mail: <tokenize>, at: 2026-05-04, deep.x: [1, 2]}
"""
WRONG = """
- given: {name: Ada, card: "4111-1111", mail: ada@example.com}
  expect: {name: Ada, card: "4111-1111", mail: <encrypt>}
- given: {name: Ada, card: "4111-1111"}
  expect: {}
"""


@pytest.mark.spark
def test_a_policy_is_tried_on_rows(here: Path, capsys: pytest.CaptureFixture[str], spark: object) -> None:
    """``spark``: the command uses the session that is there."""
    assert hookline(capsys, "policy", "validate", "*.yaml", "policy.yaml")[0] == 4
    assert hookline(capsys, "policy", "validate", "policy.yaml") == (0, "people: 3 rules for *\n", "")
    (here / "cases.yaml").write_text(CASES)
    code, out, err = hookline(capsys, "policy", "test", "policy.yaml", "--rows", "cases.yaml")
    assert (code, out, err) == (0, "people: 2 of 2 cases as expected\n", "")
    (here / "cases.yaml").write_text(WRONG)
    code, out, err = hookline(capsys, "policy", "test", "policy.yaml", "--rows", "cases.yaml", "--json")
    found = json.loads(out)["cases"]
    assert code == 1
    assert [one["passed"] for one in found] == [False, False]
    beginnings = [problem.partition(", found")[0] for problem in found[0]["problems"]]
    assert beginnings == ['name: expected "Ada"', 'card: expected "4111-1111"', 'mail: expected "<encrypt>"']
    assert "'mail', which this write does not have" in found[1]["problems"][0]
    assert spark is not None
    assert not (here / "keys.json").exists()


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "no list of cases"),
        ("a: 1", "no list of cases"),
        ("- 1", "cases.yaml:1: a case has"),
        ("- {given: {}, expect: 1}", "mappings"),
        ("- {given: {}}", "a case has the keys"),
        ("- {given: {}, expect: {}, more: 1}", "no others"),
    ],
)
def test_cases_that_are_none(here: Path, capsys: pytest.CaptureFixture[str], content: str, wanted: str) -> None:
    (here / "cases.yaml").write_text(content)
    code, out, err = hookline(capsys, "policy", "test", "policy.yaml", "--rows", "cases.yaml")
    assert (code, out) == (4, "")
    assert wanted in err


@pytest.mark.parametrize("template", ["gdpr", "ccpa"])
def test_a_policy_begins_with_a_template(here: Path, capsys: pytest.CaptureFixture[str], template: str) -> None:
    arguments = ("policy", "new", "policies/mine.yaml", "--template", template)
    assert hookline(capsys, *arguments)[0] == 0
    assert hookline(capsys, "policy", "validate", "policies/mine.yaml")[0] == 0
    content = yaml.safe_load((here / "policies" / "mine.yaml").read_text())
    assert all(rule["serves"] for rule in content["rules"])
    code, _, err = hookline(capsys, *arguments)
    assert (code, "File exists" in err) == (4, True)


CONSENT = {**POLICY, "consent": {"subject": "name", "entity": "PERSON", "purpose": "newsletter"}}


def test_consent_is_recorded_shown_and_imported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hookline(capsys, "keys", "new", "default")
    (here / "policy.yaml").write_text(yaml.safe_dump(CONSENT))
    grant = ("consent", "grant", "--policy", "policy.yaml", "--subject")
    assert hookline(capsys, *grant, "Ada Canary", "--source", "form 7", "--from", "2026-01-01") == (
        0,
        "people: 1 entry recorded\n",
        "",
    )
    assert (
        hookline(
            capsys,
            "consent",
            "withdraw",
            "--policy",
            "policy.yaml",
            "--subject",
            " Ada Canary ",
            "--from",
            "2026-02-01",
        )[0]
        == 0
    )
    shown = document(capsys, "consent", "show", "--policy", "policy.yaml", "--subject", "Ada Canary")["entries"]
    assert [(one["kind"], one["basis"], one["purpose"], one["source"], one["valid_from"][:10]) for one in shown] == [
        ("granted", "consent", "newsletter", "form 7", "2026-01-01"),
        ("withdrawn", None, "newsletter", None, "2026-02-01"),
    ]
    assert "withdrawn" in hookline(capsys, "consent", "show", "--policy", "policy.yaml", "--subject", "Ada Canary")[1]
    (here / "in.csv").write_text(
        "subject,kind,basis,purpose\nBob Canary,granted,contract,\nEve Canary,granted,consent,research\n"
    )
    assert document(capsys, "consent", "import", "--policy", "policy.yaml", "--file", "in.csv")["recorded"] == 2
    (here / "in.csv").unlink()
    log = AuditLog(here / ".hookline" / "audit.log")
    assert [record.entry.action for record in log.records()].count("consent.recorded") == 3
    for path in here.rglob("*"):
        assert path.is_dir() or b"Canary" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "the columns are subject and kind"),
        ("subject\nx\n", "the columns are subject and kind"),
        ("subject,kind,more\nx,granted,1\n", "the columns are subject and kind"),
        (
            "subject,kind,basis\ncanary,granted,consent\ncanary,perhaps,consent\n",
            "in.csv:3: kind is granted or withdrawn",
        ),
        ("subject,kind\ncanary,granted\n", "in.csv:2: the basis"),
        ("subject,kind\n,withdrawn\n", "in.csv:2: the subject is empty"),
        ("subject,kind,basis,valid_from\ncanary,granted,consent,soon\n", "no day or time"),
        (
            "subject,kind,basis,valid_from,valid_to\ncanary,granted,consent,2026-02-01,2026-01-01\n",
            "it ends before it begins",
        ),
    ],
    ids=range(8),
)
def test_entries_that_are_none(here: Path, capsys: pytest.CaptureFixture[str], content: str, wanted: str) -> None:
    hookline(capsys, "keys", "new", "default")
    (here / "policy.yaml").write_text(yaml.safe_dump(CONSENT))
    (here / "in.csv").write_text(content)
    code, out, err = hookline(capsys, "consent", "import", "--policy", "policy.yaml", "--file", "in.csv")
    assert (code, out) != (0, "")
    assert wanted in err
    assert "canary" not in err
    assert (
        hookline(capsys, "consent", "show", "--policy", "policy.yaml", "--subject", "canary", "--json")[1].count(
            "granted"
        )
        == 0
    )
