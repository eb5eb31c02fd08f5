"""Dashboards, alarms and monitors: valid, only of metrics that something emits, the same as Terraform, and pushed."""

from __future__ import annotations

import argparse
import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import hcl2
import pytest
from tests.observability.cloud.conftest import AT_ONCE, HOSTILE, Moody, all_points

from hookline.commands import dashboards
from hookline.core import hcl
from hookline.core.errors import ConfigError, HooklineError
from hookline.observability.cloudwatch.alarms import alarms
from hookline.observability.cloudwatch.boards import body, environment_value
from hookline.observability.cloudwatch.datums import datums
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.publishing import CloudWatchPublisher
from hookline.observability.dashboards.boards import BOARDS
from hookline.observability.dashboards.checking import check_body
from hookline.observability.dashboards.publishing import differences
from hookline.observability.dashboards.watches import WATCHES
from hookline.observability.datadog import boards as datadog_boards
from hookline.observability.datadog.options import DatadogOptions
from hookline.observability.datadog.publishing import DatadogPublisher
from hookline.observability.metrics import METRICS, Point

OPTIONS = CloudWatchOptions(
    region="eu-west-1", log_group="/hookline/runs", alarm_jobs=("etl",), alarm_actions=("arn:aws:sns:eu-west-1:1:t",)
)
# What AWS documents that its services emit, with the dimensions that each metric comes with.
DOCUMENTED: dict[str, dict[tuple[str, ...], set[str]]] = {
    "AWS/ElasticMapReduce": {
        ("JobFlowId",): {
            "YARNMemoryAvailablePercentage",
            "ContainerPending",
            "IsIdle",
            "HDFSUtilization",
            "MRUnhealthyNodes",
        }
    },
    "AWS/S3": {
        ("BucketName", "StorageType"): {"BucketSizeBytes", "NumberOfObjects"},
        ("BucketName", "FilterId"): {"AllRequests", "4xxErrors", "5xxErrors"},
    },
    "AWS/Usage": {("Class", "Resource", "Service", "Type"): {"CallCount"}},
}
# Emitted by what lists storage, which is no event of a run.
BY_LISTING = {"hookline.cost.storage_dollars_month", "hookline.storage.bytes"}
SEARCH = re.compile(r"SEARCH\('\{([^}]*)\} MetricName=\"([^\"]+)\"([^']*)', '(\w+)', (\d+)\)")
Series = tuple[str, str, frozenset[str]]


def emitted(options: CloudWatchOptions) -> set[Series]:
    """Namespace, metric and dimensions of every series that one run of everything leads to."""
    points = [*all_points(), *(Point(METRICS[name], 1, AT_ONCE, {"env": "prod"}) for name in BY_LISTING)]
    data = datums(points, extra=options.dimensions, rollups=options.rolled_up)
    return {
        (options.namespace, datum["MetricName"], frozenset(one["Name"] for one in datum["Dimensions"]))
        for datum in data
    }


def shown(made: dict[str, Any]) -> Iterator[Series]:
    """The series that a dashboard's body shows, whether named or searched for."""
    for widget in made["widgets"]:
        for entry in widget["properties"].get("metrics", ()):
            *path, options = entry
            if path:
                yield path[0], path[1], frozenset(path[2::2])
                continue
            found = SEARCH.findall(options["expression"])
            assert found or re.search(r"\bm\d", options["expression"]), options
            for schema, name, *_ in found:
                namespace, *keys = (part.strip('"') for part in schema.split(","))
                yield namespace, name, frozenset(keys)


def documented(series: Series) -> bool:
    namespace, name, keys = series
    return any(set(own) == keys and name in names for own, names in DOCUMENTED.get(namespace, {}).items())


VARIANTS = {
    "usual": OPTIONS,
    "bare": CloudWatchOptions(region="eu-west-1"),
    "no rollups": CloudWatchOptions(region="eu-west-1", rollups=False, namespace="My/Own"),
    "own dimensions": CloudWatchOptions(region="eu-west-1", dimensions=("cost_center",)),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_cloudwatch_body_is_valid_and_shows_only_what_something_emits(board: Any, variant: str) -> None:
    options = VARIANTS[variant]
    made = body(board, options, "prod")
    check_body("cloudwatch_body", board.name, made)
    series = [*shown(made)]
    assert len(series) >= len(made["widgets"]) - 4
    there = emitted(options)
    assert [one for one in series if one not in there and not documented(one)] == []
    assert len(json.dumps(made)) < 100_000


def test_every_event_leads_to_every_metric_but_those_of_listings() -> None:
    assert {point.name for point in all_points()} == set(METRICS) - BY_LISTING


def test_the_three_boards_show_what_they_are_for() -> None:
    etl, quality, infrastructure = ({one[1] for one in shown(body(board, OPTIONS, "prod"))} for board in BOARDS)
    own = "hookline."
    assert {own + "run.success", own + "run.duration_s", own + "layer.rows", own + "write.latency_s"} <= etl
    assert {own + "quality.pass_rate", own + "quality.critical_violations", own + "quality.drift_score"} <= quality
    assert {
        "CallCount",
        "4xxErrors",
        "YARNMemoryAvailablePercentage",
        own + "cost.storage_dollars_month",
    } <= infrastructure


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an unknown type": lambda made: made["widgets"][1].update(type="chartreuse"),
    "beyond the grid": lambda made: made["widgets"][1].update(x=24),
    "too wide": lambda made: made["widgets"][1].update(width=25),
    "only x": lambda made: made["widgets"][1].pop("y"),
    "too many": lambda made: made["widgets"].extend(made["widgets"][:1] * 500),
    "no region": lambda made: made["widgets"][1]["properties"].pop("region"),
    "an odd period": lambda made: made["widgets"][1]["properties"].update(period=61),
    "a misspelt property": lambda made: made["widgets"][1]["properties"].update(titel="x"),
    "an unknown view": lambda made: made["widgets"][1]["properties"].update(view="donut"),
    "an id in capitals": lambda made: made["widgets"][1]["properties"].update(
        metrics=[[{"expression": "m1", "id": "M1"}]]
    ),
    "a name alone": lambda made: made["widgets"][1]["properties"].update(metrics=[["Hookline"]]),
    "no markdown": lambda made: made["widgets"][0].update(properties={}),
    "an end without a start": lambda made: (made.pop("start"), made.update(end="-PT1H")),
    "a gauge without limits": lambda made: made["widgets"][1]["properties"].update(view="gauge"),
    "no widgets": lambda made: made.pop("widgets"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_schema_finds_what_is_wrong_with_a_body(fault: str) -> None:
    made = copy.deepcopy(body(BOARDS[0], OPTIONS, "prod"))
    BROKEN[fault](made)
    with pytest.raises(HooklineError, match="not valid at"):
        check_body("cloudwatch_body", "x", made)


def test_an_alarm_has_the_service_models_shape_and_looks_at_what_something_emits() -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("cloudwatch").operation_model("PutMetricAlarm").input_shape
    operators = set(model.members["ComparisonOperator"].enum)
    made = list(alarms(WATCHES, OPTIONS, "prod", {"cost_center": "4711"}))
    assert len(made) == len(WATCHES) == len({alarm["AlarmName"] for alarm in made})
    there = emitted(OPTIONS)
    for alarm in made:
        assert ParamValidator().validate(alarm, model).generate_report() == ""
        assert alarm["ComparisonOperator"] in operators
        assert alarm["TreatMissingData"] in ("breaching", "notBreaching", "ignore", "missing")
        stat = alarm["Metrics"][0]["MetricStat"] if "Metrics" in alarm else {"Metric": alarm, "Period": alarm["Period"]}
        keys = frozenset(one["Name"] for one in stat["Metric"]["Dimensions"])
        assert (stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], keys) in there
        assert stat["Period"] * alarm["EvaluationPeriods"] <= 86_400
        assert {"Key": "cost_center", "Value": "4711"} in alarm["Tags"]
    assert {"Metrics" in alarm for alarm in made} == {True, False}
    assert [*alarms(WATCHES, CloudWatchOptions(rollups=False), "prod", {})] == []


# -- Datadog -----------------------------------------------------------------------------------------------------------

QUERY = re.compile(r"(?:avg|max|min|sum):([a-z0-9_.]+)\{([^}]*)\}(?: by \{([^}]*)\})?")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_datadog_dashboard_is_valid_and_shows_only_what_something_emits(board: Any) -> None:
    made = datadog_boards.body(board, "prod")
    check_body("datadog_dashboard", board.name, made)
    queries = QUERY.findall(json.dumps(made))
    assert len(queries) >= 8
    for name, scope, by in queries:
        assert name in {point.name for point in all_points()} | BY_LISTING
        keys = {part.strip("$").partition(":")[0] for part in scope.split(",") if part != "*"}
        assert keys | {*filter(None, by.split(","))} <= set(METRICS[name].tags)


def test_the_datadog_schema_finds_what_is_wrong() -> None:
    good = datadog_boards.body(BOARDS[0], "prod")
    definition = good["widgets"][0]["definition"]
    for change in (
        {"title": ""},
        {"layout_type": "loose"},
        {"widgets": [{"definition": {"type": "pie"}}]},
        {"widgets": [{"definition": {**definition, "requests": []}}]},
        {"widgets": [{"definition": definition, "layout": {"x": 12, "y": 0, "width": 1, "height": 1}}]},
    ):
        with pytest.raises(HooklineError, match="not valid"):
            check_body("datadog_dashboard", "x", good | change)


def test_monitors_watch_with_thresholds_and_anomalies_and_each_job_by_itself() -> None:
    made = list(datadog_boards.monitors(WATCHES, "prod", ("@slack-data",)))
    assert len({monitor["name"] for monitor in made}) == len(WATCHES)
    for monitor in made:
        (found,) = QUERY.findall(monitor["query"])
        assert found[0] in METRICS
        assert found[1] == "env:prod"
        assert "@slack-data" in monitor["message"]
        critical = monitor["options"]["thresholds"]["critical"]
        assert float(monitor["query"].rpartition(" ")[2]) == critical
        assert re.match(r"(avg|sum|min|max)\(last_\d+[mhdw]\):", monitor["query"])
        assert ("threshold_windows" in monitor["options"]) == ("anomalies(" in monitor["query"])
    assert sum("by {job}" in monitor["query"] for monitor in made) == 2


# -- Terraform ---------------------------------------------------------------------------------------------------------


def parsed(text: str) -> dict[str, dict[str, Any]]:
    """Resources by their names; strings without their quotes and with nothing escaped."""
    found = hcl2.loads(text)

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {plain(key): plain(one) for key, one in value.items() if key != "__is_block__"}
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, str) and value[:1] == value[-1:] == '"' and len(value) > 1:
            return json.loads(value.replace("$${", "${").replace("%%{", "%{"))
        return value

    resources: dict[str, dict[str, Any]] = {}
    for one in plain(found)["resource"]:
        for kind, named in one.items():
            for name, attributes in named.items():
                resources[f"{kind}.{name}"] = attributes
    return resources


def test_terraform_has_the_same_dashboards_and_alarms() -> None:
    publisher = CloudWatchPublisher(OPTIONS, "prod", {"team": 'a "b" ${c} %{d}'})
    resources = parsed(publisher.terraform())
    items = publisher.items()
    assert len(resources) == len(items)
    bodies = {
        one["dashboard_name"]: json.loads(one["dashboard_body"])
        for one in resources.values()
        if "dashboard_name" in one
    }
    assert bodies == {item.name: item.body for item in items if item.kind == "dashboard"}
    told = {one["alarm_name"]: one for one in resources.values() if "alarm_name" in one}
    for item in (item for item in items if item.kind == "alarm"):
        own, alarm = told[item.name], item.body
        assert own["comparison_operator"] == alarm["ComparisonOperator"]
        assert own["tags"]["team"] == 'a "b" ${c} %{d}'
        if "Metrics" in alarm:
            watched, band = own["metric_query"]
            assert band["expression"] == alarm["Metrics"][1]["Expression"]
            (metric,) = watched["metric"]
            assert metric["metric_name"] == alarm["Metrics"][0]["MetricStat"]["Metric"]["MetricName"]
        else:
            assert (own["metric_name"], own["threshold"]) == (alarm["MetricName"], alarm["Threshold"])
            assert own["dimensions"] == {one["Name"]: one["Value"] for one in alarm["Dimensions"]}


def test_terraform_of_datadog_parses_and_has_everything() -> None:
    publisher = DatadogPublisher(DatadogOptions(notify=("@x",)), "prod")
    resources = parsed(publisher.terraform())
    assert len(resources) == len(publisher.items())
    queries = {one["query"] for one in resources.values() if "query" in one}
    assert queries == {item.body["query"] for item in publisher.items() if item.kind == "monitor"}


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_text_in_terraform_and_quotes_nothing_in_a_search(name: str) -> None:
    name = name.replace("\ud800", "?")
    text = hcl.resource("aws_x", name, {"name": name, "map": {name: [name, True, 1.5]}})
    ((_, resource),) = parsed(text).items()
    assert resource == {"name": name, "map": {name: [name, True, 1.5]}}
    made = body(BOARDS[0], OPTIONS, name)
    check_body("cloudwatch_body", "x", made)
    assert [*shown(made)]
    assert not set("'\"\\") & set(environment_value(name))


# -- pushing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def configured(tmp_path: Path, moto_url: str) -> Callable[..., argparse.Namespace]:
    file = tmp_path / "hookline.yaml"
    file.write_text(
        "labels: {tags: {cost_center: '4711'}}\n"
        f"plugins:\n  cloudwatch: {{region: eu-west-1, endpoint_url: '{moto_url}', alarm_jobs: [etl]}}\n"
        "environments: {prod: {}}\n"
    )

    def arguments(*words: str) -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        dashboards.add(parser)
        return parser.parse_args([*words, "--config", str(file), "--env", "prod"])

    return arguments


@pytest.mark.server
def test_push_makes_all_of_it_and_diff_then_finds_nothing(
    configured: Any, moto: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dashboards.main(configured("diff")) == 1
    assert "+++ dashboard-etl.json (here)" in capsys.readouterr().out
    assert dashboards.main(configured("push")) == 0
    assert dashboards.main(configured("push")) == 0
    client = moto("cloudwatch")
    names = {one["DashboardName"] for one in client.list_dashboards()["DashboardEntries"]}
    assert names == {"hookline-prod-etl", "hookline-prod-data-quality", "hookline-prod-infrastructure"}
    assert len(client.describe_alarms()["MetricAlarms"]) == len(WATCHES)
    capsys.readouterr()
    assert dashboards.main(configured("diff")) == 0, capsys.readouterr().out
    client.put_metric_alarm(
        AlarmName="hookline-prod-runs-failed",
        MetricName="x",
        Namespace="Hookline",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=9.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    assert dashboards.main(configured("diff")) == 1
    told = capsys.readouterr().out
    assert '-  "Threshold": 9.0' in told
    assert "dashboard-etl" not in told


def test_build_writes_files_without_an_account(configured: Any, tmp_path: Path) -> None:
    assert dashboards.main(configured("build", "--out", str(tmp_path / "out"))) == 0
    files = sorted(path.name for path in (tmp_path / "out" / "cloudwatch").iterdir())
    assert len(files) == 3 + len(WATCHES)
    check_body("cloudwatch_body", "etl", json.loads((tmp_path / "out/cloudwatch/dashboard-etl.json").read_text()))
    assert dashboards.main(configured("build", "--out", str(tmp_path / "tf"), "--format", "terraform")) == 0
    assert parsed((tmp_path / "tf" / "cloudwatch" / "hookline.tf").read_text())


def test_what_is_missing_is_told(configured: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--out"):
        dashboards.main(configured("build"))
    with pytest.raises(ConfigError, match="`datadog`"):
        dashboards.main(configured("push", "--only", "datadog"))
    with pytest.raises(ConfigError, match="region"):
        CloudWatchPublisher(CloudWatchOptions(), None, {}).items()
    publisher = DatadogPublisher(DatadogOptions(), None)
    (item, *_) = publisher.items()
    with pytest.raises(ConfigError, match="two keys"):
        publisher.push(item)


class Datadog:
    """Datadog's API of dashboards and monitors, as far as it is used."""

    def __init__(self, server: Moody) -> None:
        self.things: dict[str, dict[str, Any]] = {"dashboard": {}, "monitor": {}}
        server._hand_on = self.answer  # type: ignore[method-assign]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        lower = {key.lower(): value for key, value in headers.items()}
        if (lower.get("dd-api-key"), lower.get("dd-application-key")) != ("a", "b"):
            return 403, {}, b"{}"
        parts = urlsplit(path)
        _, _, _, kind, *rest = parts.path.split("/")
        things = self.things[kind]
        if method == "GET" and not rest:
            asked = {key: int(value[0]) for key, value in parse_qs(parts.query).items() if value[0].isdigit()}
            begin = asked.get("start", asked.get("page", 0) * asked.get("page_size", 0))
            found = list(things.values())[begin : begin + asked.get("count", asked.get("page_size", 0))]
            answer: Any = {"dashboards": found} if kind == "dashboard" else found
        elif method == "POST":
            answer = things[str(len(things))] = {"id": str(len(things)), "author": "x", **json.loads(body)}
        elif method == "PUT":
            answer = things[rest[0]] = {"id": rest[0], "author": "y", **json.loads(body)}
        else:
            answer = things[rest[0]]
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def test_datadog_is_pushed_to_and_compared_with(moody: Callable[..., Moody]) -> None:
    server = moody()
    api = Datadog(server)
    for number in range(60):
        api.things["dashboard"][str(number)] = {"id": str(number), "title": "somebody's", "description": "theirs"}
    options = DatadogOptions(api_url=server.url, api_key="a", app_key="b")

    def publisher() -> DatadogPublisher:
        return DatadogPublisher(options, "prod")

    items = publisher().items()
    assert len(list(differences(publisher()))) == len(items)
    for _ in range(2):
        one = publisher()
        for item in items:
            one.push(item)
    assert (len(api.things["dashboard"]), len(api.things["monitor"])) == (63, len(WATCHES))
    assert list(differences(publisher())) == []
    api.things["monitor"]["0"]["query"] = "changed by hand"
    ((changed, lines),) = differences(publisher())
    assert changed.kind == "monitor"
    assert any("changed by hand" in line for line in lines)
    wrong = DatadogPublisher(DatadogOptions(api_url=server.url, api_key="secret-a", app_key="secret-b"), "prod")
    with pytest.raises(HooklineError, match="403") as told:
        wrong.push(items[0])
    assert "secret" not in str(told.value)
