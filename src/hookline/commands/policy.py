"""Check policies, and see on example rows what they do, before any job runs under them.

hookline policy new FILE --template gdpr|ccpa
hookline policy validate FILE…
hookline policy test FILE --rows ROWS
hookline policy explain PRINCIPAL TABLE     access policies: why a principal sees these rows and columns
hookline policy simulate --rows ROWS        what principals get of example rows
hookline policy publish PRINCIPAL TABLE TARGET      a protected copy: what a principal sees of a table, written down
hookline policy plan [FILE…]          access policies: what would be done in AWS Lake Formation; exit code 2 when something would
hookline policy apply [FILE…] [--yes]
hookline policy verify [FILE…] [--cloudtrail]      what differs, and who granted what; exit code 2 when something does
hookline policy terraform [FILE…] [--out F]

For ``test`` ROWS is YAML: a list of cases, each with a row under ``given`` and, under ``expect``, what becomes of its columns: a
value, or the name of an action in angle brackets, such as <tokenize>, for any value that this action makes. Keys are made for the
test and thrown away; nothing else is written. For ``simulate`` it is tables with lists of rows.
"""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands import _access, _lake_formation
from hookline.commands._options import add_config_options, add_json_option, print_json
from hookline.commands._session import open_session, spark_settings

if TYPE_CHECKING:
    from hookline.governance.protection.cases import Outcome

_TEMPLATES = ("ccpa", "gdpr")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(
        dest="deed", required=True, metavar="new|validate|test|explain|simulate|publish|plan|apply|verify|terraform"
    )
    new = actions.add_parser("new", help="begin a policy with a template")
    new.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not be there")
    new.add_argument("--template", choices=_TEMPLATES, required=True, help="the law that it is for")
    validating = actions.add_parser("validate", help="whether files are policies")
    validating.add_argument("files", metavar="FILE", nargs="+", help="files, or patterns with * and **")
    _access.add_schema(validating)
    add_config_options(validating)
    testing = actions.add_parser("test", help="what a policy makes of example rows")
    testing.add_argument("file", type=Path, metavar="FILE", help="the policy")
    testing.add_argument("--rows", type=Path, required=True, metavar="ROWS", help="the cases")
    add_json_option(testing)
    _access.add(actions)
    _lake_formation.add(actions)


def main(args: argparse.Namespace) -> int:
    """Do what was asked; 1 when a case does not come out as expected, or an access policy does not do what it says.

    Raises:
        HooklineError: a file is not valid, or the configuration or the data can't be used.
    """
    if args.deed in _lake_formation.DEEDS:
        return _lake_formation.main(args)
    if args.deed in _access.DEEDS:
        return _access.main(args)
    if args.deed == "new":
        return _new(args.file, args.template)
    return _test(args) if args.deed == "test" else _validate(args)


def _validate(args: argparse.Namespace) -> int:
    from hookline.governance.kinds import files_by_kind
    from hookline.governance.protection import find_policies

    files = files_by_kind(args.files, Path.cwd())
    for policy in find_policies(files["protection"], Path.cwd()) if files["protection"] else ():
        sys.stdout.write(f"{policy.name}: {len(policy.rules)} rules for {', '.join(policy.datasets)}\n")
    return _access.validate(files["access"], args) if files["access"] else 0


def _new(file: Path, template: str) -> int:
    from hookline.core.errors import ConfigError

    text = files("hookline.governance.protection").joinpath("templates").joinpath(f"{template}.yaml").read_text("utf-8")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise ConfigError(f"{file} can't be written: {error.strerror}") from None
    sys.stdout.write(f"{file}: put in your datasets and columns, then try it with `hookline policy test`\n")
    return 0


def _test(args: argparse.Namespace) -> int:
    from hookline.governance.protection import load_policies
    from hookline.governance.protection.cases import load_cases, try_cases

    (policy,) = load_policies(args.file)
    cases = load_cases(args.rows)
    with open_session(spark_settings((), delta=False), "policy") as spark:
        outcomes = try_cases(spark, policy, cases)
    failed = [outcome for outcome in outcomes if outcome.problems]
    if args.json:
        print_json({"policy": policy.name, "cases": [_document(outcome) for outcome in outcomes]})
    else:
        for outcome in failed:
            for problem in outcome.problems:
                sys.stdout.write(f"case {outcome.number}: {problem}\n")
        sys.stdout.write(f"{policy.name}: {len(outcomes) - len(failed)} of {len(outcomes)} cases as expected\n")
    return 1 if failed else 0


def _document(outcome: Outcome) -> dict[str, object]:
    return {"case": outcome.number, "passed": not outcome.problems, "problems": list(outcome.problems)}
