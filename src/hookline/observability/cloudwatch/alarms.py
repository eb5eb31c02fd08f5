"""Watches as CloudWatch's alarms: the arguments of PutMetricAlarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.observability.cloudwatch.boards import environment_value
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.text import dimension_value
from hookline.observability.dashboards.model import Watch
from hookline.observability.metrics import tag_value

_STATISTICS = {"sum": "Sum", "average": "Average", "maximum": "Maximum", "minimum": "Minimum"}
_MISSING = {"good": "notBreaching", "bad": "breaching", "ignored": "ignore"}
_MOST_TAGS = 50


def alarms(
    watches: Sequence[Watch], options: CloudWatchOptions, environment: str | None, tags: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The arguments of each alarm; none without rollups, which they look at.

    Args:
        tags: of the configuration's labels; alarms carry them for cost allocation.
    """
    if not options.rollups:
        return
    env = environment_value(environment)
    for watch in watches:
        for job in options.alarm_jobs if watch.by else (None,):
            yield _alarm(watch, options, env, job, tags)


def _alarm(
    watch: Watch, options: CloudWatchOptions, env: str, job: str | None, tags: Mapping[str, str]
) -> dict[str, Any]:
    value = None if job is None else dimension_value(tag_value(job))
    name = "-".join(("hookline", env, watch.id, *([value] if value else [])))
    dimensions = [{"Name": "env", "Value": env}, *([{"Name": "job", "Value": value}] if value else [])]
    told: dict[str, Any] = {
        "AlarmName": name[:255],
        "AlarmDescription": f"[{watch.severity}] {watch.title}. {watch.about}",
        "ActionsEnabled": True,
        "EvaluationPeriods": watch.periods,
        "DatapointsToAlarm": watch.periods,
        "TreatMissingData": _MISSING[watch.missing],
        "Tags": [{"Key": key, "Value": text} for key, text in (("managed-by", "hookline"), *tags.items())][:_MOST_TAGS],
    }
    if options.alarm_actions:
        told |= {"AlarmActions": list(options.alarm_actions), "OKActions": list(options.alarm_actions)}
    metric = {"Namespace": options.namespace, "MetricName": watch.metric.name, "Dimensions": dimensions}
    statistic = _STATISTICS[watch.statistic]
    if watch.comparison == "anomaly":
        stat = {"Metric": metric, "Period": watch.period_s, "Stat": statistic}
        return told | {
            "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
            "ThresholdMetricId": "band",
            "Metrics": [
                {"Id": "watched", "MetricStat": stat, "ReturnData": True},
                {
                    "Id": "band",
                    "Expression": f"ANOMALY_DETECTION_BAND(watched, {watch.threshold:g})",
                    "Label": "usual",
                    "ReturnData": True,
                },
            ],
        }
    operator = "GreaterThanThreshold" if watch.comparison == "above" else "LessThanThreshold"
    own = {"Statistic": statistic, "Period": watch.period_s, "Threshold": float(watch.threshold)}
    return told | metric | own | {"ComparisonOperator": operator}
