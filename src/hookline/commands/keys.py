"""Make keys, change them, look which there are. No key is ever shown.

hookline keys new NAME            a key, in the key file (encrypted by KMS with aws_kms)
hookline keys rotate NAME         its next version: new values are protected with it, old ones can still be read
hookline keys list
hookline keys destroy NAME --version V      what that version protected can't be read any more, here or in a backup
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, add_json_option, print_json, print_table, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.governance.keys.keyfile import Wrap


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="deed", required=True, metavar="new|rotate|list|destroy")
    new = actions.add_parser("new", help="make a key")
    rotate = actions.add_parser("rotate", help="make a key's next version")
    destroy = actions.add_parser("destroy", help="take an old version away for good")
    listing = actions.add_parser("list", help="which keys there are")
    for one in (new, rotate, destroy):
        one.add_argument("name", metavar="NAME", help="the key's name")
    destroy.add_argument("--version", type=int, required=True, metavar="V", help="which version")
    for one in (new, rotate, destroy, listing):
        add_config_options(one)
        add_json_option(one)


def main(args: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        ConfigError: keys are kept where this command can't change them, or the name is not fit.
        HooklineError: the key file can't be read or written, or what was done not be recorded.
    """
    from hookline.core.events import user_of_process
    from hookline.governance.audit import Entry, open_log
    from hookline.governance.keys import keyfile

    config = read_config(args)
    path = _key_file(config)
    if args.deed == "list":
        return _list(path, args)
    log = open_log(config.audit, config.base_dir, config.state_dir)
    if args.deed == "destroy":
        keyfile.read(path).kept(args.name, args.version, str(path))
        # It stands in the log before it is done: a destruction that nobody can account for is the worse of the two.
        log.append(Entry("keys.destroy", {"key": args.name, "version": args.version}, user_of_process()))
        keyfile.destroy(path, args.name, args.version)
        version = args.version
    else:
        version = keyfile.add_version(path, args.name, _wrap(config, path), new=args.deed == "new")
        log.append(Entry(f"keys.{args.deed}", {"key": args.name, "version": version}, user_of_process()))
    if args.json:
        print_json({"key": args.name, "key_version": version, "done": args.deed})
    else:
        done = {"new": "made", "rotate": "made; it is the current one", "destroy": "destroyed"}[args.deed]
        sys.stdout.write(f"{path}: version {version} of the key {args.name!r} {done}\n")
    return 0


def _key_file(config: Config) -> Path:
    from hookline.core.errors import ConfigError

    if config.keys.provider in ("file", "aws_kms"):
        return config.base_dir / config.keys.path
    keeper = {"environment": "the environment", "aws_secrets_manager": "Secrets Manager"}[config.keys.provider]
    raise ConfigError(f"keys.provider is {config.keys.provider!r}: {keeper} holds the keys, make and change them there")


def _wrap(config: Config, path: Path) -> Wrap | None:
    if config.keys.provider != "aws_kms":
        return None
    from hookline.governance.keys.providers import KmsKeys

    return KmsKeys(config.keys, path).wrap


def _list(path: Path, args: argparse.Namespace) -> int:
    from hookline.governance.keys import keyfile

    known = keyfile.read(path)
    found = [
        {
            "key": name,
            "key_version": number,
            "current": known.current[name] == number,
            "made_at": kept.made_at,
            "encrypted_by": "kms" if kept.wrapped else None,
        }
        for (name, number), kept in sorted(known.versions.items())
    ]
    if args.json:
        print_json({"keys": found})
        return 0
    rows = (
        (
            str(o["key"]),
            str(o["key_version"]),
            "current" if o["current"] else "",
            str(o["made_at"] or "-"),
            str(o["encrypted_by"] or "-"),
        )
        for o in found
    )
    print_table(("KEY", "VERSION", "", "MADE AT (UTC)", "ENCRYPTED BY"), rows)
    return 0
