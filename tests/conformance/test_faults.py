import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
import requests

from craftsync.simulator import KINDS, Faults, Server, World


@pytest.fixture
def world() -> World:
    return World(executions=60)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def ask(world: World, faults: Faults, serve) -> Callable[..., requests.Response]:
    server = serve(world, faults=faults)
    token = world.accounts.refresh(world.sdk_token, now_s=0)

    def send(path: str, method: str = "GET", **settings) -> requests.Response:
        return requests.request(
            method,
            f"{server.url}/api/v1{path}",
            headers={"Authorization": f"Bearer {token}"},
            **{"timeout": 2, "allow_redirects": False} | settings,
        )

    return send


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_status_is_sent_once_and_the_next_answer_is_true(ask, faults, status):
    faults.once(str(status))
    assert ask("/pipelines").status_code == status
    assert ask("/pipelines").json()[0]["pipeline_name"] == "iris-train"


def test_a_429_says_when_to_come_back_or_does_not(ask, faults):
    faults.once("429")
    faults.terms(retry_after="3600")
    assert ask("/pipelines").headers["Retry-After"] == "3600"
    faults.once("429_bare")
    assert "Retry-After" not in ask("/pipelines").headers


def test_a_proxys_errors_are_html(ask, faults):
    faults.once("502")
    assert ask("/pipelines").text.startswith("<html>")


def test_a_401_takes_the_token_away(ask, faults):
    faults.once("401")
    assert ask("/pipelines").status_code == 401
    assert ask("/pipelines").status_code == 401


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_reset_delete_takes_effect_or_not(ask, faults, world: World, kind):
    victim = world.add_execution("never-run").execution_id
    faults.once(kind, method="DELETE")
    with pytest.raises(requests.ConnectionError):
        ask(f"/executions/{victim}", "DELETE")
    assert (world.truth().execution(victim) is None) is (kind == "reset_after")
    (logged,) = world.requests.deletes
    assert (logged.fault, logged.status) == (kind, 200 if kind == "reset_after" else 0)


def test_a_refused_connection_is_closed_at_once(ask, faults, world: World):
    faults.once("connect_refused")
    with pytest.raises(requests.ConnectionError):
        ask("/pipelines")
    assert world.requests.total == 0
    assert ask("/pipelines").ok


def test_refusing_connections_makes_every_request_need_one(world: World, serve):
    server = serve(world, faults=Faults(rates={"connect_refused": 0.3}))
    failed = 0
    with requests.Session() as session:
        for _ in range(60):
            try:
                session.get(f"{server.url}/api/v1/environment-info", timeout=2)
            except requests.ConnectionError:
                failed += 1
    assert 5 < failed < 40
    assert server.faults.hits["connect_refused"] == failed


def test_an_answer_may_never_come(ask, faults):
    faults.once("read_timeout")
    with pytest.raises(requests.ReadTimeout):
        ask("/pipelines", timeout=0.2)
    assert ask("/pipelines").ok


def test_a_body_may_drip_past_the_clients_timeout_between_bytes(ask, faults):
    faults.terms(drip_s=0.6)
    faults.once("slow_drip")
    answer = ask("/pipelines", timeout=0.3)
    assert len(answer.json()) == 12
    assert answer.elapsed < timedelta(seconds=0.3)  # of the head alone


def test_a_whole_answer_may_be_late(ask, faults):
    faults.terms(slow_s=0.2)
    faults.once("slow")
    assert ask("/pipelines").elapsed > timedelta(seconds=0.2)
    faults.once("slow")
    with pytest.raises(requests.ReadTimeout):
        ask("/pipelines", timeout=0.1)


def test_a_body_cut_short_of_its_length_is_noticed(ask, faults):
    faults.once("cut_with_length")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask("/pipelines")


def test_a_body_cut_without_a_length_is_not_noticed(ask, faults):
    whole = ask("/pipelines").content
    faults.once("cut_without_length")
    assert ask("/pipelines").content == whole[: len(whole) // 2]


def test_compressed_bytes_may_be_spoilt_or_short(ask, faults):
    faults.once("bad_gzip")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        ask("/pipelines")
    faults.once("short_gzip")
    answer = ask("/pipelines", stream=True)
    with pytest.raises((EOFError, OSError)):
        gzip.decompress(answer.raw.read(decode_content=False))


def test_a_success_may_hold_html_nothing_or_the_wrong_thing(ask, faults):
    faults.once("html_200")
    assert ask("/pipelines").text.startswith("<!doctype html>")
    faults.once("empty_200")
    assert (ask("/pipelines").status_code, ask("/pipelines").ok) == (200, True)
    faults.once("no_content")
    assert ask("/pipelines").status_code == 204
    faults.once("wrong_type")
    assert ask("/pipelines").json() == {"message": "ok"}
    faults.once("wrong_type")
    assert ask("/pipelines/iris-train").json() == []


def test_a_redirect_points_elsewhere(ask, faults):
    faults.once("redirect")
    answer = ask("/pipelines")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "http://127.0.0.1:9/api/v1/pipelines"


def test_a_scope_is_forbidden_for_its_listing_alone(ask, faults):
    faults.rates["forbidden_scope"] = 1
    assert ask("/pipelines/iris-train/executions").status_code == 403
    assert ask("/pipelines/iris-train").ok


def test_an_execution_vanishes_between_the_list_and_its_detail(ask, faults, world: World):
    victim = ask("/pipelines/iris-train/executions").json()[0]["execution_id"]
    faults.once("vanish_detail")
    assert ask(f"/executions/{victim}").status_code == 404
    assert world.truth().execution(victim) is None


def test_an_execution_may_not_be_there_yet(ask, faults, world: World):
    victim = ask("/pipelines/iris-train/executions").json()[0]["execution_id"]
    faults.once("lag_detail")
    assert ask(f"/executions/{victim}").status_code == 404
    assert ask(f"/executions/{victim}").ok


def test_pages_of_metrics_repeat_fall_short_and_count_wrong(ask, faults):
    def page(number: int) -> dict:
        return ask(f"/metrics/single-value?items_per_page=4&page={number}").json()

    first, second = page(1), page(2)
    faults.once("repeated_page")
    assert page(2) == first
    faults.once("short_page")
    assert page(2)["metrics"] == second["metrics"][::2]
    faults.once("wrong_total")
    assert page(2)["total_count"] == second["total_count"] + 7


def test_a_stale_list_lacks_what_is_young_and_keeps_what_was_deleted(ask, faults, world: World):
    path = "/pipelines/fraud-detect/executions"
    before = [each["execution_id"] for each in ask(path).json()]
    world.advance(timedelta(minutes=5))
    world.delete_execution(before[0])
    world.delete_deployment("iris-api")
    world.add_pipeline("fresh")
    faults.rates["stale_list"] = 1
    assert [each["execution_id"] for each in ask(path).json()] == before
    assert "iris-api" in {each["name"] for each in ask("/deployments").json()}
    assert "fresh" not in {each["pipeline_name"] for each in ask("/pipelines").json()}
    faults.active = False
    assert [each["execution_id"] for each in ask(path).json()] != before


def fates(serve, seed: int) -> list[int]:
    server: Server = serve(World(executions=60), faults=Faults(seed, {"500": 0.2}))
    token = server.world.accounts.refresh(server.world.sdk_token, now_s=0)
    return [
        requests.get(
            f"{server.url}/api/v1/pipelines",
            headers={"Authorization": f"Bearer {token}"},
            timeout=2,
        ).status_code
        for _ in range(100)
    ]


def test_a_share_of_requests_is_hit_the_same_in_each_run(serve):
    first = fates(serve, seed=1)
    assert 8 < first.count(500) < 35
    assert fates(serve, seed=1) == first
    assert fates(serve, seed=2) != first


def test_signing_in_is_spared_unless_asked_for(serve):
    for spared in (True, False):
        server = serve(World(), faults=Faults(rates={"500": 1}, spare_sign_in=spared))
        answer = requests.get(f"{server.url}/api/v1/environment-info", timeout=2)
        assert answer.ok is spared


def test_faults_can_be_kept_to_some_requests(world: World, serve):
    faults = Faults(rates={"500": 1}, only=lambda request: request.method == "POST")
    server = serve(world, faults=faults)
    token = world.accounts.refresh(world.sdk_token, now_s=0)
    answer = requests.get(
        f"{server.url}/api/v1/pipelines", headers={"Authorization": f"Bearer {token}"}, timeout=2
    )
    assert answer.ok


def test_faults_are_read_from_text():
    assert Faults.parse("reset_before:0.2, 500:0.05").rates == {"reset_before": 0.2, "500": 0.05}
    assert Faults.parse("").rates == {}
    assert Faults.parse("502").rates == {"502": 0.1}
    for wrong in ("nope:0.1", "500:x", "500:2"):
        with pytest.raises(ValueError, match=wrong.partition(":")[0]):
            Faults.parse(wrong)


def test_every_kind_has_been_named_once():
    assert len(set(KINDS)) == len(KINDS) == 29
