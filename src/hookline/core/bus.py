"""The bus: calls each plugin's hook by itself, guarded, in the configuration's order.

pluggy registers and checks the implementations; the walk is ours, since pluggy stops at the first exception. What a
failure means is in ``hookspecs.policy_of`` and is decided here, nowhere else.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pluggy

from hookline.core.errors import HookError, HooklineError, WriteRefusedError
from hookline.core.events import Breaker, Denial, Measure, Measured, PluginReport, Run, Verdict, Write
from hookline.core.forks import children_end_here
from hookline.core.hookspecs import HOOKS, PROJECT, Hooks
from hookline.core.lanes import BacklogError, CallFailedError, Lane, LaneTimeoutError
from hookline.core.sealing import Sealed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.core.loader import LoadedPlugin
    from hookline.core.sealing import Seal

logger = logging.getLogger(__name__)
_CLOSE_DEADLINE_S = 2.0
_DEMANDS: Sequence[Breaker] = ("audit", "on", "publish", "quarantine")


@dataclasses.dataclass
class _Seat:
    """A plugin on the bus: its lane, its implementations, and how it fared."""

    name: str
    instance: object
    lane: Lane
    hooks: dict[str, Callable[..., Any]]
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    last_failure: str | None = None
    lagging: bool = False


class Bus:
    """Calls hooks.

    Args:
        plugins: in the order in which they are called.
        required: names of plugins that are required gates: when one of them can't say what it wants to measure, the
            write is refused.
        notify_deadline_s: how long the job waits for one notification. A plugin that once exceeds it gets its later
            notifications without anyone waiting.
        decide_deadline_s: how long a write waits for a decision, a transformation or a list of measures.
    """

    def __init__(
        self,
        plugins: Sequence[LoadedPlugin],
        *,
        required: frozenset[str] = frozenset(),
        notify_deadline_s: float = 2.0,
        decide_deadline_s: float = 30.0,
    ) -> None:
        self._notify_deadline_s = notify_deadline_s
        self._decide_deadline_s = decide_deadline_s
        self._required = required
        self._lock = threading.Lock()
        implementations = _implementations(plugins)
        self._seats = [
            _Seat(plugin.name, plugin.instance, Lane(plugin.name), implementations[plugin.name]) for plugin in plugins
        ]

    def implements(self, hook: str) -> bool:
        """Whether any plugin implements this hook."""
        return any(hook in seat.hooks for seat in self._seats)

    @property
    def needs_telemetry(self) -> bool:
        """Whether any plugin wants to know what Spark spends."""
        return any(getattr(seat.instance, "needs_telemetry", False) is True for seat in self._seats)

    def notify(self, hook: str, event: Any, run: Run, **extra: Any) -> None:
        """Call an ``on_*`` hook of every plugin. Never raises, but for a Ctrl-C while it waits."""
        for seat in self._seats:
            if hook in seat.hooks:
                self._tell(seat, hook, {"event": event, "run": run, **extra})

    def authorize(self, event: Write, run: Run) -> None:
        """Ask every plugin whether this may be written.

        Raises:
            WriteRefusedError: with all objections and failures.
        """
        reasons: list[str] = []
        for seat in self._seats:
            reasons += self._objections(seat, event, run)
        if reasons:
            raise WriteRefusedError(str(event.dataset), tuple(reasons), published=event.published)

    def transform(self, event: Write, run: Run, frame: DataFrame) -> DataFrame | Sealed:
        """Chain the transformations.

        Raises:
            WriteRefusedError: when one fails, or two want to encrypt the files; nothing of the chain is used then.
        """
        seal: Seal | None = None
        for seat in self._seats:
            if "transform_write" not in seat.hooks:
                continue
            arguments = {"event": event, "run": run, "frame": frame}
            changed = self._decide(seat, "transform_write", arguments, event, (type(frame), Sealed, type(None)))
            if isinstance(changed, Sealed):
                if seal is not None:
                    reason = f"plugin {seat.name!r} wants to encrypt its files, which another plugin does already"
                    raise WriteRefusedError(str(event.dataset), (reason,))
                frame, seal = changed.frame, changed.seal
            elif changed is not None:
                frame = changed
        return frame if seal is None else Sealed(frame, seal)

    def meet_session(self, spark: SparkSession) -> None:
        """Show a session of Spark's to the plugins that want to see it, and wait for them; that one fails is counted."""
        for seat in self._seats:
            meet = getattr(seat.instance, "meet_session", None)
            if callable(meet):
                try:
                    seat.lane.submit(partial(meet, spark)).result(self._decide_deadline_s)
                except (LaneTimeoutError, BacklogError, CallFailedError) as error:
                    self._count(seat, "meet_session", _describe(getattr(error, "error", error)))

    def measures(self, event: Write, run: Run) -> dict[str, tuple[Measure, ...]]:
        """What each plugin wants to know, by plugin.

        Raises:
            WriteRefusedError: when a required gate can't say.
        """
        wanted: dict[str, tuple[Measure, ...]] = {}
        for seat in self._seats:
            if "measure_write" not in seat.hooks:
                continue
            try:
                answer = self._ask(seat, "measure_write", {"event": event, "run": run}, (list, tuple, type(None)))
                wanted[seat.name] = tuple(_only(Measure, seat, "measure_write", answer))
            except HookError as error:
                self._count(seat, "measure_write", error.what)
                if seat.name in self._required:
                    raise WriteRefusedError(str(event.dataset), (str(error),), published=event.published) from None
        return wanted

    def judges_by(self, wanted: Mapping[str, Sequence[Measure]]) -> bool:
        """Whether a verdict may depend on these measures: a plugin that judges wants one, or one is required."""
        return any(
            measure.required or "judge_write" in seat.hooks
            for seat in self._seats
            for measure in wanted.get(seat.name, ())
        )

    def breaker(self, wanted: Mapping[str, Sequence[Measure]]) -> Breaker | None:
        """What the judges of these measures may ask for, the most of it; None when nobody judges by them."""
        asked = {
            measure.breaker
            for seat in self._seats
            if "judge_write" in seat.hooks
            for measure in wanted.get(seat.name, ())
        }
        return max(asked, key=_DEMANDS.index, default=None)

    def show_measured(
        self, event: Write, run: Run, wanted: Mapping[str, Sequence[Measure]], results: Mapping[Measure, Measured]
    ) -> None:
        """Tell each plugin the results of its own measures."""
        for seat in self._seats:
            if "on_write_measured" in seat.hooks:
                own = {measure: results[measure] for measure in wanted.get(seat.name, ())}
                self._tell(seat, "on_write_measured", {"event": event, "run": run, "results": own})

    def judge(
        self, event: Write, run: Run, wanted: Mapping[str, Sequence[Measure]], results: Mapping[Measure, Measured]
    ) -> tuple[Verdict, ...]:
        """Collect all plugins' verdicts. Whether they refuse the write is for the caller to act upon.

        Raises:
            WriteRefusedError: when a judge fails.
        """
        verdicts: list[Verdict] = []
        for seat in self._seats:
            if "judge_write" not in seat.hooks:
                continue
            own = {measure: results[measure] for measure in wanted.get(seat.name, ())}
            arguments = {"event": event, "run": run, "results": own}
            answer = self._decide(seat, "judge_write", arguments, event, (list, tuple, type(None)), Verdict)
            verdicts += [dataclasses.replace(verdict, plugin=seat.name) for verdict in answer or ()]
        return tuple(verdicts)

    def reports(self, run: Run | None = None) -> tuple[PluginReport, ...]:
        """How every plugin fared so far, and how many of a run's writes each has told of."""
        told = {seat.name: self._writes_told(seat, run) for seat in self._seats} if run is not None else {}
        with self._lock:
            return tuple(
                PluginReport(
                    seat.name, seat.failures.total(), dict(seat.failures), seat.last_failure, told.get(seat.name)
                )
                for seat in self._seats
            )

    def _writes_told(self, seat: _Seat, run: Run) -> int | None:
        """Asked in the plugin's lane, behind the notifications that it has not handled yet."""
        count = getattr(seat.instance, "writes_told", None)
        if not callable(count):
            return None
        try:
            answer = seat.lane.submit(lambda: count(run.run_id)).result(self._notify_deadline_s)
        except (LaneTimeoutError, BacklogError, CallFailedError) as error:
            self._count(seat, "writes_told", _describe(getattr(error, "error", error)))
            return None
        return answer if isinstance(answer, int) else None

    def close(self) -> None:
        """Let late notifications run for a moment, then call every plugin's ``close()``, guarded."""
        for seat in self._seats:
            close = getattr(seat.instance, "close", None)
            if callable(close):
                self._tell(seat, "close", {}, close)
            if not seat.lane.close(_CLOSE_DEADLINE_S):
                self._count(seat, "close", "still hangs at the end of the run; what it had not handled is lost")

    # -- guarded calls -------------------------------------------------------------------------------------------------

    def _objections(self, seat: _Seat, event: Write, run: Run) -> list[str]:
        if "authorize_write" not in seat.hooks:
            if "transform_write" in seat.hooks and not event.transformable:
                return [
                    f"plugin {seat.name!r} transforms writes, and the data of this {event.operation} can't be changed on "
                    "its way; implement authorize_write in the plugin to allow such writes"
                ]
            return []
        try:
            answer = self._ask(seat, "authorize_write", {"event": event, "run": run}, (Denial, type(None)))
        except HookError as error:
            self._count(seat, "authorize_write", error.what)
            return [str(error)]
        return [] if answer is None else [f"plugin {seat.name!r}: {answer.reason}"]

    def _decide(
        self,
        seat: _Seat,
        hook: str,
        arguments: dict[str, Any],
        event: Write,
        types: tuple[type, ...],
        items: type | None = None,
    ) -> Any:
        try:
            answer = self._ask(seat, hook, arguments, types)
            return answer if items is None else _only(items, seat, hook, answer)
        except HookError as error:
            self._count(seat, hook, error.what)
            raise WriteRefusedError(str(event.dataset), (str(error),), published=event.published) from None

    def _ask(self, seat: _Seat, hook: str, arguments: dict[str, Any], types: tuple[type, ...]) -> Any:
        """Call and wait; every way of failing becomes a HookError that quotes no data."""
        try:
            answer = seat.lane.submit(lambda: seat.hooks[hook](**arguments)).result(self._decide_deadline_s)
        except (LaneTimeoutError, BacklogError) as error:
            raise HookError(seat.name, hook, str(error)) from None
        except CallFailedError as failed:
            raise HookError(seat.name, hook, _describe(failed.error)) from None
        if not isinstance(answer, types):
            expected = " or ".join("None" if t is type(None) else t.__name__ for t in types)
            raise HookError(seat.name, hook, f"returned {type(answer).__name__}; expected {expected}")
        return answer

    def _tell(
        self, seat: _Seat, hook: str, arguments: dict[str, Any], function: Callable[..., Any] | None = None
    ) -> None:
        target = function or seat.hooks[hook]
        seat.lagging = seat.lagging and not seat.lane.idle
        try:
            call = seat.lane.submit(lambda: self._guard(seat, hook, target, arguments))
            if not seat.lagging:
                call.result(self._notify_deadline_s)
        except LaneTimeoutError as error:
            seat.lagging = True
            self._count(seat, hook, str(error))
        except BacklogError as error:
            self._count(seat, hook, str(error))

    def _guard(self, seat: _Seat, hook: str, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        """Runs in the lane: a late failure of a plugin that nobody waits for is counted as well."""
        try:
            function(**arguments)
        except BaseException as error:  # noqa: BLE001 - a plugin may fail in any way
            self._count(seat, hook, _describe(error))

    def _count(self, seat: _Seat, hook: str, what: str) -> None:
        with self._lock:
            first = not seat.failures[hook]
            seat.failures[hook] += 1
            seat.last_failure = f"{hook} {what}"
        if first:
            logger.warning("plugin %r: %s %s; further failures of this hook are only counted", seat.name, hook, what)


def _implementations(plugins: Sequence[LoadedPlugin]) -> dict[str, dict[str, Callable[..., Any]]]:
    """Each plugin's hooks, as functions that take all of the hook's arguments by name."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    for plugin in plugins:
        manager.register(plugin.instance, name=plugin.name)
    manager.check_pending()
    found: dict[str, dict[str, Callable[..., Any]]] = {plugin.name: {} for plugin in plugins}
    for hook in HOOKS:
        for implementation in getattr(manager.hook, hook).get_hookimpls():
            found[implementation.plugin_name][hook] = _accepting(implementation)
    return found


def _accepting(implementation: pluggy.HookImpl) -> Callable[..., Any]:
    """pluggy lets an implementation name only the arguments that it wants."""
    names = implementation.argnames

    def call(**arguments: Any) -> Any:
        with children_end_here():
            return implementation.function(*(arguments[name] for name in names))

    return call


def _only(kind: type, seat: _Seat, hook: str, answer: Sequence[Any] | None) -> Sequence[Any]:
    for item in answer or ():
        if not isinstance(item, kind):
            raise HookError(seat.name, hook, f"returned a list with {type(item).__name__}; expected {kind.__name__}")
    return answer or ()


def _describe(error: BaseException) -> str:
    """The type of an exception and where it was raised; its text may quote data and is left out, unless it is one of ours."""
    if isinstance(error, HooklineError):
        return f"raised {type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    return f"raised {type(error).__name__}{place}"
