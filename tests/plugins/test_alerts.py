"""``alerts`` keeps the contract; ``tests/observability/alerts`` has what it does."""

from __future__ import annotations

from typing import ClassVar

from hookline.testing import PluginContract

SLACK = {"type": "slack", "webhook_url": "https://127.0.0.1:1/SECRET"}


class TestContract(PluginContract):
    plugin = "alerts"
    good_options: ClassVar = {
        "channels": {
            "team": {**SLACK, "quiet_hours": {"begin": "00:00", "end": "00:00", "time_zone": "Europe/Berlin"}},
            "mail": {"type": "email", "host": "127.0.0.1", "port": 1, "sender": "a@b", "to": "c@d", "tls": "none"},
            "duty": {"type": "pagerduty", "routing_key": "k", "webhook_url": "http://127.0.0.1:1/x"},
        },
        "routes": [{"to": "team", "severity": "info", "escalate": [{"after_s": 60, "to": ["duty", "mail"]}]}],
        "severities": {"write_failed": "warn"},
    }
    bad_options: ClassVar = (
        {},
        {"channels": {}},
        {"channels": {"a b": SLACK}},
        {"channels": {"a": {"type": "teams"}}},
        {"channels": {"a": {"type": "slack"}}},
        {"channels": {"a": {"type": "slack", "webhook_url": "hooks.slack.com/x"}}},
        {"channels": {"a": {"type": "slack", "webhook_url": "file:///etc/passwd"}}},
        {"channels": {"a": {**SLACK, "chanel": "#x"}}},
        {"channels": {"a": {**SLACK, "quiet_hours": {"begin": "22:00", "end": "7"}}}},
        {"channels": {"a": {**SLACK, "quiet_hours": {"begin": "22:00", "end": "07:00", "time_zone": "Mars/Base"}}}},
        {"channels": {"a": {"type": "pagerduty", "routing_key": "k", "quiet_hours": {"begin": "1", "end": "2"}}}},
        {"channels": {"a": {"type": "sns", "topic_arn": "alerts"}}},
        {"channels": {"a": {"type": "email", "host": "h", "sender": "a@b", "to": []}}},
        {"channels": {"a": {"type": "email", "host": "h", "sender": "a@b\nBcc: x@y", "to": "c@d"}}},
        {"channels": {"a": {"type": "email", "host": "h", "sender": "a@b", "to": "c@d", "username": "u"}}},
        {
            "channels": {
                "a": {
                    "type": "email",
                    "host": "h",
                    "sender": "a@b",
                    "to": "c@d",
                    "username": "u",
                    "password": "p",
                    "tls": "none",
                }
            }
        },
        {"channels": {"a": {"type": "webhook", "webhook_url": "http://x/", "headers": {"A": "b\r\nC: d"}}}},
        {"channels": {"a": SLACK}, "routes": [{"to": "b"}]},
        {"channels": {"a": SLACK}, "routes": [{"to": "a", "escalate": [{"to": "a"}]}]},
        {"channels": {"a": SLACK}, "routes": [{"to": "a", "severity": "fatal"}]},
        {"channels": {"a": SLACK}, "severities": {"fire": "critical"}},
        {"channels": {"a": SLACK}, "repeat_s": 0},
    )
