"""Erase a person: destroy the keys of what is encrypted, delete what is in clear, wherever lineage says it may be.

hookline erase --subject ID [--entity E] [--dry-run] [--yes]      - as ID reads it from standard input
hookline erase --expired [--dry-run] [--yes]                      what policies do not keep any longer
hookline erase --vacuum [--dry-run]                               old files of Delta tables, once their retention is over

Exit codes: 0 all done; 1 it failed, and what was not recorded is not done; 3 something is left: the list says what, and why;
4 the configuration or a policy is wrong. Everything may be done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hookline.commands._options import print_table, read_config
from hookline.commands._subjects import add_subject_options, id_of, means_for, policies_of, tell_json

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store import Store
    from hookline.governance.audit import AuditLog
    from hookline.governance.erasure.eraser import Eraser
    from hookline.governance.erasure.holdings import Means
    from hookline.governance.erasure.outcomes import Erasure, Outcome
    from hookline.governance.protection.policy import Policy

_LEFT = 3


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_subject_options(parser, required=False)
    parser.add_argument("--expired", action="store_true", help="what the policies' retention does not keep any longer")
    parser.add_argument("--vacuum", action="store_true", help="take old files of Delta tables away where it is due")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be done, and do nothing")
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    parser.add_argument(
        "--consents",
        choices=("withdraw", "delete", "keep"),
        default="withdraw",
        help="what becomes of what the subject allowed: taken back from now on (default), taken out of the ledger, nothing",
    )


def main(args: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        HooklineError: it is not clear what is meant, something can't be read, or it can't be recorded.
    """
    from hookline.core.errors import HooklineError
    from hookline.core.store import Store

    subject = args.subject is not None or args.subject_file is not None
    if subject + args.expired + args.vacuum != 1:
        raise HooklineError("one of --subject, --expired and --vacuum is wanted")
    config = read_config(args)
    if args.vacuum:
        return _vacuum(args, config)
    policies = policies_of(args, config)
    store = Store(config.store_url())
    try:
        return _expired(args, config, store, policies) if args.expired else _subject(args, config, store, policies)
    finally:
        store.close()


def _subject(args: argparse.Namespace, config: Config, store: Store, policies: Sequence[Policy]) -> int:
    from hookline.commands._flow import flow_of
    from hookline.governance.erasure.matching import OfSubject
    from hookline.governance.erasure.places import survey
    from hookline.governance.erasure.subject import concerned, subject
    from hookline.governance.keys import open_keyring

    entity, own = concerned(policies, args.entity, args.tenant)
    keyring = open_keyring(config.keys, config.base_dir)
    whose = subject(id_of(args), entity, own, keyring, (config.keys, config.base_dir.absolute()))
    found = survey(own, entity, flow_of(store, config), whose.unseen)
    matcher = OfSubject(whose.finder, whose.wanted)
    with means_for(args, config, found.places, "erase") as means:
        eraser = _eraser(config, means, args)
        if args.dry_run:
            about = {"entity": entity, "subjects": sorted(whose.owners)}
            made = eraser.plan(about, found.places, lambda _: matcher, found.notes)
        else:
            _confirm(args, f"a {entity} from {len(found.places)} datasets")
            made = eraser.erase(store, whose, found.places, matcher, found.notes, args.consents)
    return _tell(args, made, {"entity": entity})


def _expired(args: argparse.Namespace, config: Config, store: Store, policies: Sequence[Policy]) -> int:
    from hookline.commands._flow import flow_of
    from hookline.core.events import utc_now
    from hookline.governance.erasure.retention import expired

    matchers, notes = expired(policies, flow_of(store, config), utc_now())
    about: dict[str, Any] = {"policies": {policy.name: policy.digest() for policy in policies if policy.retention}}
    places = [*matchers]
    with means_for(args, config, places, "erase") as means:
        eraser = _eraser(config, means, args)
        if args.dry_run:
            made = eraser.plan(about, places, matchers.__getitem__, notes)
        else:
            _confirm(args, f"what is kept for too long from {len(places)} datasets")
            made = eraser.expire(about, places, matchers.__getitem__, notes)
    return _tell(args, made, {"entity": None})


def _eraser(config: Config, means: Means, args: argparse.Namespace) -> Eraser:
    from hookline.core.events import user_of_process
    from hookline.governance.erasure.eraser import Eraser

    return Eraser(_log(config), means, user_of_process(), args.reason)


def _log(config: Config) -> AuditLog:
    from hookline.governance.audit import open_log

    return open_log(config.audit, config.base_dir, config.state_dir)


def _confirm(args: argparse.Namespace, what: str) -> None:
    from hookline.core.errors import HooklineError

    if args.yes:
        return
    if args.subject == "-" or not sys.stdin.isatty():
        raise HooklineError("nothing is erased without --yes where nobody can be asked; --dry-run tells what would be")
    sys.stderr.write(f"Erase {what}? It can't be brought back. Type yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise HooklineError("nothing was erased")


def _tell(args: argparse.Namespace, made: Erasure, more: dict[str, Any]) -> int:
    document = {
        "erasure": made.id,
        **more,
        "dry_run": args.dry_run,
        "complete": made.complete,
        "keys_destroyed": made.keys,
        "store_clean": made.clean,
        "consents": made.consents,
        "datasets": [outcome.document() for outcome in made.outcomes],
        "notes": made.notes,
    }
    if not tell_json(args.json, document):
        print_table(("DATASET", "STATUS", "ROWS", "FILES", "VACUUM FROM (UTC)", ""), map(_row, made.outcomes))
        for note in made.notes:
            sys.stdout.write(f"{note}\n")
        if not made.clean:
            sys.stdout.write(
                "the store's file may still hold destroyed keys, since others were reading it: erase again\n"
            )
        if not args.dry_run:
            sys.stdout.write(f"{made.keys} keys destroyed; erasure {made.id} is recorded in the audit log\n")
    return 0 if made.complete else _LEFT


def _row(one: Outcome) -> tuple[str, ...]:
    due = (one.vacuum_due or "-")[:16]
    return str(one.place.dataset), one.status, str(one.rows), str(one.files), due, one.problem or ""


def _vacuum(args: argparse.Namespace, config: Config) -> int:
    from hookline.core.events import utc_now
    from hookline.governance.erasure.eraser import due
    from hookline.governance.erasure.places import Place

    ready, waiting = due(_log(config), utc_now().isoformat(timespec="seconds"))
    done: list[Outcome] = []
    if not args.dry_run:
        places = [Place(dataset, "", "delete", (), "") for dataset, _ in ready]
        with means_for(args, config, places, "erase") as means:
            done = _eraser(config, means, args).vacuum(ready)
    states = {"erased": "vacuumed", "missing": "missing"}
    tables: list[tuple[str, str | None, str, str | None]]
    tables = [(str(dataset), at, "due", None) for dataset, at in ready if args.dry_run]
    tables += [(str(one.place.dataset), one.vacuum_due, states.get(one.status, "failed"), one.problem) for one in done]
    tables += [(str(dataset), at, "waits", None) for dataset, at in waiting]
    left = [state for _, _, state, _ in tables if state == "failed"]
    named = [{"name": name, "due": at, "state": state, "problem": problem} for name, at, state, problem in tables]
    if not tell_json(args.json, {"complete": not left, "tables": named}):
        rows = ((name, (at or "-")[:16], state, problem or "") for name, at, state, problem in tables)
        print_table(("TABLE", "VACUUM FROM (UTC)", "STATE", ""), rows)
    return _LEFT if left else 0
