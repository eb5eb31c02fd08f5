"""What tests of every room share."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.fuse import Target

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / ".cache" / "jars"
os.environ.setdefault("SPARK_CONF_DIR", str(Path(__file__).resolve().parent / "spark"))
# OpenLineage's schemas, where they are kept beside the repository.
SPEC = next((found for above in ROOT.parents if (found := above / "shared" / "openlineage-spec").is_dir()), None)
Validate = Callable[[dict[str, Any]], list[str]]

# Workers of pytest-xdist have a main module without a file or a specification. PySpark takes that for its own doctests, and
# ends the process when Spark Connect's packages are missing.
if not hasattr(sys.modules["__main__"], "__file__") and sys.modules["__main__"].__spec__ is None:
    sys.modules["__main__"].__spec__ = ModuleSpec("__main__", None)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One small local session for all tests that need Spark, with Delta Lake when its jars have been fetched."""
    from pyspark.sql import SparkSession

    warehouse = tmp_path_factory.mktemp("warehouse")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = (
        SparkSession.builder.master("local[2]")
        .appName("hookline-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        # Thousands of tests share it: what Spark and Delta remember of each must not add up until the context stops itself.
        .config("spark.driver.memory", "2g")
        .config("spark.ui.retainedJobs", "50")
        .config("spark.ui.retainedStages", "50")
        .config("spark.ui.retainedTasks", "1000")
        .config("spark.sql.ui.retainedExecutions", "20")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(warehouse))
        .config(
            "spark.driver.extraJavaOptions",
            f"-Dderby.system.home={warehouse} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        )
    )
    jars = sorted(str(jar) for jar in JARS.glob("*.jar"))
    if any("delta-spark" in jar for jar in jars):
        builder = (
            builder.config("spark.jars", ",".join(jars))
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.databricks.delta.snapshotPartitions", "2")
        )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def shared_session_is_active() -> None:
    """A test that worked with another session may have left it active: Spark then looks up sources and catalogs there."""
    sql: Any = sys.modules.get("pyspark.sql")
    session = sql.SparkSession._instantiatedSession if sql is not None else None
    if session is not None and session._sc._jsc is not None:
        sql.SparkSession._activeSession = session
        session._jvm.SparkSession.setActiveSession(session._jsparkSession)


def _partition(base: Path, file: Path) -> dict[str, str | None]:
    pairs = (part.split("=", 1) for part in file.relative_to(base).parts[:-1])
    return {unquote(name): None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value) for name, value in pairs}


@pytest.fixture
def parquet_target(spark: SparkSession) -> Callable[..., Target]:
    """The target of a Parquet folder that was written with this schema."""

    from hookline.core.fuse import Target, WrittenFile, columns_of

    def make(path: Path, schema: StructType, **more: Any) -> Target:
        files = tuple(
            WrittenFile(str(file), file.stat().st_size, partition=_partition(path, file))
            for file in sorted(path.rglob("*.parquet"))
        )
        described = {
            "spark": spark,
            "format": "parquet",
            "columns": columns_of(schema),
            "files": files,
            "read_back": lambda: spark.read.schema(schema).parquet(str(path)),
        }
        return Target(**(described | more))

    return make


# -- OpenLineage: every event that any test makes is held against the specification's schemas --------------------------


@cache
def _validator() -> Validate | None:
    """Holds an event against OpenLineage.json and each of its facets against the schema that it names."""
    if SPEC is None:
        return None
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    paths = [SPEC / "OpenLineage.json", *sorted((SPEC / "facets").glob("*.json"))]
    schemas = {schema["$id"]: schema for schema in (json.loads(path.read_text()) for path in paths)}
    registry: Registry[Any] = Registry().with_resources(
        (key, Resource.from_contents(schema)) for key, schema in schemas.items()
    )
    formats = Draft202012Validator.FORMAT_CHECKER
    formats.checks("date-time", ValueError)(lambda text: dt.datetime.fromisoformat(text).tzinfo is not None)
    formats.checks("uri")(lambda text: re.fullmatch(r"[a-z][a-z0-9+.-]*:[!-~]+", text) is not None)

    @cache
    def validator(reference: str) -> Any:
        assert reference.partition("#")[0] in schemas, f"{reference} is no schema of the specification"
        return Draft202012Validator({"$ref": reference}, registry=registry, format_checker=formats)

    def problems(value: Any, reference: str) -> list[str]:
        return [f"{reference}: {error.message}" for error in validator(reference).iter_errors(value)]

    def check(event: dict[str, Any]) -> list[str]:
        event = json.loads(json.dumps(event, allow_nan=False))
        found = problems(event, "https://openlineage.io/spec/2-0-2/OpenLineage.json")
        found += problems(event, event["schemaURL"])
        for facet in _facets_in(event):
            found += problems(facet, facet["_schemaURL"])
        return found

    return check


def _facets_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [facet for item in value for facet in _facets_in(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if "_schemaURL" in value else []
    return own + [facet for item in value.values() for facet in _facets_in(item)]


@pytest.fixture(scope="session")
def validate() -> Validate:
    """What is wrong with an event, by the specification's schemas."""
    check = _validator()
    if check is None:
        pytest.skip("the OpenLineage schemas are not here")
    return check


@pytest.fixture(scope="session", autouse=True)
def _invalid_events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Problems of the events that this process makes; at the end, those in files that other processes wrote as well."""
    from hookline.lineage import events, openlineage

    found: list[str] = []
    check = _validator()
    make, export = openlineage.EventBuilder._event, events._events

    def made(builder: Any, *arguments: Any) -> Any:
        event = make(builder, *arguments)
        found.extend(check(event) if check is not None else ())
        return event

    def exported(graph: Any) -> Iterator[dict[str, Any]]:
        for event in export(graph):
            found.extend(check(event) if check is not None else ())
            yield event

    openlineage.EventBuilder._event = made  # type: ignore[method-assign]
    events._events = exported
    yield found
    openlineage.EventBuilder._event = make  # type: ignore[method-assign]
    events._events = export
    for file in tmp_path_factory.getbasetemp().rglob("lineage.ndjson") if check is not None else ():
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()  # some tests spoil theirs
        events = [json.loads(line) for line in lines if line.startswith('{"eventType"')]
        assert [(file, problem) for event in events for problem in check(event)] == []


@pytest.fixture(autouse=True)
def _only_valid_events(_invalid_events: list[str]) -> Iterator[None]:
    """A test that made an invalid event fails, whatever became of the event."""
    yield
    problems = list(dict.fromkeys(_invalid_events))
    _invalid_events.clear()
    assert problems == []


# -- a real browser ----------------------------------------------------------------------------------------------------

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1400,900",
)
_PATIENCE_S = 60.0


class Page:
    """One page in the browser, spoken to by the DevTools protocol."""

    def __init__(self, browser: Browser, target: str | None = None) -> None:
        self._browser = browser
        self.own = "file:"  # what the page may load from
        self.target = target or browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        return self._browser.call(method, self.session, **parameters)

    def open(self, place: Path | str, fragment: str = "", *, scheme: str = "light") -> None:
        """Load a file, or an address, and wait until its script is through."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url="about:blank")
        address = place if isinstance(place, str) else place.as_uri()
        self.call("Page.navigate", url=address + (f"#{fragment}" if fragment else ""))
        self.wait("document.readyState === 'complete' && (document.contentType !== 'text/html' "
                  "|| !document.getElementById('hl-data') || document.documentElement.dataset.ready === 'yes')")  # fmt: skip

    def eval(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not self.eval(condition):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            time.sleep(0.02)

    def inside(self) -> Page:
        """The one frame of this page, which the browser keeps in a process of its own."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            targets = self._browser.call("Target.getTargets")["targetInfos"]
            found = [one["targetId"] for one in targets if one["type"] == "iframe"]
            if found:
                return Page(self._browser, found[0])
            time.sleep(0.02)
        raise AssertionError("the frame never came")

    def center(self, selector: str) -> tuple[float, float]:
        box = self.eval(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return box[0], box[1]

    def hover(self, selector: str) -> None:
        x, y = self.center(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        self.hover(selector)
        x, y = self.center(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, key: str) -> None:
        code = {"Enter": 13, "Escape": 27, " ": 32}.get(key, 0)
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def screenshot(self) -> bytes:
        return b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def told(self) -> str:
        return str(self.eval("document.querySelector('.told').textContent"))

    def complaints(self) -> list[str]:
        """What scripts threw, what the policy stopped, and what the page wanted from elsewhere."""
        found = []
        for event in self._browser.events:
            if event.get("sessionId") != self.session:
                continue
            what = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(what["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
                found.append(str(what["entry"]["text"]))
            elif event["method"] == "Network.requestWillBeSent":
                url = what["request"]["url"]
                found += [] if url.startswith((self.own, "about:", "data:")) else [url]
            elif event["method"] == "Page.javascriptDialogOpening":
                found.append(f"a dialog: {what['message']}")
        return found


class Browser:
    """Chromium without a window, on a pipe."""

    def __init__(self, program: str, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._ids = itertools.count(1)
        to_it, self._to = os.pipe()
        self._from, from_it = os.pipe()
        # The protocol is on the file descriptors 3 and 4; a shell puts them there, whatever is open here.
        line = f'exec "$@" 3<&{to_it} 4>&{from_it}'
        command = ["bash", "-c", line, "bash", program, *FLAGS, f"--user-data-dir={folder}", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [*command, "about:blank"], pass_fds=(to_it, from_it), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_it)
        os.close(from_it)
        self._rest = b""

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser has gone"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def close(self) -> None:
        self.call("Browser.close")
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: chromium)")
    made = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield made
    made.close()


@pytest.fixture
def view(browser: Browser) -> Iterator[Page]:
    """A new page, which has to stay without complaints."""
    page = Page(browser)
    yield page
    assert page.complaints() == []
    browser.call("Target.closeTarget", targetId=page.target)
    browser.events.clear()
