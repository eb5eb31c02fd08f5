"""Turn encrypted values back: for those whom the policy allows it, so many an hour, each time recorded in the audit log.

hookline reveal --policy FILE --column COLUMN [--reason TEXT] < values

Values come one a line on standard input, and go one a line to standard output. What tokenize, mask or generalize made is not
turned back by anybody.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hookline.commands._options import add_config_options, read_config

_MOST = 10_000


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the policy that protected them")
    parser.add_argument(
        "--column",
        required=True,
        metavar="COLUMN",
        help="the column, as the policy's rule names it; of a rule by classification the entity",
    )
    parser.add_argument(
        "--key-version", type=int, metavar="V", help="the key's version, for fpe; by default the current one"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit log")
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Do it, all or none.

    Raises:
        HooklineError: it is not allowed, can't be done, or can't be recorded.
    """
    from hookline.core.errors import ProtectionError
    from hookline.core.events import user_of_process
    from hookline.core.store import LazyStore
    from hookline.governance.audit import open_log
    from hookline.governance.keys import open_keyring
    from hookline.governance.protection.policy import load_policies
    from hookline.governance.protection.reveal import Revealer

    config = read_config(args)
    (policy,) = load_policies(args.policy)
    values = [line.rstrip("\r\n") for line in sys.stdin]
    if len(values) > _MOST:
        raise ProtectionError(
            f"{len(values):,} values are more than {_MOST:,}: turn whole tables back where the rows are"
        )
    keyring = open_keyring(config.keys, config.base_dir)
    log = open_log(config.audit, config.base_dir, config.state_dir)
    store = LazyStore(config.store_url())
    revealer = Revealer(policy, keyring, (config.keys, config.base_dir), log, user_of_process(), store.get)
    try:
        for value in revealer.reveal(args.column, values, version=args.key_version, reason=args.reason):
            sys.stdout.write(value + "\n")
    finally:
        store.close()
    return 0
