"""Every kind of hook against every kind of failure: what the policy says is what happens."""

from __future__ import annotations

import _thread
import asyncio
import logging
import os
import signal
import sys
import threading
import time
from typing import Any, ClassVar

import pytest

from hookline.core.bus import Bus
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Denial, Measure, Measured, RunStarted, Verdict
from hookline.core.hookspecs import HOOKS, hookimpl, policy_of
from hookline.core.loader import LoadedPlugin
from hookline.core.sealing import Sealed
from hookline.testing import RecordingPlugin, sample_run, sample_write

RUN = sample_run()
SECRET = "row value 4711"


def seat(*instances: Any, **options: Any) -> Bus:
    plugins = [LoadedPlugin(f"p{number}", instance, ()) for number, instance in enumerate(instances)]
    return Bus(plugins, **{"notify_deadline_s": 0.3, "decide_deadline_s": 0.3, **options})


def call(bus: Bus, hook: str) -> Any:
    """Call a hook in the way in which the pipelines room does."""
    write = sample_write()
    wanted = {f"p{n}": (Measure.rows(),) for n in range(3)}
    results = {Measure.rows(): Measured(3, "proof")}
    if hook == "authorize_write":
        return bus.authorize(write, RUN)
    if hook == "transform_write":
        return bus.transform(write, RUN, "frame")  # type: ignore[arg-type]
    if hook == "measure_write":
        return bus.measures(write, RUN)
    if hook == "judge_write":
        return bus.judge(write, RUN, wanted, results)
    if hook == "on_write_measured":
        return bus.show_measured(write, RUN, wanted, results)
    return bus.notify(hook, write, RUN)


def failing(hook: str, how: str, release: threading.Event) -> Any:
    """A plugin with one hook that fails in one way."""

    def fail(*_: Any) -> Any:
        if how == "raises":
            raise ValueError(SECRET)
        if how == "exits":
            sys.exit(SECRET)
        if how == "hangs":
            release.wait(10)
        return {"raises": None, "wrong": object(), "wrong_items": [object()]}.get(how)

    methods = {
        "frame": lambda self, event, run, frame: fail(),
        "results": lambda self, event, run, results: fail(),
        "": lambda self, event, run: fail(),
    }
    kind = "frame" if hook == "transform_write" else "results" if hook in ("judge_write", "on_write_measured") else ""
    method = methods[kind]
    method.__name__ = hook
    return type("Failing", (), {hook: hookimpl(method)})()


@pytest.fixture
def release() -> Any:
    event = threading.Event()
    yield event
    event.set()


NOTIFICATIONS = [hook for hook in HOOKS if policy_of(hook) == "open"]
DECISIONS = [hook for hook in HOOKS if policy_of(hook) == "closed"]


def test_there_are_at_most_twelve_hooks_and_each_has_a_policy() -> None:
    assert len(HOOKS) <= 12
    assert {policy_of(hook) for hook in HOOKS} == {"open", "drop", "closed"}


@pytest.mark.parametrize("hook", NOTIFICATIONS)
@pytest.mark.parametrize("how", ["raises", "exits", "hangs"])
def test_a_notification_fails_open(hook: str, how: str, release: threading.Event, caplog: Any) -> None:
    after = RecordingPlugin()
    bus = seat(failing(hook, how, release), after)
    with caplog.at_level(logging.WARNING):
        call(bus, hook)
        release.set()
        call(bus, hook)
    assert len(after.calls) == 2
    report = bus.reports()[0]
    assert report.failures == (1 if how == "hangs" else 2)
    assert report.by_hook == {hook: report.failures}
    assert len([r for r in caplog.records if "p0" in r.getMessage()]) == 1
    assert SECRET not in caplog.text


@pytest.mark.parametrize("hook", DECISIONS)
@pytest.mark.parametrize("how", ["raises", "exits", "hangs", "wrong"])
def test_a_decision_fails_closed(hook: str, how: str, release: threading.Event) -> None:
    bus = seat(RecordingPlugin(), failing(hook, how, release))
    with pytest.raises(WriteRefusedError) as refused:
        call(bus, hook)
    assert "p1" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None, "the plugin's own exception may quote rows"
    assert bus.reports()[1].failures == 1


@pytest.mark.parametrize("how", ["raises", "exits", "hangs", "wrong", "wrong_items"])
def test_measures_are_dropped_for_the_plugin_that_fails(how: str, release: threading.Event) -> None:
    good = RecordingPlugin.answering(measure_write=[Measure.rows()])
    bus = seat(failing("measure_write", how, release), good)
    assert call(bus, "measure_write") == {"p1": (Measure.rows(),)}
    assert bus.reports()[0].failures == 1


@pytest.mark.parametrize("how", ["raises", "exits", "hangs", "wrong", "wrong_items"])
def test_a_required_gate_that_cannot_say_what_it_measures_refuses(how: str, release: threading.Event) -> None:
    bus = seat(failing("measure_write", how, release), required=frozenset({"p0"}))
    with pytest.raises(WriteRefusedError, match="p0"):
        call(bus, "measure_write")


def test_wrong_items_among_verdicts_refuse() -> None:
    bus = seat(RecordingPlugin.answering(judge_write=["passed"]))
    with pytest.raises(WriteRefusedError, match="list with str; expected Verdict"):
        call(bus, "judge_write")


def test_a_plugin_that_hung_is_not_waited_for_again(release: threading.Event) -> None:
    bus = seat(failing("on_write_started", "hangs", release), notify_deadline_s=0.2)
    call(bus, "on_write_started")
    finished = threading.Event()
    threading.Thread(target=lambda: (call(bus, "on_write_started"), finished.set())).start()
    assert finished.wait(0.15), "the second notification waited for a plugin that is known to hang"


def test_a_hanging_notification_makes_the_same_plugins_decision_refuse(release: threading.Event) -> None:
    hanging = failing("on_write_started", "hangs", release)
    type(hanging).authorize_write = hookimpl(lambda self, event, run: None)
    type(hanging).authorize_write.__name__ = "authorize_write"
    bus = seat(hanging)
    call(bus, "on_write_started")
    with pytest.raises(WriteRefusedError, match="did not answer within"):
        call(bus, "authorize_write")


def test_a_ctrl_c_while_a_plugin_works_is_the_jobs(release: threading.Event) -> None:
    class Slow:
        @hookimpl
        def on_run_started(self, event: Any, run: Any) -> None:
            _thread.interrupt_main()
            release.wait(10)

    bus = seat(Slow())
    with pytest.raises(KeyboardInterrupt):
        bus.notify("on_run_started", RunStarted(RUN.started_at), RUN)
    assert bus.reports()[0].failures == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, SystemExit])
def test_whatever_a_plugin_raises_is_its_own_failure(error: type[BaseException]) -> None:
    class Raising:
        @hookimpl
        def on_run_started(self, event: Any, run: Any) -> None:
            raise error

        @hookimpl
        def authorize_write(self, event: Any, run: Any) -> None:
            raise error

    bus = seat(Raising())
    bus.notify("on_run_started", RunStarted(RUN.started_at), RUN)
    with pytest.raises(WriteRefusedError, match=f"raised {error.__name__}"):
        bus.authorize(sample_write(), RUN)
    assert bus.reports()[0].failures == 2


def test_the_order_is_the_order_of_the_plugins() -> None:
    order: list[str] = []

    def named(name: str) -> Any:
        class Named:
            @hookimpl
            def on_run_started(self, event: Any) -> None:
                order.append(name)

        return Named()

    seat(named("a"), named("b"), named("c")).notify("on_run_started", None, RUN)
    assert order == ["a", "b", "c"]


def test_denials_of_all_plugins_are_collected() -> None:
    bus = seat(
        RecordingPlugin.answering(authorize_write=Denial("not on Sundays")),
        RecordingPlugin.answering(authorize_write=Denial("no owner")),
    )
    with pytest.raises(WriteRefusedError) as refused:
        call(bus, "authorize_write")
    assert [reason.split(": ")[1] for reason in refused.value.reasons] == ["not on Sundays", "no owner"]


def test_a_transformer_that_cannot_transform_denies_unless_it_says_otherwise() -> None:
    class Masks:
        @hookimpl
        def transform_write(self, event: Any, run: Any, frame: Any) -> Any:
            return frame

    class Considers(Masks):
        @hookimpl
        def authorize_write(self, event: Any, run: Any) -> None:
            return None

    merge = sample_write(operation="merge", transformable=False)
    with pytest.raises(WriteRefusedError, match="can't be changed on its way"):
        seat(Masks()).authorize(merge, RUN)
    seat(Masks()).authorize(sample_write(), RUN)
    seat(Considers()).authorize(merge, RUN)


def test_transformations_are_chained() -> None:
    class Adds:
        @hookimpl
        def transform_write(self, frame: str) -> str:
            return frame + "+"

    bus = seat(Adds(), RecordingPlugin(), Adds())
    assert bus.transform(sample_write(), RUN, "frame") == "frame++"  # type: ignore[comparison-overlap,arg-type]


def test_one_plugin_has_files_encrypted_and_others_go_on_changing_the_data() -> None:
    seal: Any = object()

    class Seals:
        @hookimpl
        def transform_write(self, frame: str) -> Sealed:
            return Sealed(frame + "!", seal)  # type: ignore[arg-type]

    class Adds:
        @hookimpl
        def transform_write(self, frame: str) -> str:
            return frame + "+"

    sealed = seat(Adds(), Seals(), Adds()).transform(sample_write(), RUN, "frame")  # type: ignore[arg-type]
    assert sealed == Sealed("frame+!+", seal)  # type: ignore[arg-type]
    with pytest.raises(WriteRefusedError, match="'p1' wants to encrypt its files, which another plugin does already"):
        seat(Seals(), Seals()).transform(sample_write(), RUN, "frame")  # type: ignore[arg-type]


def test_a_session_is_shown_to_who_wants_to_see_it_and_trouble_is_counted() -> None:
    class Looks:
        seen: ClassVar[list[str]] = []

        def meet_session(self, spark: str) -> None:
            self.seen.append(spark)

    class Fails:
        def meet_session(self, spark: str) -> None:
            raise ValueError(SECRET)

    class Hangs:
        def meet_session(self, spark: str) -> None:
            time.sleep(1)

    bus = seat(Fails(), Hangs(), RecordingPlugin(), Looks())
    bus.meet_session("session")  # type: ignore[arg-type]
    assert Looks.seen == ["session"]
    assert [report.failures for report in bus.reports()] == [1, 1, 0, 0]
    assert SECRET not in str(bus.reports())


def test_each_judge_gets_its_own_measures_and_signs_its_verdicts() -> None:
    verdict = Verdict("rows", "error", "passed")
    one, two = RecordingPlugin.answering(judge_write=[verdict]), RecordingPlugin()
    bus = seat(one, two)
    nulls = Measure.nulls("email")
    results = {Measure.rows(): Measured(3, "proof"), nulls: Measured(0, "proof")}
    verdicts = bus.judge(sample_write(), RUN, {"p0": (nulls,), "p1": (Measure.rows(),)}, results)
    assert one.seen("judge_write") == [{nulls: results[nulls]}]
    assert two.seen("judge_write") == [{Measure.rows(): results[Measure.rows()]}]
    assert [v.plugin for v in verdicts] == ["p0"]


def test_a_verdict_may_depend_on_a_judges_measures_and_on_required_ones() -> None:
    class Records:
        @hookimpl
        def measure_write(self) -> None: ...

    bus, rows = seat(RecordingPlugin(), Records()), Measure.rows()
    assert bus.judges_by({"p0": (rows,), "p1": ()})
    assert bus.judges_by({"p0": (), "p1": (Measure.rows(required=True),)})
    assert not bus.judges_by({"p0": (), "p1": (rows,)})
    assert not bus.judges_by({})


def test_close_is_guarded_and_called_once(release: threading.Event) -> None:
    class Closes:
        closed = 0

        def close(self) -> None:
            self.closed += 1
            raise RuntimeError(SECRET)

    plugin = Closes()
    bus = seat(plugin)
    bus.close()
    assert plugin.closed == 1
    assert bus.reports()[0].by_hook == {"close": 1}


def test_a_refusing_verdict() -> None:
    assert Verdict("c", "critical", "failed").refuses
    assert not Verdict("c", "error", "failed").refuses
    assert Verdict("c", "info", "error", required=True).refuses
    assert Verdict("c", "info", "skipped", required=True).refuses
    assert not Verdict("c", "critical", "error").refuses
    assert not Verdict("c", "critical", "passed", required=True).refuses


@pytest.mark.parametrize(("end", "code"), [(lambda: None, 0), (lambda: sys.exit(7), 7), (lambda: 1 / 0, 1)])
def test_a_child_that_a_hook_forks_ends_and_does_not_wait_for_work(end: Any, code: int) -> None:
    children: list[int] = []

    class Forks:
        @hookimpl
        def on_write_finished(self) -> None:
            children.append(os.fork())
            if children[-1] == 0:
                end()

    bus = seat(Forks(), notify_deadline_s=10)
    call(bus, "on_write_finished")
    deadline = time.monotonic() + 10
    while (ended := os.waitpid(children[0], os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(children[0], signal.SIGKILL)
            os.waitpid(children[0], 0)
            pytest.fail("the child lives on")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == code
    assert bus.reports()[0].failures == 0
    bus.close()
