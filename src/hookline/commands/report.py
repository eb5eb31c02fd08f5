"""Report on a run's checks: on the terminal, as one HTML file for an audit, or beside another run.

hookline report RUN [--html F] [--against RUN2] [--json]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.commands._options import (
    add_config_options,
    add_json_option,
    opened_store,
    print_json,
    print_table,
    read_config,
)

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.events import Write
    from hookline.core.store import Store
    from hookline.quality.audit import Matter, Sample


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", help="a run's id, or the beginning of it")
    parser.add_argument("--html", type=Path, metavar="F", help="write the report to this file")
    parser.add_argument("--against", metavar="RUN2", help="an earlier run to compare it with")
    add_config_options(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Tell.

    Raises:
        UnknownRunError: no run, or more than one, is meant.
        HooklineError: the file can't be written, or the store not be read.
    """
    from hookline.core.errors import UnknownRunError

    config = read_config(args)
    with opened_store(config) as store:
        if store is None:
            raise UnknownRunError(f"there is no run {args.run!r}: nothing has run with this configuration's store yet")
        matter = _gather(store, config, args)
    if args.html is not None:
        _write_page(matter, args.html)
    if args.json:
        print_json(_document(matter))
    elif args.html is None:
        _tell(matter)
    return 0


def _gather(store: Store, config: Config, args: argparse.Namespace) -> Matter:
    from hookline.quality.audit import Matter, compare, judged

    run, ended = store.run(args.run)
    against = None
    if args.against is not None:
        other = store.run(args.against)
        against = (other.run, compare(ended.writes, other.ended.writes))
    writes = judged(ended.writes)
    names = dict.fromkeys((write.dataset.namespace, write.dataset.name) for write in writes)
    before = run.started_at.isoformat()
    former = {name: store.judged_writes(*name, before=before) for name in names}
    return Matter(run, ended, former, _samples(writes, config) if args.html else {}, against)


def _samples(writes: list[Write], config: Config) -> dict[str, Sample]:
    """Masked rows from the quarantines, as many as the configuration allows: by default none."""
    from hookline.core.errors import HooklineError
    from hookline.pipelines.quarantine.sampling import sample_of

    options = next((entry.options for entry in config.plugins if entry.name == "quality"), {})
    most = options.get("samples", 0)
    found: dict[str, Sample] = {}
    for write in writes:
        if not isinstance(most, int) or most <= 0 or write.quarantine is None or not write.published:
            continue
        try:
            sample = sample_of(write.quarantine, write.write_id, most)
        except HooklineError as error:  # a quarantine that was emptied since takes nothing from the report
            sys.stderr.write(f"hookline: no sample of {write.write_id}: {error}\n")
            continue
        if sample is not None:
            found[write.write_id] = sample
    return found


def _write_page(matter: Matter, path: Path) -> None:
    from hookline import __version__
    from hookline.core.errors import HooklineError
    from hookline.quality.audit import page

    try:
        path.write_text(page(matter, version=__version__), encoding="utf-8", errors="replace")
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}; correct the path") from None
    sys.stderr.write(f"hookline: the report is in {path}\n")


def _document(matter: Matter) -> dict[str, Any]:
    from hookline.core.summary import run_document

    document: dict[str, Any] = {"run": run_document(matter.run, matter.ended)}
    if matter.against is not None:
        other, changes = matter.against
        document["against"] = {"run_id": other.run_id, "changes": [change.as_json() for change in changes]}
    return document


def _tell(matter: Matter) -> None:
    from hookline.quality.audit import judged

    if matter.against is not None:
        head = ("DATASET", "CHECK", "CHANGE", "BEFORE", "NOW")
        changes = [change for change in matter.against[1] if change.kind != "same"]
        rows = [
            (c.dataset, c.check or "rows", c.kind, _side(c.before, c.observed_before), _side(c.now, c.observed_now))
            for c in changes
        ]
        print_table(head, rows)
        sys.stdout.write(f"{len(matter.against[1]) - len(changes)} did not change\n")
        return
    columns = ("WRITE", "DATASET", "CHECK", "SEVERITY", "STATUS", "OBSERVED", "FAILING ROWS", "EXPECTED")
    lines: list[tuple[str, ...]] = []
    for write in judged(matter.ended.writes):
        for v in write.verdicts:
            numbers = (_cell(v.observed), _cell(v.failing_rows))
            told = (v.check, v.severity, v.status, *numbers, v.message or v.expected)
            lines.append((write.write_id.rpartition("/")[2], str(write.dataset), *told))
    print_table(columns, lines)


def _side(status: str | None, observed: Any) -> str:
    return "-" if status is None else f"{status} ({_cell(observed)})"


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
