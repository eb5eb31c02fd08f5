"""Read the audit log, or find out whether it is what was written.

hookline audit list [--action A] [--actor U] [--since T] [--limit N]
hookline audit verify [--public-key F] [--against CHECKPOINT|s3://BUCKET/PREFIX]

verify exits with 1 when the log was changed, cut, reordered or replaced, and says where. Somebody who can write the log and the
file beside it can put an older state of both in their place: only a checkpoint that is kept elsewhere shows that.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config

if TYPE_CHECKING:
    from hookline.core.safekeeping import AuditConfig
    from hookline.governance.audit import AuditLog
    from hookline.governance.audit.records import Record
    from hookline.governance.audit.signing import Checkpoint

_DETAILS = ("dataset", "columns", "key", "version", "policies", "reason")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="deed", required=True, metavar="list|verify")
    listing = actions.add_parser("list", help="the latest records")
    listing.add_argument("--action", metavar="A", help="only this action, or those that begin with it: protect")
    listing.add_argument("--actor", metavar="U", help="only what this user did")
    listing.add_argument("--since", metavar="T", help="only from this time on, ISO 8601, UTC")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="how many to list (default: 50)")
    verifying = actions.add_parser("verify", help="whether the log is what was written")
    verifying.add_argument(
        "--public-key",
        type=Path,
        action="append",
        metavar="F",
        help="PEM of the key that signed; may be repeated; by default the one beside the signing key",
    )
    verifying.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="CHECKPOINT",
        help="a signed end that was kept elsewhere: a file, or s3://bucket/prefix; may be repeated",
    )
    for one in (listing, verifying):
        add_config_options(one)
        add_json_option(one)


def main(args: argparse.Namespace) -> int:
    """Do what was asked; 1 when the log is not what was written.

    Raises:
        AuditError: it can't be read.
    """
    from hookline.governance.audit import open_log

    config = read_config(args)
    log = open_log(config.audit, config.base_dir, config.state_dir)
    return _verify(log, config.audit, args) if args.deed == "verify" else _list(log, args)


def _list(log: AuditLog, args: argparse.Namespace) -> int:
    found: deque[Record] = deque(maxlen=max(args.limit, 0))
    found.extend(record for record in log.records() if _wanted(record, args))
    if args.json:
        print_json({"log": str(log.path), "records": [_document(record) for record in found]})
        return 0
    rows = ((str(r.seq), r.at[:19], r.entry.actor or "-", r.entry.action, _details(r)) for r in found)
    print_table(("SEQ", "AT (UTC)", "ACTOR", "ACTION", "WHAT"), rows)
    return 0


def _wanted(record: Record, args: argparse.Namespace) -> bool:
    action = record.entry.action
    return (
        (args.action is None or action == args.action or action.startswith(f"{args.action}."))
        and (args.actor is None or record.entry.actor == args.actor)
        and (args.since is None or record.at >= args.since)
    )


def _document(record: Record) -> dict[str, object]:
    entry = record.entry
    return {
        "seq": record.seq,
        "at": record.at,
        "actor": entry.actor,
        "action": entry.action,
        "what": entry.what,
        "hash": record.hash,
    }


def _details(record: Record) -> str:
    what = record.entry.what
    parts = []
    for name in _DETAILS:
        if name == "columns" and isinstance(what.get(name), list):
            parts.append(", ".join(f"{one.get('column')}: {one.get('action')}" for one in what[name]))
        elif name == "policies" and isinstance(what.get(name), dict):
            parts.append("by " + ", ".join(what[name]))
        elif name in what:
            parts.append(str(what[name]))
    return "; ".join(parts) or "-"


def _verify(log: AuditLog, config: AuditConfig, args: argparse.Namespace) -> int:
    from hookline.governance.audit import verify

    keys = args.public_key or [log.signing_key.with_suffix(".pub")]
    found = verify(log.path, keys, [_checkpoint(place, log, config) for place in args.against])
    if args.json:
        findings = [{"line": one.line, "problem": one.problem} for one in found.findings]
        document = {
            "log": str(log.path),
            "records": found.records,
            "checkpoints": found.checkpoints,
            "findings": findings,
        }
        print_json({**document, "intact": not findings})
    else:
        for finding in found.findings:
            sys.stdout.write(f"{log.path}: {finding}\n")
        state = "not intact" if found.findings else "intact"
        ends = f"{found.checkpoints} signed end{'' if found.checkpoints == 1 else 's'}"
        sys.stdout.write(f"{log.path}: {state}; {found.records} records, held against {ends}\n")
    return 1 if found.findings else 0


def _checkpoint(place: str, log: AuditLog, config: AuditConfig) -> Checkpoint:
    from hookline.core.errors import AuditError
    from hookline.governance.audit.copies import newest_head
    from hookline.governance.audit.signing import Checkpoint

    if place.startswith("s3://"):
        return newest_head(config, place, log.id())
    try:
        return Checkpoint.parse(json.loads(Path(place).read_bytes()))
    except (OSError, ValueError) as error:
        raise AuditError(f"{place} is no signed end of an audit log: {type(error).__name__}") from None
