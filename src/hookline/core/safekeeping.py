"""Where keys come from and where the audit log lies: the configuration's ``keys`` and ``audit``, as plugins are handed them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

KeyProviderName = Literal["file", "environment", "aws_kms", "aws_secrets_manager"]
_Text = Annotated[str, Field(min_length=1, max_length=2_048)]
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class KeysConfig(BaseModel):
    """Where the keys are that personal data is protected with. The keys themselves never stand in a configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    provider: KeyProviderName = Field(
        "file",
        description="file: a key file of this machine, for development and for mounted secrets; environment: variables; "
        "aws_kms: a key file whose keys KMS has encrypted; aws_secrets_manager: a secret that holds a key file.",
    )
    path: _Text = Field("keys.json", description="The key file, from the configuration's folder (file, aws_kms).")
    prefix: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,63}$")] = Field(
        "HOOKLINE_KEY_", description="What the variables' names begin with (environment)."
    )
    kms_key: _Text | None = Field(
        None, description="The KMS key that encrypts new keys: its id, ARN or alias (aws_kms)."
    )
    secret: _Text | None = Field(None, description="The secret's name or ARN (aws_secrets_manager).")
    region: _Text | None = Field(None, description="The AWS region; by default what the AWS settings say.")
    endpoint_url: _Text | None = Field(None, description="Another address of the AWS service, such as a VPC endpoint.")
    cache_s: _Seconds = Field(300.0, description="Seconds that a key is kept in memory before it is asked for again.")


class AuditConfig(BaseModel):
    """The log of what was decided, protected, revealed and erased."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    path: _Text | None = Field(
        None, description="The log, from the configuration's folder; by default audit.log in state_dir."
    )
    signing_key: _Text | None = Field(
        None,
        description="The Ed25519 private key (PEM) that signs the log's end, from the configuration's folder; by default "
        "audit.key beside the log, made at first use. Keep it where those who can write the log can't read it.",
    )
    s3: Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")] | None = Field(
        None, description="s3://bucket/prefix for a copy of the log and of its signed end, made when a run ends."
    )
    s3_retain_days: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Days for which S3 keeps each copy unchangeable (object lock); the bucket must allow it."
    )
    s3_lock_mode: Literal["COMPLIANCE", "GOVERNANCE"] = Field(
        "COMPLIANCE", description="The lock's mode, as S3 names it."
    )
    region: _Text | None = Field(None, description="The bucket's AWS region; by default what the AWS settings say.")
    endpoint_url: _Text | None = Field(None, description="Another address of S3.")
