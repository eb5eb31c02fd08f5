"""Dashboards and watches as Datadog's JSON: bodies for its API of dashboards and of monitors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.observability.dashboards.model import Board, Chart, Shown, Statistic, Watch
from hookline.observability.metrics import tag_value

MANAGED = "managed_by:hookline"
_AGGREGATORS: Mapping[Statistic, str] = {"sum": "sum", "average": "avg", "maximum": "max", "minimum": "min"}
_DISPLAYS: Mapping[str, str] = {"lines": "line", "stacked": "area", "bars": "bars"}
_PRIORITIES = {"critical": 1, "error": 2, "warn": 3}
_HALF = 2  # Datadog's grid has twelve columns


def body(board: Board, environment: str | None, indexes: Sequence[str] = ()) -> dict[str, Any]:
    """A dashboard's body. It shows one environment at a time, which its reader chooses.

    Args:
        environment: which one is chosen at first; None for all.
        indexes: where log records are looked for; all by default.
    """
    return {
        "title": board.title,
        "description": f"{board.about} [{MANAGED}]",
        "layout_type": "ordered",
        "reflow_type": "fixed",
        "notify_list": [],
        "template_variables": [
            {"name": "env", "prefix": "env", "defaults": [tag_value(environment) if environment else "*"]},
            {"name": "job", "prefix": "job", "defaults": ["*"]},
        ],
        "widgets": [*_widgets(board, indexes)],
    }


def monitors(watches: Sequence[Watch], environment: str | None, notify: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The body of each monitor; with ``by`` it is a multi alert, which watches every job by itself."""
    scope = f"env:{tag_value(environment)}" if environment else "*"
    for watch in watches:
        by = f" by {{{','.join(watch.by)}}}" if watch.by else ""
        series = f"{_AGGREGATORS[watch.statistic]}:{watch.metric.name}{{{scope}}}{by}"
        if watch.metric.kind == "count" and watch.statistic == "sum":
            series += ".as_count()"
        threshold, query, options = _condition(watch, series)
        yield {
            "name": f"[hookline] {watch.title}" + (" ({{job.name}})" if watch.by else "") + _where(environment),
            "type": "query alert",
            "query": query,
            "message": " ".join((watch.about, *notify)),
            "tags": [
                MANAGED,
                f"hookline_watch:{watch.id}",
                *([f"env:{tag_value(environment)}"] if environment else []),
            ],
            "priority": _PRIORITIES[watch.severity],
            "options": {
                "thresholds": {"critical": threshold},
                "include_tags": True,
                "require_full_window": False,
                "notify_audit": False,
                "on_missing_data": "show_and_notify_no_data" if watch.missing == "bad" else "default",
                **options,
            },
        }


def _condition(watch: Watch, series: str) -> tuple[float, str, dict[str, Any]]:
    minutes = max(5, watch.period_s * watch.periods // 60)
    window = f"last_{minutes}m" if minutes < 60 else f"last_{minutes // 60}h" if minutes < 1440 else "last_1d"
    if watch.comparison == "anomaly":
        trigger = "last_15m" if watch.period_s <= 3_600 else "last_1d"
        history = "last_4h" if trigger == "last_15m" else "last_1w"
        query = (
            f"avg({history}):anomalies({series}, 'agile', {watch.threshold:g}, direction='both', interval={watch.period_s}, "
            f"alert_window='{trigger}', count_default_zero='false', seasonality='weekly') >= 1"
        )
        return 1.0, query, {"threshold_windows": {"trigger_window": trigger, "recovery_window": trigger}}
    over = {"sum": "sum", "average": "avg", "maximum": "max", "minimum": "min"}[watch.statistic]
    sign = ">" if watch.comparison == "above" else "<"
    return float(watch.threshold), f"{over}({window}):{series} {sign} {watch.threshold:g}", {}


def _where(environment: str | None) -> str:
    return f" in {tag_value(environment)}" if environment else ""


def _widgets(board: Board, indexes: Sequence[str]) -> Iterator[dict[str, Any]]:
    x, y, row_height = 0, 0, 0
    for chart in board.charts:
        definition = _definition(chart, indexes)
        if definition is None:
            continue
        width, height = chart.width // _HALF, max(2, chart.height // _HALF)
        if x + width > 24 // _HALF:
            x, y, row_height = 0, y + row_height, 0
        yield {"definition": definition, "layout": {"x": x, "y": y, "width": width, "height": height}}
        x, row_height = x + width, max(row_height, height)


def _definition(chart: Chart, indexes: Sequence[str]) -> dict[str, Any] | None:
    """A widget; None for what only CloudWatch has."""
    if chart.records is not None:
        query = {"data_source": "logs_stream", "query_string": chart.records.search, "indexes": list(indexes)}
        columns = [{"field": field, "width": "auto"} for field in ("timestamp", *chart.records.columns)]
        request = {"response_format": "event_list", "query": query, "columns": columns}
        return {"type": "list_stream", "title": chart.title, "requests": [request]}
    shows = [shown for shown in chart.shows if isinstance(shown, Shown)]
    if not shows:
        return None
    title = f"{chart.title} ({chart.unit})" if chart.unit else chart.title
    if chart.kind == "number":
        return {
            "type": "query_value",
            "title": title,
            "autoscale": chart.unit != "%",
            "precision": 2,
            "requests": [_request(shows, "scalar")],
        }
    request = {**_request(shows, "timeseries"), "display_type": _DISPLAYS[chart.kind]}
    return {"type": "timeseries", "title": title, "show_legend": True, "requests": [request]}


def _request(shows: Sequence[Shown], response: str) -> dict[str, Any]:
    queries, formulas = [], []
    for number, shown in enumerate(shows):
        name = f"q{number}"
        query = {"data_source": "metrics", "name": name, "query": _query(shown)}
        if response == "scalar":
            query["aggregator"] = _AGGREGATORS[shown.statistic]
        queries.append(query)
        formulas.append({"formula": (shown.formula or "{}").format(name), "alias": shown.label})
    return {"response_format": response, "queries": queries, "formulas": formulas}


def _query(shown: Shown) -> str:
    # Not every metric has a job: what has none must not be left out where one is chosen.
    keys = [key for key in ("env", "job") if key in shown.metric.tags]
    scope = ",".join((*(f"${key}" for key in keys), *(f"{key}:{value}" for key, value in shown.where.items())))
    by = f" by {{{','.join(shown.by)}}}" if shown.by else ""
    count = ".as_count()" if shown.metric.kind == "count" and shown.statistic == "sum" else ""
    return f"{_AGGREGATORS[shown.statistic]}:{shown.metric.name}{{{scope or '*'}}}{by}{count}"
