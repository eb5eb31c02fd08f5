"""Small charts as SVG, made here: nothing to load, nothing that a policy must allow, legible on paper.

A chart's shapes are stretched to the place that a page has; its labels are text of the page beside them, so that they stay
legible on a phone. Behind every chart the page has a table of the same numbers.
"""

from hookline.observability.ui.charts.model import Chart
from hookline.observability.ui.charts.plot import bars, line, stacked
from hookline.observability.ui.charts.small import gantt, spark, squares

__all__ = ["Chart", "bars", "gantt", "line", "spark", "squares", "stacked"]
