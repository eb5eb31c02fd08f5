"""Dashboards as CloudWatch's dashboard bodies.

Alarms and single numbers look at the rollups (the environment, and each job of it); what is shown by table and the like is
searched for, among series with exactly the dimensions that the metric has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core.errors import ConfigError
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.text import dimension_value
from hookline.observability.dashboards.model import Board, Chart, FromAws, Shown, Statistic
from hookline.observability.metrics import tag_value

_STATISTICS: Mapping[Statistic, str] = {"sum": "Sum", "average": "Average", "maximum": "Maximum", "minimum": "Minimum"}
_VIEWS: Mapping[str, tuple[str, bool]] = {
    "lines": ("timeSeries", False),
    "stacked": ("timeSeries", True),
    "bars": ("bar", False),
    "number": ("singleValue", False),
}
_COLUMNS = 24
_HEAD_ROWS = 2


def environment_value(environment: str | None) -> str:
    """The value of the dimension ``env``, as points carry it."""
    return dimension_value(tag_value(environment))


def region_of(options: CloudWatchOptions) -> str:
    """The region that a dashboard has to name.

    Raises:
        ConfigError: the configuration does not say it.
    """
    if options.region is None:
        raise ConfigError("a dashboard names its region: set `region` of the plugin `cloudwatch`")
    return options.region


def body(board: Board, options: CloudWatchOptions, environment: str | None) -> dict[str, Any]:
    """A dashboard's body.

    Raises:
        ConfigError: the configuration names no region.
    """
    return {
        "start": "-P7D",
        "periodOverride": "inherit",
        "widgets": [*_widgets(board, _Painter(options, environment_value(environment)))],
    }


def _widgets(board: Board, painter: _Painter) -> Iterator[dict[str, Any]]:
    yield _placed("text", 0, 0, _COLUMNS, _HEAD_ROWS, {"markdown": f"# {board.title}\n{board.about}"})
    x, y, row_height = 0, _HEAD_ROWS, 0
    for chart in board.charts:
        if x + chart.width > _COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        kind, properties = painter.widget(chart)
        yield _placed(kind, x, y, chart.width, chart.height, properties)
        x, row_height = x + chart.width, max(row_height, chart.height)


def _placed(kind: str, x: int, y: int, width: int, height: int, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


class _Painter:
    """Makes widgets of charts."""

    def __init__(self, options: CloudWatchOptions, environment: str) -> None:
        self._options = options
        self._region = region_of(options)
        self._environment = environment

    def widget(self, chart: Chart) -> tuple[str, dict[str, Any]]:
        """The type and the properties."""
        if chart.records is not None:
            return self._records(chart, chart.records.query)
        view, stacked = _VIEWS[chart.kind]
        properties: dict[str, Any] = {
            "title": f"{chart.title} ({chart.unit})" if chart.unit else chart.title,
            "region": self._region,
            "view": view,
            "stacked": stacked,
            "period": chart.period_s,
            "metrics": [*self._metrics(chart)],
        }
        if chart.kind in ("lines", "stacked"):
            properties["yAxis"] = {"left": {"label": chart.unit or "count", "showUnits": False, "min": 0}}
        return "metric", properties

    def _records(self, chart: Chart, query: str) -> tuple[str, dict[str, Any]]:
        group = self._options.log_group
        if group is None:
            told = f"## {chart.title}\nSet `log_group` of the plugin `cloudwatch`, and it is shown here."
            return "text", {"markdown": told}
        title = f"{chart.title}. {chart.note}" if chart.note else chart.title
        source = f"SOURCE '{group}' | {query}"
        return "log", {"title": title, "region": self._region, "view": "table", "query": source}

    def _metrics(self, chart: Chart) -> Iterator[list[Any]]:
        for number, shown in enumerate(chart.shows):
            if isinstance(shown, FromAws):
                yield self._from_aws(shown, chart, f"a{number}")
            elif shown.values:
                yield from self._by_value(shown, chart, number)
            elif shown.whole and not shown.by and self._options.rollups:
                yield from self._total(shown, number)
            else:
                yield self._searched(shown, chart, f"s{number}")

    def _total(self, shown: Shown, number: int) -> Iterator[list[Any]]:
        """The environment's own series, and what is reckoned from it."""
        own = {"id": f"m{number}", "stat": _STATISTICS[shown.statistic], "label": shown.label}
        hidden = {"visible": False} if shown.formula else {}
        yield [self._options.namespace, shown.metric.name, "env", self._environment, {**own, **hidden}]
        if shown.formula:
            expression = shown.formula.format(f"m{number}")
            yield [{"expression": expression, "label": shown.label, "id": f"e{number}"}]

    def _searched(self, shown: Shown, chart: Chart, id: str) -> list[Any]:
        expression = self._search(shown, chart.period_s, shown.where)
        if not shown.by:
            expression = f"{_over(shown.statistic)}({expression})"
        label = "${PROP('Dim." + shown.by[0] + "')}" if shown.by else shown.label
        expression = (shown.formula or "{}").format(expression)
        return [{"expression": expression, "label": label, "id": id}]

    def _by_value(self, shown: Shown, chart: Chart, number: int) -> Iterator[list[Any]]:
        for place, value in enumerate(shown.values):
            found = self._search(shown, chart.period_s, {**shown.where, shown.by[0]: value})
            yield [{"expression": f"{_over(shown.statistic)}({found})", "label": value, "id": f"v{number}_{place}"}]

    def _search(self, shown: Shown, period_s: int, where: Mapping[str, str]) -> str:
        keys: Sequence[str] = ("env", "job")
        if not (shown.by == ("job",) and shown.whole and self._options.rollups):
            keys = (*shown.metric.tags, *self._options.dimensions)
        terms = {"env": (self._environment,), **{key: (value,) for key, value in where.items()}}
        return _search(self._options.namespace, shown.metric.name, keys, terms, shown.statistic, period_s)

    def _from_aws(self, shown: FromAws, chart: Chart, id: str) -> list[Any]:
        found = _search(shown.namespace, shown.name, shown.dimensions, shown.where, shown.statistic, chart.period_s)
        label = f"{shown.label}: " + "${PROP('Dim." + shown.dimensions[0] + "')}"
        if shown.namespace == "AWS/Usage":
            label = "${PROP('Dim.Service')} ${PROP('Dim.Resource')}"
        return [{"expression": found, "label": label, "id": id}]


def _search(
    namespace: str,
    name: str,
    keys: Sequence[str],
    where: Mapping[str, Sequence[str]],
    statistic: Statistic,
    period_s: int,
) -> str:
    """A search expression. What it quotes has no quotes in it: see ``tag_value``."""
    terms = [f'MetricName="{name}"']
    for key, values in where.items():
        either = " OR ".join(f'"{value}"' for value in values)
        terms.append(f"{key}=({either})" if len(values) > 1 else f"{key}={either}")
    schema = ",".join(
        f'"{part}"' if "/" not in part and not part.isalnum() else part for part in (namespace, *sorted(set(keys)))
    )
    return f"SEARCH('{{{schema}}} {' '.join(terms)}', '{_STATISTICS[statistic]}', {period_s})"


def _over(statistic: Statistic) -> str:
    return {"sum": "SUM", "average": "AVG", "maximum": "MAX", "minimum": "MIN"}[statistic]
