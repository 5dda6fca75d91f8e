import pytest
from craft_ai_sdk import SdkException

from craftsync.simulator import World


def test_making_a_client_sends_nothing(client, world: World):
    assert world.requests.total == 0


def test_the_first_call_signs_in_once_and_the_second_does_not(client, world: World):
    client.list_pipelines()
    client.list_pipelines()
    assert [(entry.method, entry.path) for entry in world.requests.entries] == [
        ("POST", "/api/v1/auth/refresh"),
        ("GET", "/api/v1/pipelines"),
        ("GET", "/api/v1/pipelines"),
    ]
    assert [entry.signed for entry in world.requests.entries] == [False, True, True]


def test_a_token_that_ends_within_two_minutes_is_renewed_before_each_call(serve, sign_in):
    world = World(token_lifetime_s=100)
    client = sign_in(serve(world))
    client.list_pipelines()
    client.list_pipelines()
    assert world.requests.count("POST", "*/auth/refresh") == 2


def test_after_a_401_the_next_call_signs_in_again(client, world: World):
    client.list_pipelines()
    world.expire_tokens()
    with pytest.raises(SdkException) as refused:
        client.list_pipelines()
    assert refused.value.status_code == 401
    assert client.list_pipelines()
    assert world.requests.count("POST", "*/auth/refresh") == 2


def test_a_wrong_sdk_token_is_refused_with_an_error_object(server, sign_in):
    with pytest.raises(SdkException) as refused:
        sign_in(server, token="wrong").who_am_i()
    assert refused.value.status_code == 401
    assert refused.value.name == "UnauthorizedException"
    assert refused.value.request_id


def test_a_revoked_sdk_token_is_refused(client, world: World):
    world.accounts.revoke_sdk_token()
    with pytest.raises(SdkException):
        client.who_am_i()


def test_the_user_who_signed_in_is_shown_with_three_keys(client):
    assert set(client.who_am_i()) == {"id", "name", "email"}


def test_another_user_is_found_by_id_and_an_unknown_one_is_not(client):
    me = client.who_am_i()
    assert client.get_user(me["id"])["email"] == me["email"]
    with pytest.raises(SdkException) as missing:
        client.get_user("nobody")
    assert missing.value.status_code == 404


def test_the_environment_is_told_without_signing_in(client, world: World):
    credentials = client.get_vector_database_credentials()
    assert set(credentials) == {"vector_database_url", "vector_database_token"}
    (asked,) = world.requests.matching("GET", "*/environment-info")
    assert not asked.signed
    assert asked.status == 200
