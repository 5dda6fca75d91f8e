import pytest
from craft_ai_sdk import SdkException

from craftsync.simulator import Response, World, json_response


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
    with pytest.raises(SdkException) as failed:
        client.list_pipelines()
    assert str(failed.value) == text


def test_html_from_a_proxy_says_that_the_platform_is_unreachable(client, world: World):
    html = Response(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>")
    world.override("GET", "/pipelines", html)
    with pytest.raises(SdkException, match="currently unreachable"):
        client.list_pipelines()


def test_html_with_200_is_an_error_to_the_client(client, world: World):
    world.override("GET", "/pipelines", Response(200, {"Content-Type": "text/html"}, b"<html>"))
    with pytest.raises(SdkException, match="Unable to decode"):
        client.list_pipelines()
    world.restore("GET", "/pipelines")
    assert client.list_pipelines()


def test_a_denied_scope_is_a_403(client, world: World):
    world.deny("/pipelines/iris-train/executions")
    with pytest.raises(SdkException) as refused:
        client.list_pipeline_executions("iris-train")
    assert refused.value.status_code == 403
    assert client.list_pipeline_executions("iris-predict")


def test_too_many_requests_are_a_429(serve, sign_in):
    from craftsync.simulator import Quirks

    client = sign_in(serve(World(quirks=Quirks(rate_limit=3))))
    answers = []
    for _ in range(20):
        try:
            answers.append(client.list_pipelines())
        except SdkException as refused:
            answers.append(refused.status_code)
    assert 429 in answers
