"""Look for personal data in data at rest: which columns hold what, how surely, and why. No value is shown.

hookline scan PATH|TABLE [--json F]
hookline scan --known [--json F]        what is known of all datasets, with what lineage says came from elsewhere

Exit codes: 0 done; 1 the data can't be read, or not be looked through; 4 the configuration is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.commands._options import (
    add_config_options,
    opened_store,
    print_json,
    print_table,
    read_config,
    write_file,
)
from hookline.commands._session import open_session, spark_settings
from hookline.core.text import printable

if TYPE_CHECKING:
    from hookline.core.config import Config


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("place", nargs="?", metavar="PATH|TABLE", help="the data; a path has a slash in it, or exists")
    parser.add_argument("--known", action="store_true", help="look at nothing, and tell what is known of all datasets")
    parser.add_argument("--json", metavar="F", help="write it to this file as JSON; - for standard output")
    parser.add_argument("--why", action="store_true", help="tell the reasons for each verdict")
    parser.add_argument("--no-store", action="store_true", help="do not keep the verdicts in the store")
    parser.add_argument(
        "--rows", type=int, metavar="N", help="how many rows to draw, in place of the configured number"
    )
    parser.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
    )
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Look, tell, and return the exit code.

    Raises:
        HooklineError: when the configuration or the data can't be used.
    """
    from hookline.core.errors import ConfigError

    config = read_config(args)
    if args.known == (args.place is not None):
        raise ConfigError("name the data to look through, or ask for what is --known")
    if args.known:
        _tell_known(config, args.json)
        return 0
    return _scan(args, config)


def _scan(args: argparse.Namespace, config: Config) -> int:
    from hookline.core.errors import ConfigError
    from hookline.governance.pii.options import configured
    from hookline.governance.pii.recognizers import check_installed
    from hookline.governance.pii.scan import scan
    from hookline.pipelines.at_rest import find_at_rest, is_delta_folder

    check_installed()
    settings = configured(config).detection()
    if args.rows is not None:
        if args.rows < 100:
            raise ConfigError("--rows: at least 100 rows have to be drawn")
        settings = settings.model_copy(update={"rows": args.rows})
    with open_session(spark_settings(args.conf, delta=is_delta_folder(args.place)), "scan") as spark:
        resting = find_at_rest(spark, args.place)
        columns = resting.target().columns
        document = scan(resting.frame, settings).document()
    _keep(config, resting.dataset, document, columns, settings, in_store=not args.no_store)
    _tell(str(resting.dataset), document, args)
    return 0


def _keep(
    config: Config, dataset: Any, document: dict[str, Any], columns: Any, settings: Any, *, in_store: bool
) -> None:
    from hookline.core.events import user_of_process
    from hookline.core.store import Store
    from hookline.core.store.classifying import keep_scan
    from hookline.governance.audit import open_log
    from hookline.governance.pii.keeping import columns_id, entry_of, stored

    kept = stored(dataset, document, columns_id(columns, settings), None)
    if in_store:
        store = Store(config.store_url())
        try:
            with store.transaction() as connection:
                keep_scan(store, connection, kept.payload())
        finally:
            store.close()
    open_log(config.audit, config.base_dir, config.state_dir).append(entry_of(kept, user_of_process()))


def _tell(dataset: str, document: dict[str, Any], args: argparse.Namespace) -> None:
    if _written(args.json, {"dataset": dataset, **document}):
        return
    looked = f"{document['rows']:,} rows, {document['sampled']:,} of them drawn, {len(document['columns'])} columns"
    sys.stdout.write(f"{printable(dataset)}: {looked}\n\n")
    found = document["found"]
    if not found:
        sys.stdout.write("no personal data was found\n")
        return
    rows = (
        [
            one["column"],
            one["entity"],
            f"{one['confidence']:.2f}",
            f"{one['share']:.0%}",
            "in texts" if one["within"] else "values",
        ]
        for one in found
    )
    print_table(("COLUMN", "ENTITY", "CONFIDENCE", "SHARE", "WHERE"), rows)
    if args.why:
        for one in found:
            sys.stdout.write(f"\n{printable(one['column'])}: {one['entity']}\n")
            sys.stdout.write("".join(f"  {printable(reason)}\n" for reason in one["reasons"]))


def _tell_known(config: Config, file: str | None) -> None:
    from hookline.core.store.inheriting import known_in

    with opened_store(config) as store:
        known = {} if store is None else known_in(store)
    told: list[dict[str, Any]] = [
        {
            "namespace": namespace,
            "name": name,
            "column": one.column,
            "entity": one.entity,
            "confidence": one.confidence,
            "inherited_from": dict(zip(("namespace", "name", "column"), one.origin, strict=True))
            if one.inherited_by((namespace, name))
            else None,
        }
        for (namespace, name), columns in sorted(known.items())
        for one in sorted(columns, key=lambda one: (one.column, one.entity))
    ]
    if _written(file, {"columns": told}):
        return
    if not told:
        sys.stdout.write("no column is known to hold personal data; look with hookline scan PATH|TABLE\n")
        return
    rows = ([row["name"], row["column"], row["entity"], f"{row['confidence']:.2f}", _origin(row)] for row in told)
    print_table(("DATASET", "COLUMN", "ENTITY", "CONFIDENCE", "FROM"), rows)


def _origin(row: dict[str, Any]) -> str:
    came = row["inherited_from"]
    return f"{came['name']}.{came['column']}" if came else "found here"


def _written(file: str | None, document: dict[str, Any]) -> bool:
    """Whether standard output has it now; a file gets it besides what people read."""
    if file == "-":
        print_json(document)
        return True
    if file is not None:
        write_file(Path(file), json.dumps({"version": 1, **document}, ensure_ascii=False) + "\n")
    return False
