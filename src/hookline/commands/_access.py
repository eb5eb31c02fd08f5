"""``hookline policy`` for access policies: validate, explain, simulate and publish."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
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
from hookline.commands._session import open_session, spark_settings
from hookline.core.text import printable

if TYPE_CHECKING:
    from hookline.governance.access.checks import Report
    from hookline.governance.access.decide import KnownTable
    from hookline.governance.access.loading import Access

DEEDS = ("explain", "simulate", "publish")
_POLICIES = ("policies/*.yaml",)


def add(actions: Any) -> None:
    """Add the actions to those of ``hookline policy``."""
    explaining = actions.add_parser("explain", help="why a principal sees what it sees of a table")
    explaining.add_argument("principal", metavar="PRINCIPAL", help="its short name")
    explaining.add_argument("table", metavar="TABLE", help="database.table")
    _add_common(explaining, spark=False)
    add_json_option(explaining)
    simulating = actions.add_parser("simulate", help="what principals get of example rows")
    simulating.add_argument("--rows", type=Path, required=True, metavar="ROWS", help="YAML: tables with lists of rows")
    simulating.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="P",
        help="may be repeated; by default all that are declared",
    )
    _add_common(simulating, spark=False)
    add_json_option(simulating)
    publishing = actions.add_parser("publish", help="write down what a principal sees of a table, as a protected copy")
    publishing.add_argument("principal", metavar="PRINCIPAL", help="its short name")
    publishing.add_argument("table", metavar="TABLE", help="a table of Spark's catalog")
    publishing.add_argument("target", metavar="TARGET", help="the copy: a path, which has a slash in it, or a table")
    publishing.add_argument("--format", choices=("parquet", "delta"), default="parquet", help="default: parquet")
    _add_common(publishing, spark=True)


def add_schema(parser: argparse.ArgumentParser) -> None:
    """``--schema``: tables that policies do not declare."""
    parser.add_argument("--schema", type=Path, metavar="F", help="YAML: more tables, each with columns and their types")


def _add_common(parser: argparse.ArgumentParser, *, spark: bool) -> None:
    parser.add_argument(
        "--policy",
        action="append",
        metavar="FILE",
        help="policies, or patterns with * and **; default: policies/*.yaml",
    )
    parser.add_argument("--purpose", metavar="P", help="what the principal works for")
    if spark:
        parser.add_argument(
            "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
        )
    else:
        add_schema(parser)
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        HooklineError: policies, configuration or data can't be used.
    """
    return {"explain": _explain, "simulate": _simulate, "publish": _publish}[args.deed](args)


def validate(files: Sequence[str], args: argparse.Namespace) -> int:
    """Look access policies through; 1 when one does not do what it says.

    Raises:
        ConfigError: a file is not valid.
    """
    from hookline.core.events import utc_now
    from hookline.governance.access.checks import check
    from hookline.governance.access.loading import find_access

    access = find_access(files, Path.cwd())
    report = check(access, _tables(access, args), utc_now())
    for finding in report.findings:
        sys.stdout.write(printable(f"{finding.severity}: {finding.about}: {finding.text}", 4_000) + "\n")
    for policy in access.policies:
        sys.stdout.write(f"{policy.name}: {len(policy.rules)} rules for {len(policy.principals)} principals\n")
    _tell_places(report)
    return 1 if any(finding.severity == "error" for finding in report.findings) else 0


def _tell_places(report: Report) -> None:
    where = {
        "lake_formation": "Lake Formation",
        "partly": "Lake Formation, in part",
        "copy": "a protected copy",
        "nowhere": "-",
    }
    if report.places:
        rows = [(place.rule, where[place.where], "; ".join(place.why)) for place in report.places]
        print_table(("RULE", "ENFORCED BY", "SINCE LAKE FORMATION"), rows)


def _explain(args: argparse.Namespace) -> int:
    from hookline.core.errors import ConfigError
    from hookline.core.events import utc_now
    from hookline.governance.access.decide import decide
    from hookline.governance.access.explaining import document, text
    from hookline.governance.access.names import folded

    access = _access(args)
    _declared(access, [args.principal])
    known = [table for table in _tables(access, args) if folded(str(table)) == folded(_table(args.table))]
    if not known:
        raise ConfigError(f"the columns of {args.table} are not known: declare them under tables, or with --schema")
    decision = decide(access, args.principal, known[0], utc_now(), args.purpose)
    if args.json:
        print_json(document(decision, known[0]))
    else:
        for line in text(decision, known[0]):
            sys.stdout.write(printable(line, 8_000) + "\n")
    return 0


def _table(text: str) -> str:
    from hookline.core.errors import ConfigError
    from hookline.governance.access.names import parts, written

    try:
        found = parts(text)
    except ValueError:
        found = ()
    if len(found) != 2:
        raise ConfigError(f"{text}: a table is written database.table")
    return written(part.text for part in found)


def _simulate(args: argparse.Namespace) -> int:
    from hookline.governance.access.simulating import read_rows, simulate

    access = _access(args)
    principals = args.principal or list(access.principals)
    _declared(access, principals)
    rows, tables = read_rows(args.rows), _tables(access, args)
    with open_session(spark_settings((), delta=False), "policy") as spark:
        found = simulate(spark, access, principals, tables, rows, args.purpose)
    if args.json:
        print_json({"seen": found})
        return 0
    for one in found:
        sys.stdout.write(printable(f"{one['principal']} on {one['table']}:") + "\n")
        if one["rows"] is None:
            sys.stdout.write("  there is no such table\n")
        elif not one["rows"]:
            sys.stdout.write("  no row\n")
        else:
            print_table(list(one["rows"][0]), [[_shown(value) for value in row.values()] for row in one["rows"]])
    return 0


def _shown(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _publish(args: argparse.Namespace) -> int:
    from hookline.pipelines.secured import secure
    from hookline.pipelines.secured.publishing import publish

    config = read_config(args)
    policies = [str(Path.cwd() / one) for one in args.policy] if args.policy else _POLICIES
    with open_session(spark_settings(args.conf, delta=args.format == "delta"), "policy") as spark:
        secured = secure(spark, args.principal, policies, purpose=args.purpose, config=config)
        count = publish(spark, secured, args.table, args.target, args.format)
    sys.stdout.write(printable(f"{args.target}: {count} columns of {args.table}, as {args.principal} sees it") + "\n")
    return 0


def _access(args: argparse.Namespace) -> Access:
    from hookline.governance.access.loading import find_access

    if args.policy:
        return find_access(args.policy, Path.cwd())
    return find_access(_POLICIES, read_config(args).base_dir)


def _tables(access: Access, args: argparse.Namespace) -> list[KnownTable]:
    from hookline.governance.access.known import known_tables, read_schema

    schema = {} if args.schema is None else read_schema(args.schema)
    with opened_store(read_config(args)) as store:
        return known_tables(access, schema, store)


def _declared(access: Access, principals: Sequence[str]) -> None:
    from hookline.core.errors import ConfigError

    for name in principals:
        if name not in access.principals:
            known = ", ".join(access.principals) or "none"
            raise ConfigError(f"the principal {name!r} is nowhere declared; known are {known}")
