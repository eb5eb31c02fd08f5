"""The picture as a page: the SVG with its script and style inside, nothing from elsewhere.

The page's own content-security policy lets only its one script run, by the script's hash: even a name that found a
way around the escaping could start nothing. In a notebook the page stands in a sandboxed frame, so that it can't touch
the notebook, and the notebook's style can't touch it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any

from hookline.lineage.graph import LineageGraph
from hookline.lineage.picture import place
from hookline.lineage.picture.draw import BAND, MARGIN, Drawing, css, draw, resource

_LEAST_HEIGHT, _MOST_HEIGHT = 260, 680


def page(graph: LineageGraph) -> str:
    """An HTML document that needs no network."""
    return _page(Drawing.of(graph))


def policed_page(graph: LineageGraph) -> tuple[str, str]:
    """The same with its content-security policy, for a server that sends that along."""
    return page(graph), _policy()


def frame(graph: LineageGraph) -> str:
    """The page in a frame, for a notebook's output."""
    drawing = Drawing.of(graph)
    height = min(_MOST_HEIGHT, max(_LEAST_HEIGHT, round(drawing.size[1]) + 90))
    return (
        f'<iframe title="Lineage of {len(drawing.scene.tables)} tables" sandbox="allow-scripts" width="100%" '
        f'height="{height}" frameborder="0" srcdoc="{escape(_page(drawing))}"></iframe>'
    )


def _page(drawing: Drawing) -> str:
    style, script = _style(), resource("picture.js")
    return (
        '<!doctype html>\n<html lang="en" class="hl-vars"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>Lineage</title><style>{style}</style></head>"
        f'<body><div id="hl-bar"></div><div id="hl-room">{draw(drawing)}</div>'
        '<aside id="hl-side" aria-label="Details" hidden></aside>'
        f'<script type="application/json" id="hl-data">{_data(drawing)}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _style() -> str:
    return css() + resource("page.css")


def _policy() -> str:
    script, style = _hash(resource("picture.js")), _hash(_style())
    return f"default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"


def _data(drawing: Drawing) -> str:
    """What the script knows, as JSON that can't end its element."""
    tables: list[dict[str, Any]] = [
        {
            "id": table.id if len(table.id) <= 2_000 else "",
            "name": table.name,
            "layer": table.layer,
            "cluster": table.cluster,
            "badges": len(table.badges),
            "facts": table.facts,
            "written": table.written_at,
            "rows": [[row.name, row.type, row.tags] for row in table.rows],
        }
        for table in drawing.scene.tables
    ]
    links = [
        [one.source, one.source_row, one.target, one.target_row, one.way, one.words] for one in drawing.scene.links
    ]
    data = {
        "tables": tables,
        "links": links,
        "columns": drawing.arrangement.columns,
        "ranks": [table.rank for table in drawing.scene.tables],
        "lanes": [[*pair, items] for pair, items in drawing.arrangement.lanes.items()],
        "unfolded": drawing.unfolded,
        "note": drawing.note,
        "size": {
            "width": place.WIDTH,
            "head": place.HEAD,
            "badges": place.BADGES,
            "row": place.ROW,
            "foot": place.FOOT,
            "gapX": place.GAP_X,
            "gapY": place.GAP_Y,
            "lane": place.LANE,
            "most": place.MOST_IN_COLUMN,
            "passes": place.PASSES,
            "margin": MARGIN,
            "band": BAND if drawing.layered else 0,
        },
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
