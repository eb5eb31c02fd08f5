"""Plugins and jobs that fail, in every way and with real Spark: each kind of hook does what its policy says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from hookline.core.config_models import BusConfig, Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Measure, RunEnded
from hookline.core.hookspecs import HOOKS, hookimpl
from hookline.core.plugin import PluginConfig
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from conftest import Jobs

SECRET = "row value 4711"
RECORDER = "hookline.testing:RecordingPlugin"
TELLING = tuple(hook for hook in HOOKS if hook.startswith("on_"))


class Faulty:
    """A plugin all of whose hooks fail in the way that the test chose."""

    Config: ClassVar[type[PluginConfig]] = PluginConfig
    fault: ClassVar[Callable[[], Any]]

    def __init__(self, config: Any, context: Any) -> None: ...


def _failing(*hooks: str) -> type[Faulty]:
    def fail(self: Faulty, event: Any, run: Any) -> Any:
        return Faulty.fault()

    return type("Failing", (Faulty,), {hook: hookimpl(fail) for hook in hooks})


Notified = _failing(*TELLING)
Authorizing = _failing("authorize_write")
Transforming = _failing("transform_write")
Measuring = _failing("measure_write")
Judging = _failing("judge_write")
Gate = _failing("measure_write")
Gate.judge_write = hookimpl(lambda self, event, run: [])  # type: ignore[attr-defined]


@pytest.fixture
def faults() -> Iterator[dict[str, Callable[[], Any]]]:
    """How a hook fails. What hangs does so for longer than its deadline, and not beyond the test."""
    over = threading.Event()

    def throw(error: BaseException) -> Any:
        raise error

    yield {
        "raises": lambda: throw(ValueError(SECRET)),
        "hangs": lambda: over.wait(2),
        "exits": lambda: throw(SystemExit(SECRET)),
        "interrupts": lambda: throw(KeyboardInterrupt(SECRET)),
        "returns nonsense": lambda: [SECRET],
    }
    over.set()


FAULTS = ("raises", "hangs", "exits", "interrupts", "returns nonsense")
Attach = Callable[..., attach.Attachment]


@pytest.fixture
def attached(spark: SparkSession, tmp_path: Path, faults: dict[str, Callable[[], Any]]) -> Iterator[Attach]:
    """Attaches with a failing plugin, and after it one that records."""
    attachments = []

    def attach_with(plugin: str, fault: str, *, required: bool = False) -> attach.Attachment:
        name = f"{__name__}:{plugin}"
        Faulty.fault = staticmethod(faults[fault])
        config = Config(
            state_dir=tmp_path / "state",
            plugins=(PluginEntry(name), PluginEntry(RECORDER)),
            required_gates=(name,) if required else (),
            bus=BusConfig(notify_deadline_s=0.5, decide_deadline_s=1),
        )
        attachments.append(attach.attach(spark, config, job="test"))
        return attachments[0]

    yield attach_with
    for attachment in attachments:
        attachment.detach()


def end(attachment: attach.Attachment) -> RunEnded:
    """End the run; its summary, which quotes nothing that a plugin raised or returned."""
    ended = attachment.detach()
    assert ended is not None
    assert SECRET not in repr(ended)
    return ended


@pytest.mark.spark
@pytest.mark.parametrize("fault", FAULTS)
def test_a_notification_that_fails_costs_nothing(
    fault: str, attached: Attach, spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    attachment = attached("Notified", fault)
    spark.range(3).write.parquet(str(tmp_path / "out"))
    watch.drain()
    assert spark.read.parquet(str(tmp_path / "out")).count() == 3
    ended = end(attachment)
    assert (ended.status, ended.writes_total, ended.writes[0].published) == ("finished", 1, True)
    failures = ended.plugins[0].failures
    assert (failures == 0) if fault == "returns nonsense" else (failures >= 1)
    assert ended.plugins[1].failures == 0
    seen = [hook for hook in TELLING if RecordingPlugin.last.seen(hook)]
    assert {"on_run_started", "on_write_started", "on_write_finished", "on_run_finished"} <= set(seen)
    assert SECRET not in caplog.text


@pytest.mark.spark
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("plugin", ["Authorizing", "Transforming", "Judging"])
def test_a_decision_that_fails_refuses_the_write(
    plugin: str, fault: str, attached: Attach, spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    attachment = attached(plugin, fault)
    out = tmp_path / "out"
    with pytest.raises(WriteRefusedError) as refused:
        spark.range(3).write.parquet(str(out))
    assert f"plugin '{__name__}:{plugin}'" in str(refused.value)
    assert SECRET not in str(refused.value) + caplog.text
    assert (out.exists(), refused.value.published) == (False, False)
    ended = end(attachment)
    assert (ended.status, ended.writes_total, ended.writes[0].published) == ("refused", 1, False)
    assert ended.plugins[0].failures == 1
    assert any("refused" in note for note in ended.notes)
    recorder = RecordingPlugin.last
    assert len(recorder.seen("on_write_failed")) == 1
    assert [recorder.seen(hook) for hook in ("on_write_finished", "on_run_finished")] == [[], []]


@pytest.mark.spark
@pytest.mark.parametrize("fault", FAULTS)
def test_measures_that_fail_are_dropped_for_their_plugin_only(
    fault: str, attached: Attach, spark: SparkSession, tmp_path: Path
) -> None:
    attachment = attached("Measuring", fault)
    recorder = RecordingPlugin.last
    recorder.answers["measure_write"] = [Measure.nulls("id")]
    spark.range(3).write.parquet(str(tmp_path / "out"))
    (results,) = recorder.seen("judge_write")
    assert results[Measure.nulls("id")].value == 0
    ended = end(attachment)
    assert (ended.status, ended.plugins[0].failures, ended.plugins[1].failures) == ("finished", 1, 0)


@pytest.mark.spark
@pytest.mark.parametrize("fault", FAULTS)
def test_measures_of_a_required_gate_that_fail_refuse_the_write(
    fault: str, attached: Attach, spark: SparkSession, tmp_path: Path
) -> None:
    attachment = attached("Gate", fault, required=True)
    with pytest.raises(WriteRefusedError, match=r"nothing was published.*measure_write"):
        spark.range(3).write.parquet(str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert end(attachment).status == "refused"


@pytest.mark.spark
def test_a_transformation_that_spark_can_not_run_is_the_writes_own_failure(
    attached: Attach, spark: SparkSession, tmp_path: Path
) -> None:
    from pyspark.sql import functions as F

    attachment = attached("Notified", "returns nonsense")
    RecordingPlugin.last.answers["transform_write"] = lambda event, frame: frame.select(
        F.raise_error(F.lit(SECRET)).alias("v")
    )
    with pytest.raises(Exception, match=SECRET):
        spark.range(3).write.parquet(str(tmp_path / "out"))
    ended = end(attachment)
    assert ended.writes[0].error is not None
    assert not ended.writes[0].published


# -- before Spark starts -----------------------------------------------------------------------------------------------

NEVER = "raise SystemExit('the job was started')"
BROKEN = """
import hookline
class Wanting:
    Config = hookline.PluginConfig
    requires = ("no_such_package_of_any_kind",)
    def __init__(self, config, context): pass
    @hookline.hookimpl
    def judge_write(self, event, run): pass
class Raising(Wanting):
    requires = ()
    def __init__(self, config, context): raise OSError("disk on fire")
class Exiting(Wanting):
    requires = ()
    def __init__(self, config, context): raise SystemExit(0)
class Mistaken(Wanting):
    requires = ()
    @hookline.hookimpl
    def on_write_begun(self, event, run): pass
"""
REFUSED: dict[str, tuple[str, list[str]]] = {
    "an unknown key": ("jbo: x\n", ["hookline.yaml:1: jbo: unknown key", "did you mean 'job'"]),
    "a wrong type": ("bus:\n  notify_deadline_s: soon\n", ["hookline.yaml:2: bus.notify_deadline_s: found 'soon'"]),
    "bad YAML": ("plugins:\n  console: {\n", ["hookline.yaml:"]),
    "an unset variable": ("job: ${NO_SUCH_VARIABLE_4711}\n", ["hookline.yaml:1: job:", "NO_SUCH_VARIABLE_4711"]),
    "a plugin named twice": ("plugins:\n  console:\n  console:\n", ["hookline.yaml:3: plugins.console"]),
    "no such plugin": ("plugins:\n  consle:\n", ["hookline.yaml:2: plugins.consle:", "did you mean 'console'"]),
    "no such module": ("plugins:\n  no_such_module:X:\n", ["hookline.yaml:2: ", "no_such_module"]),
    "a module that raises": ("plugins:\n  'broken_import:X':\n", ["hookline.yaml:2: ", "raised RuntimeError (boom)"]),
    "a module that exits": ("plugins:\n  'exiting_import:X':\n", ["hookline.yaml:2: ", "called sys.exit(3)"]),
    "no such class": ("plugins:\n  'broken:Wantin':\n", ["hookline.yaml:2: ", "has no Wantin", "did you mean 'Wanting'"]),
    "a missing extra": ("plugins:\n  'broken:Wanting':\n", ["hookline.yaml:2: ", "'no_such_package_of_any_kind'", "install"]),
    "a constructor that raises": ("plugins:\n  'broken:Raising':\n", ["hookline.yaml:2: ", "raised OSError"]),
    "a constructor that exits": ("plugins:\n  'broken:Exiting':\n", ["hookline.yaml:2: ", "called sys.exit(0)"]),
    "a hook that does not exist": ("plugins:\n  'broken:Mistaken':\n", ["hookline.yaml:2: ", "on_write_begun"]),
    "a gate without its plugin": ("required_gates: [quality]\n", ["hookline.yaml:1: required_gates", "'quality'"]),
    "a gate that is off": (
        "plugins:\n  quality: false\nrequired_gates: [quality]\n",
        ["hookline.yaml:3: required_gates", "'quality' is a required gate and is disabled"],
    ),
    "a gate that decides nothing": (
        "plugins: {console: }\nrequired_gates: [console]\n",
        ["hookline.yaml:2: required_gates: the plugin 'console' decides nothing"],
    ),
    "an unknown environment": ("environments: {dev: }\n", ["'prd'", "dev"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_configured_wrongly_is_said_before_the_job_starts(case: str, jobs: Jobs) -> None:
    text, told = REFUSED[case]
    jobs.write("hookline.yaml", text)
    jobs.write("site/broken.py", BROKEN)
    jobs.write("site/broken_import.py", "raise RuntimeError('boom')")
    jobs.write("site/exiting_import.py", "raise SystemExit(3)")
    jobs.write("job.py", NEVER)
    ended = jobs.attached("job.py", options=("--env", "prd") if "environment" in case else ())
    assert (ended.code, ended.out, ended.summary) == (4, b"", {}), ended.err
    assert "the job was started" not in ended.err
    assert "Traceback" not in ended.err
    assert ended.err.startswith("hookline: ")
    assert all(part in ended.err for part in told), ended.err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ((), "no job was given: hookline run -- job.py ARGS"),
        (("no_such.py",), "can't open the job 'no_such.py': no such file"),
        (("python", "-c", "pass"), "`python -c` can't be attached"),
        (("spark-submit", "--deploy-mode", "cluster", "job.py"), "--deploy-mode cluster"),
    ],
)
def test_what_is_no_job(command: tuple[str, ...], told: str, jobs: Jobs) -> None:
    jobs.write("job.py", NEVER)
    ended = jobs.attached(*command)
    assert (ended.code, ended.out) == (4, b"")
    assert told in ended.err


# -- the job's own failure, and plugins that misbehave in other ways ---------------------------------------------------

UNRULY = """
import os, sys, threading, time
import hookline

class Unruly:
    Config = hookline.PluginConfig
    def __init__(self, config, context):
        threading.Thread(target=time.sleep, args=(1,)).start()
        self.stop = threading.Event()
        threading.Thread(target=self.stop.wait).start()
    @hookline.hookimpl
    def on_run_started(self, event, run):
        sys.stderr.close()
        raise ValueError
    @hookline.hookimpl
    def on_write_finished(self, event, run):
        sys.exit(3)
    def close(self):
        self.stop.set()
"""


@pytest.mark.spark
def test_a_job_that_fails_keeps_its_traceback_and_its_exit_code(
    jobs: Jobs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    jobs.write("hookline.yaml", "plugins: {lineage: }\n")
    jobs.write(
        "job.py",
        """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()

        def load():
            spark.range(3).write.parquet("good")
            spark.range(3).selectExpr("raise_error('row value 4711') AS v").write.parquet("bad")

        print("begins")
        load()
        """,
    )
    bare = jobs.bare("job.py")
    jobs.take_away(tmp_path_factory.mktemp("bare"))
    attached = jobs.attached("job.py")
    assert (attached.code, attached.out) == (bare.code, bare.out) == (1, b"begins\n")
    assert _python_lines(attached.err) == _python_lines(bare.err)
    assert len(_python_lines(bare.err)) >= 5
    summary = attached.summary
    assert (summary["status"], summary["exit_code"]) == ("failed", 1)
    assert [(write["published"], (write["error"] or {}).get("condition")) for write in summary["writes"]] == [
        (True, None),
        (False, "USER_RAISED_EXCEPTION"),
    ]
    assert SECRET not in repr(summary)
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in (jobs.folder / ".hookline").rglob("*.*"))
    assert [run["status"] for run in jobs.runs()] == ["failed"]


def _python_lines(text: str) -> list[str]:
    """The lines of a traceback that say where in Python, and what."""
    return [line for line in text.splitlines() if line.startswith(("  File ", "pyspark.", "Traceback"))]


@pytest.mark.spark
def test_a_plugin_without_manners_leaves_the_job_alone(jobs: Jobs) -> None:
    jobs.write("site/unruly.py", UNRULY)
    jobs.write("hookline.yaml", "plugins: {console: , 'unruly:Unruly': , 'hookline.testing:RecordingPlugin': }\n")
    jobs.write(
        "job.py",
        """
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        spark.range(3).write.parquet("out")
        print("done")
        """,
    )
    ended = jobs.attached("job.py")
    assert (ended.code, ended.out) == (0, b"done\n")
    assert ended.summary["status"] == "finished"
    assert {plugin["name"]: plugin["failures"] for plugin in ended.summary["plugins"]} == {
        "console": 0,
        "unruly:Unruly": 2,
        "hookline.testing:RecordingPlugin": 0,
    }
