"""Dashboards and alarms of CloudWatch: to files, to Terraform, to the account."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hookline.core import hcl
from hookline.core.errors import SinkError
from hookline.observability.cloudwatch.alarms import alarms
from hookline.observability.cloudwatch.boards import body, environment_value
from hookline.observability.cloudwatch.client import Client, error_code
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.dashboards.boards import BOARDS
from hookline.observability.dashboards.checking import check_body
from hookline.observability.dashboards.publishing import Item, like
from hookline.observability.dashboards.watches import WATCHES

_LONGEST_NAME = 255


class CloudWatchPublisher:
    """See ``dashboards.publishing.Publisher``."""

    name = "cloudwatch"

    def __init__(self, options: CloudWatchOptions, environment: str | None, tags: Mapping[str, str]) -> None:
        self._options = options
        self._environment = environment
        self._tags = tags
        self._client = Client("cloudwatch", options, patient=True)

    def items(self) -> Sequence[Item]:
        """Three dashboards and the alarms."""
        env = hcl.identifier(environment_value(self._environment))
        found = []
        for board in BOARDS:
            made = body(board, self._options, self._environment)
            check_body("cloudwatch_body", board.name, made)
            found.append(Item("dashboard", f"hookline-{env}-{board.name}", f"dashboard-{board.name}.json", made))
        for made in alarms(WATCHES, self._options, self._environment, self._tags):
            name = str(made["AlarmName"])
            found.append(Item("alarm", name, f"alarm-{hcl.identifier(name)[:150]}.json", made))
        return found

    def terraform(self) -> str:
        """Resources of the provider ``hashicorp/aws``."""
        return hcl.document({"aws": "hashicorp/aws"}, map(_resource, self.items()))

    def current(self, item: Item) -> Mapping[str, Any] | None:
        """The dashboard's body, or the alarm's arguments."""
        if item.kind == "alarm":
            found = self._client.call("describe_alarms", AlarmNames=[item.name])["MetricAlarms"]
            # Tags are read by another call, with a right of its own.
            return {**like(found[0], item.body), "Tags": item.body["Tags"]} if found else None
        try:
            answer = self._client.call("get_dashboard", DashboardName=item.name)
        except SinkError as error:
            if error_code(error) in ("ResourceNotFound", "DashboardNotFoundError", "ResourceNotFoundException"):
                return None
            raise
        return _loaded(answer["DashboardBody"])

    def push(self, item: Item) -> None:
        """PutDashboard, or PutMetricAlarm, which replace what is there."""
        if item.kind == "alarm":
            self._client.call("put_metric_alarm", **item.body)
            return
        text = json.dumps(item.body, separators=(",", ":"))
        answer = self._client.call("put_dashboard", DashboardName=item.name[:_LONGEST_NAME], DashboardBody=text)
        told = [str(message.get("Message", ""))[:300] for message in answer.get("DashboardValidationMessages", ())]
        if told:
            raise SinkError(f"CloudWatch took the dashboard {item.name} and warns: {'; '.join(told)}", retryable=False)


def _loaded(text: str) -> Mapping[str, Any]:
    try:
        body: Any = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"text": text}


def _resource(item: Item) -> str:
    if item.kind == "dashboard":
        own = {"dashboard_name": item.name, "dashboard_body": json.dumps(item.body, separators=(",", ":"))}
        return hcl.resource("aws_cloudwatch_dashboard", item.name, own)
    alarm = item.body
    attributes: dict[str, Any] = {
        "alarm_name": alarm["AlarmName"],
        "alarm_description": alarm["AlarmDescription"],
        "actions_enabled": alarm["ActionsEnabled"],
        "alarm_actions": alarm.get("AlarmActions"),
        "ok_actions": alarm.get("OKActions"),
        "comparison_operator": alarm["ComparisonOperator"],
        "evaluation_periods": alarm["EvaluationPeriods"],
        "datapoints_to_alarm": alarm["DatapointsToAlarm"],
        "treat_missing_data": alarm["TreatMissingData"],
        "tags": {tag["Key"]: tag["Value"] for tag in alarm["Tags"]},
    }
    if "Metrics" in alarm:
        attributes["threshold_metric_id"] = alarm["ThresholdMetricId"]
        return hcl.resource("aws_cloudwatch_metric_alarm", item.name, attributes, [*map(_query, alarm["Metrics"])])
    attributes |= _metric(alarm)
    attributes |= {"statistic": alarm["Statistic"], "period": alarm["Period"], "threshold": alarm["Threshold"]}
    return hcl.resource("aws_cloudwatch_metric_alarm", item.name, attributes)


def _query(query: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if "Expression" in query:
        told = {"id": query["Id"], "expression": query["Expression"], "label": query["Label"]}
        return "metric_query", {**told, "return_data": query["ReturnData"]}
    stat = query["MetricStat"]
    metric = hcl.block(**_metric(stat["Metric"]), period=stat["Period"], stat=stat["Stat"])
    return "metric_query", {"id": query["Id"], "return_data": query["ReturnData"], "metric": metric}


def _metric(told: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = {one["Name"]: one["Value"] for one in told["Dimensions"]}
    return {"namespace": told["Namespace"], "metric_name": told["MetricName"], "dimensions": dimensions}
