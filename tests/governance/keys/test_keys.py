"""Keys: kept so that nobody else reads them, found by name and version, shown nowhere."""

from __future__ import annotations

import base64
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from hookline.core.errors import ConfigError, HooklineError, KeyUnavailableError
from hookline.core.safekeeping import KeysConfig
from hookline.governance.keys import Keyring, KeyVersion, keyfile, open_keyring
from hookline.governance.keys.providers import EnvironmentKeys, FileKeys, KmsKeys, provider_of
from hookline.governance.keys.ring import derived

MATERIAL = b"canary-key-canary-key-canary-key"


def text_of(material: bytes = MATERIAL) -> str:
    return base64.b64encode(material).decode()


def test_a_key_shows_itself_nowhere() -> None:
    key = KeyVersion("customers", 2, MATERIAL)
    shown = [repr(key), str(key), f"{key}", repr([key]), repr(vars(type(key)))]
    assert not any("canary" in one for one in shown)
    assert not hasattr(key, "__dict__")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="can't be pickled"):
            pickle.dumps(key, protocol)


def test_a_files_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert keyfile.add_version(path, "customers", new=True) == 1
    assert keyfile.add_version(path, "staff", new=True) == 1
    assert keyfile.add_version(path, "customers", new=False) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    keys = FileKeys(path)
    assert (keys.get("customers", None).version, keys.get("customers", 1).version) == (2, 1)
    found = {keys.get(name, version).reveal() for name, version in (("customers", 1), ("customers", 2), ("staff", 1))}
    assert len(found) == 3
    assert {len(one) for one in found} == {32}
    keyfile.destroy(path, "customers", 1)
    assert keys.get("customers", None).version == 2
    with pytest.raises(KeyUnavailableError, match="no version 1 of the key 'customers'"):
        keys.get("customers", 1)
    assert keyfile.add_version(path, "customers", new=False) == 3


@pytest.mark.parametrize("name", ["", "A", "9", "a b", "a/b", "a" * 65, "ä", "../a", "a\n"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a key"):
        keyfile.add_version(tmp_path / "keys.json", name, new=True)
    assert not (tmp_path / "keys.json").exists()


def test_what_can_not_be_done(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(ConfigError, match="has no key 'a': `hookline keys new a`"):
        keyfile.add_version(path, "a", new=False)
    keyfile.add_version(path, "a", new=True)
    with pytest.raises(ConfigError, match="has a key 'a' already"):
        keyfile.add_version(path, "a", new=True)
    with pytest.raises(ConfigError, match="is the current one: rotate the key first"):
        keyfile.destroy(path, "a", 1)
    with pytest.raises(KeyUnavailableError):
        keyfile.destroy(path, "a", 7)


BROKEN = [
    "", "null", "[]", "{}", '{"version": 2, "keys": {}}', '{"version": 1, "keys": []}', '{"version": 1, "keys": {"A": {}}}',
    '{"version": 1, "keys": {"a": {"current": 1, "versions": {}}}}',
    '{"version": 1, "keys": {"a": {"current": 1, "versions": {"1": {"material": "c2hvcnQ="}}}}}',
    '{"version": 1, "keys": {"a": {"current": 1, "versions": {"1": {"material": "not base 64 canary"}}}}}',
    '{"version": 1, "keys": {"a": {"current": "x", "versions": {"1": {"material": "' + text_of() + '"}}}}}',
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_told_of_without_its_content(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is not a key file") as caught:
        FileKeys(path).get("a", None)
    told = "".join(traceback.format_exception(caught.value))
    assert "canary" not in told
    assert text_of() not in told


def test_a_file_that_is_not_there_or_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(KeyUnavailableError, match="No such file or directory"):
        FileKeys(path).get("a", None)
    keyfile.add_version(path, "a", new=True)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        FileKeys(path).get("a", None)


def test_the_environments_keys() -> None:
    environ = {
        "K_CUSTOMERS": text_of(),
        "K_CUSTOMERS_2": text_of(b"2" * 32),
        "K_CUSTOMERS_OLD": "x",
        "K_CUSTOMERS_03": "x",
    }
    keys = EnvironmentKeys("K_", environ)
    assert (keys.get("customers", None).version, keys.get("customers", None).reveal()) == (2, b"2" * 32)
    assert keys.get("customers", 1).reveal() == MATERIAL
    with pytest.raises(KeyUnavailableError, match="the variable K_CUSTOMERS_3 is not set"):
        keys.get("customers", 3)
    with pytest.raises(KeyUnavailableError, match="the variable K_STAFF is not set"):
        keys.get("staff", None)
    for wrong in ("", "canary", text_of(b"short"), "canary " + text_of()):
        with pytest.raises(ConfigError, match="is to hold 32 bytes in base 64") as caught:
            EnvironmentKeys("K_", {"K_A": wrong}).get("a", None)
        assert "canary" not in str(caught.value)


class Counting:
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.trouble: HooklineError | None = None

    def get(self, name: str, version: int | None) -> KeyVersion:
        self.asked.append((name, version))
        if self.trouble is not None:
            raise self.trouble
        return KeyVersion(name, version or 3, MATERIAL)


def test_a_key_is_kept_for_a_while_and_no_longer() -> None:
    keeper, now = Counting(), 0.0
    ring = Keyring(keeper, cache_s=10.0, clock=lambda: now)
    for _ in range(5):
        assert (ring.get("a").version, ring.get("a", 3).version) == (3, 3)
    assert keeper.asked == [("a", None)]
    now = 9.9
    ring.get("a")
    assert len(keeper.asked) == 1
    keeper.trouble = KeyUnavailableError("gone")
    now = 10.1
    with pytest.raises(KeyUnavailableError, match="gone"):
        ring.get("a")
    keeper.trouble = None
    assert ring.get("a").version == 3


def test_what_is_derived_differs_by_purpose_tenant_entity_and_version() -> None:
    keys = [KeyVersion("a", 1, MATERIAL), KeyVersion("a", 2, b"2" * 32)]
    found = {
        derived(key, purpose, tenant, entity)
        for key in keys
        for purpose in ("tokenize", "encrypt")
        for tenant in ("north", "south")
        for entity in ("EMAIL_ADDRESS", "PHONE_NUMBER")
    }
    assert len(found) == 16
    assert derived(keys[0], "a", "bc", "d") != derived(keys[0], "ab", "c", "d")


def test_which_keeper_a_configuration_names(tmp_path: Path) -> None:
    assert isinstance(provider_of(KeysConfig(), tmp_path), FileKeys)
    assert isinstance(provider_of(KeysConfig(provider="environment"), tmp_path), EnvironmentKeys)
    assert isinstance(provider_of(KeysConfig(provider="aws_kms"), tmp_path), KmsKeys)
    with pytest.raises(ConfigError, match=r"keys\.secret is to name"):
        provider_of(KeysConfig(provider="aws_secrets_manager"), tmp_path)


def client(service: str) -> Any:
    from botocore.session import get_session

    return get_session().create_client(service, region_name="eu-west-1")


@pytest.mark.usefixtures("aws")
def test_keys_that_kms_encrypted(tmp_path: Path) -> None:
    kms = client("kms")
    kms_key = kms.create_key()["KeyMetadata"]["KeyId"]
    config = KeysConfig(provider="aws_kms", kms_key=kms_key, region="eu-west-1")
    keys = KmsKeys(config, tmp_path / "keys.json")
    keyfile.add_version(keys.path, "customers", keys.wrap, new=True)
    keyfile.add_version(keys.path, "staff", keys.wrap, new=True)
    material = keys.get("customers", None).reveal()
    assert len(material) == 32
    assert base64.b64encode(material) not in keys.path.read_bytes()
    document = json.loads(keys.path.read_text())
    # Somebody who can write the file puts one key under another's name: KMS authenticates the name.
    document["keys"]["customers"] = document["keys"]["staff"]
    keys.path.write_text(json.dumps(document))
    with pytest.raises(KeyUnavailableError, match="KMS gives no key"):
        keys.get("customers", None)
    with pytest.raises(ConfigError, match="set keys"):
        FileKeys(keys.path).get("staff", None)


@pytest.mark.usefixtures("aws")
def test_a_kms_key_that_is_disabled_or_to_be_deleted(tmp_path: Path) -> None:
    kms = client("kms")
    kms_key = kms.create_key()["KeyMetadata"]["KeyId"]
    ring = Keyring(
        keys := KmsKeys(KeysConfig(provider="aws_kms", kms_key=kms_key, region="eu-west-1"), tmp_path / "k"), 0.0001
    )
    keyfile.add_version(keys.path, "a", keys.wrap, new=True)
    assert ring.get("a").version == 1
    kms.disable_key(KeyId=kms_key)
    with pytest.raises(KeyUnavailableError, match="as Disabled: enable it"):
        ring.get("a")
    kms.enable_key(KeyId=kms_key)
    assert ring.get("a").version == 1
    kms.schedule_key_deletion(KeyId=kms_key)
    with pytest.raises(KeyUnavailableError):
        ring.get("a")


def test_kms_that_does_not_answer_or_throttles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError, EndpointConnectionError

    path = tmp_path / "keys.json"
    keyfile.write(path, keyfile.KeySet({"a": 1}, {("a", 1): keyfile.Kept(b"blob canary", True)}))
    keys = KmsKeys(KeysConfig(provider="aws_kms", region="eu-west-1"), path)
    for error, wanted in (
        (
            ClientError({"Error": {"Code": "ThrottlingException", "Message": "canary"}}, "Decrypt"),
            r"ThrottlingException.*tried again",
        ),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary"}}, "Decrypt"),
            "AccessDeniedException.*policy",
        ),
        (EndpointConnectionError(endpoint_url="https://canary"), "EndpointConnectionError.*tried again"),
    ):

        class Failing:
            def decrypt(self, *, trouble: Exception = error, **_: Any) -> Any:
                raise trouble

        monkeypatch.setattr(keys, "_client", Failing())
        with pytest.raises(KeyUnavailableError, match=wanted) as caught:
            keys.get("a", None)
        assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.usefixtures("aws")
def test_keys_of_secrets_manager(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keyfile.add_version(path, "a", new=True)
    secrets = client("secretsmanager")
    secrets.create_secret(Name="hookline/keys", SecretString=path.read_text())
    config = KeysConfig(provider="aws_secrets_manager", secret="hookline/keys", region="eu-west-1")
    ring = open_keyring(config, tmp_path)
    assert ring.get("a").reveal() == FileKeys(path).get("a", None).reveal()
    with pytest.raises(KeyUnavailableError, match="ResourceNotFoundException"):
        open_keyring(config.model_copy(update={"secret": "other"}), tmp_path).get("a")
    secrets.put_secret_value(SecretId="hookline/keys", SecretString="canary")
    with pytest.raises(ConfigError, match="is not a key file") as caught:
        open_keyring(config, tmp_path).get("a")
    assert "canary" not in str(caught.value)
