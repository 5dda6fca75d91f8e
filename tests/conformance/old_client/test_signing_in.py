from datetime import UTC, datetime, timedelta

import pytest
from conformance.old_client.caller import Raised

from craftsync.simulator import World

pytestmark = pytest.mark.long


@pytest.fixture
def world() -> World:
    """Make a world of today: this client holds a token's end against its own clock."""
    return World(now=datetime.now(UTC))


def test_the_client_is_the_older_one(client, world: World):
    names = set()
    world.requests.watch(lambda request: names.add(request.headers.get("craft-ai-client")))
    client.list_pipelines()
    assert names == {"craft-ai-sdk@0.64.1"}


def test_making_a_client_sends_nothing(client, world: World):
    assert world.requests.total == 0


def test_the_first_call_signs_in_once_and_the_second_does_not(client, world: World):
    client.list_pipelines()
    client.list_pipelines()
    assert [(entry.method, entry.path, entry.signed) for entry in world.requests.entries] == [
        ("POST", "/api/v1/auth/refresh", False),
        ("GET", "/api/v1/pipelines", True),
        ("GET", "/api/v1/pipelines", True),
    ]


@pytest.mark.parametrize(("lifetime_s", "times"), [(25, 2), (100, 1)])
def test_a_token_that_ends_within_half_a_minute_is_renewed_before_each_call(
    serve, sign_in, lifetime_s, times
):
    world = World(now=datetime.now(UTC), token_lifetime_s=lifetime_s)
    client = sign_in(serve(world))
    client.list_pipelines()
    client.list_pipelines()
    assert world.requests.count("POST", "*/auth/refresh") == times


def test_a_platform_whose_clock_is_behind_is_asked_for_a_token_before_each_call(serve, sign_in):
    world = World(now=datetime.now(UTC) - timedelta(days=1))
    client = sign_in(serve(world))
    client.list_pipelines()
    client.list_pipelines()
    assert world.requests.count("POST", "*/auth/refresh") == 2


def test_after_a_401_the_next_call_signs_in_again(client, world: World):
    client.list_pipelines()
    world.expire_tokens()
    with pytest.raises(Raised) as refused:
        client.list_pipelines()
    assert refused.value.status_code == 401
    assert client.list_pipelines()
    assert world.requests.count("POST", "*/auth/refresh") == 2


def test_a_wrong_sdk_token_is_refused_with_an_error_object(server, sign_in):
    with pytest.raises(Raised) as refused:
        sign_in(server, token="wrong").who_am_i()
    assert refused.value.kind == "SdkException"
    assert refused.value.status_code == 401
    assert refused.value.name == "UnauthorizedException"
    assert refused.value.request_id


def test_the_user_who_signed_in_is_shown_with_three_keys(client):
    assert set(client.who_am_i()) == {"id", "name", "email"}


def test_another_user_is_found_by_id_and_an_unknown_one_is_not(client):
    me = client.who_am_i()
    assert client.get_user(me["id"])["email"] == me["email"]
    with pytest.raises(Raised) as missing:
        client.get_user("nobody")
    assert missing.value.status_code == 404


def test_the_environment_is_told_by_its_health_without_signing_in(client, world: World):
    credentials = client.get_vector_database_credentials()
    assert set(credentials) == {"vector_database_url", "vector_database_token"}
    (asked,) = world.requests.matching("GET", "*/health")
    assert (asked.query, asked.signed, asked.status) == ("new_health=True", False, 200)
    assert world.requests.count("GET", f"*/environments/{world.environment_id}/*") == 1
    assert world.requests.count("GET", "*/environment-info") == 0
