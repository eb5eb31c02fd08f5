"""CloudWatch's limits are kept before anything is sent, whatever the points are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from typing import Any

import pytest
from tests.observability.cloud.conftest import HOSTILE, all_points

from hookline.core.events import Dataset
from hookline.core.labels import LabelsConfig
from hookline.observability.cloudwatch.datums import datums, dimension_sets, requests, size_bytes
from hookline.observability.cloudwatch.emf import emf_events
from hookline.observability.cloudwatch.options import ROLLUPS
from hookline.observability.cloudwatch.text import dimension_value
from hookline.observability.metrics import METRICS, Point, metric, points_of_write
from hookline.testing import sample_run, sample_write

AT = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)
TAGS = {"env": "prod", "job": "etl", "dataset": "/lake/sales"}


def point(name: str = "hookline.write.rows", value: float = 1, at: dt.datetime = AT, **tags: str) -> Point:
    return Point(metric(name), value, at, TAGS | tags)


@pytest.fixture(scope="module")
def model() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("cloudwatch").operation_model("PutMetricData").input_shape


def check(data: list[Any], model: Any) -> None:
    """All that AWS's page on PutMetricData says, and the shape of botocore's own model with its enumerations."""
    from botocore.validate import ParamValidator

    assert ParamValidator().validate({"Namespace": "Hookline", "MetricData": data}, model).generate_report() == ""
    units = set(model.members["MetricData"].member.members["Unit"].enum)
    assert len(data) <= 1000
    for datum in data:
        assert datum["Unit"] in units
        assert 1 <= len(datum["Dimensions"]) <= 30
        assert len({one["Name"] for one in datum["Dimensions"]}) == len(datum["Dimensions"])
        assert len(datum.get("Values", ())) <= 150
        assert len(datum.get("Values", ())) == len(datum.get("Counts", ()))
        numbers = [*datum.get("Values", ()), *datum.get("StatisticValues", {}).values(), datum.get("Value", 0.0)]
        assert all(math.isfinite(number) for number in numbers)
        for one in (*datum["Dimensions"], {"Name": datum["MetricName"], "Value": "-"}):
            assert one["Name"].isascii()
            assert not one["Name"].startswith(":")
            assert one["Value"].isascii()
            assert one["Value"].isprintable()
            assert one["Value"].strip()


def test_every_metric_there_is_becomes_data_that_the_service_model_takes(model: Any) -> None:
    points = [Point(described, 0.5, AT, {}) for described in METRICS.values()]
    data = datums(points, rollups=ROLLUPS)
    check(data, model)
    assert {datum["MetricName"] for datum in data} == set(METRICS)


def test_numbers_that_are_none_are_left_out(model: Any) -> None:
    data = datums([point(value=value) for value in (math.nan, math.inf, -math.inf, 2.0**400, 7)])
    check(data, model)
    assert [datum["Value"] for datum in data] == [7]


def test_a_request_has_at_most_a_thousand_data_and_a_megabyte(model: Any) -> None:
    points = [point(dataset=f"/lake/{number}/" + "x" * 110) for number in range(2_500)]
    parts = list(requests(datums(points, rollups=ROLLUPS)))
    assert sum(map(len, parts)) == 2_500 + 2
    for part in parts:
        check(part, model)
        assert sum(map(size_bytes, part)) <= 1_000_000
        assert len(json.dumps(part, default=str)) <= 1_000_000


def test_the_size_is_not_less_than_what_botocore_sends(moto_url: str) -> None:
    import boto3

    sent: list[int] = []
    client = boto3.client("cloudwatch", region_name="eu-west-1", endpoint_url=moto_url)
    client.meta.events.register("before-send", lambda request, **_: sent.append(len(request.body)))
    client.meta.config.disable_request_compression = True
    for data in (datums(all_points(), rollups=ROLLUPS), datums([point(value=n / 7) for n in range(400)])):
        client.put_metric_data(Namespace="Size", MetricData=data)
        assert sent.pop() <= sum(map(size_bytes, data))


def test_counts_of_one_minute_are_a_statistic_set(model: Any) -> None:
    data = datums([point(value=value) for value in (3, 5, 5)])
    check(data, model)
    assert data[0]["StatisticValues"] == {"SampleCount": 3, "Sum": 13, "Minimum": 3, "Maximum": 5}


def test_observations_keep_their_values_up_to_a_hundred_and_fifty(model: Any) -> None:
    seen = [*range(200), *range(100)]
    data = datums([point("hookline.write.duration_s", value) for value in seen])
    check(data, model)
    assert [len(datum["Values"]) for datum in data] == [150, 50]
    total = sum(v * c for datum in data for v, c in zip(datum["Values"], datum["Counts"], strict=True))
    assert total == sum(seen)


def test_another_minute_or_another_tag_is_another_datum() -> None:
    later = AT + dt.timedelta(minutes=1)
    points = [point(), point(at=later), point(dataset="/lake/other"), point(at=AT + dt.timedelta(seconds=20))]
    found = datums(points)
    assert [datum.get("Value", datum.get("StatisticValues", {}).get("Sum")) for datum in found] == [2, 1, 1]
    assert len(datums(points, resolution_s=1)) == 4


def test_a_rollup_is_told_where_the_metric_has_its_tags_and_never_twice() -> None:
    by_name = {one.name: one for one in all_points()}
    assert [len(keys) for keys in dimension_sets(by_name["hookline.write.rows"], (), ROLLUPS)] == [6, 1, 2]
    assert [len(keys) for keys in dimension_sets(by_name["hookline.outbox.pending"], (), ROLLUPS)] == [2, 1]
    extra = dimension_sets(by_name["hookline.write.rows"], ("cost_center", "job"), ())
    assert ("cost_center", "4711") in extra[0]
    assert len(extra[0]) == 7


def test_more_tags_than_thirty_are_no_dimensions(model: Any) -> None:
    data = datums([point()], extra=[f"tag{number}" for number in range(60)])
    check(data, model)
    assert len(data[0]["Dimensions"]) == 30


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_a_harmless_dimension(name: str, model: Any) -> None:
    write = sample_write(dataset=Dataset("file", name))
    points = points_of_write(write, sample_run(job=name, environment=name), LabelsConfig())
    check(datums(points, rollups=ROLLUPS), model)
    assert json.loads(json.dumps([*emf_events(points, "Hookline", rollups=ROLLUPS)], allow_nan=False))


def test_names_that_differ_stay_different() -> None:
    names = ["größe", "grüße", "none", "x" * 2000, "x" * 2001, "a\tb", "a\nb"]
    assert len({dimension_value(name) for name in names}) == len(names)
    assert dimension_value("") == dimension_value(None) == dimension_value(" ") == "none"


def test_emf_has_at_most_a_hundred_metrics_a_directive_and_all_values_at_the_root() -> None:
    many = [
        dataclasses.replace(point(), metric=dataclasses.replace(metric("hookline.write.rows"), name=f"m{n}"))
        for n in range(250)
    ]
    events = list(emf_events(many, "Hookline", rollups=ROLLUPS, facts={"run_id": "r"}))
    directives = [event["_aws"]["CloudWatchMetrics"][0] for event in events]
    assert [len(directive["Metrics"]) for directive in directives] == [100, 100, 50]
    for event, directive in zip(events, directives, strict=True):
        assert event["run_id"] == "r"
        assert event["_aws"]["Timestamp"] == AT.timestamp() * 1000
        assert directive["Dimensions"][1:] == [["env"], ["env", "job"]]
        for told in directive["Metrics"]:
            assert event[told["Name"]] == 1
        for keys in directive["Dimensions"]:
            assert all(isinstance(event[key], str) for key in keys)


def test_emf_of_the_same_metric_twice_is_two_events() -> None:
    events = list(emf_events([point(value=1), point(value=2), point(value=3)], "Hookline"))
    assert [event["hookline.write.rows"] for event in events] == [1, 2, 3]
