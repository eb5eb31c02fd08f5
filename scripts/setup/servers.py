"""The servers and programs that the tests start for themselves: without one of them its tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from debian import Need, how_to_install, install
from report import Refusal, say


def install_servers() -> None:
    """Install what is missing, or say what the tests will do without; never a reason not to test."""
    missing = list(_missing())
    if not missing:
        return
    try:
        install(missing)
    except Refusal as problem:
        told = how_to_install(missing) if os.geteuid() == 0 else str(problem)
        say(f"the tests that need it will be skipped: {told}")


def _missing() -> Iterator[Need]:
    if shutil.which("initdb") is None and not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        yield Need("the PostgreSQL server", ("postgresql",))
    if shutil.which("chromium") is None:
        yield Need("Chromium", ("chromium",))
    if shutil.which("dot") is None:
        yield Need("Graphviz", ("graphviz",))
    for program in ("prometheus", "prometheus-pushgateway"):
        if shutil.which(program) is None:
            yield Need(program, (program,))
