"""``hookline policy plan|apply|verify|terraform``: access policies and AWS Lake Formation."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.commands._options import (
    add_config_options,
    add_json_option,
    opened_store,
    print_json,
    read_config,
    write_file,
)

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.governance.access.lake_formation.applying import Applied
    from hookline.governance.access.lake_formation.diff import Step
    from hookline.governance.access.lake_formation.options import LakeFormationOptions
    from hookline.governance.access.lake_formation.planning import Plan
    from hookline.governance.access.lake_formation.service import LakeFormation
    from hookline.governance.access.loading import Access

DEEDS = ("plan", "apply", "verify", "terraform")
_DIFFERS = 2


def add(actions: Any) -> None:
    """Add the actions to those of ``hookline policy``."""
    about = {
        "plan": "what would be done in the account; exit code 2 when there is something to do",
        "apply": "do what the plan says",
        "verify": "whether the account is as policies say; exit code 2 when it is not",
        "terraform": "the same as Terraform",
    }
    for deed in DEEDS:
        parser = actions.add_parser(deed, help=about[deed])
        parser.add_argument(
            "files", metavar="FILE", nargs="*", help="access policies; by default those of plugins.lake_formation"
        )
        add_config_options(parser)
        if deed == "terraform":
            parser.add_argument("--out", type=Path, metavar="F", help="the file to write; by default it is printed")
        else:
            add_json_option(parser)
        if deed == "apply":
            parser.add_argument("--yes", action="store_true", help="do it without asking")
            parser.add_argument(
                "--adopt",
                action="store_true",
                help="take what is there already and policies ask for as made by them, which they then may revoke",
            )
        if deed == "verify":
            parser.add_argument(
                "--cloudtrail", action="store_true", help="put CloudTrail's events of Lake Formation into the audit log"
            )
            parser.add_argument(
                "--days", type=int, default=1, metavar="N", help="how far back (default: 1, at most 90)"
            )


def main(args: argparse.Namespace) -> int:
    """Do what was asked: 0 when nothing is left to do, 2 when something is, 1 when it failed.

    Raises:
        HooklineError: policies or configuration are not valid, or AWS, the store or the audit log don't do it.
    """
    config = read_config(args)
    options = _options(config)
    access = _access(args, config, options)
    if args.deed == "terraform":
        return _terraform(args, config, access, options)
    with _service(config, options, access) as service:
        if args.deed == "verify":
            return _verify(args, config, service)
        if args.deed == "apply" and args.adopt:
            _confirm(args, service, "What others made, and policies ask for, becomes theirs.")
            service.adopt()
        plan = service.plan()
        return _plan(args, service, plan) if args.deed == "plan" else _apply(args, service, plan)


def _options(config: Config) -> LakeFormationOptions:
    from hookline.core.loader import check_plugins
    from hookline.governance.access.lake_formation.options import LakeFormationOptions

    found = (plugin.config for plugin in check_plugins(config) if isinstance(plugin.config, LakeFormationOptions))
    return next(found, LakeFormationOptions())


def _access(args: argparse.Namespace, config: Config, options: LakeFormationOptions) -> Access:
    from hookline.governance.access.loading import find_access

    if args.files:
        return find_access(args.files, Path.cwd())
    return find_access(options.policies, config.base_dir)


@contextmanager
def _service(config: Config, options: LakeFormationOptions, access: Access) -> Iterator[LakeFormation]:
    from hookline.core.errors import ConfigError
    from hookline.core.events import user_of_process
    from hookline.core.store import Store
    from hookline.governance.access.lake_formation.account import Account
    from hookline.governance.access.lake_formation.service import LakeFormation
    from hookline.governance.audit import open_log

    try:
        import botocore  # noqa: F401
    except ImportError:
        raise ConfigError('Lake Formation needs the package botocore: pip install "hookline[lake_formation]"') from None
    log = open_log(config.audit, config.base_dir, config.state_dir)
    store = Store(config.store_url())
    try:
        yield LakeFormation(Account(options), access, options, store, log, user_of_process() or "")
    finally:
        store.close()


def _plan(args: argparse.Namespace, service: LakeFormation, plan: Plan) -> int:
    from hookline.governance.access.lake_formation import telling

    if args.json:
        print_json({**_where(service), **telling.document(plan)})
    else:
        _print(plan, service)
    return _DIFFERS if plan.steps else 0


def _apply(args: argparse.Namespace, service: LakeFormation, plan: Plan) -> int:
    from hookline.governance.access.lake_formation import telling

    if not args.json:
        _print(plan, service)
    if plan.steps and not plan.refusals:
        _confirm(args, service, telling.summary(plan))
    made = service.apply(plan, lambda step, why: _tell(args, step, why))
    if args.json:
        print_json({**_where(service), **telling.document(plan), **_became(made)})
    elif plan.steps:
        sys.stdout.write(f"{made.done} done, {len(made.failed)} failed, {len(made.left)} left\n")
    return 0 if made.complete else 1


def _verify(args: argparse.Namespace, config: Config, service: LakeFormation) -> int:
    from hookline.core.text import printable

    found, notes = service.verify()
    imported = _import(args, config, service) if args.cloudtrail else None
    if args.json:
        more = {} if imported is None else {"events_imported": imported}
        print_json({**_where(service), "drift": [one.document() for one in found], "notes": [*notes], **more})
        return _DIFFERS if found else 0
    for one in found:
        sys.stdout.write(f"{one.kind:<10} {printable(str(one))}\n")
    for note in notes:
        sys.stdout.write(f"note       {printable(note)}\n")
    if imported is not None:
        sys.stdout.write(f"{imported} events of CloudTrail are new in the audit log\n")
    sys.stdout.write(f"{len(found)} differences\n" if found else "The account is as the policies say.\n")
    return _DIFFERS if found else 0


def _import(args: argparse.Namespace, config: Config, service: LakeFormation) -> int:
    from hookline.core.errors import HooklineError
    from hookline.core.events import user_of_process, utc_now
    from hookline.governance.access.lake_formation.trail import events, keep
    from hookline.governance.audit import open_log

    if not 1 <= args.days <= 90:
        raise HooklineError("--days: CloudTrail's event history goes back 90 days")
    since = utc_now() - dt.timedelta(days=args.days)
    log = open_log(config.audit, config.base_dir, config.state_dir)
    return keep(log, service.account.scope, [*events(service.account, since)], user_of_process() or "")


def _terraform(args: argparse.Namespace, config: Config, access: Access, options: LakeFormationOptions) -> int:
    from hookline.core.events import utc_now
    from hookline.core.store.classifying import all_scans
    from hookline.core.store.naming import other_names
    from hookline.governance.access.lake_formation.terraform import terraform

    with opened_store(config) as store:
        scans, others = (all_scans(store), other_names(store)) if store is not None else ((), {})
    text = terraform(access, options, scans, utc_now(), others)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_file(args.out, text)
    return 0


def _confirm(args: argparse.Namespace, service: LakeFormation, what: str) -> None:
    from hookline.core.errors import HooklineError

    if args.yes:
        return
    if not sys.stdin.isatty():
        raise HooklineError(
            "nothing is applied without --yes where nobody can be asked; `hookline policy plan` tells it"
        )
    account = service.account
    sys.stderr.write(f"{what} In account {account.catalog}, {account.region}, as {account.caller}. Type yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise HooklineError("nothing was applied")


def _print(plan: Plan, service: LakeFormation) -> None:
    from hookline.governance.access.lake_formation import telling

    sys.stdout.write(f"Lake Formation of account {service.account.catalog} in {service.account.region}\n\n")
    for line in telling.lines(plan):
        sys.stdout.write(f"{line}\n")


def _tell(args: argparse.Namespace, step: Step, why: str) -> None:
    from hookline.core.text import printable

    if not why and args.json:
        return
    stream = sys.stderr if why else sys.stdout
    stream.write(printable(f"failed: {step.item}: {why}" if why else f"done: {step.action} {step.item}") + "\n")


def _where(service: LakeFormation) -> dict[str, Any]:
    return {"account": service.account.catalog, "region": service.account.region}


def _became(made: Applied) -> dict[str, Any]:
    from hookline.governance.access.lake_formation.telling import item_document

    failed = [{"item": item_document(step.item), "reason": why} for step, why in made.failed.items()]
    return {"done": made.done, "failed": failed, "left": [item_document(step.item) for step in made.left]}
