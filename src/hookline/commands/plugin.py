"""Write the skeleton of a plugin, as a distribution of its own (new NAME)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="new")
    new = actions.add_parser("new", help="write a distribution with a plugin, its test and its packaging")
    new.add_argument("name", metavar="NAME", help="the key in the configuration, such as rowlog")
    new.add_argument("--dir", type=Path, metavar="D", help="the folder to make (default: hookline-NAME)")


def main(args: argparse.Namespace) -> int:
    """Write it, or raise HooklineError without having written anything."""
    from hookline.commands._skeleton import Skeleton

    skeleton = Skeleton.named(args.name)
    folder = args.dir or Path(skeleton.distribution)
    for path in skeleton.write(folder):
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(
        f"\nNext:\n  cd {folder}\n  pip install -e '.[dev]'\n  pytest\n"
        f"and name it in hookline.yaml:\n  plugins:\n    {skeleton.name}: {{}}\n"
    )
    return 0
