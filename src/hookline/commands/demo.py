"""Run the reference platform on its real data, with every local plugin on. No account, no network service.

hookline demo [--dir D] [--scale N] [--days N]
"""

from __future__ import annotations

import argparse
import os
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
    job = ["-m", "hookline.pipelines.retail.job", "--dir", str(folder), "--days", str(args.days)]
    parser = argparse.ArgumentParser()
    run.add(parser)
    command = ["--config", str(config), "--json", str(summary), "--", *job, "--fraction", str(args.scale)]
    code = run.main(parser.parse_args(command))
    sys.stderr.write(_next_steps(folder, summary))
    return code


def _next_steps(folder: Path, summary: Path) -> str:
    state = os.environ["HOOKLINE_DIR"]
    return (
        f"\nThe whole summary is in {summary}; the tables are under {folder}.\n"
        "Type next:\n"
        f"  HOOKLINE_DIR='{state}' hookline runs\n"
        f"  hookline lineage show '{folder}/gold/daily_sales' --up --events '{state}/lineage.ndjson'\n"
        "  hookline run -- your_own_job.py\n"
    )
