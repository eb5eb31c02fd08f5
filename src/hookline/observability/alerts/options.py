"""What the plugin ``alerts`` can be told: channels, routes, and when to be quiet. No secret is ever shown."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from hookline.core.events import Severity
from hookline.core.plugin import PluginConfig
from hookline.observability.alerts.facts import Kind

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _web_address(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("Input should be a URL that begins with https:// or http://")
    return url


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError('Input should be a time such as "22:00", in quotes')
    return text


def _zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            "Input should be a time zone that this system knows, such as Europe/Berlin (or install the package tzdata)"
        ) from None
    return name


Globs = Annotated[tuple[Text, ...], BeforeValidator(_one_or_many)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
Url = Annotated[SecretStr, AfterValidator(_web_address)]
Clock = Annotated[str, AfterValidator(_clock)]


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class QuietHours(_Options):
    """When a channel is left in peace."""

    begin: Clock = Field(description='When they begin, such as "22:00".')
    end: Clock = Field(description="When they end; before the begin means the next day, the same means a whole day.")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="The zone of these times, such as Europe/Berlin."
    )
    days: tuple[Day, ...] = Field(DAYS, description="The days on which they begin.", min_length=1)
    unless: Severity = Field("critical", description="What is at least as bad is told at once all the same.")

    def ends_at(self, now: dt.datetime) -> dt.datetime | None:
        """When the quiet hours that hold at this moment end; None when none do."""
        import zoneinfo

        local = now.astimezone(zoneinfo.ZoneInfo(self.time_zone))
        begin, end = dt.time.fromisoformat(self.begin), dt.time.fromisoformat(self.end)
        for day in (local.date() - dt.timedelta(days=1), local.date()):
            last = day if end > begin else day + dt.timedelta(days=1)
            until = dt.datetime.combine(last, end, local.tzinfo)
            if DAYS[day.weekday()] in self.days and dt.datetime.combine(day, begin, local.tzinfo) <= local < until:
                return until.astimezone(dt.timezone.utc)
        return None


class ChannelOptions(_Options):
    """What every channel has."""

    type: str = Field(description="slack, email, pagerduty, sns or webhook.")
    recoveries: bool = Field(True, description="Whether it is told when something is well again.")
    quiet_hours: QuietHours | None = Field(None, description="When it is left in peace; what is held comes afterwards.")
    max_age_s: Seconds = Field(
        604_800.0, description="Seconds after which a message is too old to be sent: it is kept and reported."
    )
    timeout_s: Seconds = Field(10.0, description="Seconds to wait for an answer.")


class SlackOptions(ChannelOptions):
    """An incoming webhook of Slack."""

    type: Literal["slack"] = Field(description="slack")
    webhook_url: Url = Field(description="The webhook's URL. Secret.")


class EmailOptions(ChannelOptions):
    """Mail by SMTP."""

    type: Literal["email"] = Field(description="email")
    host: Text = Field(description="The mail server.")
    port: Annotated[int, Field(gt=0, lt=65_536)] = Field(587, description="Its port.")
    tls: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection is kept secret.")
    ca_file: Text | None = Field(
        None, description="A file of certificates to trust, from the configuration's folder; by default the system's."
    )
    username: Text | None = Field(None, description="Who logs in; nobody by default.")
    password: SecretStr | None = Field(None, description="The password. Secret.")
    sender: Text = Field(description="The address that mail comes from.")
    to: Names = Field(description="The addresses that it goes to.")

    @model_validator(mode="after")
    def _check(self) -> EmailOptions:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: give both, or neither")
        if self.password is not None and self.tls == "none":
            raise ValueError("a password is not sent over an open connection: use tls: starttls or tls: tls")
        for address in (self.sender, *self.to):
            if not re.fullmatch(r"[^\s<>,;@\x00-\x1f]+@[^\s<>,;@\x00-\x1f]+", address):
                raise ValueError("sender and to are plain addresses, such as team@example.com")
        return self


class PagerDutyOptions(ChannelOptions):
    """A service's integration of PagerDuty, Events API v2."""

    type: Literal["pagerduty"] = Field(description="pagerduty")
    routing_key: SecretStr = Field(description="The integration's key. Secret.")
    webhook_url: Url = Field(
        SecretStr("https://events.pagerduty.com/v2/enqueue"), description="Where events go; the EU has its own. Secret."
    )

    @model_validator(mode="after")
    def _check(self) -> PagerDutyOptions:
        if self.quiet_hours is not None:
            raise ValueError(
                "quiet_hours: a trigger that is held would come after its resolution; use PagerDuty's own support hours"
            )
        return self


class SnsOptions(ChannelOptions):
    """A topic of Amazon SNS; credentials are found as the AWS SDK finds them."""

    type: Literal["sns"] = Field(description="sns")
    topic_arn: Annotated[
        str, Field(pattern=r"^arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$")
    ] = Field(description="The topic's ARN.")
    endpoint_url: Url | None = Field(None, description="An endpoint in place of AWS's own. Secret.")


class WebhookOptions(ChannelOptions):
    """Any address that takes JSON."""

    type: Literal["webhook"] = Field(description="webhook")
    webhook_url: Url = Field(description="The address. Secret.")
    signing_secret: SecretStr | None = Field(
        None, description="What each message is signed with (HMAC-SHA256). Secret."
    )
    headers: Mapping[str, SecretStr] = Field(
        default_factory=dict, description="Headers to send, such as Authorization. Secret."
    )

    @model_validator(mode="after")
    def _check(self) -> WebhookOptions:
        for name, value in self.headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", value.get_secret_value()):
                raise ValueError("a header's name is letters, digits and -, its value is printable ASCII on one line")
        return self


Channel = Annotated[
    SlackOptions | EmailOptions | PagerDutyOptions | SnsOptions | WebhookOptions, Field(discriminator="type")
]


class Escalation(_Options):
    """Who is told as well when something is not over."""

    after_failures: Annotated[int, Field(ge=2)] | None = Field(None, description="At so many failures in a row.")
    after_s: Seconds | None = Field(None, description="So many seconds after the first one.")
    to: Names = Field(description="The channels that are told then.")

    @model_validator(mode="after")
    def _check(self) -> Escalation:
        if self.after_failures is None and self.after_s is None:
            raise ValueError("say when: after_failures, after_s, or both (whichever comes first)")
        return self


class Route(_Options):
    """Which alerts go where. Every condition that is given has to hold; every route that fits adds its channels."""

    severity: Severity = Field("warn", description="At least so bad.")
    kinds: Annotated[tuple[Kind, ...], BeforeValidator(_one_or_many)] = Field(
        (), description="What it is; anything by default."
    )
    owners: Globs = Field((), description="Patterns on owners, as the configuration's labels give them.")
    datasets: Globs = Field((), description="Patterns on datasets' names; facts of runs have none and do not fit.")
    jobs: Globs = Field((), description="Patterns on jobs' names.")
    to: Names = Field(description="The channels that are told.")
    escalate: tuple[Escalation, ...] = Field((), description="Who is told as well when it is not over.")
    final: bool = Field(False, description="Whether routes further down are passed over when this one fits.")


class AlertsConfig(PluginConfig):
    """Options of ``alerts``."""

    channels: Annotated[
        Mapping[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], Channel], Field(min_length=1)
    ] = Field(description="Channels by a name of your choice: slack, email, pagerduty, sns, webhook (see alerts.md).")
    routes: tuple[Route, ...] = Field(
        (), description="Which alerts go where (see alerts.md); by default all from warn up to every channel."
    )
    severities: Mapping[Kind, Severity] = Field(
        default_factory=dict, description="How bad a kind of alert is, in place of the usual: {write_failed: critical}."
    )
    anomalies: bool = Field(True, description="Whether numbers are told that are none of the usual by the run history.")
    repeat_s: Seconds = Field(14_400.0, description="Seconds within which the same alert is told once, across runs.")
    group_s: Seconds = Field(
        300.0,
        description="Seconds after which what a run has gathered is told although the run goes on; else at its end.",
    )

    @model_validator(mode="after")
    def _check(self) -> AlertsConfig:
        known = set(self.channels)
        for route in self.routes:
            told = {*route.to, *(name for step in route.escalate for name in step.to)}
            if not told <= known:
                raise ValueError(
                    f"a route names {sorted(told - known)[0]!r}, which is no channel; there are: {', '.join(sorted(known))}"
                )
        return self
