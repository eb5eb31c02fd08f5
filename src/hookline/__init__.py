"""Observability and governance for Spark jobs that run as they are.

The public names are loaded when they are used; importing this package loads neither pyspark nor any vendor's SDK.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.core.errors import ConfigError, HooklineError, MissingExtraError, SinkError, WriteRefusedError
    from hookline.core.events import (
        Column,
        Dataset,
        Denial,
        Measure,
        Measured,
        Read,
        Run,
        RunEnded,
        RunStarted,
        Verdict,
        Write,
    )
    from hookline.core.hookspecs import hookimpl
    from hookline.core.outbox import Message
    from hookline.core.plugin import PluginConfig, PluginContext
    from hookline.pipelines.attach import Attachment, attach, job, run
    from hookline.pipelines.pieces import lineage_job
    from hookline.pipelines.secured import secure
    from hookline.quality.checks.functions import check

__version__ = "0.1.0"

_HOMES = {
    "hookline.core.errors": ("ConfigError", "HooklineError", "MissingExtraError", "SinkError", "WriteRefusedError"),
    "hookline.core.events": (
        "Column",
        "Dataset",
        "Denial",
        "Measure",
        "Measured",
        "Read",
        "Run",
        "RunEnded",
        "RunStarted",
        "Verdict",
        "Write",
    ),
    "hookline.core.hookspecs": ("hookimpl",),
    "hookline.core.outbox": ("Message",),
    "hookline.core.plugin": ("PluginConfig", "PluginContext"),
    "hookline.pipelines.attach": ("Attachment", "attach", "job", "run"),
    "hookline.quality.checks.functions": ("check",),
    "hookline.pipelines.pieces": ("lineage_job",),
    "hookline.pipelines.secured": ("secure",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Attachment",
    "Column",
    "ConfigError",
    "Dataset",
    "Denial",
    "HooklineError",
    "Measure",
    "Measured",
    "Message",
    "MissingExtraError",
    "PluginConfig",
    "PluginContext",
    "Read",
    "Run",
    "RunEnded",
    "RunStarted",
    "SinkError",
    "Verdict",
    "Write",
    "WriteRefusedError",
    "__version__",
    "attach",
    "check",
    "hookimpl",
    "job",
    "lineage_job",
    "run",
    "secure",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hookline' has no attribute {name!r}")
    with importlib.import_module("hookline.core.collector").paused():
        return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
