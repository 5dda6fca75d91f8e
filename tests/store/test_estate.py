"""Pipelines and deployments: incarnations, versions, tombstones."""

import json

import pytest
from store.made import DAY, HOUR, NOON, a_deployment, a_pipeline, a_whole
from store.made import raw as an_answer

from craftsync.records import Incarnation
from craftsync.store import estate, ledger, raw
from craftsync.store.versions import differing_keys


def save(prod, *deployments, at=NOON, rev=None):
    return estate.save_deployments(
        prod.connection, prod.key, deployments, seen_at=at, rev=rev or prod.rev()
    )


def save_pipelines(prod, *pipelines, at=NOON, rev=None):
    return estate.save_pipelines(
        prod.connection, prod.key, pipelines, seen_at=at, rev=rev or prod.rev()
    )


def test_a_deployment_reaches_its_relation_whole(prod):
    assert save(prod, a_deployment()).new == (Incarnation("nightly", NOON - DAY),)
    row = prod.row("deployments")
    assert (row["deployment_name"], row["schedule"], row["is_enabled"]) == (
        "nightly",
        "0 4 * * *",
        1,
    )
    assert row["first_seen_at"] == row["last_seen_at"] == "2026-03-01T12:00:00.000000Z"


def test_what_is_as_it_is_held_is_not_written(prod):
    save(prod, a_deployment(), a_deployment("other"))
    save_pipelines(prod, a_pipeline())
    before = prod.changes()
    rev = prod.rev()
    assert save(prod, a_deployment(), a_deployment("other"), rev=rev) == estate.EstateSaved()
    assert save_pipelines(prod, a_pipeline(), rev=rev) == estate.EstateSaved()
    assert rev.drawn is None
    assert prod.changes() == before


def test_what_differs_is_written_with_a_new_revision(prod):
    save(prod, a_deployment())
    rev = prod.rev()
    assert save(prod, a_deployment(status="down"), rev=rev).changed
    assert prod.row("deployments")["status"] == "down"
    assert prod.row("deployment")["rev"] == rev.drawn


def test_a_name_made_again_is_another_deployment_and_the_first_is_gone(prod):
    save(prod, a_deployment(created_at=NOON - DAY))
    ledger.set_scope(prod.connection, prod.key, "deployments", "", complete_at=NOON, listed=1)
    saved = save(prod, a_deployment(created_at=NOON), at=NOON + HOUR)
    assert saved.replaced == (Incarnation("nightly", NOON - DAY),)
    old, new = prod.rows("deployments")
    assert (old["gone_at"], old["last_seen_at"]) == (
        "2026-03-01T13:00:00.000000Z",
        "2026-03-01T12:00:00.000000Z",
    )
    assert (new["gone_at"], new["first_seen_at"]) == (None, "2026-03-01T13:00:00.000000Z")


def test_a_new_incarnation_carries_the_executions_that_point_to_it(prod):
    prod.save(a_whole("before", created_at=NOON - DAY), a_whole("after", created_at=NOON))
    rev = prod.rev()
    save(prod, a_deployment(created_at=NOON), rev=rev)
    carried = prod.rows("execution", f"rev = {rev.drawn}")
    assert [row["execution_id"] for row in carried] == ["after"]


def test_a_deployment_that_comes_back_is_no_longer_gone(prod):
    save(prod, a_deployment())
    (held,) = estate.held_deployments(prod.connection, prod.key)
    mark = estate.mark_deployments_gone
    assert mark(prod.connection, [held.deployment_key], gone_at=NOON, rev=prod.rev()) == 1
    assert mark(prod.connection, [held.deployment_key], gone_at=NOON, rev=prod.rev()) == 0
    save(prod, a_deployment(), at=NOON + DAY)
    row = prod.row("deployments")
    assert (row["gone_at"], row["first_seen_at"]) == (None, "2026-03-01T12:00:00.000000Z")


def test_marking_nothing_as_gone_draws_no_revision(prod):
    rev = prod.rev()
    assert estate.mark_pipelines_gone(prod.connection, [], gone_at=NOON, rev=rev) == 0
    assert rev.drawn is None


def test_a_pipelines_detail_is_kept_when_it_is_only_listed(prod):
    detail = an_answer(steps=["a"])
    save_pipelines(prod, a_pipeline(detail=detail))
    save_pipelines(prod, a_pipeline(status="Building"))
    (held,) = estate.held_pipelines(prod.connection, prod.key)
    assert held.detail_sha256 == detail.sha256
    assert held.status == "Building"
    assert raw.read(prod.connection, "pipeline", held.pipeline_key) == detail


def test_a_pipeline_that_was_only_listed_has_no_detail(prod):
    save_pipelines(prod, a_pipeline())
    (held,) = estate.held_pipelines(prod.connection, prod.key)
    assert held.detail_sha256 is None
    assert held.listed_sha256 == a_pipeline().listed.sha256


def test_a_pipeline_made_again_is_two_rows(prod):
    save_pipelines(prod, a_pipeline())
    save_pipelines(prod, a_pipeline(created_at=NOON), at=NOON + HOUR)
    assert [row["gone_at"] is None for row in prod.rows("pipelines")] == [False, True]


def test_one_that_is_listed_as_it_once_was_takes_no_younger_one_along(prod):
    save_pipelines(prod, a_pipeline())
    save_pipelines(prod, a_pipeline(created_at=NOON), at=NOON + HOUR)
    save_pipelines(prod, a_pipeline(), at=NOON + 2 * HOUR)
    assert [
        row["gone_at"] for row in prod.rows("pipelines") if row["created_at"] >= "2026-03-01T12"
    ] == [None]


def versions(prod):
    return [
        (row["valid_from"][:13], row["valid_to"] and row["valid_to"][:13], row["changed"])
        for row in prod.rows("deployment_versions")
    ]


def test_the_first_version_begins_when_it_was_seen_and_changed_nothing(prod):
    save(prod, a_deployment())
    assert versions(prod) == [("2026-03-01T12", None, "[]")]


def test_the_platforms_word_for_a_change_is_believed_where_it_is_later(prod):
    save(prod, a_deployment(updated_at=NOON - 2 * HOUR))
    changed = a_deployment(schedule="0 5 * * *", updated_at=NOON + HOUR)
    save(prod, changed, at=NOON + 5 * HOUR)
    assert versions(prod) == [
        ("2026-03-01T10", "2026-03-01T13", "[]"),
        ("2026-03-01T13", None, '["schedule"]'),
    ]


def test_a_change_the_platform_does_not_date_begins_when_it_was_seen(prod):
    save(prod, a_deployment())
    save(prod, a_deployment(schedule="0 5 * * *"), at=NOON + 5 * HOUR)
    assert [valid_from for valid_from, _, _ in versions(prod)] == ["2026-03-01T12", "2026-03-01T17"]


def test_what_changes_by_itself_begins_no_version(prod):
    save(prod, a_deployment())
    save(prod, a_deployment(status="down", pods="[]"), at=NOON + HOUR)
    assert len(versions(prod)) == 1


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ('{"a":1}', '{"a":1}', []),
        ('{"a":1}', '{"a":2,"b":null}', ["a", "b"]),
        ('{"a":1,"b":2}', '{"b":2}', ["a"]),
        ('{"a":1}', '{"a":"1"}', ["a"]),
        ('{"a":1.0}', '{"a":1.00}', ["a"]),
        ('{"a":{"x":1}}', '{"a":{"x":2}}', ["a"]),
        (None, '{"a":1}', ["a"]),
    ],
)
def test_the_keys_that_differ_are_named(before, after, changed):
    assert differing_keys(before, after) == changed


def test_settings_are_kept_as_json(prod):
    settings = json.dumps({"clé": "0,10"}, ensure_ascii=False)
    save(prod, a_deployment(settings=settings))
    assert prod.row("deployment_versions")["settings"] == settings
