"""Build dashboards and alarms as files, push them to CloudWatch and Datadog, or show how these differ.

hookline dashboards build --out DIR [--format json|terraform]
hookline dashboards push
hookline dashboards diff
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.observability.dashboards.publishing import Publisher


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("action", choices=("build", "push", "diff"))
    parser.add_argument("--out", type=Path, metavar="DIR", help="build: the folder that files are written to")
    parser.add_argument("--format", choices=("json", "terraform"), default="json", help="build: what files are")
    parser.add_argument("--only", choices=("cloudwatch", "datadog"), help="one back end of those that are configured")
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Do it; 1 when ``diff`` finds a difference.

    Raises:
        HooklineError: neither plugin is configured, or a back end does not do it.
    """
    from hookline.core.errors import ConfigError

    config = read_config(args)
    publishers = [one for one in _publishers(config) if args.only in (None, one.name)]
    if not publishers:
        wanted = f"`{args.only}`" if args.only else "`cloudwatch` or `datadog`"
        raise ConfigError(f"the configuration names no plugin {wanted}, whose dashboards could be made")
    if args.action == "build":
        if args.out is None:
            raise ConfigError("build needs a folder: --out DIR")
        return _build(publishers, args.out, args.format)
    return _push(publishers) if args.action == "push" else _diff(publishers)


def _publishers(config: Config) -> Iterator[Publisher]:
    from hookline.core.loader import check_plugins
    from hookline.observability.cloudwatch.options import CloudWatchOptions
    from hookline.observability.cloudwatch.publishing import CloudWatchPublisher
    from hookline.observability.datadog.options import DatadogOptions
    from hookline.observability.datadog.publishing import DatadogPublisher

    for plugin in check_plugins(config):
        if isinstance(plugin.config, CloudWatchOptions):
            yield CloudWatchPublisher(plugin.config, config.environment, config.labels.tags)
        elif isinstance(plugin.config, DatadogOptions):
            yield DatadogPublisher(plugin.config, config.environment)


def _build(publishers: Iterable[Publisher], folder: Path, form: str) -> int:
    for publisher in publishers:
        place = folder / publisher.name
        place.mkdir(parents=True, exist_ok=True)
        if form == "terraform":
            files = {"hookline.tf": publisher.terraform()}
        else:
            files = {item.file: item.text for item in publisher.items()}
        for name, text in files.items():
            (place / name).write_text(text, "utf-8")
        sys.stdout.write(f"{publisher.name}: {len(files)} files in {place}\n")
    return 0


def _push(publishers: Iterable[Publisher]) -> int:
    for publisher in publishers:
        items = publisher.items()
        for item in items:
            publisher.push(item)
        sys.stdout.write(f"{publisher.name}: pushed {len(items)} dashboards, alarms and monitors\n")
    return 0


def _diff(publishers: Iterable[Publisher]) -> int:
    from hookline.core.text import printable
    from hookline.observability.dashboards.publishing import differences

    differs = False
    for publisher in publishers:
        for _, lines in differences(publisher):
            differs = True
            sys.stdout.write("\n".join(printable(line) for line in lines) + "\n")
    return 1 if differs else 0
