"""The picture of a graph: one drawing for notebooks, for pages of their own and for SVG files.

Python decides everything that can be seen without a script: which column of the picture a table stands in (``ranks``), its
order there (``order``), its place (``place``), and the SVG (``draw``). In a page a little script, part of the page, hides and
unfolds tables, moves them together by the same rules, and follows a column through the graph. Without the script, in a
place that forbids scripts, the picture is the SVG.
"""

from __future__ import annotations

from hookline.lineage.picture.draw import svg
from hookline.lineage.picture.page import frame, page, policed_page

__all__ = ["frame", "page", "policed_page", "svg"]
