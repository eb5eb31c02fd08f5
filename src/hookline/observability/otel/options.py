"""What the plugin ``opentelemetry`` can be told; what it is not told, the standard ``OTEL_*`` variables say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from hookline.core.plugin import PluginConfig

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def is_web_address(url: str) -> bool:
    """Whether it is a URL of HTTP, without a name or a password in it."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return False


def is_header(name: str, value: str) -> bool:
    """Whether HTTP takes it."""
    return bool(re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) and re.fullmatch(r"[\x20-\x7e]*", value))


def _address(url: SecretStr) -> SecretStr:
    if not is_web_address(url.get_secret_value()):
        raise ValueError("Input should be a URL that begins with http:// or https://, without a name or password in it")
    return url


class OtelConfig(PluginConfig):
    """Options of ``opentelemetry``."""

    endpoint: Annotated[SecretStr, AfterValidator(_address)] | None = Field(
        None,
        description="Where a collector takes OTLP over HTTP; /v1/traces and so on are appended. "
        "Default: $OTEL_EXPORTER_OTLP_ENDPOINT and the like, else http://localhost:4318.",
    )
    headers: Mapping[str, SecretStr] = Field(
        default_factory=dict,
        description="Headers to send, such as an API key; they win over $OTEL_EXPORTER_OTLP_HEADERS. Secret.",
    )
    signals: Annotated[tuple[Signal, ...], Field(min_length=1)] = Field(SIGNALS, description="What is sent.")
    compression: Literal["gzip", "none"] | None = Field(
        None, description="Default: $OTEL_EXPORTER_OTLP_COMPRESSION, else gzip."
    )
    timeout_s: Seconds | None = Field(
        None, description="Seconds to wait for an answer. Default: $OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds), else 10."
    )
    max_age_s: Seconds = Field(
        86_400.0, description="Seconds after which a request is too old for the back end: it is kept and reported."
    )
    service: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="The resource's service.name. Default: $OTEL_SERVICE_NAME, else the job's name."
    )
    max_tag_values: Annotated[int, Field(gt=0)] = Field(
        200, description="How many values of one attribute of metrics are told apart; the rest are (other)."
    )

    @model_validator(mode="after")
    def _check(self) -> OtelConfig:
        for name, value in self.headers.items():
            if not is_header(name, value.get_secret_value()):
                raise ValueError("a header's name has no spaces or colons, its value is printable ASCII on one line")
        return self
