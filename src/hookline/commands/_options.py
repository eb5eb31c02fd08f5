"""Arguments and output that several commands share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store import Store


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """``--config``, ``--env`` and ``--set``, as every command that reads the configuration has them."""
    parser.add_argument(
        "--config", type=Path, metavar="F", help="the configuration (default: $HOOKLINE_CONFIG, ./hookline.yaml)"
    )
    parser.add_argument("--env", metavar="E", help="the environment to lay on it (default: $HOOKLINE_ENV)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="K=V", help="one key, such as bus.notify_deadline_s=5"
    )


def read_config(args: argparse.Namespace) -> Config:
    """The configuration that the arguments choose.

    Raises:
        ConfigError: when it can't be used.
    """
    from hookline.core.config import load_config

    return load_config(args.config, environment=args.env, overrides=args.set)


@contextmanager
def opened_store(config: Config) -> Iterator[Store | None]:
    """The run history, to read it; None where there is none yet, which nothing is made for.

    Raises:
        StoreError: it can't be opened.
    """
    from hookline.core.store import Store

    store = Store.existing(config.store_url())
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """``--json``: for programs instead of people."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def write_file(path: Path, text: str) -> None:
    """Write a file that the arguments name.

    Raises:
        HooklineError: it can't be written.
    """
    from hookline.core.errors import HooklineError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HooklineError(f"{path} can't be written: {error.strerror}; correct the path") from None


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object, with the version of its shape first."""
    sys.stdout.write(json.dumps({"version": 1, **content}, indent=2, ensure_ascii=False) + "\n")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in aligned columns, safe for a terminal whatever the names in them hold."""
    from hookline.core.text import display_width, pad, printable

    lines = [tuple(head), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(display_width(line[index]) for line in lines) for index in range(len(head))]
    for line in lines:
        sys.stdout.write("  ".join(pad(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")
