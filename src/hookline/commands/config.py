"""Check the configuration (validate), or print its JSON Schema for editors (schema)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="validate|schema")
    validate = actions.add_parser("validate", help="check the file, the plugins it names and their options")
    add_config_options(validate)
    validate.add_argument("--all", action="store_true", help="check the file alone and under each of its environments")
    actions.add_parser("schema", help="print JSON Schema (draft 2020-12)")


def main(args: argparse.Namespace) -> int:
    """Do the one or the other; a configuration that can't be used raises ConfigError (exit code 4)."""
    return _print_schema() if args.action == "schema" else _validate(args)


def _print_schema() -> int:
    from hookline.core.config_schema import config_schema

    sys.stdout.write(json.dumps(config_schema(), indent=2) + "\n")
    return 0


def _validate(args: argparse.Namespace) -> int:
    from hookline.core.errors import ConfigError
    from hookline.core.loader import check_plugins

    complaints: list[str] = []
    lines: list[str] = []
    for environment in _environments(args):
        try:
            config = read_config(argparse.Namespace(config=args.config, env=environment, set=args.set))
            check_plugins(config)
            lines.append(_approval(config))
        except ConfigError as error:
            complaints += [line for line in str(error).splitlines() if line not in complaints]
    if complaints:
        raise ConfigError("\n".join(complaints))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _environments(args: argparse.Namespace) -> Iterator[str | None]:
    yield args.env
    if args.all:
        from hookline.core.config import environment_names

        yield from (name for name in environment_names(args.config) if name != args.env)


def _approval(config: Config) -> str:
    source = config.source or "no configuration file: the defaults"
    environment = f" ({config.environment})" if config.environment else ""
    names = ", ".join(entry.name for entry in config.plugins) or "none"
    return f"{source}{environment}: valid; plugins: {names}"
