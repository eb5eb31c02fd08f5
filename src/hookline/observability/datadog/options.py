"""Options of Datadog, for the plugin and for ``hookline dashboards``."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field, SecretStr

from hookline.core.plugin import PluginConfig

_Text = Annotated[str, Field(min_length=1, max_length=255)]
_StatsdUrl = Annotated[str, Field(pattern=r"^(udp://[^\s/]+(:[0-9]+)?|unix(gram)?:///\S+)$")]
_HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*$")]
_Site = Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,100}$")]


class DatadogOptions(PluginConfig):
    """Where things go, and which."""

    statsd_url: _StatsdUrl | None = Field(
        None,
        description="DogStatsD: udp://host:port or unix:///path. Default: $DD_DOGSTATSD_URL, else udp://localhost:8125.",
    )
    trace_url: _HttpUrl | None = Field(
        None, description="The trace agent. Default: $DD_TRACE_AGENT_URL, else http://localhost:8126."
    )
    site: _Site | None = Field(None, description="Datadog's site. Default: $DD_SITE, else datadoghq.com.")
    api_url: _HttpUrl | None = Field(None, description="Another address of Datadog's API, such as a proxy.")
    logs_url: _HttpUrl | None = Field(None, description="Another address of the intake of logs, such as a proxy.")
    api_key: SecretStr | None = Field(
        None, description="Secret: the API key, which logs, dashboards and monitors need. Default: $DD_API_KEY."
    )
    app_key: SecretStr | None = Field(
        None, description="Secret: the application key, which dashboards and monitors need. Default: $DD_APP_KEY."
    )
    service: _Text | None = Field(None, description="The service of spans. Default: $DD_SERVICE, else the job's name.")
    metrics: bool = Field(True, description="Whether metrics are sent.")
    traces: bool = Field(True, description="Whether a span is sent for each run, write, input and stage.")
    logs: bool = Field(False, description="Whether records of runs and writes are sent, with the ids of their trace.")
    masked_samples: Annotated[int, Field(ge=0, le=20)] = Field(
        0,
        description="How many rows that a write set aside its record shows, of every value the shape alone (Xxxx 99).",
    )
    events: bool = Field(True, description="Whether failures and refused writes are events.")
    service_checks: bool = Field(True, description="Whether each run's end is a service check of the job.")
    profiling: bool = Field(False, description="Whether ddtrace profiles the driver's Python while a run goes on.")
    historical: bool = Field(
        False,
        description="Whether Historical Metrics Ingestion is on for hookline's metrics, so that older ones than an hour arrive.",
    )
    max_tag_values: Annotated[int, Field(ge=1, le=100_000)] = Field(
        200, description='How many values of one tag a process tells apart; further ones are "(other)".'
    )
    timeout_s: Annotated[float, Field(gt=0, le=120)] = Field(20.0, description="Seconds to wait for an answer.")
    notify: tuple[_Text, ...] = Field(
        (), description="Whom monitors notify, as Datadog writes it: @slack-data, @pagerduty."
    )

    @property
    def statsd(self) -> str:
        """The address of DogStatsD."""
        return self.statsd_url or os.environ.get("DD_DOGSTATSD_URL") or "udp://localhost:8125"

    @property
    def trace_agent(self) -> str:
        """The address of the trace agent."""
        return (self.trace_url or os.environ.get("DD_TRACE_AGENT_URL") or "http://localhost:8126").rstrip("/")

    @property
    def api(self) -> str:
        """The address of Datadog's API."""
        return (self.api_url or f"https://api.{self._site}").rstrip("/")

    @property
    def intake(self) -> str:
        """The address of the intake of logs."""
        return (self.logs_url or f"https://http-intake.logs.{self._site}").rstrip("/")

    @property
    def _site(self) -> str:
        return self.site or os.environ.get("DD_SITE") or "datadoghq.com"

    def key(self) -> str | None:
        """The API key."""
        return self.api_key.get_secret_value() if self.api_key else os.environ.get("DD_API_KEY")

    def application_key(self) -> str | None:
        """The application key."""
        return self.app_key.get_secret_value() if self.app_key else os.environ.get("DD_APP_KEY")

    def service_of(self, job: str) -> str:
        """The service of a job's spans and records."""
        return self.service or os.environ.get("DD_SERVICE") or job


def environment_of(environment: str | None) -> str | None:
    """The one value of the tag ``env``: the chosen environment, else $DD_ENV."""
    return environment or os.environ.get("DD_ENV") or None
