"""Great Expectations: its suites in, ours out, suites by configuration, a data context.

hookline gx import SUITE [--dataset GLOB] [--out F]      a suite of Great Expectations as one of ours, in YAML
hookline gx export SUITE.yaml … [--out DIR]              ours as suites of Great Expectations, and what has no counterpart
hookline gx generate RULES.yaml --out DIR [--data DIR]   a suite for every dataset that the rules name
hookline gx store SUITE … --context DIR                  suites with checkpoints, into a data context
hookline gx docs --context DIR                           the data docs of a context
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ConfigError, HooklineError

if TYPE_CHECKING:
    from hookline.quality.gx.reading import Source


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="import|export|generate|store|docs")
    one = actions.add_parser("import", help="a suite of Great Expectations as one of ours, in YAML")
    one.add_argument("suite", metavar="SUITE", help="a file of JSON, or module:name or file.py:name")
    one.add_argument("--dataset", action="append", metavar="GLOB", help="what it is for; may be repeated")
    one.add_argument("--out", type=Path, metavar="F", help="the file to write (default: standard output)")
    _add_modules(one)
    two = actions.add_parser("export", help="ours as suites of Great Expectations")
    two.add_argument("suites", nargs="+", metavar="SUITE", help="files of suites")
    two.add_argument("--out", type=Path, metavar="DIR", help="a folder for the files (default: standard output)")
    three = actions.add_parser("generate", help="a suite for every dataset that the rules name")
    three.add_argument("rules", type=Path, metavar="RULES", help="a file of rules")
    three.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder for the files")
    three.add_argument("--data", metavar="DIR", help="where the datasets are, to learn their columns from")
    four = actions.add_parser("store", help="suites with checkpoints, into a data context")
    four.add_argument("suites", nargs="+", metavar="SUITE", help="files of JSON, or module:name or file.py:name")
    four.add_argument("--context", type=Path, required=True, metavar="DIR", help="the context's project folder")
    _add_modules(four)
    five = actions.add_parser("docs", help="build the data docs of a context")
    five.add_argument("--context", type=Path, required=True, metavar="DIR", help="the context's project folder")
    _add_modules(five)


def _add_modules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="M",
        help="a module with expectations of your own; may be repeated",
    )


def main(args: argparse.Namespace) -> int:
    """Do it.

    Raises:
        HooklineError: a suite can't be understood, or a file not be written.
    """
    sys.path.insert(0, os.getcwd())  # the command's own folder is there instead
    actions = {"import": _import, "export": _export, "generate": _generate, "store": _store, "docs": _docs}
    return actions[args.action](args)


def _find(reference: str, modules: list[str]) -> Source:
    from hookline.quality.checks.registry import import_modules
    from hookline.quality.gx import suites

    import_modules(modules)
    return suites.find(reference, Path.cwd())


def _import(args: argparse.Namespace) -> int:
    from hookline.quality.gx.writing import as_yaml

    text = as_yaml(_find(args.suite, args.module), tuple(args.dataset or ()))
    if args.out is None:
        sys.stdout.write(text)
    else:
        _write(args.out, text)
    return 0


def _export(args: argparse.Namespace) -> int:
    from hookline.quality.gx.exporting import export, suites_by_name
    from hookline.quality.suite import load_suites

    documents: list[dict[str, Any]] = []
    for file in args.suites:
        for name, suite in suites_by_name(load_suites(Path(file)), Path(file).stem).items():
            document, remarks = export(suite, name)
            documents.append(document)
            for check, remark in remarks:
                sys.stderr.write(f"hookline: {name}: {check}: {remark}\n")
    if args.out is None:
        sys.stdout.write(json.dumps(documents[0] if len(documents) == 1 else documents, indent=2) + "\n")
        return 0
    for document in documents:
        _write(args.out / f"{document['name']}.json", json.dumps(document, indent=2) + "\n")
    return 0


def _generate(args: argparse.Namespace) -> int:
    from hookline.quality.gx.generating import generate, read_rules

    try:
        text = args.rules.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{args.rules}: can't be read: {error.strerror}; correct the path") from None
    sys.path.insert(0, str(args.rules.resolve().parent))  # its modules stand beside it
    rules = read_rules(text, str(args.rules))
    unknown = [name for name, rule in rules.datasets.items() if rule.get("columns") is None]
    columns = _columns(unknown, args.data) if unknown and args.data is not None else {}
    for name, document in generate(rules, lambda dataset: columns.get(dataset, ())).items():
        _write(args.out / f"{name}.json", json.dumps(document, indent=2, sort_keys=True) + "\n")
    return 0


def _columns(datasets: list[str], folder: str) -> dict[str, list[str]]:
    """The columns of datasets that lie below a folder."""
    from hookline.commands._session import open_session, spark_settings
    from hookline.pipelines.at_rest import find_at_rest, is_delta_folder

    places = {dataset: f"{folder.rstrip('/')}/{dataset.strip('/*')}" for dataset in datasets}
    delta = any(is_delta_folder(place) for place in places.values())
    with open_session(spark_settings([], delta=delta), "gx") as spark:
        return {name: [c.name for c in find_at_rest(spark, place).target().columns] for name, place in places.items()}


def _store(args: argparse.Namespace) -> int:
    from hookline.commands._session import open_session, spark_settings
    from hookline.quality.gx.context import context_at

    sources = [_find(suite, args.module) for suite in args.suites]
    context = context_at(str(args.context), Path.cwd())
    with open_session(spark_settings([], delta=False), "gx"):  # a checkpoint's data source wants one
        for source in sources:
            context.store_checkpoint({"name": source.name, "expectations": [e.as_json() for e in source.expectations]})
    sys.stderr.write(f"hookline: {len(sources)} suites with checkpoints are in {args.context}/gx\n")
    return 0


def _docs(args: argparse.Namespace) -> int:
    from hookline.quality.checks.registry import import_modules
    from hookline.quality.gx.context import context_at

    if not (args.context / "gx").is_dir():
        raise HooklineError(f"there is no data context in {args.context}: it has no folder gx; correct the path")
    import_modules(args.module)
    for place in context_at(str(args.context), Path.cwd()).build_docs().values():
        sys.stdout.write(f"{place}\n")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}; correct the path") from None
    sys.stderr.write(f"hookline: wrote {path}\n")
