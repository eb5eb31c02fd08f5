"""What telling others costs: the attached job without and with all observability plugins, in turn, medians.

    python benchmarks/overhead/observed.py [--rounds 5] [--scale 1] [--format parquet] [--add]

Moto stands for AWS and Datadog's test agent for its agent, each a process of its own; a port of this process takes what
DogStatsD is told, and another one what OTLP, the Pushgateway and the webhook are. Elsewhere back ends have machines of their
own: here those that are processes have the lowest priority, and the CPU that all of them used is told beside the job's, which it
is not a part of. Adds to results.json and RESULTS.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from overhead_page import markdown
from processes import Cost, adopt_orphans
from results import compile_package, load, save, surroundings
from run import CACHE, HERE, make_input, medians_of, run_job

SIDES = {"attached": HERE / "hookline.yaml", "observed": HERE / "observed.yaml"}
_NICE = "/usr/bin/nice"
# What must have come where, so that a plugin that sends nothing does not pass for a cheap one.
_PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs", "/metrics/job/")


@dataclass
class BackEnds:
    """Where the plugins send to.

    Attributes:
        environ: the addresses, by the names that ``observed.yaml`` has for them.
        paths: what was asked of the one HTTP server that takes everything.
        datagrams: how many came.
        processes: those that are servers.
    """

    environ: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    datagrams: int = 0
    processes: list[int] = field(default_factory=list)

    def cpu_s(self) -> float:
        """What all of them have used so far."""
        stats = (Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split() for process in self.processes)
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in stats)
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")

    def check(self) -> None:
        """Raise where a plugin has sent nothing."""
        silent = [path for path in _PATHS if not any(one.startswith(path) for one in self.paths)]
        if silent or not self.datagrams:
            raise RuntimeError(f"nothing came to {', '.join(silent) or 'DogStatsD'}")


def main() -> None:
    """Measure, and write the results."""
    args = _parse_args()
    adopt_orphans()
    source = make_input(args.scale)
    work = CACHE / "observed"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    compile_package()
    before = load(args.out).get("observed", {}).get("rounds") if args.add else None
    with _back_ends(work) as back_ends:
        rounds, theirs = _measure(args.format, source, work, args.rounds, back_ends, before)
        back_ends.check()
    medians = {side: medians_of([Cost(**cost) for cost in costs]) for side, costs in rounds.items()}
    found = {
        **surroundings(),
        "scale": args.scale,
        "format": args.format,
        "rounds": rounds,
        "medians": medians,
        "ratio": {key: medians["observed"][key] / medians["attached"][key] for key in medians["attached"]},
        "back_ends_cpu_s": statistics.median(theirs),
    }
    sys.stdout.write(save(args.out, {"observed": found}, markdown))
    shutil.rmtree(work)


def _measure(
    form: str, source: Path, work: Path, rounds: int, back_ends: BackEnds, before: dict[str, Any] | None
) -> tuple[dict[str, list[dict[str, float]]], list[float]]:
    costs: dict[str, list[dict[str, float]]] = before or {side: [] for side in SIDES}
    theirs: list[float] = []
    for number in range(rounds + 1):
        for side in SIDES if number % 2 else reversed(SIDES):
            used = back_ends.cpu_s()
            cost, _ = run_job(SIDES[side], form, source, work, back_ends.environ, back_ends.processes)
            if number and side == "observed":
                theirs.append(back_ends.cpu_s() - used)
            sys.stderr.write(f"{form} round {number} {side}: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s\n")
            if number:  # the first warms up
                costs[side].append(asdict(cost))
    return costs, theirs


@contextlib.contextmanager
def _back_ends(work: Path) -> Iterator[BackEnds]:
    found = BackEnds()
    programs = Path(sys.executable).parent
    aws, agent = _free_port(), _free_port()
    with contextlib.ExitStack() as stack:
        moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(aws)]
        others = ["--web-ui-port", "0", "--otlp-http-port", str(_free_port()), "--otlp-grpc-port", str(_free_port())]
        tester = [str(programs / "ddapm-test-agent"), "--port", str(agent), *others]
        for command, port in ((moto, aws), (tester, agent)):
            found.processes.append(stack.enter_context(_server(command, port, work)))
        statsd = stack.enter_context(_statsd(found))
        web = stack.enter_context(_takes_everything(found))
        found.environ = {
            "AWS_URL": f"http://127.0.0.1:{aws}",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TRACE_URL": f"http://127.0.0.1:{agent}",
            "STATSD_URL": f"udp://127.0.0.1:{statsd}",
            **dict.fromkeys(("OTLP_URL", "GATEWAY_URL", "HOOK_URL"), f"http://127.0.0.1:{web}"),
        }
        yield found


@contextlib.contextmanager
def _server(command: Sequence[str], port: int, work: Path) -> Iterator[int]:
    with (work / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen([_NICE, "-n", "19", *command], stdout=log, stderr=log, cwd=work)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not listen; see {log.name}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def _statsd(found: BackEnds) -> Iterator[int]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))

    def take() -> None:
        while listener.recv(65_536):
            found.datagrams += 1

    thread = threading.Thread(target=take)
    thread.start()
    port = int(listener.getsockname()[1])
    try:
        yield port
    finally:
        listener.sendto(b"", ("127.0.0.1", port))
        thread.join()
        listener.close()


@contextlib.contextmanager
def _takes_everything(found: BackEnds) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.paths.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the observability plugins cost the attached job.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H's scale factor; 1 has 6 million rows")
    parser.add_argument("--format", default="parquet", choices=["parquet", "delta"])
    parser.add_argument("--add", action="store_true", help="add to the rounds of results.json")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
