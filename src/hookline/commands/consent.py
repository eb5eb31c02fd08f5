"""The ledger of consent: who allowed what, and took it back. It holds tokens of subjects, never their ids.

hookline consent grant --policy FILE --subject ID --basis B [--from T] [--to T] [--source S]
hookline consent withdraw --policy FILE --subject ID [--from T] [--source S]
hookline consent show --policy FILE --subject ID
hookline consent import --policy FILE --file CSV

The policy's `consent` says the purpose and how ids become tokens; --purpose names another purpose. A CSV file has the columns
subject and kind (granted, withdrawn), and basis, purpose, valid_from, valid_to, source where there are some.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config
from hookline.governance.consent import BASES

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store.consenting import ConsentEntry
    from hookline.governance.consent import Ledger
    from hookline.governance.protection.policy import Consent, Policy

_COLUMNS = frozenset({"subject", "kind", "basis", "purpose", "valid_from", "valid_to", "source"})


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="deed", required=True, metavar="grant|withdraw|show|import")
    grant = actions.add_parser("grant", help="a subject allows a purpose")
    withdraw = actions.add_parser("withdraw", help="a subject takes it back")
    show = actions.add_parser("show", help="what a subject allowed and took back")
    importing = actions.add_parser("import", help="entries from a CSV file, all or none")
    for one in (grant, withdraw, show, importing):
        one.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy that asks for consent")
        add_config_options(one)
        add_json_option(one)
    for one in (grant, withdraw, show):
        one.add_argument("--subject", required=True, metavar="ID", help="whose: as the policy's column has it")
    for one in (grant, withdraw):
        one.add_argument("--purpose", metavar="P", help="what for; by default the policy's purpose")
        one.add_argument("--from", dest="valid_from", metavar="T", help="from when, ISO 8601; by default now")
        one.add_argument("--source", metavar="S", help="where it is from: a form, a call, a system")
    grant.add_argument("--basis", choices=BASES, default="consent", help="the lawful basis (default: consent)")
    grant.add_argument("--to", dest="valid_to", metavar="T", help="until when; by default until it is taken back")
    importing.add_argument("--file", type=Path, required=True, metavar="CSV", help="the entries")


def main(args: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        HooklineError: the policy asks for no consent, an entry is not valid, or something can't be read or kept.
    """
    from hookline.core.errors import ConfigError
    from hookline.core.store import Store
    from hookline.governance.consent import Ledger
    from hookline.governance.protection import load_policies

    config = read_config(args)
    (policy,) = load_policies(args.policy)
    if policy.consent is None:
        raise ConfigError(f"{args.policy}: the policy asks for no consent: it has no key 'consent'")
    token = _tokens(config, policy, policy.consent)
    store = Store(config.store_url())
    try:
        ledger = Ledger(store)
        if args.deed == "show":
            _show(ledger.of_subject(token(args.subject)), args)
            return 0
        entries = _entries(args, policy.consent, token)
        _keep(config, ledger, entries, policy)
    finally:
        store.close()
    if args.json:
        print_json({"policy": policy.name, "recorded": len(entries)})
    else:
        sys.stdout.write(f"{policy.name}: {len(entries)} {'entry' if len(entries) == 1 else 'entries'} recorded\n")
    return 0


def _tokens(config: Config, policy: Policy, consent: Consent) -> Callable[[str], str]:
    from hookline.governance.keys import open_keyring
    from hookline.governance.protection.deeds import keyed_for_consent
    from hookline.governance.protection.values import tokens_by

    keyring = open_keyring(config.keys, config.base_dir)
    return tokens_by(keyed_for_consent(policy, consent, keyring, (config.keys, config.base_dir)))


def _entries(args: argparse.Namespace, consent: Consent, token: Callable[[str], str]) -> list[ConsentEntry]:
    if args.deed == "import":
        return [_entry(row, consent, token, where) for where, row in _rows(args.file)]
    row = {
        name: getattr(args, name, None) for name in ("subject", "purpose", "valid_from", "valid_to", "source", "basis")
    }
    row["kind"] = "granted" if args.deed == "grant" else "withdrawn"
    return [_entry(row, consent, token, "")]


def _rows(file: Path) -> list[tuple[str, Mapping[str, str]]]:
    from hookline.core.errors import ConfigError

    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = set(reader.fieldnames or ())
            if not {"subject", "kind"} <= columns <= _COLUMNS:
                raise ConfigError(
                    f"{file}: the columns are subject and kind, and some of {', '.join(sorted(_COLUMNS))}"
                )
            return [(f"{file}:{reader.line_num}: ", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file} can't be read: {type(error).__name__}") from None


def _entry(row: Mapping[str, str | None], consent: Consent, token: Callable[[str], str], where: str) -> ConsentEntry:
    """One entry. No message quotes the subject."""
    from hookline.core.errors import ProtectionError
    from hookline.core.events import user_of_process, utc_now
    from hookline.core.store.consenting import ConsentEntry
    from hookline.governance.consent.ledger import moment

    kind, basis, subject = row["kind"], row.get("basis") or None, row["subject"]
    if kind != "granted" and kind != "withdrawn":
        raise ProtectionError(f"{where}kind is granted or withdrawn")
    if not subject:
        raise ProtectionError(f"{where}the subject is empty")
    if kind == "granted" and basis not in BASES:
        raise ProtectionError(f"{where}the basis of what is granted is one of {', '.join(BASES)}")
    now = utc_now().isoformat(timespec="microseconds")
    valid_from, valid_to = moment(row.get("valid_from") or None) or now, moment(row.get("valid_to") or None)
    if valid_to is not None and valid_to <= valid_from:
        raise ProtectionError(f"{where}it ends before it begins")
    return ConsentEntry(
        subject=token(subject),
        purpose=row.get("purpose") or consent.purpose,
        kind="granted" if kind == "granted" else "withdrawn",
        valid_from=valid_from,
        recorded_at=now,
        basis=basis if kind == "granted" else None,
        valid_to=valid_to if kind == "granted" else None,
        source=row.get("source") or None,
        actor=user_of_process(),
    )


def _keep(config: Config, ledger: Ledger, entries: list[ConsentEntry], policy: Policy) -> None:
    from hookline.core.events import user_of_process
    from hookline.governance.audit import Entry, open_log

    ledger.record(entries)
    counts = {kind: sum(entry.kind == kind for entry in entries) for kind in ("granted", "withdrawn")}
    log = open_log(config.audit, config.base_dir, config.state_dir)
    log.append(Entry("consent.recorded", {"policy": policy.name, **counts}, user_of_process()))


def _show(entries: list[ConsentEntry], args: argparse.Namespace) -> None:
    if args.json:
        names = ("purpose", "kind", "basis", "valid_from", "valid_to", "source", "actor", "recorded_at")
        print_json({"entries": [{name: getattr(entry, name) for name in names} for entry in entries]})
        return
    rows = (
        (e.purpose, e.kind, e.basis or "-", e.valid_from[:19], (e.valid_to or "-")[:19], e.source or "-")
        for e in entries
    )
    print_table(("PURPOSE", "KIND", "BASIS", "FROM (UTC)", "TO (UTC)", "SOURCE"), rows)
