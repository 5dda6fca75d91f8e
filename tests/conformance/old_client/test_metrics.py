from datetime import timedelta

import pytest

from craftsync.simulator import World

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "f1"},
        {"pipeline_name": "iris-train"},
        {"deployment_name": "churn-hourly"},
        {"name": "auc", "pipeline_name": "churn-score"},
    ],
    ids=str,
)
def test_metrics_are_filtered(client, asked):
    everything = client.get_metrics()
    expected = [
        each for each in everything if all(each[key] == value for key, value in asked.items())
    ]
    assert client.get_metrics(**asked) == expected != everything


def test_metrics_of_one_execution(client):
    one = client.get_metrics()[0]["execution_id"]
    assert {each["name"] for each in client.get_metrics(execution_id=one)} == {"f1", "loss"}
    assert [each["name"] for each in client.get_list_metrics(execution_id=one)] == ["loss_curve"]
    assert client.get_list_metrics(name="loss_curve") == client.get_list_metrics()
    assert client.get_metrics(execution_id="nope") == []


def test_filters_are_bracketed_and_pages_counted_from_one(client, world: World):
    client.get_metrics(name="f1")
    (asked,) = world.requests.matching("GET", "*/metrics/*")
    assert asked.query == "filters%5Bname%5D=f1&items_per_page=5000&page=1"


def test_metrics_beyond_one_page_come_exactly_once(serve, sign_in):
    world = World(executions=20_000)
    metrics = sign_in(serve(world)).get_metrics()
    assert len(metrics) > 5000
    assert len({(each["execution_id"], each["name"]) for each in metrics}) == len(metrics)
    assert world.requests.count("GET", "*/metrics/single-value") == 2


def test_metrics_recorded_inside_an_execution_are_listed(client, world: World):
    run = world.start_execution("sandbox-notebook")
    client.inside = run.execution_id
    assert client.record_metric_value("accuracy", 0.5)
    assert client.record_metric_value("accuracy", 0.75)
    assert client.record_list_metric_values("curve", [1.0] * 10_001)
    (single,) = client.get_metrics(name="accuracy")
    assert single["value"] == 0.75
    (listed,) = client.get_list_metrics(execution_id=run.execution_id)
    assert len(listed["values"]) == 10_001
    assert world.requests.count("PUT", "*/metrics/single-value/accuracy") == 2
    assert world.requests.count("POST", "*/metrics/list-values/curve") == 2


def test_metrics_recorded_outside_of_an_execution_are_not_sent(client, world: World):
    assert client.record_metric_value("accuracy", 0.5) is False
    assert world.requests.total == 0


def test_resource_metrics_come_as_json_and_as_csv(client, world: World):
    window = (world.now - timedelta(hours=1), world.now)
    usage = client.get_resource_metrics(*window)
    assert len(usage["metrics"]["cpu_usage"][0]["values"]) == 60
    assert client.get_resource_metrics(*window, csv=True).startswith(b"metric,timestamp,value\n")
    queries = [entry.query for entry in world.requests.matching("GET")]
    assert [query.rpartition("&")[2] for query in queries] == ["download=False", "download=True"]
