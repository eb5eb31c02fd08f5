"""``opentelemetry`` keeps the contract; ``tests/observability/otel`` has what it does."""

from __future__ import annotations

from typing import ClassVar

import pytest

from hookline.testing import PluginContract

pytest.importorskip("opentelemetry.proto")


class TestContract(PluginContract):
    plugin = "opentelemetry"
    good_options: ClassVar = {"endpoint": "http://127.0.0.1:1", "headers": {"api-key": "k"}, "compression": "none"}
    bad_options: ClassVar = (
        {"endpoint": "127.0.0.1:4318"},
        {"endpoint": "http://user:password@127.0.0.1:4318"},
        {"endpoint": "grpc://127.0.0.1:4317"},
        {"headers": {"api key": "x"}},
        {"headers": {"api-key": "x\r\nEvil: y"}},
        {"signals": []},
        {"signals": ["profiles"]},
        {"compression": "zstd"},
        {"timeout_s": 0},
    )
