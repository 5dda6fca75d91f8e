"""The rules of sync: what is fetched, what is gone, what is doubted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftsync.records import Key, shows_change
from craftsync.sync.plan import (
    CONFIRMED_A_RUN,
    SAMPLED_A_DEPLOYMENT,
    Why,
    ended_lately,
    evenly,
    is_settled,
    plan,
    too_many,
    why_again,
)
from craftsync.sync.work import Packed, Wanted

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MS = timedelta(milliseconds=1)


def some_keys(count):
    return {f"e{number:04}" for number in range(count)}


def test_a_new_execution_is_fetched():
    assert plan(listed={"a", "b"}, held={"a"}, unsettled=set()).fetch == {"b"}


def test_a_settled_execution_is_left_alone():
    assert plan(listed={"a"}, held={"a"}, unsettled=set()).fetch == set()


def test_an_unsettled_execution_is_fetched_again():
    assert plan(listed={"a"}, held={"a"}, unsettled={"a"}).fetch == {"a"}


def test_an_unsettled_execution_that_is_not_listed_is_not_fetched():
    assert plan(listed={"a"}, held={"a", "b"}, unsettled={"b"}).fetch == set()


def test_what_upstream_lost_is_gone():
    assert plan(listed={"a"}, held={"a", "b"}, unsettled=set()).gone == {"b"}


@pytest.mark.parametrize(
    ("lost", "known", "believed"),
    [
        (11, 100, False),
        (10, 100, True),
        (11, 110, True),
        (11, 109, False),
        (12, 110, False),
        (2, 2, False),
        (1, 1, True),
        (1, 2, True),
        (10, 10, False),
        (10, 11, True),
        (11, 12, False),
    ],
)
def test_a_listing_that_lost_too_much_is_not_believed(lost, known, believed):
    held = some_keys(known)
    lost_keys = set(sorted(held)[:lost])
    outcome = plan(listed=held - lost_keys, held=held, unsettled=set())
    expected = (lost_keys, set()) if believed else (set(), lost_keys)
    assert (outcome.gone, outcome.withheld) == expected


def test_new_executions_are_fetched_even_when_absences_are_withheld():
    outcome = plan(listed={"new"}, held=some_keys(100), unsettled=set())
    assert outcome.fetch == {"new"}
    assert len(outcome.withheld) == 100


def test_what_a_deleted_deployment_took_along_needs_no_permission():
    held = some_keys(100)
    outcome = plan(listed=set(), held=held, unsettled=set(), explained=held)
    assert outcome.withheld == set()
    assert outcome.gone == held


def test_explained_absences_do_not_count_for_the_others():
    held = some_keys(100)
    explained = set(sorted(held)[:50])
    lost = set(sorted(held)[:60])
    outcome = plan(listed=held - lost, held=held, unsettled=set(), explained=explained)
    assert outcome.gone == lost


def test_an_explained_absence_is_gone_beside_withheld_ones():
    held = some_keys(100)
    explained = set(sorted(held)[:50])
    outcome = plan(listed={"new"}, held=held, unsettled=set(), explained=explained)
    assert outcome.gone == explained
    assert outcome.withheld == held - explained


def test_what_we_began_to_delete_does_not_count_and_is_believed():
    held = some_keys(100)
    begun = set(sorted(held)[:40])
    outcome = plan(listed=held - begun, held=held, unsettled=set(), begun=begun)
    assert (outcome.gone, outcome.withheld) == (begun, set())


def test_beside_what_we_began_to_delete_others_count_as_ever():
    held = some_keys(100)
    begun, others = set(sorted(held)[:40]), set(sorted(held)[40:51])
    few = set(sorted(others)[:10])
    outcome = plan(listed=held - begun - few, held=held, unsettled=set(), begun=begun)
    assert outcome.gone == begun | few
    lost = begun | others
    outcome = plan(listed=held - lost, held=held, unsettled=set(), begun=begun)
    assert (outcome.gone, outcome.withheld) == (set(), lost)


def test_of_an_empty_listing_what_we_began_to_delete_is_not_believed_either():
    held = some_keys(3)
    outcome = plan(listed=set(), held=held, unsettled=set(), begun=held)
    assert (outcome.gone, outcome.withheld) == (set(), held)
    accepted = plan(listed=set(), held=held, unsettled=set(), begun=held, accept_vanished=3)
    assert accepted.gone == held


def test_what_we_began_to_delete_and_is_still_listed_is_there():
    outcome = plan(listed={"a", "b"}, held={"a", "b"}, unsettled=set(), begun={"a"})
    assert (outcome.gone, outcome.withheld, outcome.fetch) == (set(), set(), set())


def test_an_explanation_of_what_is_listed_makes_nothing_gone():
    assert plan(listed={"a"}, held={"a"}, unsettled=set(), explained={"a"}).gone == set()


def test_a_ceiling_below_the_loss_accepts_nothing():
    held = some_keys(100)
    outcome = plan(listed=set(), held=held, unsettled=set(), accept_vanished=99)
    assert (outcome.gone, outcome.withheld) == (set(), held)


def test_a_ceiling_as_high_as_the_loss_accepts_it():
    held = some_keys(100)
    assert plan(listed=set(), held=held, unsettled=set(), accept_vanished=100).gone == held


def test_an_id_that_comes_back_with_another_date_is_another_execution():
    old, new = Key("job-1", NOON), Key("job-1", NOON + HOUR)
    outcome = plan(listed={new}, held={old}, unsettled=set())
    assert (outcome.fetch, outcome.gone) == ({new}, {old})


@pytest.mark.parametrize(
    ("listed", "held", "changed"),
    [
        (("Succeeded", NOON), ("Succeeded", NOON), False),
        (("succeeded", NOON), ("Succeeded", NOON), False),
        (("Failed", NOON), ("Succeeded", NOON), True),
        (("Succeeded", NOON + HOUR), ("Succeeded", NOON), True),
        (("Succeeded", NOON + MS), ("Succeeded", NOON), True),
        (("Succeeded", NOON), ("Succeeded", None), True),
        (("Running", None), ("Succeeded", NOON), True),
        ((None, None), ("", None), False),
        ((None, None), ("Succeeded", None), True),
        (("", None), (None, None), False),
    ],
)
def test_a_listing_shows_a_change_by_status_or_end(listed, held, changed):
    assert shows_change(listed=listed, held=held) is changed


def test_an_end_that_is_not_listed_shows_no_change():
    assert not shows_change(listed=("Succeeded", None), held=("Succeeded", NOON))
    assert not shows_change(listed=("Succeeded", None), held=("Succeeded", None))


def test_an_end_of_more_digits_than_are_listed_shows_no_change():
    finer = NOON + MS - timedelta(microseconds=1)
    assert not shows_change(listed=("Succeeded", NOON), held=("Succeeded", finer))
    assert not shows_change(listed=("Succeeded", finer), held=("Succeeded", NOON))


def settled(**what):
    facts = {
        "status": "Succeeded",
        "end_date": NOON - 2 * HOUR,
        "held": True,
        "unchanged_since": NOON,
        "now": NOON,
        "settle": HOUR,
    }
    return is_settled(**{**facts, **what})


@pytest.mark.parametrize("status", ["Succeeded", "FAILED", "error", "Skipped", "success"])
def test_a_finished_execution_settles_a_settle_time_after_its_end(status):
    assert settled(status=status, end_date=NOON - HOUR)
    assert not settled(status=status, end_date=NOON - HOUR + timedelta(microseconds=1))


@pytest.mark.parametrize("status", ["Running", "Pending", "", None, "Cancelled"])
def test_an_execution_without_an_end_never_settles_while_its_status_is_not_final(status):
    assert not settled(status=status, end_date=None, unchanged_since=NOON - 100 * HOUR)


def test_what_is_not_wholly_held_is_not_settled():
    assert not settled(held=False)


def test_an_unknown_status_with_an_end_settles_by_two_equal_fetches_a_settle_time_apart():
    assert not settled(status="Cancelled", unchanged_since=NOON - HOUR / 2)
    assert settled(status="Cancelled", unchanged_since=NOON - HOUR)


def test_a_final_status_without_an_end_settles_in_the_same_way():
    assert not settled(end_date=None)
    assert settled(end_date=None, unchanged_since=NOON - HOUR)


def test_lookback_asks_for_what_ended_in_it():
    assert ended_lately(NOON - HOUR, now=NOON, lookback=HOUR)
    assert not ended_lately(NOON - 2 * HOUR, now=NOON, lookback=HOUR)
    assert not ended_lately(None, now=NOON, lookback=HOUR)
    assert not ended_lately(NOON, now=NOON, lookback=None)


AS_IT_WAS = ("Succeeded", NOON - 2 * HOUR)


def again(**what):
    facts = {
        "settled": True,
        "listed": AS_IT_WAS,
        "held": AS_IT_WAS,
        "now": NOON,
        "lookback": None,
        "full": False,
    }
    return why_again(**{**facts, **what})


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({}, None),
        ({"full": True}, Why.FULL),
        ({"settled": False}, Why.UNSETTLED),
        ({"listed": ("Failed", AS_IT_WAS[1])}, Why.CHANGED),
        ({"listed": ("Succeeded", NOON)}, Why.CHANGED),
        ({"listed": ("Succeeded", None)}, None),
        ({"listed": ("Succeeded", None), "lookback": 2 * HOUR}, Why.LOOKBACK),
        ({"lookback": 2 * HOUR}, Why.LOOKBACK),
        ({"lookback": HOUR}, None),
        ({"lookback": 2 * HOUR, "held": ("Succeeded", None), "listed": ("succeeded", None)}, None),
    ],
)
def test_a_held_execution_is_fetched_again_for_one_reason_or_left_alone(what, why):
    assert again(**what) is why


def test_the_first_reason_to_fetch_again_is_the_one_that_is_told():
    what = {"lookback": 2 * HOUR}
    assert again(**what) is Why.LOOKBACK
    what["listed"] = ("Failed", NOON)
    assert again(**what) is Why.CHANGED
    what["settled"] = False
    assert again(**what) is Why.UNSETTLED
    what["full"] = True
    assert again(**what) is Why.FULL


@pytest.mark.parametrize(
    ("missing", "known", "listed", "doubted"),
    [
        (2, 2, 0, True),
        (1, 2, 0, True),  # the other one is explained
        (0, 2, 0, False),
        (1, 1, 0, False),
        (1, 2, 1, False),
        (11, 100, 89, True),
        (11, 110, 99, False),
        (10, 100, 90, False),
        (10, 12, 2, False),
    ],
)
def test_an_emptied_listing_is_doubted_and_one_that_lost_too_much(missing, known, listed, doubted):
    assert too_many(missing=missing, known=known, listed=listed) is doubted


def test_nothing_is_accepted_by_itself():
    made = plan(listed=set(), held={"a", "b"}, unsettled=set(), explained={"a"})
    assert (made.gone, made.withheld) == ({"a"}, {"b"})


def test_so_many_are_asked_for_as_the_rules_say():
    assert (CONFIRMED_A_RUN, SAMPLED_A_DEPLOYMENT) == (200, 20)


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [
        (3, 20, [0, 1, 2]),
        (100, 5, [0, 24, 49, 74, 99]),
        (0, 5, []),
        (21, 20, [0, *range(1, 19), 20]),
        (9, 1, [0]),
    ],
)
def test_a_sample_is_spread_evenly_and_holds_both_ends(count, most, expected):
    assert list(evenly(range(count), most)) == expected


KEYS = st.builds(Key, st.text(min_size=1), st.datetimes(timezones=st.just(UTC)))


@given(st.lists(st.tuples(KEYS, st.sampled_from(Why)), max_size=20), st.sampled_from([1, 60]))
@settings(deadline=None)  # a pack holds a thousand
def test_what_is_wanted_comes_out_of_its_pack_as_it_went_in(wanted, times):
    wanted = wanted * times
    packed = Packed("train", iter(wanted))
    assert len(packed) == len(wanted)
    assert list(packed) == [Wanted(key, "train", why) for key, why in wanted]
    assert list(packed) == list(packed)
    assert all(one in packed for one in list(packed)[-1:])
