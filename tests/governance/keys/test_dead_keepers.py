"""AWS that keeps the keys throttles, disables, hangs or is gone, at a real address: no write goes through, and all do after."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.governance.conftest import Guarded
from tests.governance.endpoint import CREDENTIALS, Endpoint, Trouble, client

from hookline.core.errors import WriteRefusedError
from hookline.core.safekeeping import KeysConfig
from hookline.governance.crypto.tokens import TOKEN
from hookline.governance.keys import keyfile
from hookline.governance.keys.providers import KmsKeys

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
MAIL = {"columns": ["mail"], "entity": "EMAIL_ADDRESS", "action": "tokenize"}
TROUBLES: list[tuple[Trouble, str]] = [
    ("throttled", r"KMS gives no key \(ThrottlingException\): it is tried again at the next write"),
    ("disabled", r"KMS gives no key \(DisabledException\): enable the KMS key"),
    ("internal", r"KMS gives no key \(KMSInternalException\): it is tried again"),
    ("hangs", r"KMS gives no key \(ReadTimeoutError\): it is tried again"),
    ("hangs up", r"KMS gives no key \(ConnectionClosedError\): it is tried again"),
    ("talks nonsense", r"KMS gives no key \(\w+\): it is tried again"),
    ("is gone", r"KMS gives no key \(EndpointConnectionError\): it is tried again"),
]
# The bus gives a decision up after 30 s: a keeper that hangs has to be given up before.
MOST_S = 25.0


@pytest.fixture
def people(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> DataFrame:
    for name, value in CREDENTIALS.items():  # Spark's Python workers ask for the key as well
        monkeypatch.setitem(spark.sparkContext.environment, name, value)
    return spark.createDataFrame([(1, "ada@canary.example"), (2, None)], "id int, mail string").coalesce(1)


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if "state" not in path.relative_to(folder).parts]


def is_refused(guarded: Guarded, people: DataFrame, match: str) -> None:
    """With the reason, soon, and without a trace; also where the rows had nothing to protect."""
    before = files(guarded.folder)
    began = time.monotonic()
    with pytest.raises(WriteRefusedError, match=match) as caught:
        people.write.parquet(str(guarded.folder / "lake"))
    assert time.monotonic() - began < MOST_S
    assert "canary" not in str(caught.value)
    assert files(guarded.folder) == before
    assert not [path for path in guarded.folder.rglob("*") if path.is_file() and b"@canary" in path.read_bytes()]
    assert guarded.actions()[-1] == "protect.refused"


def goes_through(guarded: Guarded, people: DataFrame, spark: SparkSession) -> None:
    people.write.mode("overwrite").parquet(str(guarded.folder / "lake"))
    rows = spark.read.parquet(str(guarded.folder / "lake")).collect()
    assert sorted(bool(row.mail and TOKEN.fullmatch(row.mail)) for row in rows) == [False, True]
    assert guarded.actions()[-1] == "protect.write"


def by_kms(guarded: Guarded, endpoint: Endpoint) -> tuple[dict[str, Any], str]:
    """A key file whose key a KMS key encrypted."""
    kms_key = client("kms", endpoint).create_key()["KeyMetadata"]["KeyId"]
    keys = {
        "provider": "aws_kms",
        "path": "kms-keys.json",
        "kms_key": kms_key,
        "region": "eu-west-1",
        "endpoint_url": endpoint.url,
        "cache_s": 0.01,
    }
    keeper = KmsKeys(KeysConfig(**keys), guarded.folder / "kms-keys.json")
    keyfile.add_version(keeper.path, "default", keeper.wrap, new=True)
    return keys, kms_key


@pytest.mark.parametrize(("trouble", "match"), TROUBLES, ids=[trouble for trouble, _ in TROUBLES])
def test_kms_in_trouble(
    guarded: Guarded, people: DataFrame, spark: SparkSession, endpoint: Endpoint, trouble: Trouble, match: str
) -> None:
    keys, _ = by_kms(guarded, endpoint)
    guarded.begin(MAIL, keys=keys)
    with endpoint.in_trouble(trouble):
        is_refused(guarded, people, match)
    goes_through(guarded, people, spark)


def test_kms_that_tells_no_state(guarded: Guarded, people: DataFrame, spark: SparkSession, endpoint: Endpoint) -> None:
    """It decrypts, and then does not say whether the key may be used."""
    keys, _ = by_kms(guarded, endpoint)
    guarded.begin(MAIL, keys=keys)
    with endpoint.in_trouble("hangs", "DescribeKey"):
        is_refused(guarded, people, "ReadTimeoutError")
    goes_through(guarded, people, spark)


def test_kms_that_throttles_once_is_asked_again(
    guarded: Guarded, people: DataFrame, spark: SparkSession, endpoint: Endpoint
) -> None:
    keys, _ = by_kms(guarded, endpoint)
    guarded.begin(MAIL, keys=keys)
    endpoint.asked.clear()
    with endpoint.in_trouble("throttled"):
        is_refused(guarded, people, "ThrottlingException")
    assert [operation.rpartition(".")[2] for operation in endpoint.asked] == ["Decrypt"] * 3
    goes_through(guarded, people, spark)


def test_a_kms_key_that_is_really_disabled(
    guarded: Guarded, people: DataFrame, spark: SparkSession, endpoint: Endpoint
) -> None:
    keys, kms_key = by_kms(guarded, endpoint)
    guarded.begin(MAIL, keys=keys)
    goes_through(guarded, people, spark)
    kms = client("kms", endpoint)
    for take, give, match in (
        (kms.disable_key, kms.enable_key, "as Disabled: enable it"),
        (
            lambda KeyId: kms.schedule_key_deletion(KeyId=KeyId, PendingWindowInDays=7),
            kms.cancel_key_deletion,
            "PendingDeletion",
        ),
    ):
        take(KeyId=kms_key)
        with pytest.raises(WriteRefusedError, match=match):
            people.write.parquet(str(guarded.folder / "other"))
        assert not (guarded.folder / "other").exists()
        give(KeyId=kms_key)
        kms.enable_key(KeyId=kms_key)
        goes_through(guarded, people, spark)


@pytest.mark.parametrize(
    ("trouble", "match"),
    [
        ("throttled", "Secrets Manager gives no key .ThrottlingException.: it is tried"),
        ("hangs", "ReadTimeoutError"),
        ("is gone", "EndpointConnectionError"),
    ],
)
def test_secrets_manager_in_trouble(
    guarded: Guarded, people: DataFrame, spark: SparkSession, endpoint: Endpoint, trouble: Trouble, match: str
) -> None:
    name = f"hookline/{guarded.folder.name}"
    text = (guarded.folder / "keys.json").read_text()
    client("secretsmanager", endpoint).create_secret(Name=name, SecretString=text)
    (guarded.folder / "keys.json").unlink()
    guarded.begin(
        MAIL,
        keys={
            "provider": "aws_secrets_manager",
            "secret": name,
            "region": "eu-west-1",
            "endpoint_url": endpoint.url,
            "cache_s": 0.01,
        },
    )
    with endpoint.in_trouble(trouble):
        is_refused(guarded, people, match)
    goes_through(guarded, people, spark)


def test_a_keeper_that_dies_while_the_rows_are_written(
    guarded: Guarded, people: DataFrame, spark: SparkSession, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver had the key, the tasks don't get it: the write fails, and nothing of it is seen."""
    from hookline.governance.protection.protect import Protector

    keys, _ = by_kms(guarded, endpoint)
    guarded.begin(MAIL, keys=keys)
    protect = Protector.protect

    def then_dies(self: Protector, *arguments: Any) -> Any:
        try:
            return protect(self, *arguments)
        finally:
            endpoint.trouble = "throttled"

    monkeypatch.setattr(Protector, "protect", then_dies)
    with pytest.raises(Exception, match="ThrottlingException"):
        people.write.parquet(str(guarded.folder / "lake"))
    assert not list((guarded.folder / "lake").rglob("*.parquet"))
    assert not [path for path in guarded.folder.rglob("*") if path.is_file() and b"@canary" in path.read_bytes()]
    monkeypatch.undo()
    endpoint.trouble = None
