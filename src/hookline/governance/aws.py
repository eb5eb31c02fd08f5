"""AWS, spoken to by botocore, which the extra ``aws`` brings."""

from __future__ import annotations

from typing import Any, Protocol

from hookline.core.errors import ConfigError

_CONNECT_S = 3


class Where(Protocol):
    """A configuration that says where a service is."""

    @property
    def region(self) -> str | None:
        """The region; by default what the AWS settings say."""

    @property
    def endpoint_url(self) -> str | None:
        """Another address of the service."""


def client(service: str, where: Where, needed_by: str, *, read_timeout_s: float, attempts: int) -> Any:
    """A client of a service.

    Args:
        where: the region and the address.
        needed_by: what can't be done without it, for the error.

    Raises:
        ConfigError: botocore is not installed.
        Exception: the AWS settings lead nowhere; botocore has no one class for that.
    """
    try:
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError:
        raise ConfigError(f'{needed_by} the package botocore: pip install "hookline[aws]"') from None
    settings = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return get_session().create_client(
        service, region_name=where.region, endpoint_url=where.endpoint_url, config=settings
    )


def code_of(error: Exception) -> str:
    """AWS's own word for an error, else its class: the message may name accounts, or quote what was sent."""
    answer = getattr(error, "response", None)  # botocore's time-outs have one that is None
    code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return str(code or type(error).__name__)
