"""Access policies are read with every mistake told; and what is said in one file is known in all."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookline.core.errors import ConfigError
from hookline.governance.access.loading import combine, find_access, load_access
from hookline.governance.access.model import AccessPolicy
from hookline.governance.access.names import parts, path, written
from hookline.governance.protection import find_policies, load_policies

ROLE = "arn:aws:iam::123456789012:role/"
GOOD: dict[str, Any] = {
    "kind": "access",
    "name": "crm",
    "principals": {"ann": {"id": ROLE + "ann"}, "partner": {"id": "210987654321"}},
    "tags": {"level": {"values": ["open", "personal"], "carried": [{"databases": ["crm"], "value": "open"}]}},
    "tables": [{"name": "crm.people", "columns": {"id": "bigint", "email": "string", "country": "string"}}],
    "rules": [
        {"name": "read", "principals": ["ann"], "allow": ["select"], "tables": ["crm.people"], "filter": "country = 'DE'"},
        {"name": "load", "principals": "ann", "allow": "insert", "tagged": {"level": ["open"]}, "expires": "2030-01-01T00:00:00Z"},
    ],
}  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good policy with something else at a place."""
    policy: Any = copy.deepcopy(GOOD)
    node = policy
    *way, last = path.split("/")
    for part in way:
        node = node[int(part) if part.isdigit() else part]
    node[int(last) if last.isdigit() else last] = value
    return policy


def put(folder: Path, policy: Any, name: str = "p.yaml") -> Path:
    (folder / name).write_text(yaml.safe_dump(policy, sort_keys=False))
    return folder / name


def test_a_policy(tmp_path: Path) -> None:
    policy = load_access(put(tmp_path, GOOD))
    access = combine([policy])
    assert [owned.id for owned in access.rules] == ["crm.read", "crm.load"]
    assert [access.principals[name].kind for name in ("ann", "partner")] == ["role", "account"]
    assert access.rules[1].rule.allow == ("insert",)
    assert access.tables[0].names == ("crm", "people")
    assert load_access(put(tmp_path, GOOD, "q.yaml")).digest() == policy.digest()
    assert load_access(put(tmp_path, changed("rules/0/filter", "country = 'FR'"))).digest() != policy.digest()


@pytest.mark.parametrize(
    ("place", "value", "wanted"),
    [
        ("principals/ann/id", "*", "an ARN|ARN of an IAM role"),
        ("principals/ann/id", "IAM_ALLOWED_PRINCIPALS", "ARN of an IAM role"),
        ("principals/ann/id", ROLE + "a\nb", "ARN of an IAM role"),
        ("principals/ann/id", 123456789012, "text"),
        ("principals/Ann Lee", {"id": "210987654321"}, "principals"),
        ("tags/level/carried/0/value", "secret", "among its values"),
        ("tags/level/carried/0/tables", ["crm.people"], "either databases or tables"),
        ("tags/level/values", ["open", "open", "personal"], "each value once"),
        ("tags/level/classified", {"email": "personal"}, "classified"),
        ("tables/0/name", "people", "database.table"),
        ("tables/0/name", "crm.*", "one name"),
        ("tables/0/location", "s3://a/${b}", "location"),
        ("rules/0/tables", ["people"], "database.table"),
        ("rules/0/tables", ['crm."people'], "name"),
        ("rules/0/tables", ["crm.people\u202e"], "control"),
        ("rules/0/databases", ["crm"], "one of databases, tables and tagged"),
        ("rules/0/allow", ["select", "insert"], "allow select alone"),
        ("rules/0/allow", ["create_table"], "should allow some of select"),
        ("rules/0/allow", [], "allow"),
        ("rules/0/filter", "country = 'DE' OR 1 = 1", "row filter"),
        ("rules/0/filter", "country = 'DE'; DROP TABLE x", "one condition"),
        ("rules/0/columns", {"include": ["id"], "exclude": ["email"]}, "either include or exclude"),
        ("rules/0/masks", {"email": {"mask": "hash", "keep_last": 2}}, "partial only"),
        ("rules/0/masks", {"email": {"mask": "rot13"}}, "mask"),
        ("rules/0/expires", "2030-01-01T00:00:00", "timezone"),
        ("rules/0/deny", ["select"], "unknown key"),
        ("rules/1/name", "read", "each rule's name once"),
        ("rules/1/tagged", {"level": []}, "level"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, place: str, value: Any, wanted: str) -> None:
    put(tmp_path, changed(place, value))
    with pytest.raises(ConfigError, match=wanted) as caught:
        find_access(["p.yaml"], tmp_path)
    assert str(caught.value).startswith("p.yaml")


@pytest.mark.parametrize(
    ("place", "value", "wanted"),
    [
        ("rules/0/principals", ["nobody"], "the principal 'nobody' is nowhere declared"),
        ("rules/1/tagged", {"area": ["eu"]}, "the tag 'area' is nowhere declared"),
        ("rules/1/tagged", {"level": ["secret"]}, "has no value 'secret'"),
        ("principals/other", {"id": ROLE + "ann"}, "the same id"),
    ],
)
def test_what_is_named_has_to_be_declared_somewhere(place: str, value: Any, wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        combine([AccessPolicy.model_validate(changed(place, value))])


def test_several_files_are_one(tmp_path: Path) -> None:
    put(
        tmp_path, {"kind": "access", "name": "people", "principals": GOOD["principals"], "tags": GOOD["tags"]}, "a.yaml"
    )
    put(tmp_path, {"kind": "access", "name": "rules", "rules": GOOD["rules"]}, "b.yaml")
    put(tmp_path, {"name": "hide", "datasets": ["*"], "rules": [{"columns": ["a"], "action": "drop"}]}, "c.yaml")
    assert [owned.id for owned in find_access(["*.yaml"], tmp_path).rules] == ["rules.read", "rules.load"]
    assert [policy.name for policy in find_policies(["*.yaml"], tmp_path)] == ["hide"]
    with pytest.raises(ConfigError, match="kind: access"):
        load_policies(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="no file has `kind: access`"):
        find_access(["c.yaml"], tmp_path)
    with pytest.raises(ConfigError, match="none protects columns"):
        find_policies(["a.yaml"], tmp_path)
    put(tmp_path, {"kind": "acess", "name": "x"}, "d.yaml")
    with pytest.raises(ConfigError, match=r"d.yaml:1: kind: it should be access"):
        find_access(["*.yaml"], tmp_path)
    put(tmp_path, {"kind": "access", "name": "rules", "principals": {"ann": {"id": ROLE + "x"}}}, "d.yaml")
    with pytest.raises(ConfigError) as caught:
        find_access(["*.yaml"], tmp_path)
    assert "policy 'rules' is declared 2 times" in str(caught.value)
    assert "principal 'ann' is declared 2 times, in people, rules" in str(caught.value)


@pytest.mark.parametrize(
    "names", [("a",), ("a b", "c"), ('a"b', "c.d"), ("*", "x*y"), ("ä", "`"), ("1", "'; --"), ("a\\", "b")]
)
def test_names_are_read_as_they_are_written(names: tuple[str, ...]) -> None:
    assert path(written(names)) == names
    assert all(part.fits(name) and not part.is_pattern for part, name in zip(parts(written(names)), names, strict=True))


def test_patterns() -> None:
    (sales,) = parts("SALES_*")
    assert sales.fits("sales_")
    assert sales.fits("Sales_2026")
    assert not sales.fits("presales_x")
    (literal,) = parts('"sales_*"')
    assert literal.fits("sales_*")
    assert not literal.fits("sales_2026")
    (odd,) = parts("a[bc]?*")
    assert odd.fits("a[bc]?.+")
    assert not odd.fits("ab1")
