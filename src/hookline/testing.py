"""For the tests of plugins: sample events, a sink that records, a bus with a real outbox, and the contract.

The contract is what every plugin has to keep, hookline's own and others'. Subclass it in a test module::

    class TestContract(PluginContract):
        plugin = RowLogPlugin
        good_options = {"path": "rows.ndjson"}
        bad_options = ({"path": 7}, {"pth": "typo"})

The fixture ``hookline_bus`` comes with hookline's pytest plugin and needs no import.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.core.bus import Bus
from hookline.core.config_models import Config, PluginEntry
from hookline.core.config_tree import Location
from hookline.core.errors import ConfigError, SinkError, WriteRefusedError
from hookline.core.events import (
    Column,
    Dataset,
    ErrorInfo,
    Measure,
    Measured,
    Read,
    Run,
    RunEnded,
    RunStarted,
    Verdict,
    Write,
    utc_now,
)
from hookline.core.hookspecs import HOOKS, hookimpl
from hookline.core.loader import LoadedPlugin, load_plugins
from hookline.core.outbox import Message, Outbox
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.pipelines import state

if TYPE_CHECKING:
    import pytest

    from hookline.core.outbox import Sink

__all__ = [
    "BusUnderTest",
    "PluginContract",
    "RecordingPlugin",
    "RecordingSink",
    "sample_run",
    "sample_run_ended",
    "sample_write",
]


def sample_run(**changes: Any) -> Run:
    """A run of a job named ``sample``; any field can be given."""
    return dataclasses.replace(Run.begin("sample"), **changes)


def sample_write(**changes: Any) -> Write:
    """A finished write of three rows to a Parquet folder; any field can be given."""
    now = utc_now()
    write = Write(
        write_id="00000000-0000-4000-8000-000000000000/1",
        dataset=Dataset("file", "/data/orders", "parquet"),
        operation="append",
        started_at=now,
        columns=(Column("order_id", "bigint", False), Column("email", "string")),
        inputs=(Read(Dataset("file", "/data/landing", "csv")),),
        finished_at=now,
        duration_s=0.5,
        rows=3,
        bytes=1024,
        files=1,
        published=True,
    )
    return dataclasses.replace(write, **changes)


def sample_run_ended(**changes: Any) -> RunEnded:
    """The end of a run with one write; any field can be given."""
    ended = RunEnded(
        "finished",
        utc_now(),
        1.5,
        overhead_s=0.05,
        writes=(sample_write(),),
        writes_total=1,
        exit_code=0,
    )
    return dataclasses.replace(ended, **changes)


class RecordingSink:
    """A sink that keeps what it gets, and can be made to fail.

    Attributes:
        batch_size: how many messages it takes at once.
        messages: what was delivered.
        failure: raised instead of delivering while it is not None; set it to None and the back end is back.
    """

    def __init__(self, batch_size: int = 100, failure: Exception | None = None) -> None:
        self.batch_size = batch_size
        self.messages: list[Message] = []
        self.failure = failure

    def deliver(self, messages: Sequence[Message]) -> None:
        """Keep the messages, or fail."""
        if self.failure is not None:
            raise self.failure
        self.messages += messages

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """The payloads alone."""
        return [dict(message.payload) for message in self.messages]


class RecordingPlugin:
    """A plugin that keeps every call. Answers of deciding hooks can be set.

    In a configuration it is ``hookline.testing:RecordingPlugin``.

    Attributes:
        last: the instance that was made last.
        answers: what a hook returns, by name; a function is called with the event (and the frame) for its value.
    """

    Config: ClassVar[type[PluginConfig]] = PluginConfig
    last: ClassVar[RecordingPlugin]

    def __init__(self, config: PluginConfig | None = None, context: PluginContext | None = None) -> None:
        self._calls: list[tuple[str, Any]] = []
        self.answers: dict[str, Any] = {}
        RecordingPlugin.last = self

    @classmethod
    def answering(cls, **answers: Any) -> RecordingPlugin:
        """One whose hooks return these values."""
        plugin = cls()
        plugin.answers.update(answers)
        return plugin

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """(hook, event) of every call; of writes that ended just now as well, which are told of beside the job."""
        runtime = state.installed()
        if runtime is not None:
            runtime.tracing.drain()
        return self._calls

    def seen(self, hook: str) -> list[Any]:
        """The events that a hook was called with."""
        return [event for name, event in self.calls if name == hook]

    def _keep(self, hook: str, event: Any, *more: Any) -> Any:
        self._calls.append((hook, event))
        answer = self.answers.get(hook)
        return answer(event, *more) if callable(answer) else answer

    @hookimpl
    def on_run_started(self, event: Any, run: Run) -> None:
        self._keep("on_run_started", event)

    @hookimpl
    def on_run_finished(self, event: Any, run: Run) -> None:
        self._keep("on_run_finished", event)

    @hookimpl
    def on_run_failed(self, event: Any, run: Run) -> None:
        self._keep("on_run_failed", event)

    @hookimpl
    def on_read_observed(self, event: Any, run: Run) -> None:
        self._keep("on_read_observed", event)

    @hookimpl
    def authorize_write(self, event: Any, run: Run) -> Any:
        return self._keep("authorize_write", event)

    @hookimpl
    def transform_write(self, event: Any, run: Run, frame: Any) -> Any:
        return self._keep("transform_write", event, frame)

    @hookimpl
    def on_write_started(self, event: Any, run: Run) -> None:
        self._keep("on_write_started", event)

    @hookimpl
    def measure_write(self, event: Any, run: Run) -> Any:
        return self._keep("measure_write", event)

    @hookimpl
    def on_write_measured(self, event: Any, run: Run, results: Any) -> None:
        self._keep("on_write_measured", results)

    @hookimpl
    def judge_write(self, event: Any, run: Run, results: Any) -> Any:
        return self._keep("judge_write", results)

    @hookimpl
    def on_write_finished(self, event: Any, run: Run) -> None:
        self._keep("on_write_finished", event)

    @hookimpl
    def on_write_failed(self, event: Any, run: Run) -> None:
        self._keep("on_write_failed", event)


class BusUnderTest:
    """Plugins on a real bus with a real outbox in a folder of the test's.

    Sinks that plugins register can be replaced before they are used: ``replace_sink(name, RecordingSink())``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outbox = _OutboxWithDoubles(folder / "outbox.db")
        self.run = sample_run()
        self._bus: Bus | None = None
        self._closed = False

    def load(self, plugin: str | type, options: Mapping[str, Any] | None = None) -> Any:
        """Load one plugin as the configuration would, and seat it on the bus.

        Args:
            plugin: the entry point's name, or the class.

        Raises:
            ConfigError: as for a configuration that says the same.
        """
        name = plugin if isinstance(plugin, str) else f"{plugin.__module__}:{plugin.__qualname__}"
        loaded = load_plugins(_config(name, options or {}, self.folder), self._context)
        self.use(*loaded)
        return loaded[0].instance

    def use(self, *plugins: LoadedPlugin | Any, **bus_options: Any) -> Bus:
        """Seat plugins (loaded ones, or bare instances) on a bus."""
        self._bus = Bus([_loaded(plugin, number) for number, plugin in enumerate(plugins)], **bus_options)
        self.outbox.start()
        return self._bus

    @property
    def bus(self) -> Bus:
        """The bus; RuntimeError before ``load`` or ``use``."""
        if self._bus is None:
            raise RuntimeError("no plugin is seated yet: call load() or use() first")
        return self._bus

    def replace_sink(self, name: str, sink: Sink) -> None:
        """Messages for this sink go to the given one instead of the plugin's own."""
        self.outbox.doubles[name] = sink

    def write(
        self, write: Write | None = None, results: Mapping[Measure, Measured] | None = None
    ) -> tuple[Verdict, ...]:
        """Take one write over the bus as the pipelines room would; every measure that is not in ``results`` is 0.

        A verdict that refuses ends it in ``on_write_failed``. ``transform_write`` is not called: there is no Spark here.

        Raises:
            WriteRefusedError: when a plugin denies the write, or an answer that it needs fails.
        """
        event = write or sample_write()
        self.bus.authorize(event, self.run)
        self.bus.notify("on_write_started", event, self.run)
        wanted = self.bus.measures(event, self.run)
        known = dict(results or {})
        values = {m: known.get(m, Measured(0, "vectorised")) for own in wanted.values() for m in own}
        self.bus.show_measured(event, self.run, wanted, values)
        verdicts = self.bus.judge(event, self.run, wanted, values)
        ended = dataclasses.replace(event, verdicts=verdicts, measured=tuple(values.items()))
        if any(verdict.refuses for verdict in verdicts):
            refused = ErrorInfo(f"{WriteRefusedError.__module__}.{WriteRefusedError.__qualname__}")
            self.bus.notify("on_write_failed", dataclasses.replace(ended, published=False, error=refused), self.run)
        else:
            self.bus.notify("on_write_finished", ended, self.run)
        return verdicts

    def whole_run(self, *writes: Write) -> None:
        """A run from start to finish, with a read and the given writes (one sample write by default)."""
        self.bus.notify("on_run_started", RunStarted(self.run.started_at), self.run)
        self.bus.notify("on_read_observed", Read(Dataset("file", "/data/landing", "csv")), self.run)
        for write in writes or (sample_write(),):
            self.write(write)
        self.bus.notify("on_run_finished", sample_run_ended(), self.run)

    def failed_run(self) -> None:
        """A run that fails in the middle of its only write."""
        self.bus.notify("on_run_started", RunStarted(self.run.started_at), self.run)
        error = ErrorInfo("builtins.ValueError")
        write = sample_write(error=error, published=False, rows=None)
        self.bus.notify("on_write_started", write, self.run)
        self.bus.notify("on_write_failed", write, self.run)
        ended = sample_run_ended(status="failed", exit_code=1, error=error, writes=(write,))
        self.bus.notify("on_run_failed", ended, self.run)

    @property
    def failures(self) -> int:
        """How many calls failed."""
        return sum(report.failures for report in self.bus.reports())

    def close(self) -> None:
        """Close the plugins and the outbox; once is enough."""
        if self._bus is not None and not self._closed:
            self._bus.close()
        self._closed = True
        self.outbox.close(2.0)

    def _context(self, name: str) -> PluginContext:
        return PluginContext(
            name=name, environment=None, state_dir=self.folder, base_dir=self.folder, outbox=self.outbox, store=None
        )


class PluginContract:
    """What every plugin keeps. Subclass it, name the class ``Test…``, and set the attributes.

    Attributes:
        plugin: the class, or the name of its entry point.
        good_options: options that load.
        bad_options: options of which each is an error.
    """

    plugin: ClassVar[Any] = None
    good_options: ClassVar[Mapping[str, Any]] = {}
    bad_options: ClassVar[Sequence[Mapping[str, Any]]] = ()

    def options(self, folder: Path) -> Mapping[str, Any]:
        """Override when good options need files in the test's folder."""
        return self.good_options

    def test_loads_and_implements_a_hook(self, hookline_bus: BusUnderTest) -> None:
        hookline_bus.load(self.plugin, self.options(hookline_bus.folder))
        assert any(hookline_bus.bus.implements(hook) for hook in HOOKS)

    def test_rejects_unknown_options(self, hookline_bus: BusUnderTest) -> None:
        for options in ({"no_such_option_of_any_plugin": 1}, *self.bad_options):
            try:
                hookline_bus.load(self.plugin, options)
            except ConfigError:
                continue
            raise AssertionError(f"these options were accepted: {options}")

    def test_a_whole_run_raises_nothing(self, hookline_bus: BusUnderTest) -> None:
        hookline_bus.load(self.plugin, self.options(hookline_bus.folder))
        hookline_bus.whole_run()
        hookline_bus.failed_run()
        assert hookline_bus.failures == 0, hookline_bus.bus.reports()

    def test_a_dead_sink_costs_nothing_and_loses_nothing(self, hookline_bus: BusUnderTest) -> None:
        sink = RecordingSink(failure=SinkError("the back end is dead"))
        hookline_bus.outbox.double_all = sink
        hookline_bus.load(self.plugin, self.options(hookline_bus.folder))
        hookline_bus.whole_run()
        assert hookline_bus.failures == 0, hookline_bus.bus.reports()
        waiting = sum(status.pending for status in hookline_bus.outbox.status())
        sink.failure = None
        hookline_bus.outbox.replay()
        assert len(sink.messages) == waiting

    def test_standard_output_is_the_jobs(self, hookline_bus: BusUnderTest, capfd: pytest.CaptureFixture[str]) -> None:
        hookline_bus.load(self.plugin, self.options(hookline_bus.folder))
        hookline_bus.whole_run()
        hookline_bus.failed_run()
        hookline_bus.close()
        assert capfd.readouterr().out == ""

    def test_close_leaves_no_thread(self, hookline_bus: BusUnderTest) -> None:
        before = set(threading.enumerate())
        hookline_bus.load(self.plugin, self.options(hookline_bus.folder))
        hookline_bus.whole_run()
        hookline_bus.close()
        left = [
            thread.name for thread in set(threading.enumerate()) - before if not thread.name.startswith("hookline-")
        ]
        assert left == []

    def test_hostile_names_raise_nothing(self, hookline_bus: BusUnderTest) -> None:
        hookline_bus.load(self.plugin, self.options(hookline_bus.folder))
        for name in (
            "/a b",
            "/'; DROP TABLE x; --",
            "/<script>alert(1)</script>",
            "/\n\r\t\0",
            "/😀" * 300,
            "/" + "x" * 5000,
        ):
            write = sample_write(dataset=Dataset("file", name), columns=(Column(name, "string"),))
            hookline_bus.whole_run(write)
        assert hookline_bus.failures == 0, hookline_bus.bus.reports()


class _OutboxWithDoubles(Outbox):
    """A real outbox whose sinks a test can stand in for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.doubles: dict[str, Sink] = {}
        self.double_all: Sink | None = None

    def register(self, name: str, sink: Sink, *, linger_s: float | None = None) -> None:
        super().register(name, self.double_all or self.doubles.get(name) or sink, linger_s=linger_s)


def _config(name: str, options: Mapping[str, Any], folder: Path) -> Config:
    entry = PluginEntry(name, dict(options), Location("test"))
    return Config(state_dir=folder, base_dir=folder, plugins=(entry,))


def _loaded(plugin: Any, number: int) -> LoadedPlugin:
    if isinstance(plugin, LoadedPlugin):
        return plugin
    hooks = tuple(hook for hook in HOOKS if hasattr(plugin, hook))
    return LoadedPlugin(
        name=f"{type(plugin).__name__.lower()}{number}", instance=plugin, hooks=hooks, distribution=None
    )
