"""A PostgreSQL server of the tests' own, and a store on each kind of database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookline.core.store import Store

PASSWORD = "p@ss/w:rd-sEcret"


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    candidates = [*([Path(found).parent] if found else []), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    return next((folder for folder in reversed(candidates) if (folder / "initdb").exists()), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server that is started for the tests, without the database's name."""
    pytest.importorskip("psycopg")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("the PostgreSQL server is not installed (Debian: postgresql)")
    # The server refuses to run as root, and its user can't enter pytest's own folders.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="hookline-postgresql-"))
    secret, data, port = folder / "password", folder / "data", _free_port()
    secret.write_text(PASSWORD)
    if as_user:
        shutil.chown(folder, "postgres")
        shutil.chown(secret, "postgres")

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=120)

    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    pg_ctl = (str(binaries / "pg_ctl"), "-D", str(data))
    try:
        run(
            str(binaries / "initdb"), "-D", str(data), "-U", "tester", "-A", "scram-sha-256", "--pwfile", str(secret),
            "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        run(*pg_ctl, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://tester:p%40ss%2Fw%3Ard-sEcret@127.0.0.1:{port}"
        finally:
            run(*pg_ctl, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    import psycopg
    from psycopg import sql

    server = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server}/{name}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store."""
    opened = Store(store_url)
    yield opened
    opened.close()
