"""A Marquez server is read through its documented API; a bad one is told in a sentence."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

import hookline.lineage
from hookline.lineage.marquez import Marquez, MarquezError
from hookline.lineage.works import Period, graph_of

Answer = tuple[int, bytes]


def event(number: int, source: str, target: str) -> dict[str, Any]:
    field = {"namespace": "s3://a/b", "name": source, "field": "x"}
    output = {"namespace": "db", "name": target}
    output["facets"] = {"columnLineage": {"fields": {"y": {"inputFields": [field]}}}}
    return {
        "eventType": "COMPLETE",
        "eventTime": f"2026-03-{number:02}T12:00:00Z",
        "run": {"runId": f"00000000-0000-4000-8000-{number:012}"},
        "job": {"namespace": "jobs", "name": "etl"},
        "inputs": [{"namespace": "s3://a/b", "name": source}],
        "outputs": [output],
    }


class Server:
    """Answers as Marquez documents it: lists with ``totalCount``, by ``limit`` and ``offset``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], str | None]] = []
        self.events: list[Any] = [event(day, f"raw{day}", "sales") for day in range(1, 8)]
        self.answer: Callable[[str], Answer | None] = lambda path: None
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                outer.asked.append((parts.path, query, self.headers.get("Authorization")))
                status, body = outer.answer(parts.path) or (200, json.dumps(outer.reply(parts.path, query)).encode())
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def reply(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path == "/api/v1/events/lineage":
            wanted = [
                one
                for one in self.events
                if not isinstance(one, dict)
                or query.get("after", "") <= one.get("eventTime", "") <= query.get("before", "9")
            ]
            return self.page("events", wanted, query)
        if path == "/api/v1/namespaces":
            namespaces = [{"name": name, "createdAt": "2026-01-01T00:00:00Z"} for name in ("db", "s3://a/b")]
            return {"namespaces": self.page("namespaces", namespaces, query)["namespaces"]}  # it tells no total
        namespace = unquote(path.removeprefix("/api/v1/namespaces/").removesuffix("/datasets"))
        fields = [{"name": "x", "type": "string", "tags": ["PII"]}, {"name": "z", "type": None, "tags": []}]
        tagged = {
            "id": {"namespace": namespace, "name": "raw1"},
            "name": "raw1",
            "tags": ["SENSITIVE"],
            "fields": fields,
        }
        plain = {"id": {"namespace": namespace, "name": "raw2"}, "name": "raw2", "tags": [], "fields": []}
        return self.page("datasets", [tagged, plain, {"odd": 1}] if namespace == "s3://a/b" else [], query)

    @staticmethod
    def page(key: str, items: list[Any], query: dict[str, str]) -> dict[str, Any]:
        start = int(query["offset"])
        return {key: items[start : start + int(query["limit"])], "totalCount": len(items)}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("OPENLINEAGE_API_KEY", raising=False)
    made = Server()
    yield made
    made.close()


def test_all_pages_of_events_and_the_tags(server: Server) -> None:
    server.events.insert(3, {"no": "event"})
    server.events.insert(3, None)
    graph = graph_of(Marquez(server.url, page=2).works())
    assert {node.name for node in graph.nodes} == {"sales", *(f"raw{day}" for day in range(1, 8))}
    assert graph.nodes[graph.find("raw3.x")].id == "s3://a/b|raw3|x"
    assert graph.told(graph.find("raw1")).tags == {"SENSITIVE": ""}
    assert graph.told(graph.find("raw1.x")).tags == {"PII": ""}
    first = server.asked[0]
    assert first[:2] == ("/api/v1/events/lineage", {"sortDirection": "asc", "limit": "2", "offset": "0"})
    assert [query["offset"] for path, query, _ in server.asked if path.endswith("events/lineage")] == [*"02468"]
    assert "/api/v1/namespaces/s3%3A%2F%2Fa%2Fb/datasets" in {path for path, _, _ in server.asked}


def test_the_server_is_asked_for_the_period_only(server: Server) -> None:
    graph = graph_of(Marquez(server.url).works(Period.of("2026-03-04", "2026-03-03")), Period())
    assert {node.name for node in graph.nodes if node.kind == "dataset"} == {"raw1", "raw3", "raw4", "sales"}
    query = server.asked[0][1]
    assert query["after"].startswith("2026-03-03T00:00:00")
    assert query["before"].startswith("2026-03-05T00:00:00")


@pytest.mark.parametrize("suffix", ["", "/", "/api/v1", "/api/v1/"])
def test_in_a_notebook(server: Server, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret-key")
    graph = hookline.lineage.graph(server.url + suffix, tag="SENSITIVE")
    assert set(graph) == {"s3://a/b|raw1", "s3://a/b|raw1|x"}
    assert {key for _, _, key in server.asked} == {"Bearer secret-key"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b"{}"), "answered with status 401; set OPENLINEAGE_API_KEY"),
        ((500, b"secret"), "answered with status 500"),
        ((200, b"<html>secret</html>"), "answered with something that is no JSON object: is it Marquez?"),
        ((200, b"[]"), "answered with something that is no JSON object"),
        ((200, b"\xff\xfe"), "answered with something that is no JSON object"),
        ((200, b'{"events": 5}'), "answered /events/lineage without a list of events"),
        ((200, b"{}"), "answered /events/lineage without a list of events"),
    ],
)
def test_a_bad_answer(server: Server, answer: Answer, said: str) -> None:
    server.answer = lambda path: answer
    with pytest.raises(MarquezError, match=said) as caught:
        hookline.lineage.graph(server.url, api_key="secret")
    assert "secret" not in str(caught.value)


def test_the_key_is_not_carried_elsewhere(server: Server) -> None:
    other = Server()
    server.headers = {"Location": f"{other.url}/api/v1/events/lineage"}
    server.answer = lambda path: (302, b"")
    with pytest.raises(MarquezError, match="status 302"):
        hookline.lineage.graph(server.url, api_key="secret")
    other.close()
    assert other.asked == []


def test_a_server_that_is_not_there() -> None:
    server = Server()
    server.close()
    with pytest.raises(MarquezError, match=r"127\.0\.0\.1:\d+ can't be reached: ConnectionRefusedError"):
        hookline.lineage.graph(server.url)


def test_a_server_that_says_nothing(server: Server) -> None:
    gone = threading.Event()
    server.answer = lambda path: (200, b"{}") if gone.wait(5) else None
    with pytest.raises(MarquezError, match="can't be reached: TimeoutError"):
        list(Marquez(server.url, timeout_s=0.2).works())
    gone.set()


@pytest.mark.parametrize("url", ["http://", "ftp://host", "file:///etc/passwd", "https:///x", "http://user:secret@"])
def test_no_address(url: str) -> None:
    with pytest.raises(MarquezError, match="is no address of a Marquez server") as caught:
        Marquez(url)
    assert "secret" not in str(caught.value)
