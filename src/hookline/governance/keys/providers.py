"""Where keys come from: a file, the environment, AWS KMS, AWS Secrets Manager."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hookline.core.errors import ConfigError, KeyUnavailableError
from hookline.governance.aws import client, code_of
from hookline.governance.keys import keyfile
from hookline.governance.keys.material import KEY_BYTES, KeyVersion

if TYPE_CHECKING:
    from hookline.core.safekeeping import KeysConfig

# KMS authenticates it: a wrapped key that is moved under another name is refused.
_CONTEXT = "hookline:key"
_LATER = "it is tried again at the next write"
_ENABLE = "enable the KMS key, or cancel its deletion"
_CURES = {
    "ThrottlingException": _LATER,
    "KMSInternalException": _LATER,
    "DependencyTimeoutException": _LATER,
    "KeyUnavailableException": _LATER,
    "InternalServiceError": _LATER,
    "RequestLimitExceeded": _LATER,
    "DisabledException": _ENABLE,
    "KMSInvalidStateException": _ENABLE,
}
# All attempts together, with the pauses between them, end before the bus gives a decision up (30 s), so that the reason is told.
_READ_S = 5
_ATTEMPTS = 3


class KeyProvider(Protocol):
    """Whoever keeps keys."""

    def get(self, name: str, version: int | None) -> KeyVersion:
        """A version of a key; None is the current one.

        Raises:
            KeyUnavailableError: it is not there, or can't be had now.
            ConfigError: the keeper is not set up as it must be.
        """


class FileKeys:
    """A key file of this machine: for development, and for secrets that Kubernetes mounts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str, version: int | None) -> KeyVersion:
        """See ``KeyProvider``."""
        number, kept = keyfile.read(self.path).kept(name, version, f"the key file {self.path}")
        if kept.wrapped:
            raise ConfigError(f"the keys of {self.path} are encrypted by KMS: set keys.provider to aws_kms")
        return KeyVersion(name, number, kept.material)


class EnvironmentKeys:
    """Variables: ``<PREFIX>CUSTOMERS`` is version 1, ``<PREFIX>CUSTOMERS_2`` version 2, the greatest number the current one."""

    def __init__(self, prefix: str, environ: Mapping[str, str] | None = None) -> None:
        self.prefix = prefix
        self._environ = os.environ if environ is None else environ

    def get(self, name: str, version: int | None) -> KeyVersion:
        """See ``KeyProvider``."""
        stem = self.prefix + name.upper().replace("-", "_")
        found = {1: stem} if stem in self._environ else {}
        for variable in self._environ:
            rest = variable.removeprefix(f"{stem}_")
            if rest != variable and rest.isascii() and rest.isdigit() and rest == str(int(rest)):
                found[int(rest)] = variable
        number = max(found, default=0) if version is None else version
        if number not in found:
            raise KeyUnavailableError(
                f"the variable {stem if number < 2 else f'{stem}_{number}'} is not set: it is to hold a key"
            )
        try:
            material = base64.b64decode(self._environ[found[number]], validate=True)
        except (ValueError, binascii.Error):
            material = b""
        if len(material) != KEY_BYTES:
            raise ConfigError(f"the variable {found[number]} is to hold {KEY_BYTES} bytes in base 64, and does not")
        return KeyVersion(name, number, material)


class KmsKeys:
    """A key file whose keys KMS encrypted: it alone is of no use to anybody.

    Moto, and AWS for some minutes, decrypt with a key that was disabled; so KMS is asked for the key's state as well.
    """

    def __init__(self, config: KeysConfig, path: Path) -> None:
        self._config = config
        self.path = path
        self._client: Any = None

    def get(self, name: str, version: int | None) -> KeyVersion:
        """See ``KeyProvider``."""
        number, kept = keyfile.read(self.path).kept(name, version, f"the key file {self.path}")
        if not kept.wrapped:
            raise ConfigError(
                f"{self.path} has the key {name!r} in clear: with aws_kms keys are made by `hookline keys new`"
            )
        answer = self._ask("decrypt", CiphertextBlob=kept.material, EncryptionContext={_CONTEXT: name})
        return KeyVersion(name, number, answer["Plaintext"])

    def wrap(self, name: str, material: bytes) -> bytes:
        """A new key, encrypted by KMS.

        Raises:
            ConfigError: no KMS key is named.
            KeyUnavailableError: KMS does not do it.
        """
        if self._config.kms_key is None:
            raise ConfigError("keys.kms_key is to name the KMS key that encrypts new keys")
        answer = self._ask(
            "encrypt", KeyId=self._config.kms_key, Plaintext=material, EncryptionContext={_CONTEXT: name}
        )
        return bytes(answer["CiphertextBlob"])

    def _ask(self, operation: str, **wanted: Any) -> Any:
        if self._client is None:
            self._client = _client("kms", self._config)
        try:
            answer = getattr(self._client, operation)(**wanted)
            state = self._client.describe_key(KeyId=answer["KeyId"])["KeyMetadata"]["KeyState"]
        except Exception as error:  # noqa: BLE001 - whatever botocore raises, there is no key
            raise _unavailable("KMS", error) from None
        if state != "Enabled":
            raise KeyUnavailableError(f"KMS has the key {answer['KeyId']} as {state}: enable it, or restore it")
        return answer


class SecretsManagerKeys:
    """A secret whose text is a key file."""

    def __init__(self, config: KeysConfig) -> None:
        if config.secret is None:
            raise ConfigError("keys.secret is to name the secret that holds the keys")
        self._config = config
        self._secret = config.secret
        self._client: Any = None

    def get(self, name: str, version: int | None) -> KeyVersion:
        """See ``KeyProvider``."""
        if self._client is None:
            self._client = _client("secretsmanager", self._config)
        try:
            answer = self._client.get_secret_value(SecretId=self._secret)
        except Exception as error:  # noqa: BLE001 - whatever botocore raises, there is no key
            raise _unavailable("Secrets Manager", error) from None
        where = f"the secret {self._secret}"
        keys = keyfile.parse(answer.get("SecretString") or answer.get("SecretBinary", b""), where)
        number, kept = keys.kept(name, version, where)
        if kept.wrapped:
            raise ConfigError(f"the keys of {where} are encrypted by KMS: Secrets Manager encrypts them by itself")
        return KeyVersion(name, number, kept.material)


def provider_of(config: KeysConfig, base_dir: Path) -> KeyProvider:
    """The keeper that a configuration names. Nothing is asked of it yet.

    Raises:
        ConfigError: something that it needs is not said, or not installed.
    """
    if config.provider == "environment":
        return EnvironmentKeys(config.prefix)
    if config.provider == "aws_secrets_manager":
        return SecretsManagerKeys(config)
    path = base_dir / config.path
    return KmsKeys(config, path) if config.provider == "aws_kms" else FileKeys(path)


def _client(service: str, config: KeysConfig) -> Any:
    try:
        return client(
            service, config, f"keys.provider {config.provider!r} needs", read_timeout_s=_READ_S, attempts=_ATTEMPTS
        )
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - no region, a broken profile: botocore has no one class for them
        raise ConfigError(
            f"the AWS settings don't lead to {service}: {type(error).__name__}; set keys.region"
        ) from None


def _unavailable(service: str, error: Exception) -> KeyUnavailableError:
    """By the code that AWS gives it: the message itself may quote what was sent."""
    code = code_of(error)
    cure = _CURES.get(code) or (_LATER if code == type(error).__name__ else "see its access policy")
    return KeyUnavailableError(f"{service} gives no key ({code}): {cure}")
