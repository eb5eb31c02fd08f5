"""The platform as a job: land some days of the real data, then bring bronze, silver and gold up to date.

    python -m hookline.pipelines.retail.job --dir demo-data --days 14
    hookline run -- src/hookline/pipelines/retail/job.py --dir demo-data --days 14

Run it again and nothing happens; run it with more days and only these are processed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hookline.pipelines.retail import findings, flow
from hookline.pipelines.retail.faults import NO_FAULTS, FaultShares
from hookline.pipelines.retail.lake import Lake
from hookline.pipelines.retail.landing import Landing
from hookline.pipelines.retail.session import build_session


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job."""
    options = _parser().parse_args(arguments)
    faults = NO_FAULTS if options.clean else FaultShares()
    landing = Landing(options.dir.resolve(), fraction=options.fraction, seed=options.seed, faults=faults)
    days = landing.land(options.days)
    sys.stdout.write(f"landed {len(days)} new days in {landing.root}\n")
    spark = build_session()
    try:
        lake = Lake(spark, landing.root)
        written = flow.run(lake, _tell)
        sys.stdout.write(f"wrote {len(written)} tables\n")
        if options.findings:
            sys.stdout.write(f"\n{findings.tell(lake, landing.manifest)}")
    finally:
        spark.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="retail", description="Land real retail sales and bring the tables up to date."
    )
    parser.add_argument("--dir", type=Path, default=Path("demo-data"), help="the platform's folder (%(default)s)")
    parser.add_argument("--days", type=int, default=14, help="how many days of the year have landed (%(default)s)")
    parser.add_argument("--fraction", type=float, default=1.0, help="the share of the households to keep (%(default)s)")
    parser.add_argument("--seed", type=int, default=2017, help="fixes households, people and faults (%(default)s)")
    parser.add_argument("--clean", action="store_true", help="put no faults into the landing files")
    parser.add_argument("--findings", action="store_true", help="tell which bad rows were found, and where they are")
    return parser


def _tell(done: flow.Progress) -> None:
    state = "written" if done.wrote else "nothing new"
    sys.stderr.write(f"[{done.place:>2}/{done.of}] {done.table}: {state}\n")


if __name__ == "__main__":
    main()
