"""A channel, and the sinks that lead to it, from options."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from hookline.core.errors import MissingExtraError
from hookline.observability.alerts.channels.base import Channel, ChannelSink
from hookline.observability.alerts.desk import Outlet
from hookline.observability.alerts.facts import SEVERITIES, rank
from hookline.observability.alerts.options import (
    ChannelOptions,
    EmailOptions,
    PagerDutyOptions,
    SlackOptions,
    SnsOptions,
    WebhookOptions,
)


def make_channel(options: ChannelOptions, base_dir: Path) -> Channel:
    """The channel; only the module that it needs is loaded."""
    if isinstance(options, SlackOptions):
        from hookline.observability.alerts.channels.slack import Slack

        return Slack(options)
    if isinstance(options, EmailOptions):
        from hookline.observability.alerts.channels.email import Email

        return Email(options, base_dir)
    if isinstance(options, PagerDutyOptions):
        from hookline.observability.alerts.channels.pagerduty import PagerDuty

        return PagerDuty(options)
    if isinstance(options, SnsOptions):
        from hookline.observability.alerts.channels.sns import Sns

        return Sns(options)
    assert isinstance(options, WebhookOptions)  # noqa: S101 - for the type checker; there is no other
    from hookline.observability.alerts.channels.webhook import Webhook

    return Webhook(options)


def check_packages(options: ChannelOptions) -> None:
    """Say at once what a channel lacks.

    Raises:
        MissingExtraError: a package that it needs is not installed.
    """
    if isinstance(options, SnsOptions) and find_spec("botocore") is None:
        raise MissingExtraError("alerts", "botocore")


def outlet_of(sink: str, options: ChannelOptions) -> Outlet:
    """How the desk reaches a channel whose sink has this name."""
    quiet = options.quiet_hours
    return Outlet(
        urgent=sink if quiet is None else f"{sink}.urgent",
        calm=sink,
        urgent_from=len(SEVERITIES) if quiet is None else rank(quiet.unless),
        single=isinstance(options, PagerDutyOptions),
        recoveries=options.recoveries,
    )


def sinks_of(sink: str, options: ChannelOptions, base_dir: Path) -> Iterator[tuple[str, ChannelSink]]:
    """The sinks of a channel, by name. One that waits for the end of quiet hours must not hold up what is urgent."""
    make = partial(make_channel, options, base_dir)
    yield sink, ChannelSink(make, options, options.quiet_hours)
    if options.quiet_hours is not None:
        yield f"{sink}.urgent", ChannelSink(make, options)
