"""Where and how each signal is sent: the plugin's options, then OpenTelemetry's own environment variables.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ has the variables; a signal's own (``…_TRACES_HEADERS``) wins
over the one for all.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from hookline.core.errors import ConfigError
from hookline.observability.otel.options import OtelConfig, Signal, is_header, is_web_address

_PREFIX = "OTEL_EXPORTER_OTLP_"
_DEFAULT = "http://localhost:4318"
_PROTOCOL = "http/protobuf"


@dataclass(frozen=True)
class Settings:
    """How one signal is sent.

    Attributes:
        headers: may hold keys; not shown.
        certificate: a file of certificates to trust; ``client_certificate`` and ``client_key`` are what is shown to the server.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    compression: str
    timeout_s: float
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    def tls(self) -> ssl.SSLContext | None:
        """What TLS needs beyond the system's own certificates.

        Raises:
            OSError: a file can't be read.
        """
        if self.certificate is None and self.client_certificate is None:
            return None
        context = ssl.create_default_context(cafile=self.certificate)
        if self.client_certificate is not None:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context


def signals_of(config: OtelConfig, environment: Mapping[str, str]) -> tuple[Signal, ...]:
    """What is sent; ``$OTEL_SDK_DISABLED`` and ``$OTEL_TRACES_EXPORTER=none`` and the like switch off."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    return tuple(
        signal
        for signal in config.signals
        if environment.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower() != "none"
    )


def settings_of(signal: Signal, config: OtelConfig, environment: Mapping[str, str]) -> Settings:
    """How a signal is sent.

    Raises:
        ConfigError: a variable can't be used; its value is not part of the text.
    """

    def told(name: str) -> str | None:
        own, common = environment.get(f"{_PREFIX}{signal.upper()}_{name}"), environment.get(f"{_PREFIX}{name}")
        return (own or "").strip() or (common or "").strip() or None

    protocol = told("PROTOCOL")
    if protocol not in (None, _PROTOCOL):
        raise ConfigError(f"${_PREFIX}PROTOCOL: only {_PROTOCOL} is spoken here; collectors take it on port 4318")
    return Settings(
        url=_url(signal, config, environment),
        headers={**dict(_headers(told("HEADERS"))), **{k: v.get_secret_value() for k, v in config.headers.items()}},
        compression=config.compression or _compression(told("COMPRESSION")),
        timeout_s=config.timeout_s or _timeout_s(told("TIMEOUT")),
        certificate=told("CERTIFICATE"),
        client_certificate=told("CLIENT_CERTIFICATE"),
        client_key=told("CLIENT_KEY"),
    )


def resource_attributes(environment: Mapping[str, str]) -> dict[str, str]:
    """``$OTEL_RESOURCE_ATTRIBUTES``: pairs with commas between, percent-encoded; what is no pair is passed over."""
    return dict(_pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES")))


def _url(signal: Signal, config: OtelConfig, environment: Mapping[str, str]) -> str:
    path = f"/v1/{signal}"
    if config.endpoint is not None:
        return config.endpoint.get_secret_value().rstrip("/") + path
    own = environment.get(f"{_PREFIX}{signal.upper()}_ENDPOINT", "").strip()
    common = environment.get(f"{_PREFIX}ENDPOINT", "").strip()
    url = own or (common or _DEFAULT).rstrip("/") + path
    if not is_web_address(url):
        name = f"{_PREFIX}{signal.upper()}_ENDPOINT" if own else f"{_PREFIX}ENDPOINT"
        raise ConfigError(f"${name}: a URL is wanted that begins with http:// or https://, without a password in it")
    return url


def _headers(text: str | None) -> Iterator[tuple[str, str]]:
    for name, value in _pairs(text):
        if not is_header(name, value):
            raise ConfigError(f"${_PREFIX}HEADERS: pairs like api-key=secret are wanted, with commas between")
        yield name, value


def _pairs(text: str | None) -> Iterator[tuple[str, str]]:
    for pair in (text or "").split(","):
        name, equals, value = pair.partition("=")
        if equals and name.strip():
            yield unquote(name.strip()), unquote(value.strip())


def _compression(text: str | None) -> str:
    if text not in (None, "gzip", "none", "deflate"):
        raise ConfigError(f"${_PREFIX}COMPRESSION: gzip or none is wanted")
    return "none" if text == "none" else "gzip"


def _timeout_s(text: str | None) -> float:
    try:
        value = 10_000.0 if text is None else float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ConfigError(f"${_PREFIX}TIMEOUT: milliseconds are wanted, such as 10000")
    return value / 1_000.0
