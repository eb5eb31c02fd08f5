"""Who is answered: names against rebinding, tokens, methods; and what a browser is told it may do."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hookline.cli import main
from hookline.observability.ui.app import Sources, application

pytestmark = pytest.mark.server
TOKEN = "a-token-of-the-suite-9f2c"


@pytest.fixture(scope="module")
def closed(sources: Sources, serving: Callable[..., Any]) -> Any:
    return serving(application(sources, token=TOKEN, names=("pages.example",)))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:99", 200),
        ("127.0.0.1:8", 200),
        ("[::1]:8", 200),
        ("10.1.2.3", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("localhost:80@evil.example", 421),
        ("[::1].evil.example", 421),
        ("", 421),
    ],
)
def test_only_known_names_are_answered(site: Any, host: str, status: int) -> None:
    assert site.get("/", Host=host).status == status


def test_headers_bind_the_browser(site: Any) -> None:
    for path in ("/", "/api/v1/runs", "/assets/page.js", "/nowhere"):
        headers = site.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["access-control-allow-origin"] is None
        assert headers["server"] is None or "uvicorn" in headers["server"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(site: Any, method: str) -> None:
    assert site.get("/runs", method).status == 405


def test_without_the_token_there_is_only_the_entrance(closed: Any) -> None:
    for path in ("/", "/runs", "/lineage/picture", "/nowhere"):
        answer = closed.get(path)
        assert answer.status == 401
        assert "load orders" not in answer.text
    assert closed.get("/api/v1/runs").status == 401
    assert closed.get("/api/openapi.json").status == 401
    assert closed.get("/assets/style.css").status == 200
    assert closed.get("/", Host="pages.example:80", Authorization=f"Bearer {TOKEN}").status == 200
    for wrong in ("", TOKEN[:-1], TOKEN + "x", "ü", "\x7f"):
        assert closed.get("/", Authorization=f"Bearer {wrong}".encode().decode("latin-1")).status == 401
        assert closed.get("/", Cookie=f"hookline_ui={wrong}".encode().decode("latin-1")).status == 401
    assert closed.get("/", Cookie=f"hookline_ui={TOKEN}").status == 401, "the cookie is not the token"


@pytest.mark.parametrize("way", ["query", "form"])
def test_the_token_becomes_a_cookie_once(closed: Any, way: str) -> None:
    if way == "query":
        answer = closed.get(f"/runs?token={TOKEN}&status=failed")
        assert 'url=/runs?status=failed"' in answer.text
    else:
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        assert closed.get("/entrance", "POST", "token=wrong", **kind).status == 401
        assert closed.get("/entrance", "POST", "token=" + "x" * 9_000, **kind).status == 401
        answer = closed.get("/entrance", "POST", f"token={TOKEN}", **kind)
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie + answer.text
    kept = cookie.partition(";")[0]
    assert closed.get("/runs", Cookie=kept).status == 200
    assert closed.get("/runs", Cookie=kept[:-1]).status == 401


def test_the_way_on_never_leads_elsewhere(closed: Any) -> None:
    for path in ("//evil.example/", "/%5Cevil.example", "/%2F%2Fevil.example"):
        way = re.search(r'url=([^"]*)"', closed.get(f"{path}?token={TOKEN}").text)
        assert way is not None
        assert re.match(r"/(?![/\\])", way.group(1))


def test_other_machines_need_a_token_that_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOOKLINE_UI_TOKEN", raising=False)
    assert main(["ui", "--host", "0.0.0.0", "--port", "0"]) == 4  # noqa: S104
    assert "HOOKLINE_UI_TOKEN" in capsys.readouterr().err
    assert main(["ui", "--host", "0.0.0.0", "--token", "short-secret"]) == 4  # noqa: S104
    told = capsys.readouterr().err
    assert "too short" in told
    assert "short-secret" not in told
    assert main(["ui", "--port", "99999"]) == 1


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hookline", "ui", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", line).group(1))  # type: ignore[union-attr]
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        assert b"No run history yet" in connection.getresponse().read()
        connection.close()
        process.send_signal(2)
        assert process.wait(20) in (0, 130)
    assert [one.name for one in tmp_path.iterdir()] == [], "looking leaves nothing behind"
