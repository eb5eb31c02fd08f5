"""Graphs to draw, and a real browser to look at them with."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline.lineage.graph import How, LineageGraph, Node

JOB = ("jobs", "etl")
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


def column(dataset: str, name: str) -> Node:
    return Node("column", "file", f"/lake/{dataset}", name)


def link(graph: LineageGraph, source: Node, target: Node, how: str = "IDENTITY", kind: Any = "DIRECT") -> None:
    graph.link(source, target, How(kind, how), jobs=[JOB], first=1.0, last=1.0)
    if source.kind == "column":
        graph.link(source.dataset, target.dataset, How("DIRECT", "append"), jobs=[JOB], first=1.0, last=1.0)


@pytest.fixture
def shop() -> LineageGraph:
    """Five tables in three layers, one of them linked over a layer, with everything that can be drawn."""
    graph = LineageGraph()
    for name in ("id", "price", "mail"):
        link(graph, column("bronze/orders", name), column("silver/sales", name))
    link(graph, column("bronze/stores", "id"), column("silver/sales", "id"), "JOIN", "INDIRECT")
    link(graph, column("silver/sales", "price"), column("gold/daily", "revenue"), "AGGREGATION")
    link(graph, column("silver/sales", "id"), Node("dataset", "file", "/lake/gold/daily"), "FILTER", "INDIRECT")
    link(graph, column("bronze/stores", "id"), column("gold/daily", "store"))
    link(graph, Node("dataset", "file", "/lake/gold/daily"), Node("job", "jobs", "page"), "read")
    link(graph, Node("dataset", "file", "/lake/gold/daily"), Node("dataset", "file", "/lake/gold/daily"), "merge")
    graph.know(graph.number(column("silver/sales", "mail"))).tags["pii"] = "email"
    daily = graph.know(graph.number(Node("dataset", "file", "/lake/gold/daily")))
    daily.written_at, daily.passed, daily.failed, daily.incomplete = 1_777_863_721.0, 3, 1, "an RDD in between"
    daily.owners.add("team:finance")
    return graph


@pytest.fixture
def many() -> LineageGraph:
    """Five hundred tables in four layers."""
    graph = LineageGraph()
    layers = ("landing", "bronze", "silver", "gold")
    for number in range(500):
        own, above = layers[number % 4], layers[number % 4 - 1]
        for name in ("id", "value"):
            graph.add(column(f"{own}/t{number}", name))
        if number % 4:
            for source in (number - 1, (number * 7) % 500 // 4 * 4 + number % 4 - 1):
                for name in ("id", "value"):
                    link(graph, column(f"{above}/t{source}", name), column(f"{own}/t{number}", name))
    return graph


class Page:
    """One page in the browser, spoken to by the DevTools protocol."""

    def __init__(self, browser: Browser, target: str | None = None) -> None:
        self._browser = browser
        self.target = target or browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        return self._browser.call(method, self.session, **parameters)

    def open(self, file: Path, fragment: str = "", *, scheme: str = "light") -> None:
        """Load a file and wait until its script is through."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=file.as_uri() + (f"#{fragment}" if fragment else ""))
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
                found += [] if url.startswith(("file:", "about:", "data:")) else [url]
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
