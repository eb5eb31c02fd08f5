"""How long a plan and an apply take against Lake Formation, for an estate of 200 tables, 50 principals and 500 rules.

    python benchmarks/access/plan.py [--rounds 3]

The server is that of the tests: Moto, and before it what Moto lacks, with every request held against botocore's service model. It
runs in the same process, so that its work is in the time. Writes RESULTS.md beside this file.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.governance.access.lake_formation import estate  # noqa: E402
from tests.governance.access.lake_formation.server import ACCOUNT, CALLER, REGION, LakeServer  # noqa: E402
from tests.governance.endpoint import CREDENTIALS  # noqa: E402


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    logging.disable(logging.CRITICAL)
    os.environ.update(CREDENTIALS)
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    server = LakeServer(moto.get_host_and_port())
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, took_s in measured(server).items():
            times.setdefault(name, []).append(took_s)
    told = counts(server)
    server.close()
    moto.stop()
    write(times, told, rounds)


def measured(server: LakeServer) -> dict[str, float]:
    """One round, from an empty account."""
    from hookline.core.store import Store
    from hookline.governance.access.lake_formation.account import Account
    from hookline.governance.access.lake_formation.options import LakeFormationOptions
    from hookline.governance.access.lake_formation.service import LakeFormation
    from hookline.governance.access.loading import combine
    from hookline.governance.access.model import AccessPolicy
    from hookline.governance.audit import AuditLog

    server.reset()
    server.lake.settings[ACCOUNT]["DataLakeAdmins"] = [{"DataLakePrincipalIdentifier": CALLER}]
    document = estate.policy()
    estate.build(server, document)
    times: dict[str, float] = {}

    def timed(name: str, do: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        made = do()
        times[name] = time.perf_counter() - begun
        return made

    with tempfile.TemporaryDirectory() as folder:
        access = combine([AccessPolicy.model_validate(document)])
        options = LakeFormationOptions(region=REGION, endpoint_url=server.url)
        store = Store(f"sqlite:///{folder}/store.db")
        log = AuditLog(Path(folder) / "audit.log")
        service = LakeFormation(Account(options), access, options, store, log, "benchmark")
        plan = timed("plan of an empty account", service.plan)
        made = timed(f"apply of {len(plan.steps):,} steps", lambda: service.apply(plan, lambda *_: None))
        assert made.complete
        assert timed("plan when nothing is to be done", service.plan).steps == ()
        assert timed("verify", service.verify)[0] == ()
        store.close()
    return times


def counts(server: LakeServer) -> dict[str, int]:
    """What is in the account."""
    return {
        "grants": sum(len(one.permissions) for one in server.lake.grants[ACCOUNT].permissions),
        "filters": len(server.filters),
        "tags": len(server.lake.lf_database_tags) + len(server.lake.lf_columns_tags),
    }


def write(times: dict[str, list[float]], told: dict[str, int], rounds: int) -> None:
    """RESULTS.md."""
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rows = [
        f"| {name} | {statistics.median(some):.2f} | {min(some):.2f} to {max(some):.2f} |"
        for name, some in times.items()
    ]
    text = f"""# What a plan takes

200 tables in 10 databases, 50 principals, 500 rules of ten kinds; afterwards the account has {told["grants"]:,} permissions,
{told["filters"]:,} data cells filters, and LF-tags on {told["tags"]:,} databases and columns. Wall time in seconds, median of
{rounds} rounds, with least and most; the server (Moto, and what it lacks) runs in the same process and is in the time. Measured
{at} on {os.cpu_count()} cores by `python benchmarks/access/plan.py`.

| what | s | |
|---|---|---|
{chr(10).join(rows)}
"""
    (HERE / "RESULTS.md").write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
