"""Policies are read with every mistake told, by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hookline.core.errors import ConfigError
from hookline.core.events import Dataset
from hookline.governance.protection import find_policies, load_policies

GOOD = {
    "name": "customers",
    "datasets": ["*/silver/customers", "crm.customers"],
    "rules": [{"columns": ["email"], "entity": "EMAIL_ADDRESS", "action": "tokenize"}],
}


def put(folder: Path, text: str, name: str = "p.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_policy(tmp_path: Path) -> None:
    (policy,) = load_policies(put(tmp_path, yaml.safe_dump(GOOD)))
    assert policy.matches(Dataset("file", "/lake/silver/customers"))
    assert policy.matches(Dataset("s3://lake", "x", symlinks=(("catalog", "crm.customers"),)))
    assert not policy.matches(Dataset("file", "/lake/silver/customers2"))
    (rule,) = policy.rules
    assert (rule.deed, rule.missing) == ("tokenize", "refuse")


def test_the_digest_tells_versions_apart(tmp_path: Path) -> None:
    (one,) = load_policies(put(tmp_path, yaml.safe_dump(GOOD)))
    (same,) = load_policies(put(tmp_path, "# a comment\n" + yaml.safe_dump(GOOD)))
    (other,) = load_policies(put(tmp_path, yaml.safe_dump({**GOOD, "tenant": "south"})))
    assert one.digest() == same.digest() != other.digest()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "it is no policy"),
        ("- a", "it is no policy"),
        ("name: a\ndatasets: ['*']\n", "should have rules, at_rest, consent"),
        ("name: a\ndatasets: ['*']\nrules: []\n", "should have rules, at_rest, consent"),
        ("name: A B\ndatasets: ['*']\nrules: [{columns: [a], action: drop}]\n", "p.yaml:1: name"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: hash}\n", "p.yaml:4: .*'tokenize', 'encrypt'"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: drop, keep: 1}\n", "p.yaml:4: .*unknown key"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: a, action: drop}\n", "p.yaml:4: .*should be a list"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: fpe, alphabet: aa}\n", "each once"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: fpe, alphabet: a}\n", "each once"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: generalize, to: prefix}\n", "should say length"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: generalize, to: year, width: 3}\n", "should not say width"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: mask, cover: xx}\n", "at most 1 character"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], entity: e-mail, action: drop}\n", "entity"),
        ("name: a\ndatasets: ['*']\nkey: K\nrules:\n  - {columns: [a], action: drop}\n", "p.yaml:3: key"),
        ("name: a\ndatasets: ['*']\nrules:\n  - {columns: [a], action: tokenize, normalize: [upper]}\n", "normalize"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        find_policies([put(tmp_path, text).name], tmp_path)


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'policies/\*.yaml' names no file"):
        find_policies(["policies/*.yaml"], tmp_path)
    put(tmp_path, yaml.safe_dump(GOOD), "one.yaml")
    assert len(find_policies(["one.yaml", "*.yaml"], tmp_path)) == 1
    put(tmp_path, yaml.safe_dump(GOOD), "two.yaml")
    with pytest.raises(ConfigError, match="'customers' is the name of 2 policies"):
        find_policies(["*.yaml"], tmp_path)
    (tmp_path / "two.yaml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        find_policies(["*.yaml"], tmp_path)
