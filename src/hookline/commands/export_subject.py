"""Gather all rows of a person, for a request for access: a folder with a file for each dataset, and an index of them.

hookline export-subject --subject ID --out FOLDER [--entity E]      - as ID reads it from standard input

Encrypted values are turned back for those whom a policy's `reveal` allows it, so many an hour. Exit codes: 0 all is there; 1 it
failed; 3 something is missing: the list and the index say what, and why; 4 the configuration or a policy is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import print_table, read_config
from hookline.commands._subjects import add_subject_options, id_of, means_for, policies_of, tell_json

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store import Store
    from hookline.governance.audit import AuditLog
    from hookline.governance.erasure.export import Export
    from hookline.governance.erasure.opening import Reveal
    from hookline.governance.keys import Keyring
    from hookline.governance.protection.policy import Policy


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_subject_options(parser, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where to; it must be empty, or not be there yet"
    )


def main(args: argparse.Namespace) -> int:
    """Gather them.

    Raises:
        HooklineError: it is not clear what is meant, something can't be read, or it can't be recorded.
    """
    from hookline.core.store import Store

    config = read_config(args)
    policies = policies_of(args, config)
    store = Store(config.store_url())
    try:
        made = _export(args, config, store, policies)
    finally:
        store.close()
    document = {"export": made.id, "complete": made.complete, "datasets": made.datasets, "left": made.left}
    if not tell_json(args.json, document):
        rows = ((f"{one['namespace']} {one['name']}", str(one["rows"]), str(one["file"])) for one in made.datasets)
        print_table(("DATASET", "ROWS", "FILE"), rows)
        for one in made.left:
            sys.stdout.write(f"left: {one}\n")
    return 0 if made.complete else 3


def _export(args: argparse.Namespace, config: Config, store: Store, policies: Sequence[Policy]) -> Export:
    from hookline.commands._flow import flow_of
    from hookline.core.events import user_of_process
    from hookline.governance.audit import open_log
    from hookline.governance.consent import Ledger
    from hookline.governance.erasure.export import Exporter
    from hookline.governance.erasure.matching import OfSubject
    from hookline.governance.erasure.places import survey
    from hookline.governance.erasure.subject import concerned, subject
    from hookline.governance.keys import open_keyring

    entity, own = concerned(policies, args.entity, args.tenant)
    keyring = open_keyring(config.keys, config.base_dir)
    whose = subject(id_of(args), entity, own, keyring, (config.keys, config.base_dir.absolute()))
    flow, ledger = flow_of(store, config), Ledger(store)
    found = survey(own, entity, flow, whose.unseen)
    consents = [entry for token in sorted(set(whose.consents.values())) for entry in ledger.of_subject(token)]
    log = open_log(config.audit, config.base_dir, config.state_dir)
    reveal = _reveal(config, store, keyring, log, args.reason)
    matcher = OfSubject(whose.finder, whose.wanted)
    with means_for(args, config, found.places, "export-subject") as means:
        exporter = Exporter(log, own, flow, means, reveal, user_of_process(), args.reason)
        return exporter.export(whose, found.places, matcher, found.notes, consents, args.out)


def _reveal(config: Config, store: Store, keyring: Keyring, log: AuditLog, reason: str) -> Reveal:
    from hookline.core.events import user_of_process
    from hookline.governance.protection.reveal import Revealer

    def reveal(policy: Policy, column: str, values: Sequence[str]) -> list[str]:
        keys = (config.keys, config.base_dir.absolute())
        revealer = Revealer(policy, keyring, keys, log, user_of_process(), lambda: store)
        return revealer.reveal(column, values, reason=reason)

    return reveal
