"""Attaching: to a whole process (``hookline run``), to a session, to a function, to a block."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from hookline.core import collector
from hookline.core.config import Config, load_config
from hookline.core.errors import ConfigError
from hookline.core.events import Engine, ErrorInfo, Run, RunEnded
from hookline.core.runtime import RunScope, Runtime
from hookline.pipelines import following, intercept, state, watch
from hookline.pipelines.wording import error_info, exit_code_of

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
        self._pid = os.getpid()
        self._may_be_shared = False

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
            The run's summary; also when it had been ended before. None in a forked child, where the run is not its own.
        """
        if os.getpid() != self._pid:
            return None
        with _lock:
            if self._ended is None:
                following.settle()
                watch.drain()
                following.release(self._scope)
                self._ended = self._runtime.close_run(self._scope, exit_code=exit_code, error=error)
                if self._owns_runtime:
                    self._close_runtime()
        return self._ended

    def _close_runtime(self) -> None:
        global _outermost
        _outermost = None
        atexit.unregister(self._end_at_exit)
        watch.close()
        state.install(None)
        waiting = self._runtime.close()
        if waiting:
            what = "1 message was" if waiting == 1 else f"{waiting} messages were"
            logger.warning("%s not delivered yet; `hookline outbox replay` sends what waits", what)

    def _end_at_exit(self) -> None:
        # Python keeps here what ended the script; at a prompt, it is what some earlier line raised.
        error = None if hasattr(sys, "ps1") else getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
        self.detach(exit_code=1 if error else None, error=error_info(error) if error else None)

    def __enter__(self) -> Attachment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, SystemExit):
            self.detach(exit_code=exit_code_of(error))
        else:
            self.detach(error=None if error is None else error_info(error))


class _Guest(Attachment):
    """What attaching again gives: the same run, which somebody else ends."""

    def detach(self, *, exit_code: int | None = None, error: ErrorInfo | None = None) -> RunEnded | None:
        """Nothing."""
        return None


_outermost: Attachment | None = None


def open_run(
    job: str | None = None,
    *,
    config: Config | Path | str | None = None,
    environment: str | None = None,
    engine: Engine = "spark",
) -> Attachment:
    """Begin a run: in this process's runtime when there is one, else in one that is opened for it.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
    """
    global _outermost
    with _lock:
        runtime = state.installed()
        owns = runtime is None
        if runtime is None:
            with collector.paused():
                runtime = Runtime(_loaded(config, environment))
                runtime.tracing.leave = watch.leave_jvm
                if runtime.bus.needs_telemetry:
                    from hookline.pipelines.spending import SparkSpending

                    runtime.spending = SparkSpending()
                state.install(runtime)
                intercept.install()
        else:
            _keep_configuration(runtime, config, environment)
        name = job or runtime.config.job or "job"
        attachment = Attachment(runtime, runtime.open_run(name, engine=engine), owns_runtime=owns)
        if owns:
            _outermost = attachment
            atexit.register(attachment._end_at_exit)
    return attachment


def _loaded(config: Config | Path | str | None, environment: str | None) -> Config:
    if isinstance(config, Config):
        return config
    return load_config(None if config is None else Path(config), environment=environment)


def _keep_configuration(runtime: Runtime, config: Config | Path | str | None, environment: str | None) -> None:
    """A process has one configuration, its outermost run's; a gate that only another one has must not be lost."""
    if config is None:
        return
    gates = [gate for gate in _loaded(config, environment).required_gates if gate not in runtime.config.required_gates]
    if gates:
        raise ConfigError(
            f"a run goes on in this process already, and {', '.join(map(repr, gates))} would not be required in it: give "
            "this configuration to that run"
        )
    logger.warning("a run goes on in this process already; the configuration given to it stays")


def attach(
    spark: SparkSession | None = None,
    config: Config | Path | str | None = None,
    *,
    environment: str | None = None,
    job: str | None = None,
) -> Attachment:
    """Attach to the reads and writes of this process's Spark sessions, until ``detach()`` or the end of the process.

    Attached again, nothing begins anew: the answer is the same attachment, or, where ``hookline run``, ``job`` or ``run``
    attached before, one whose ``detach()`` leaves their run alone.

    Args:
        spark: a session that exists already; sessions made later are seen by themselves.
        config: a configuration, or the path of one; by default $HOOKLINE_CONFIG, ``./hookline.yaml``, or nothing.
        environment: the overlay to use, such as ``prod``.
        job: the run's name; by default the configuration's, else the Spark application's.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
    """
    first = _outermost
    if first is None:
        name = job or (spark.sparkContext.appName if spark is not None else None)
        attachment = open_run(name, config=config, environment=environment)
        attachment._may_be_shared = True
    else:
        _keep_configuration(first._runtime, config, environment)
        attachment = first if first._may_be_shared else _Guest(first._runtime, first._scope, owns_runtime=False)
    if spark is not None:
        watch.watch_session(spark)
    return attachment


@contextmanager
def run(name: str, *, config: Config | Path | str | None = None, environment: str | None = None) -> Iterator[Run]:
    """The enclosed reads and writes are a run of this name; inside another run, its child.

    Raises:
        ConfigError: when the configuration or a plugin can't be used.
    """
    with run_scope(name, config=config, environment=environment) as scope:
        yield scope.run


@contextmanager
def run_scope(
    name: str,
    *,
    config: Config | Path | str | None = None,
    environment: str | None = None,
    engine: Engine = "spark",
) -> Iterator[RunScope]:
    """``run``, for those that record reads and writes themselves."""
    attachment = open_run(name, config=config, environment=environment, engine=engine)
    watch_active_session()
    with attachment, attachment._runtime.inside(attachment._scope):
        yield attachment._scope


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


def watch_active_session() -> None:
    """A session that was made before anything was attached has not been seen yet."""
    module: Any = sys.modules.get("pyspark.sql")
    session = module.SparkSession.getActiveSession() if module is not None else None
    if session is not None and hasattr(session, "_jsparkSession"):
        watch.watch_session(session)
