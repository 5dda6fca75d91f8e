import pytest
from conformance.old_client.caller import Raised

from craftsync.simulator import Quirks, Response, World, json_response

pytestmark = pytest.mark.long

HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"message": "Bad", "name": "Named"}, "[Named] Bad"),
        ({"message": "Bad"}, "[418] Bad"),
        ({}, "[418] The server returned an error"),
        ({"message": "Bad", "request_id": "NO_REQUEST_ID"}, "[418] Bad"),
        ({"message": "Bad", "request_id": "r1"}, "[418] Bad\nRequest id: r1"),
        ({"message": "Bad", "additional_data": [1]}, "[418] Bad\nAdditional data: [1]"),
    ],
)
def test_error_objects_may_lack_most_keys(client, world: World, error, text):
    world.override("GET", "/pipelines", json_response(error, 418))
    with pytest.raises(Raised) as failed:
        client.list_pipelines()
    assert str(failed.value) == text


@pytest.mark.parametrize("status", [502, 504])
def test_html_from_a_proxy_says_that_the_platform_is_unreachable(client, world: World, status):
    world.override("GET", "/pipelines", Response(status, HTML, b"<html>Bad Gateway</html>"))
    with pytest.raises(Raised, match="currently unreachable") as failed:
        client.list_pipelines()
    assert failed.value.status_code == status


def test_html_with_200_is_an_error_to_the_client(client, world: World):
    world.override("GET", "/pipelines", Response(200, HTML, b"<html>"))
    with pytest.raises(Raised, match="Unable to decode"):
        client.list_pipelines()
    world.restore("GET", "/pipelines")
    assert client.list_pipelines()


def test_a_403_is_blamed_on_the_place_inside_an_execution(client, world: World):
    world.deny("/pipelines/iris-train/executions")
    with pytest.raises(Raised, match=r"\] This token does not allow that") as refused:
        client.list_pipeline_executions("iris-train")
    assert refused.value.status_code == 403
    client.inside = "iris-train-00000"
    with pytest.raises(Raised, match="not permitted from inside a running deployment"):
        client.list_pipeline_executions("iris-train")


def test_too_many_requests_are_a_429(serve, sign_in):
    client = sign_in(serve(World(quirks=Quirks(rate_limit=3))))
    answers = []
    for _ in range(20):
        try:
            answers.append(client.list_pipelines())
        except Raised as refused:
            answers.append(refused.status_code)
    assert 429 in answers
