"""ddtrace's profiler for the driver's Python, started beside the job and ended with it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hookline.observability.datadog.options import DatadogOptions

logger = logging.getLogger(__name__)
_STOP_S = 5.0


class Profiling:
    """One profiler for the process, whatever number of runs it has. ddtrace uploads by itself: a lost profile is no loss."""

    def __init__(self, options: DatadogOptions, environment: str | None) -> None:
        self._options = options
        self._environment = environment
        self._thread: threading.Thread | None = None
        self._profiler: Any = None

    def start(self, job: str) -> None:
        """Start it, once; the job does not wait for ddtrace to load."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._start, args=(job,), name="hookline-datadog-profiling", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End it; what it has is uploaded, when the agent is there within a few seconds."""
        if self._thread is None:
            return
        self._thread.join(_STOP_S)
        profiler, self._profiler, self._thread = self._profiler, None, None
        if profiler is None:
            return
        ending = threading.Thread(target=profiler.stop, name="hookline-datadog-profiling", daemon=True)
        ending.start()
        ending.join(_STOP_S)

    def _start(self, job: str) -> None:
        try:
            with _agent_named(self._options.trace_agent):
                from ddtrace.profiling import Profiler
            profiler = Profiler(service=self._options.service_of(job), env=self._environment)
            profiler.start()
        except Exception as error:  # noqa: BLE001 - a profiler that does not start is no reason to disturb a job
            logger.warning("the driver is not profiled: ddtrace did not start (%s)", type(error).__name__)
        else:
            self._profiler = profiler


@contextmanager
def _agent_named(url: str) -> Iterator[None]:
    """ddtrace reads the agent's address from the environment when it is loaded; what the job set, or loaded before, stays."""
    if "DD_TRACE_AGENT_URL" in os.environ:
        yield
        return
    os.environ["DD_TRACE_AGENT_URL"] = url
    try:
        yield
    finally:
        os.environ.pop("DD_TRACE_AGENT_URL", None)
