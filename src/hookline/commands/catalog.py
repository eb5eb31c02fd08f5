"""The catalog: what datasets there are, what is in them, whose they are and how they stand.

hookline catalog search [WORD…] [--column C] [--tag K[=V]] [--holds ENTITY] [--owner O] [--state S] …
hookline catalog show NAME
hookline catalog describe NAME [--owner O] [--description D] [--tag K=V] [--untag K] [--comment COLUMN=TEXT]
hookline catalog certify NAME draft|reviewed|certified|deprecated --reason R
hookline catalog sync [--conf K=V]      take in the tables of Spark's own catalog; where the plugin glue is set up, tell Glue

Exit codes: 0 done; 1 no such dataset, a step that the rules don't allow, or a table that Glue did not take; 4 the configuration
is wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from contextlib import closing
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
    from hookline.core.config import Config
    from hookline.core.store import Store
    from hookline.governance.catalog.entry import CatalogEntry

_STATES = ("draft", "reviewed", "certified", "deprecated")
_NUMBERS = {
    "fresh-within-h": "hours since the last write at most",
    "stale-after-h": "hours since the last write at least",
    "least-quality": "the quality score at least",
    "most-quality": "the quality score at most",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="search|show|describe|certify|sync")
    searching = deeds.add_parser("search", help="find datasets")
    searching.add_argument("words", nargs="*", metavar="WORD", help="in a name, a column, a comment, a tag, an owner")
    for name in ("name", "column", "owner"):
        searching.add_argument(f"--{name}", metavar="P", help=f"a part of the {name}, or a pattern with *")
    searching.add_argument("--tag", metavar="K[=V]", help="a tag, or a tag with its value")
    searching.add_argument("--holds", metavar="ENTITY", help="personal data that a column holds; * for any")
    searching.add_argument("--state", choices=_STATES, help="how it stands")
    for name, told in _NUMBERS.items():
        searching.add_argument(f"--{name}", type=float, metavar="N", help=told)
    showing = deeds.add_parser("show", help="all that is known of one dataset")
    describing = deeds.add_parser("describe", help="say whose a dataset is, and what it is")
    certifying = deeds.add_parser("certify", help="make a step of a dataset's certification")
    for one in (showing, describing, certifying):
        one.add_argument("name", metavar="NAME", help="a dataset's name, or the end of it, or a table's")
    describing.add_argument("--owner", metavar="O", help="whose it is; empty for nobody's")
    describing.add_argument("--description", metavar="D", help="what it is; empty for nothing")
    describing.add_argument("--tag", action="append", default=[], metavar="K=V", help="a tag; may be repeated")
    describing.add_argument("--untag", action="append", default=[], metavar="K", help="a tag to take away")
    describing.add_argument(
        "--comment", action="append", default=[], metavar="C=T", help="what a column is; empty for nothing"
    )
    certifying.add_argument("state", choices=_STATES, help="how it is to stand")
    certifying.add_argument("--reason", required=True, metavar="R", help="why")
    syncing = deeds.add_parser("sync", help="take in the tables of Spark's own catalog")
    syncing.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
    )
    for one in (searching, showing, describing, certifying, syncing):
        add_json_option(one)
        add_config_options(one)


def main(args: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        HooklineError: when it can't be done.
    """
    config = read_config(args)
    if args.deed == "sync":
        return _sync(args, config)
    with opened_store(config) as store:
        if args.deed == "search":
            return _search(args, config, store)
        if store is None:
            from hookline.core.errors import CatalogError

            raise CatalogError(
                "nothing is in the catalog yet: run a job with `hookline run`, or `hookline catalog sync`"
            )
        deed = {"show": _shown, "describe": _described, "certify": _certified}[args.deed]
        entry = deed(args, config, store)
    if args.json:
        print_json({"entry": entry.document()})
    else:
        from hookline.governance.catalog.telling import text_of

        sys.stdout.write(text_of(entry))
    return 0


def _entries(config: Config, store: Store, wanted: Sequence[tuple[str, str]] | None = None) -> list[CatalogEntry]:
    """As they stand; what lapsed is recorded."""
    from hookline.governance.audit import open_log
    from hookline.governance.catalog.certification import settled
    from hookline.governance.catalog.gather import entries
    from hookline.governance.catalog.options import configured

    log = open_log(config.audit, config.base_dir, config.state_dir)
    found = entries(store, config.labels, configured(config), wanted)
    return [settled(store, log, entry) for entry in found]


def _shown(args: argparse.Namespace, config: Config, store: Store) -> CatalogEntry:
    from hookline.governance.catalog.finding import find

    (entry,) = _entries(config, store, [find(store, args.name)])
    return entry


def _search(args: argparse.Namespace, config: Config, store: Store | None) -> int:
    from hookline.governance.catalog.search import Query, search
    from hookline.governance.catalog.telling import age_of, score_of

    given = {one.name: getattr(args, one.name) for one in dataclasses.fields(Query) if one.name != "text"}
    known = [] if store is None else _entries(config, store)
    found = search(known, Query(" ".join(args.words), **given))
    if args.json:
        print_json({"entries": [entry.document() for entry in found]})
        return 0
    rows = (
        [str(one.dataset), one.certification.state, one.owner or "-", score_of(one), age_of(one), _held(one)]
        for one in found
    )
    print_table(("DATASET", "STATE", "OWNER", "QUALITY", "WRITTEN", "HOLDS"), rows)
    return 0


def _held(entry: CatalogEntry) -> str:
    return ", ".join(sorted(entry.entities)) or "-"


def _described(args: argparse.Namespace, config: Config, store: Store) -> CatalogEntry:
    from hookline.core.errors import CatalogError
    from hookline.core.events import user_of_process, utc_now
    from hookline.core.store.cataloguing import declarations, declare
    from hookline.core.store.records import Declared
    from hookline.governance.audit import Entry, open_log
    from hookline.governance.catalog.finding import find

    name = find(store, args.name)
    (entry,) = _entries(config, store, [name])
    tags, comments = _pairs("--tag", args.tag), _pairs("--comment", args.comment)
    known = {column.column for column in entry.columns}
    if unknown := sorted(comments.keys() - known):
        raise CatalogError(f"{entry.dataset} has no column {unknown[0]!r}; it has {', '.join(sorted(known)) or 'none'}")
    with store.reading() as connection:
        before = declarations(connection, name).get(name) or Declared(*name, "")
    changes: dict[str, Any] = {
        "tags": {key: value for key, value in {**before.tags, **tags}.items() if key not in args.untag},
        "comments": {key: value for key, value in {**before.comments, **comments}.items() if value},
    }
    changes |= {key: getattr(args, key) or None for key in ("owner", "description") if getattr(args, key) is not None}
    told = {
        "dataset": str(entry.dataset),
        **{key: value for key, value in changes.items() if value != getattr(before, key)},
    }
    log = open_log(config.audit, config.base_dir, config.state_dir)
    log.append(Entry("catalog.described", told, user_of_process()))
    declare(store, dataclasses.replace(before, changed_at=utc_now().isoformat(timespec="microseconds"), **changes))
    return _shown(args, config, store)


def _certified(args: argparse.Namespace, config: Config, store: Store) -> CatalogEntry:
    from hookline.core.events import user_of_process
    from hookline.governance.audit import open_log
    from hookline.governance.catalog.certification import step

    log = open_log(config.audit, config.base_dir, config.state_dir)
    return step(store, log, _shown(args, config, store), args.state, user_of_process(), args.reason)


def _sync(args: argparse.Namespace, config: Config) -> int:
    from hookline.commands._glue import registered
    from hookline.core.store import Store
    from hookline.core.store.cataloguing import keep_layout
    from hookline.governance.catalog.glue.options import configured
    from hookline.pipelines.layouts import of_table, tables

    glue = configured(config)
    in_glue: list[dict[str, Any]] = []
    settings = spark_settings(args.conf, delta=False)
    with open_session(settings, "catalog") as spark, closing(Store(config.store_url())) as store:
        found = [of_table(spark, table) for table in tables(spark)]
        with store.transaction() as connection:
            for layout in found:
                keep_layout(store, connection, layout.payload())
        settled = _entries(config, store)
        if glue is not None:
            in_glue = [*registered(spark, store, settled, glue)]
    failed = [one for one in in_glue if one["error"] is not None]
    if args.json:
        told = [{"namespace": one.namespace, "name": one.name, "table": one.table_name} for one in found]
        print_json({"tables": told, "glue": in_glue})
        return 1 if failed else 0
    sys.stdout.write(f"{len(found)} tables of Spark's catalog are in the catalog\n")
    if glue is not None:
        sys.stdout.write(f"{len(in_glue) - len(failed)} of {len(in_glue)} tables are in Glue\n")
    for one in failed:
        name = printable(f"{one['database']}.{one['table']}")
        sys.stdout.write(f"{name}: {printable(one['error'])}\n")
    return 1 if failed else 0


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    from hookline.core.errors import ConfigError

    found = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not (equals and key):
            raise ConfigError(f"{option} {one!r}: it has to be NAME=TEXT")
        found[key] = value
    return found
