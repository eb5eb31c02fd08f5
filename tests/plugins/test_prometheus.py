"""``prometheus`` keeps the contract; ``tests/observability/prometheus`` has what it does."""

from __future__ import annotations

from typing import ClassVar

from hookline.testing import PluginContract


class TestContract(PluginContract):
    plugin = "prometheus"
    good_options: ClassVar = {"textfile_dir": "metrics", "port": 0, "max_tag_values": 10}
    bad_options: ClassVar = (
        {},
        {"port": -1},
        {"port": 70_000},
        {"textfile_dir": 7},
        {"push": "http://127.0.0.1:9091"},
        {"push": {"url": "127.0.0.1:9091"}},
        {"push": {"url": "http://user:password@127.0.0.1:9091"}},
        {"push": {"url": "http://127.0.0.1:9091", "username": "u"}},
        {"push": {"url": "http://127.0.0.1:9091", "job": "x"}},
        {"port": 0, "forget_s": 0},
    )
