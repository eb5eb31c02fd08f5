"""Every way of attaching leaves the job what it was, and makes one run of it."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hookline
from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import ConfigError, WriteRefusedError
from hookline.core.events import Verdict
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from conftest import Jobs

# Time enough for the store on a busy machine: what is not delivered by then is told, and here nothing is to be told.
QUIET = "plugins: {lineage: {}}\noutbox: {flush_deadline_s: 60}\n"


# -- hookline run, without Spark ---------------------------------------------------------------------------------------


def test_a_script_sees_what_it_would_see_alone(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", QUIET)
    jobs.write("sub dir/beside.py", "VALUE = 1\n")
    name = jobs.write(
        "sub dir/job.py",
        """
        import inspect, os, pickle, sys
        import beside
        class Thing:
            pass
        sys.stdout.buffer.write(b"\\xff\\x00 not text\\r\\n")
        for fact in (sys.argv, __name__, __file__, __package__, __spec__, __doc__, sys.path, os.getcwd(), sys.stdin.read()):
            print(repr(fact))
        print(sys.modules["__main__"].Thing is Thing, type(pickle.loads(pickle.dumps(Thing()))) is Thing)
        print(inspect.getsource(Thing), len(sys.modules["__main__"].__builtins__.__dict__) > 100)
        """,
    )
    arguments = (name, "--json", "-x", "", "ü b")
    bare, attached = jobs.bare(*arguments), jobs.attached(*arguments)
    assert (attached.code, attached.out, attached.err) == (bare.code, bare.out, bare.err)
    assert bare.code == 0, bare.err
    assert (attached.summary["job"], attached.summary["status"]) == ("job", "finished")


ENDS = {
    "sys.exit(7)": ("import sys; sys.exit(7)", "failed"),
    "sys.exit()": ("import sys; sys.exit()", "finished"),
    "sys.exit(text)": ("import sys; print('x'); sys.exit('what it says')", "failed"),
    "sys.exit(261)": ("import sys; sys.exit(261)", "failed"),
    "an exception": (
        "def f(x):\n    return 1 / x\ntry:\n    f(0)\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
        "failed",
    ),
    "no Python": ("x = = 1", "failed"),
    "its own excepthook": ("import sys\nsys.excepthook = lambda *a: print('mine', a[0])\n1/0", "failed"),
    "Ctrl-C": ("raise KeyboardInterrupt", "failed"),
    "atexit": ("import atexit; atexit.register(print, 'last words')", "finished"),
    "stdout closed": ("import sys; print('x', flush=True); sys.stdout.close()", "finished"),
    "stderr closed": ("import sys; print('x'); sys.stderr.close(); sys.exit(3)", "failed"),
    "no stdout": ("import sys; sys.stdout = None", "finished"),
    "an idle pool": (
        "from concurrent.futures import ThreadPoolExecutor\nimport time\npool = ThreadPoolExecutor(2)\n"
        "pool.submit(lambda: (time.sleep(0.3), print('late')))\nprint('early')",
        "finished",
    ),
    "a thread": (
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.3), print('late'))).start()\nprint('early')",
        "finished",
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_a_script_ends_as_it_would_alone(end: str, jobs: Jobs) -> None:
    text, status = ENDS[end]
    jobs.write("hookline.yaml", QUIET)
    jobs.write("job.py", text)
    bare, attached = jobs.bare("job.py"), jobs.attached("job.py")
    assert (attached.code, attached.out, attached.err) == (bare.code, bare.out, bare.err)
    assert attached.summary["status"] == status
    assert attached.summary["exit_code"] == (bare.code if bare.code >= 0 else 128 - bare.code)


def test_a_script_that_leaves_without_a_word_is_found_by_the_next_run(jobs: Jobs) -> None:
    jobs.write("leave.py", "import os; print('x', flush=True); os._exit(9)")
    jobs.write("next.py", "")
    left = jobs.attached("leave.py")
    assert (left.code, left.out, left.summary) == (9, b"x\n", {})
    assert jobs.attached("next.py").code == 0
    assert [(run["job"], run["status"]) for run in jobs.runs()] == [("next", "finished"), ("leave", "abandoned")]


@pytest.mark.parametrize("kind", ["module", "folder", "zip"])
def test_what_python_runs_is_run(kind: str, jobs: Jobs) -> None:
    jobs.write("hookline.yaml", QUIET)
    text = (
        "import sys\nfrom app.part import VALUE\nprint(sys.argv, __name__, __file__, __package__, sys.path[0], VALUE)\n"
    )
    for name in ("app/__main__.py", "app/app/part.py", "app/part.py", "app/__init__.py", "app/app/__init__.py"):
        jobs.write(name, text if "main" in name else "VALUE = 3\n")
    with zipfile.ZipFile(jobs.folder / "job.zip", "w") as archive:
        for path in (jobs.folder / "app").rglob("*.py"):
            archive.write(path, path.relative_to(jobs.folder / "app"))
    command = {"module": ("-m", "app"), "folder": ("app",), "zip": ("job.zip",)}[kind]
    bare, attached = jobs.bare(*command, "a"), jobs.attached(*command, "a")
    assert (attached.code, attached.out, attached.err) == (bare.code, bare.out, bare.err) == (0, bare.out, "")


CHILDREN = {
    "a pool that forks": "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, 2]))",
    "a pool that spawns": (
        "import multiprocessing as m\ndef f(x): return x * x\n"
        "if __name__ == '__main__':\n    with m.get_context('spawn').Pool(1) as p: print(p.map(f, [-1, 2]))"
    ),
    "a child that exits": "import os, sys\npid = os.fork()\nif not pid: sys.exit(5)\nprint(os.waitpid(pid, 0)[1] >> 8)",
    "a child that is ended": (
        "import multiprocessing as m, time\np = m.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "p.start(); p.terminate(); p.join(); print(p.exitcode)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHILDREN)
def test_the_jobs_child_processes_are_none_of_our_business(kind: str, jobs: Jobs) -> None:
    jobs.write("hookline.yaml", QUIET)
    jobs.write("job.py", CHILDREN[kind])
    bare, attached = jobs.bare("job.py"), jobs.attached("job.py")
    assert (attached.code, attached.out, attached.err) == (bare.code, bare.out, bare.err) == (0, bare.out, "")
    assert (attached.summary["status"], attached.summary["notes"]) == ("finished", [])
    assert [run["status"] for run in jobs.runs()] == ["finished"]


# -- hookline run, with Spark ------------------------------------------------------------------------------------------

RESTLESS = """
    import logging, os, sys
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="JOB %(name)s %(message)s")
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    def parts(path):
        return sorted(name for name in os.listdir(path) if name.startswith("part"))

    if __name__ == "__main__":
        spark = SparkSession.builder.appName("restless").getOrCreate()
        root = os.getcwd()
        logging.getLogger("job").info("begins")
        frame = spark.range(20).select("id", F.udf(lambda x: f"n{x}")("id").alias("name"))
        frame.write.partitionBy("id").mode("overwrite").parquet("first")
        os.makedirs("elsewhere", exist_ok=True)
        os.chdir("elsewhere")
        other = spark.newSession()
        other.read.parquet(f"{root}/first").write.csv(f"{root}/second")
        print(other.read.csv(f"{root}/second").count(), spark.sparkContext.appName)
        spark.stop()
        again = SparkSession.builder.appName("again").getOrCreate()
        again.sparkContext.parallelize(range(4), 2).saveAsTextFile(f"{root}/third")
        again.range(3).coalesce(1).write.orc(f"{root}/fourth")
        again.sql("SELECT 1 AS one").show()
        logging.getLogger("job").info("ends")
        print(parts(f"{root}/third"))
"""


def _without_py4j(out: bytes) -> list[bytes]:
    """Without what py4j logs when a thread's connection to the JVM is closed."""
    return [line for line in out.splitlines() if not line.endswith(b"Closing down clientserver connection")]


@pytest.mark.spark
def test_a_job_that_moves_about_gives_the_same_bytes(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> None:
    jobs.write("job.py", RESTLESS)
    bare = jobs.bare("job.py")
    kept = tmp_path_factory.mktemp("bare")
    jobs.take_away(kept)
    state = jobs.folder / "state ü ?#%20"
    jobs.environment.pop("HOME", None)
    attached = jobs.attached("job.py", HOOKLINE_DIR=str(state))
    assert (bare.code, attached.code) == (0, 0), attached.err
    assert _without_py4j(attached.out) == _without_py4j(bare.out)
    assert jobs.content() == jobs.content(kept)
    names = [(Path(write["name"]).name, write["intercepted"], write["rows"]) for write in attached.summary["writes"]]
    assert names == [("first", True, 20), ("second", True, None), ("third", True, None), ("fourth", True, None)]
    assert (attached.summary["status"], attached.summary["notes"]) == ("finished", [])
    assert (state / "store.db").exists()


@pytest.mark.spark
def test_under_spark_submit_with_modules_of_its_own(jobs: Jobs) -> None:
    jobs.write("single.py", "NAME = 'single'\n")
    jobs.write("zipped_part.py", "NAME = 'zipped'\n")
    with zipfile.ZipFile(jobs.folder / "deps.zip", "w") as archive:
        archive.write(jobs.folder / "zipped_part.py", "zipped.py")
    jobs.write("scripts/beside.py", "NAME = 'beside'\n")
    jobs.write(
        "scripts/job.py",
        """
        import sys
        import beside, single, zipped
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        print(sys.argv, __name__, __file__, spark.sparkContext.appName, beside.NAME, single.NAME, zipped.NAME)
        print(spark.sparkContext.parallelize([1]).map(lambda _: __import__("zipped").NAME).collect())
        spark.range(3).write.mode("overwrite").parquet("out")
        sys.exit(5)
        """,
    )
    submit = str(Path(sys.executable).with_name("spark-submit"))
    words = (submit, "--py-files", "deps.zip,single.py", "scripts/job.py", "--name", "not mine")
    through = ("-c", f"import os, sys; os.execv({submit!r}, sys.argv[1:])", *words)
    bare, attached = jobs.bare(*through), jobs.attached(*words)
    assert (attached.code, attached.out) == (bare.code, bare.out)
    assert bare.code == 5, bare.err
    assert b"beside single zipped" in bare.out
    assert (attached.summary["status"], attached.summary["job"]) == ("failed", "job")
    assert [write["rows"] for write in attached.summary["writes"]] == [3]
    assert "out" in attached.err  # the summary: spark-submit itself would have put it on the job's standard output


@pytest.mark.spark
def test_what_a_job_leaves_to_its_exit_belongs_to_it(jobs: Jobs) -> None:
    jobs.write(
        "job.py",
        """
        import atexit, sys
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()
        def last(word, *, times):
            spark.range(times).write.parquet("late")
            atexit.register(print, "too late")
            atexit.unregister(sys.stdout.write)
            print(word)
        atexit.register(print, "last")
        atexit.register(sys.stdout.write, "taken back")
        atexit.register(lambda: 1 / 0)
        atexit.register(last, "late", times=3)
        atexit.register(print, "never")
        atexit.unregister(print)
        atexit.register(print, "first")
        sys.exit(6)
        """,
    )
    bare = jobs.bare("job.py")
    shutil.rmtree(jobs.folder / "late")
    attached = jobs.attached("job.py")
    assert (attached.code, attached.out) == (bare.code, bare.out) == (6, b"first\nlate\n")
    assert [(write["rows"], write["intercepted"]) for write in attached.summary["writes"]] == [(3, True)]
    told = [
        line for line in bare.err.splitlines() if "ZeroDivisionError" in line or line.startswith("Exception ignored")
    ]
    assert len(told) == 2
    assert [line for line in told if line.partition(" <")[0] in attached.err] == told


def test_a_launcher_that_mixes_the_streams_gets_the_jobs_words_only(jobs: Jobs) -> None:
    jobs.write("spark-submit", f'#!/bin/sh\nshift 2\nexec {sys.executable} "$@" 2>&1\n')
    (jobs.folder / "spark-submit").chmod(0o755)
    jobs.write("job.py", "import os, sys\nprint('out', 'HOOKLINE_STDERR' in os.environ)\nsys.exit('why')")
    ended = jobs.attached("./spark-submit", "job.py")
    assert (ended.code, ended.out) == (1, b"out False\nwhy\n")
    assert "job" in ended.err
    assert "why" not in ended.err
    assert ended.summary["status"] == "failed"


GATED = """
import hookline

class Gate:
    Config = hookline.PluginConfig
    def __init__(self, config, context): pass
    @hookline.hookimpl
    def authorize_write(self, event, run):
        return hookline.Denial("no") if event.dataset.name.endswith("forbidden") else None
"""


@pytest.mark.spark
def test_runs_inside_a_run(jobs: Jobs) -> None:
    jobs.write("site/gate_of_test.py", GATED)
    jobs.write("hookline.yaml", "plugins: {lineage: , 'gate_of_test:Gate': }")
    jobs.write(
        "job.py",
        """
        import hookline
        from pyspark.sql import SparkSession
        spark = SparkSession.builder.getOrCreate()

        @hookline.job("load")
        def load():
            with hookline.run("part"):
                spark.range(1).write.parquet("part")
            spark.range(2).write.parquet("load")

        attached = hookline.attach(spark)
        load()
        attached.detach()
        spark.range(3).write.parquet("outer")
        with hookline.run("bad"):
            spark.range(4).write.parquet("forbidden")
        """,
    )
    ended = jobs.attached("job.py")
    assert ended.code == 3, ended.err
    assert ended.err.rstrip().endswith("refused (nothing was published): plugin 'gate_of_test:Gate': no")
    assert os.path.join("hookline", "pipelines", "") not in ended.err
    assert not (jobs.folder / "forbidden").exists()
    assert {run["job"]: (run["status"], run["writes_total"]) for run in jobs.runs()} == {
        "part": ("finished", 1),
        "load": ("finished", 1),
        "bad": ("refused", 1),
        "job": ("refused", 1),
    }


@pytest.mark.spark
def test_a_script_that_attaches_itself_and_fails(jobs: Jobs) -> None:
    jobs.write("hookline.yaml", QUIET)
    jobs.write(
        "job.py",
        """
        from pyspark.sql import SparkSession
        import hookline
        spark = SparkSession.builder.appName("by itself").getOrCreate()
        hookline.attach(spark)
        hookline.attach(spark)
        spark.range(3).write.parquet("out")
        raise ValueError("row value 4711")
        """,
    )
    ended = jobs.bare("job.py")
    assert ended.code == 1
    assert ended.err.rstrip().endswith("ValueError: row value 4711")
    (run,) = jobs.runs()
    assert (run["job"], run["status"], run["exit_code"], run["writes_total"]) == ("by itself", "failed", 1, 1)
    assert b"4711" not in (jobs.folder / ".hookline" / "lineage.ndjson").read_bytes()


EXAMPLES = {
    "wordcount.py": ("words.txt",),
    "sort.py": ("numbers.txt",),
    "sql/datasource.py": (),
}
SEVERAL = """
    import runpy, sys
    from pyspark.sql import SparkSession
    for line in sys.argv[1:]:
        sys.argv[:] = line.split("|")
        print(runpy.run_path(sys.argv[0], run_name="__main__")["__name__"])
"""


def _make_resources(folder: Path) -> None:
    """What the examples read, which pip's pyspark does not bring."""
    import pyarrow
    from pyarrow import orc, parquet

    (folder / "dir1" / "dir2").mkdir(parents=True)
    users = pyarrow.table(
        {"name": ["Ben", "Al"], "favorite_color": ["red", None], "favorite_numbers": [[], [3, 9]]},
        pyarrow.schema(
            {"name": "string", "favorite_color": "string", "favorite_numbers": pyarrow.list_(pyarrow.int32())}
        ),
    )
    parquet.write_table(users, folder / "users.parquet")
    orc.write_table(users, folder / "users.orc")
    for name in ("dir1/file1", "dir1/dir2/file2"):
        parquet.write_table(pyarrow.table({"file": [f"{name}.parquet"]}), folder / f"{name}.parquet")
        middle_of_june_2050 = 2_538_900_000
        os.utime(folder / f"{name}.parquet", (middle_of_june_2050, middle_of_june_2050))
    (folder / "people.json").write_text('{"name":"Michael"}\n{"name":"Andy", "age":30}\n')
    (folder / "people.csv").write_text("name;age;job\nJorge;30;Developer\n")
    (folder / "people.txt").write_text("Michael, 29\nAndy, 30\n")


@pytest.mark.spark
def test_examples_of_sparks_own(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> None:
    import pyspark

    examples = Path(pyspark.__file__).parent / "examples" / "src" / "main" / "python"
    if not examples.exists():
        pytest.skip("this pyspark comes without its examples")
    jobs.write("hookline.yaml", QUIET)
    jobs.write("job.py", SEVERAL)
    jobs.write("examples/README", "what the examples read, where they look for it")
    _make_resources(jobs.folder / "examples" / "src" / "main" / "resources")
    jobs.write("words.txt", "a b a\nc a\n")
    jobs.write("numbers.txt", "3\n1\n2\n")
    lines = ["|".join((str(examples / name), *arguments)) for name, arguments in EXAMPLES.items()]
    bare = jobs.bare("job.py", *lines)
    kept = tmp_path_factory.mktemp("bare")
    jobs.take_away(kept)
    attached = jobs.attached("job.py", *lines)
    assert attached.out == bare.out, attached.err
    assert jobs.content() == jobs.content(kept)
    assert len(jobs.content(kept)) >= 8
    # The last example goes on to a database server that is not there.
    assert (attached.code, bare.code) == (1, 1)
    assert attached.err.rstrip().splitlines()[-1] == bare.err.rstrip().splitlines()[-1]
    assert attached.summary["unseen_writes"] == 0


# -- attach, job and run, in this process ------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))


@pytest.fixture
def attachment(spark: SparkSession, config: Config) -> Iterator[hookline.Attachment]:
    attachment = attach.attach(spark, config, job="outer")
    yield attachment
    attachment.detach()


@pytest.mark.spark
def test_attached_twice_is_attached_once(
    attachment: hookline.Attachment, spark: SparkSession, config: Config, tmp_path: Path
) -> None:
    assert hookline.attach(spark) is attachment
    spark.range(3).write.parquet(str(tmp_path / "out"))
    watch.drain()
    assert len(RecordingPlugin.last.seen("on_run_started")) == 1
    assert len(RecordingPlugin.last.seen("on_write_finished")) == 1
    ended = attachment.detach()
    assert ended is not None
    assert (ended.status, ended.writes_total) == ("finished", 1)
    assert attachment.detach() is ended
    spark.range(3).write.parquet(str(tmp_path / "unseen"))
    watch.drain()
    assert len(RecordingPlugin.last.seen("on_write_finished")) == 1
    with attach.attach(spark, config) as again:
        assert again is not attachment
        spark.range(3).write.parquet(str(tmp_path / "seen"))
    assert len(RecordingPlugin.last.seen("on_write_finished")) == 1


@pytest.mark.spark
def test_a_write_belongs_to_the_innermost_run(
    attachment: hookline.Attachment, spark: SparkSession, tmp_path: Path
) -> None:
    @hookline.job("inner")
    def load() -> str:
        spark.range(2).write.parquet(str(tmp_path / "inner"))
        return "answer"

    assert load() == "answer"
    spark.range(3).write.parquet(str(tmp_path / "outer"))
    with pytest.raises(ZeroDivisionError), hookline.run("failing"):
        1 / 0  # noqa: B018
    with pytest.raises(SystemExit), hookline.run("leaving"):
        sys.exit(0)
    attachment.detach()
    ends = [*RecordingPlugin.last.seen("on_run_finished"), *RecordingPlugin.last.seen("on_run_failed")]
    assert [(end.status, [Path(write.dataset.name).name for write in end.writes]) for end in ends] == [
        ("finished", ["inner"]),
        ("finished", []),
        ("finished", ["outer"]),
        ("failed", []),
    ]


@pytest.mark.spark
def test_what_is_refused_inside_is_refused_outside(
    attachment: hookline.Attachment, spark: SparkSession, tmp_path: Path
) -> None:
    RecordingPlugin.last.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=1)]
    with pytest.raises(WriteRefusedError), hookline.run("inner"):
        spark.range(2).write.parquet(str(tmp_path / "inner"))
    assert attachment.refused


@pytest.mark.spark
def test_a_run_that_nobody_ended_ends_before_the_one_around_it(attachment: hookline.Attachment) -> None:
    attach.open_run("forgotten")
    attachment.detach()
    plugin = RecordingPlugin.last
    assert len(plugin.seen("on_run_started")) == 2
    assert [len(plugin.seen(hook)) for hook in ("on_run_finished", "on_run_failed")] == [2, 0]


@pytest.mark.spark
def test_a_gate_of_another_configuration_is_not_lost(
    attachment: hookline.Attachment, spark: SparkSession, tmp_path: Path
) -> None:
    gated = Config(
        state_dir=tmp_path, plugins=(PluginEntry("hookline.testing:RecordingPlugin"),),
        required_gates=("hookline.testing:RecordingPlugin",),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="RecordingPlugin' would not be required"), hookline.run("x", config=gated):
        raise AssertionError("it must not come to this")
    with pytest.raises(ConfigError, match="would not be required"):
        hookline.attach(spark, gated)
