"""Attaching: to a whole process (``hookline run``), to a session, to a function, to a block."""

from __future__ import annotations

import atexit
import functools
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from hookline.core.config import Config, load_config
from hookline.core.events import ErrorInfo, Run, RunEnded
from hookline.core.runtime import RunScope, Runtime
from hookline.pipelines import intercept, state, watch
from hookline.pipelines.wording import error_info

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
_lock = threading.Lock()


class Attachment:
    """A run that goes on in this process. Ends once: by ``detach()``, as a context manager, or when the process exits."""

    def __init__(self, runtime: Runtime, scope: RunScope, *, owns_runtime: bool) -> None:
        self._runtime = runtime
        self._scope = scope
        self._owns_runtime = owns_runtime
        self._ended: RunEnded | None = None

    @property
    def run(self) -> Run:
        """The run."""
        return self._scope.run

    @property
    def refused(self) -> bool:
        """Whether a gate refused one of the run's writes."""
        return self._scope.refused

    def detach(self, *, exit_code: int | None = None, error: ErrorInfo | None = None) -> RunEnded | None:
        """End the run and tell everyone; when this was the process's outermost run, let go of Spark as well.

        Returns:
            The run's summary; also when it had been ended before.
        """
        with _lock:
            if self._ended is None:
                watch.drain()
                self._ended = self._runtime.close_run(self._scope, exit_code=exit_code, error=error)
                if self._owns_runtime:
                    self._close_runtime()
        return self._ended

    def _close_runtime(self) -> None:
        atexit.unregister(self.detach)
        watch.close()
        state.install(None)
        waiting = self._runtime.close()
        if waiting:
            logger.warning("%d messages were not delivered yet; `hookline outbox replay` sends them", waiting)

    def __enter__(self) -> Attachment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.detach(error=None if error is None else error_info(error))


def open_run(
    job: str | None = None, *, config: Config | Path | str | None = None, environment: str | None = None
) -> Attachment:
    """Begin a run: in this process's runtime when there is one, else in one that is opened for it.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
    """
    with _lock:
        runtime = state.installed()
        owns = runtime is None
        if runtime is None:
            loaded = config if isinstance(config, Config) else load_config(_path(config), environment=environment)
            runtime = Runtime(loaded)
            state.install(runtime)
            intercept.install()
        elif config is not None:
            logger.warning("a run goes on in this process already; the configuration given to it stays")
        name = job or runtime.config.job or "job"
        attachment = Attachment(runtime, runtime.open_run(name), owns_runtime=owns)
        if owns:
            atexit.register(attachment.detach)
    return attachment


def attach(
    spark: SparkSession | None = None,
    config: Config | Path | str | None = None,
    *,
    environment: str | None = None,
    job: str | None = None,
) -> Attachment:
    """Attach to the reads and writes of this process's Spark sessions, until ``detach()`` or the end of the process.

    Args:
        spark: a session that exists already; sessions made later are seen by themselves.
        config: a configuration, or the path of one; by default $HOOKLINE_CONFIG, ``./hookline.yaml``, or nothing.
        environment: the overlay to use, such as ``prod``.
        job: the run's name; by default the configuration's, else the Spark application's.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
    """
    attachment = open_run(
        job or (spark.sparkContext.appName if spark is not None else None), config=config, environment=environment
    )
    if spark is not None:
        watch.watch_session(spark)
    return attachment


@contextmanager
def run(name: str, *, config: Config | Path | str | None = None, environment: str | None = None) -> Iterator[Run]:
    """The enclosed reads and writes are a run of this name; inside another run, its child.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
    """
    attachment = open_run(name, config=config, environment=environment)
    _watch_active_session()
    with attachment, attachment._runtime.inside(attachment._scope):
        yield attachment.run


def job(
    name: str, *, config: Config | Path | str | None = None, environment: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Each call of the decorated function is a run of this name."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            with run(name, config=config, environment=environment):
                return function(*args, **kwargs)

        return wrapper

    return decorate


def _watch_active_session() -> None:
    """A session that was made before anything was attached has not been seen yet."""
    import sys

    module: Any = sys.modules.get("pyspark.sql")
    session = module.SparkSession.getActiveSession() if module is not None else None
    if session is not None and hasattr(session, "_jsparkSession"):
        watch.watch_session(session)


def _path(config: Path | str | None) -> Path | None:
    return None if config is None else Path(config)
