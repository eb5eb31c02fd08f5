"""Look at runs, datasets, lineage and deliveries in a browser.

hookline ui [--port P] [--host H [--token T]]

The page only reads. It listens on this machine alone unless --host says otherwise, which takes a token: better in
$HOOKLINE_UI_TOKEN than on the command line, where others on the machine can see it.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from hookline.commands._options import add_config_options, read_config

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store.records import Name, StoredLineage
    from hookline.observability.ui.app import Picture

_PORT = 8765


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="P", help="default: %(default)s; 0: any that is free"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="where to listen (default: %(default)s)")
    parser.add_argument("--token", metavar="T", help="what one must know to be answered (default: $HOOKLINE_UI_TOKEN)")
    parser.add_argument(
        "--name", action="append", default=[], metavar="N", help="a name by which browsers may ask; may be repeated"
    )
    add_config_options(parser)


def main(args: argparse.Namespace) -> int:
    """Answer until it is interrupted.

    Raises:
        ConfigError: the extra ``ui`` is not installed, or the host needs a token.
        HooklineError: nothing can listen there.
    """
    from hookline.core.errors import ConfigError

    config = read_config(args)
    try:
        from hookline.observability.ui.app import Sources
        from hookline.observability.ui.serve import serve
    except ModuleNotFoundError as error:
        raise ConfigError(f'`hookline ui` needs the package {error.name!r}: pip install "hookline[ui]"') from None
    from hookline.core.store.reader import StoreReader

    sources = Sources(StoreReader(config.store_url()), config.labels, config.state_dir / "outbox.db", _picture(config))
    token = args.token or os.environ.get("HOOKLINE_UI_TOKEN") or None
    serve(sources, host=args.host, port=args.port, token=token, names=tuple(args.name), told=_tell)
    return 0


def _tell(address: str) -> None:
    sys.stderr.write(f"hookline: the page is at {address} (stop it with Ctrl+C)\n")
    sys.stderr.flush()


def _picture(config: Config) -> Picture:
    """The lineage room's drawing, for a room that knows nothing of it."""

    def draw(lineage: StoredLineage, around: Name | None) -> tuple[str, str]:
        from hookline.lineage.nodes import Node
        from hookline.lineage.picture import policed_page
        from hookline.lineage.sources import of_lineage
        from hookline.lineage.walk import around as part_around

        graph = of_lineage(lineage, config)
        if around is not None:
            graph = part_around(graph, graph.number(Node("dataset", *around)), up=True, down=True)
        return policed_page(graph)

    return draw
