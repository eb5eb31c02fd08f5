"""What ``erase`` and ``export-subject`` share: whose data it is about, by which policies, and where it may be."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.commands._options import add_config_options

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.config import Config
    from hookline.core.events import Dataset
    from hookline.governance.erasure.files import Sealing
    from hookline.governance.erasure.holdings import Means
    from hookline.governance.erasure.places import Place
    from hookline.governance.protection import AtRestKeeper
    from hookline.governance.protection.policy import Policy

# What comes on standard input is not read without end.
_MOST_CHARS = 16 << 20
_POLICIES = ("policies/*.yaml",)


def add_subject_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """``--subject`` and what goes with it."""
    whose = parser.add_mutually_exclusive_group(required=required)
    whose.add_argument(
        "--subject",
        metavar="ID",
        help="whose; - reads the id from standard input, so that it stands in no shell's history and no list of processes",
    )
    whose.add_argument("--subject-file", type=Path, metavar="F", help="a file with the id alone")
    parser.add_argument("--entity", metavar="E", help="what the id is, as policies name it; by default the only one")
    parser.add_argument("--tenant", metavar="T", help="whose customer it is, where policies have several tenants")
    parser.add_argument(
        "--policy",
        action="append",
        metavar="FILE",
        help="the policies, or patterns with * and **; may be repeated; by default those of the plugin protect",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit log: a ticket, never a name")
    parser.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a setting of Spark; may be repeated"
    )
    parser.add_argument("--json", metavar="F", help="write what was done to this file as JSON; - for standard output")
    add_config_options(parser)


def id_of(args: argparse.Namespace) -> str:
    """The subject's id; one line's end behind it does not count.

    Raises:
        HooklineError: it is empty, or can't be read.
    """
    from hookline.core.errors import HooklineError

    text = str(args.subject)
    if args.subject_file is not None or args.subject == "-":
        try:
            text = sys.stdin.read(_MOST_CHARS) if args.subject_file is None else args.subject_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HooklineError(f"the subject's id can't be read: {type(error).__name__}") from None
        text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise HooklineError("the id of the subject is empty")
    return text


def policies_of(args: argparse.Namespace, config: Config) -> tuple[Policy, ...]:
    """The policies that the arguments name, else those of the plugin ``protect``.

    Raises:
        ConfigError: there is none, or one is not valid.
    """
    from hookline.governance.protection import find_policies

    if args.policy:
        return find_policies(args.policy, Path.cwd())
    entry = next((one for one in config.plugins if one.name == "protect"), None)
    patterns = _POLICIES if entry is None else entry.options.get("policies", _POLICIES)
    return find_policies([patterns] if isinstance(patterns, str) else patterns, config.base_dir)


@contextmanager
def means_for(args: argparse.Namespace, config: Config, places: Sequence[Place], command: str) -> Iterator[Means]:
    """What places are looked at with: a session that is opened when it is first asked for, and the keys of files at rest."""
    from hookline.commands._session import open_session, spark_settings
    from hookline.governance.erasure.holdings import Means, may_be_delta

    settings = spark_settings(args.conf, delta=any(may_be_delta(place.dataset) for place in places))
    # S3A's own way of reading remembers what an object was, and fails on one that was written anew.
    given = {"spark.hadoop.fs.s3a.input.stream.type": "classic", **settings}
    kept = tuple(policy for policy in policies_of(args, config) if policy.at_rest is not None)
    keeper = _keeper(config) if kept else None
    with ExitStack() as stack:
        opened: list[SparkSession] = []

        def session() -> SparkSession:
            if not opened:
                opened.append(stack.enter_context(open_session(given, command)))
                if keeper is not None:
                    stack.callback(keeper.leave)
                    keeper.meet(opened[0])
            return opened[0]

        def sealing(dataset: Dataset) -> Sealing | None:
            own = tuple(policy for policy in kept if policy.matches(dataset))
            return (lambda frame: keeper.seal(frame, keeper.kept(own))) if own and keeper is not None else None

        yield Means(session, sealing)


def _keeper(config: Config) -> AtRestKeeper:
    from hookline.governance.keys import open_keyring
    from hookline.governance.protection import AtRestKeeper

    folder = config.state_dir.absolute() / "protect"
    return AtRestKeeper(open_keyring(config.keys, config.base_dir), config.keys, config.base_dir, folder)


def tell_json(file: str | None, content: dict[str, Any]) -> bool:
    """Write a document where it is wanted.

    Returns:
        Whether it went to standard output, and nothing else should.

    Raises:
        HooklineError: the file can't be written.
    """
    from hookline.commands._options import print_json, write_file

    if file == "-":
        print_json(content)
        return True
    if file is not None:
        write_file(Path(file), json.dumps({"version": 1, **content}, indent=2, ensure_ascii=False) + "\n")
    return False
