"""Run the reference platform on its real data, with every local plugin on. No account, no network service.

hookline demo [--dir D] [--scale N] [--days N]
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--dir", type=Path, default=Path("demo-data"), help="the platform's folder (%(default)s)")
    parser.add_argument(
        "--scale", type=float, default=0.2, metavar="N", help="the share of the households, up to 1 (%(default)s)"
    )
    parser.add_argument("--days", type=int, default=7, help="how many days have landed (%(default)s)")


def main(args: argparse.Namespace) -> int:
    """Run the retail job as any other job is run."""
    from hookline.commands import run
    from hookline.pipelines import retail

    folder = args.dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HOOKLINE_DIR", str(folder / ".hookline"))
    config = Path(retail.__file__).with_name("hookline.yaml")
    summary = folder / "last-run.json"
    job = ["-m", "hookline.pipelines.retail.job", "--dir", str(folder), "--days", str(args.days), "--findings"]
    parser = argparse.ArgumentParser()
    run.add(parser)
    command = ["--config", str(config), "--json", str(summary), "--", *job, "--fraction", str(args.scale)]
    code = run.main(parser.parse_args(command))
    if code == 0:
        _sketch_lineage(folder, config)
    sys.stdout.flush()
    sys.stderr.write(_next_steps(folder, summary))
    return code


def _sketch_lineage(folder: Path, config: Path) -> None:
    from hookline.commands import lineage

    sys.stdout.write("\nlineage of one table:\n")
    parser = argparse.ArgumentParser()
    lineage.add(parser)
    lineage.main(parser.parse_args(["show", str(folder / "gold" / "daily_sales"), "--up", "--config", str(config)]))


def _next_steps(folder: Path, summary: Path) -> str:
    state = f"HOOKLINE_DIR={shlex.quote(os.environ['HOOKLINE_DIR'])}"
    table = shlex.quote(str(folder / "gold" / "household_value"))
    program = _program()
    return (
        f"\nThe whole summary is in {summary}; the tables are under {folder}.\n"
        "Type next:\n"
        f"  {state} {program} runs\n"
        f"  {state} {program} lineage show {table} --up\n"
        f"  {program} run -- your_own_job.py\n"
    )


def _program() -> str:
    """This program with its whole path: scripts/demo's environment is not on the PATH of the shell that called it."""
    program = Path(sys.executable).with_name("hookline")
    return shlex.quote(str(program)) if program.exists() else f"{shlex.quote(sys.executable)} -m hookline"
