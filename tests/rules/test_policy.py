"""The policy of deleting: every doubt keeps, and every answer has a reason."""

from datetime import UTC, datetime, timedelta

import pytest

from craftsync.purge.policy import (
    Criteria,
    Facts,
    Limits,
    Protection,
    Reason,
    Verdict,
    hindrance,
    is_over,
    judge,
    over_share,
)
from craftsync.records import Key, PartState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOBODY = Protection()
OLD = Criteria(90 * DAY)
FREE = Limits(max_deletes=1000, max_share=1.0, keep_last=0, keep_last_success=False)
HELD = frozenset({PartState.OK})


def an_execution(
    number=1,
    *,
    age=100 * DAY,
    pipeline="train",
    deployment="nightly",
    status="Succeeded",
    end=...,
    settled=True,
    states=HELD,
):
    """An execution that ended `age` ago, an hour after its birth."""
    ended = NOW - age
    return Facts(
        execution_key=number,
        key=Key(f"e{number}", ended - timedelta(hours=1)),
        pipeline_name=pipeline,
        deployment_name=deployment,
        status=status,
        end_date=ended if end is ... else end,
        settled=settled,
        states=frozenset(states),
    )


def limits(**some):
    return Limits(**{name: some.get(name, getattr(FREE, name)) for name in FREE.__slots__})


def reasons(executions, criteria=OLD, its=FREE, *, protection=NOBODY, **more):
    """Judge; the reason of each that was asked for, by its id."""
    found = judge(executions, criteria, its, protection=protection, now=NOW, **more)
    return {one.execution.key.execution_id: str(one.reason) for one in found}


def alone(execution, *, criteria=OLD, its=FREE, **more):
    """Judge an execution beside one that stays, so that its pipeline is not emptied."""
    other = an_execution(99, age=DAY, pipeline=execution.pipeline_name)
    return reasons([execution, other], criteria, its, **more)["e1"]


# One by itself


def test_what_ended_long_ago_and_is_held_is_old_enough():
    assert alone(an_execution()) == "old_enough"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"status": "Running"}, "running"),
        ({"status": "PENDING"}, "running"),
        ({"status": None}, "running"),
        ({"status": ""}, "running"),
        ({"status": "Curious"}, "running"),
        ({"end": None}, "undated"),
        ({"states": {PartState.OK, PartState.PENDING}}, "not_held"),
        ({"states": {PartState.ERROR}}, "not_held"),
        ({"states": {PartState.DENIED}}, "not_held"),
        ({"states": {PartState.CAPPED}}, "not_held"),
        ({"states": {PartState.GONE}}, "not_held"),
        ({"states": {PartState.TOO_BIG}}, "not_held"),
        ({"settled": False}, "unsettled"),
    ],
)
def test_every_doubt_keeps(what, reason):
    assert alone(an_execution(**what)) == reason


@pytest.mark.parametrize("status", ["Succeeded", "failed", "ERROR", "Skipped", "success"])
def test_each_final_status_lets_go_whatever_its_case(status):
    assert alone(an_execution(status=status)) == "old_enough"


def test_what_is_absent_upstream_or_redacted_here_is_held():
    states = {PartState.OK, PartState.ABSENT, PartState.REDACTED}
    assert alone(an_execution(states=states)) == "old_enough"


def test_age_counts_from_the_end_to_the_moment():
    assert alone(an_execution(age=90 * DAY)) == "old_enough"
    assert alone(an_execution(age=90 * DAY - timedelta(microseconds=1))) == "too_young"


def test_a_part_may_be_missing_that_the_user_allows_to_be_and_no_other():
    big = an_execution(states={PartState.OK, PartState.TOO_BIG})
    assert alone(big, allow={PartState.TOO_BIG}) == "old_enough"
    both = an_execution(states={PartState.TOO_BIG, PartState.ERROR})
    assert alone(both, allow={PartState.TOO_BIG}) == "not_held"


def test_a_status_that_nobody_knows_ends_only_where_the_user_names_it():
    odd = an_execution(status="Curious")
    named = Criteria(90 * DAY, statuses=frozenset({"curious"}))
    assert alone(odd) == "running"
    assert alone(odd, criteria=named) == "old_enough"


@pytest.mark.parametrize("status", ["running", "pending", "queued", "created", "started"])
def test_no_word_of_the_user_ends_what_goes_on(status):
    named = Criteria(90 * DAY, statuses=frozenset({status}))
    assert alone(an_execution(status=status.title()), criteria=named) == "running"


@pytest.mark.parametrize(
    ("protection", "reason"),
    [
        (Protection(pipelines=("train",)), "protected"),
        (Protection(deployments=("nightly",)), "protected"),
        (Protection(pipelines=("other",), deployments=("train",)), "old_enough"),
        (Protection(pipelines=("nightly",)), "old_enough"),
        (Protection(pipelines=("other", "Train")), "protected"),
        (Protection(deployments=("NIGHTLY", "other")), "protected"),
        (Protection(pipelines=("trai", "trains"), deployments=("",)), "old_enough"),
    ],
)
def test_protected_names_keep(protection, reason):
    assert alone(an_execution(), protection=protection) == reason


def test_protected_names_are_compared_without_case():
    """The platform tells names apart by it; where only that differs it is a doubt, and keeps."""
    protection = Protection(pipelines=["STRASSE"], deployments=["nightly"])
    assert protection.covers("straße", None)
    assert protection.covers(None, "Nightly")
    assert not protection.covers("nightly", "strasse")
    assert not protection.covers(None, None)
    assert not Protection().covers("", "")


def test_protection_shows_its_names_as_they_were_written():
    protection = Protection(pipelines=("Train",), deployments=("Nightly",))
    assert repr(protection) == "Protection(pipelines=('Train',), deployments=('Nightly',))"
    assert protection == Protection(pipelines=("Train",), deployments=("Nightly",))
    assert protection != Protection(pipelines=("Nightly",), deployments=("Train",))


def test_the_order_of_the_questions_is_the_policy():
    """Of what is wrong in every way the first answer is told; mended, the next one."""
    wrong = {
        "status": "Running",
        "end": None,
        "states": {PartState.ERROR},
        "settled": False,
        "age": DAY,
    }
    mended = [
        ("status", "running"),
        ("end", "undated"),
        ("states", "not_held"),
        ("settled", "unsettled"),
    ]
    shield = Protection(pipelines=("train",))
    keeping = limits(keep_last=5, keep_last_success=True)
    told = []
    for name, _ in mended:
        told.append(reasons([an_execution(**wrong)], its=keeping, protection=shield)["e1"])
        del wrong[name]
    assert told == [reason for _, reason in mended]
    young = [an_execution(**wrong)]
    assert reasons(young, its=keeping, protection=shield) == {"e1": "protected"}
    assert reasons(young, its=keeping) == {"e1": "last_n"}
    assert reasons(young, its=limits(keep_last_success=True)) == {"e1": "last_success"}
    assert reasons(young) == {"e1": "too_young"}


def test_a_hindrance_is_told_whatever_the_age_and_the_neighbours():
    assert hindrance(an_execution(age=timedelta(0)), protection=NOBODY) is None
    running = hindrance(an_execution(status="Running"), protection=NOBODY)
    assert running is Reason.RUNNING


# What was asked for


@pytest.mark.parametrize(
    "criteria",
    [
        Criteria(90 * DAY, statuses=frozenset({"failed"})),
        Criteria(90 * DAY, pipelines=frozenset({"score"})),
        Criteria(90 * DAY, deployments=frozenset({"hourly"})),
    ],
)
def test_only_what_was_asked_for_is_judged(criteria):
    those = [
        an_execution(1),
        an_execution(2, pipeline="score", deployment="hourly", status="FAILED"),
        an_execution(3, pipeline="score", deployment="hourly", status="Failed", age=DAY),
    ]
    assert reasons(those, criteria) == {"e2": "old_enough", "e3": "too_young"}


def test_without_names_everything_is_judged():
    assert reasons([an_execution(1), an_execution(2, pipeline="score", age=DAY)]).keys() == {
        "e1",
        "e2",
    }


# The neighbours


def several(count, **what):
    """Executions e1 (the newest) to e`count`, a day apart, all of them old."""
    return [an_execution(n, age=(100 + n) * DAY, **what) for n in range(1, count + 1)]


def test_the_last_ones_of_a_pipeline_stay():
    found = reasons(several(5), its=limits(keep_last=2))
    assert found == {
        "e1": "last_n",
        "e2": "last_n",
        "e3": "old_enough",
        "e4": "old_enough",
        "e5": "old_enough",
    }


def test_the_last_ones_are_told_by_birth_and_then_by_id():
    born_at_once = [an_execution(n, age=100 * DAY) for n in (2, 3, 1)]
    found = reasons(born_at_once, its=limits(keep_last=1))
    assert [name for name, reason in found.items() if reason == "last_n"] == ["e3"]


def test_the_last_ones_are_told_from_all_of_the_pipeline_not_from_what_was_asked_for():
    those = [*several(3), *(one._replace(status="Failed") for one in several(6)[3:])]
    failed = Criteria(90 * DAY, statuses=frozenset({"failed"}))
    found = reasons(those, failed, limits(keep_last=4))
    assert found == {"e4": "last_n", "e5": "old_enough", "e6": "old_enough"}


def test_each_pipeline_has_last_ones_of_its_own():
    those = [*several(2), an_execution(7, pipeline="score"), an_execution(8, pipeline="score")]
    found = reasons(those, its=limits(keep_last=1))
    assert sorted(found.values()) == ["last_n", "last_n", "old_enough", "old_enough"]


def test_the_last_success_stays_however_old():
    those = [one._replace(status="Failed") for one in several(4)]
    those[2] = those[2]._replace(status="SUCCESS")
    those[3] = those[3]._replace(status="Succeeded")
    found = reasons(those, its=limits(keep_last_success=True))
    assert found == {
        "e1": "old_enough",
        "e2": "old_enough",
        "e3": "last_success",
        "e4": "old_enough",
    }


def test_nothing_stays_as_a_last_success_where_none_is_asked_for_or_there_is_none():
    assert "last_success" not in reasons(several(3)).values()
    failed = several(3, status="Failed")
    assert "last_success" not in reasons(failed, its=limits(keep_last_success=True)).values()


def test_no_pipeline_is_emptied():
    assert reasons(several(3)) == {"e1": "would_empty", "e2": "old_enough", "e3": "old_enough"}
    assert reasons(several(1)) == {"e1": "would_empty"}


def test_a_pipeline_in_which_another_one_stays_is_not_emptied():
    failed = Criteria(90 * DAY, statuses=frozenset({"failed"}))
    those = [one._replace(status="Failed") for one in several(2)]
    assert reasons([*those, an_execution(9)], failed) == {"e1": "old_enough", "e2": "old_enough"}


# The limits


def test_what_is_over_the_share_of_its_pipeline_stays_the_oldest_go_first():
    found = reasons(several(10), its=limits(max_share=0.2))
    assert [name for name, reason in found.items() if reason == "old_enough"] == ["e10", "e9"]
    assert set(found.values()) == {"old_enough", "over_limit", "would_empty"}


@pytest.mark.parametrize(("share", "go"), [(0.29, 29), (0.2, 20), (0.199, 19), (0.0, 0)])
def test_the_share_is_counted_exactly(share, go):
    found = reasons(several(100), its=limits(max_share=share, keep_last=1))
    assert list(found.values()).count("old_enough") == go


def test_each_pipeline_has_a_share_of_its_own_of_all_its_executions():
    young = [an_execution(20 + n, age=DAY) for n in range(5)]
    other = [an_execution(40 + n, pipeline="score") for n in range(5)]
    found = reasons([*several(5), *young, *other], its=limits(max_share=0.2))
    gone = [name for name, reason in found.items() if reason == "old_enough"]
    assert gone == ["e5", "e4", "e40"]


def test_so_many_go_at_the_most_over_all_pipelines_the_first_that_ended():
    other = [an_execution(9, age=500 * DAY, pipeline="score"), an_execution(8, pipeline="score")]
    found = reasons([*several(3), *other], its=limits(max_deletes=2))
    assert [name for name, reason in found.items() if reason == "old_enough"] == ["e9", "e3"]
    assert found["e2"] == "over_limit"


def test_what_stays_takes_no_room_within_the_limits():
    those = [an_execution(n, age=(200 + n) * DAY, status="Running") for n in (5, 6)]
    found = reasons([*several(2), *those], its=limits(max_deletes=2))
    assert found == {"e6": "running", "e5": "running", "e2": "old_enough", "e1": "old_enough"}


def test_verdicts_come_in_the_order_of_the_ends_an_undated_one_by_its_birth():
    those = [an_execution(1, end=None), an_execution(2, age=99 * DAY), an_execution(3)]
    found = judge(those, OLD, FREE, protection=NOBODY, now=NOW)
    assert [one.execution.execution_key for one in found] == [1, 3, 2]
    assert found[0] == Verdict(those[0], Reason.UNDATED)


def test_more_than_its_share_of_a_pipeline_is_too_much():
    known = {"train": 10, "score": 100}
    assert over_share(["train"] * 2 + ["score"] * 20, known, 0.2) == []
    assert over_share(["train"] * 3 + ["score"] * 20, known, 0.2) == ["train"]
    assert over_share(["train"] * 3 + ["score"] * 30, known, 0.29) == ["score", "train"]
    assert over_share(["train"] * 3 + ["score"] * 29, known, 0.3) == []
    assert over_share(["other"], known, 1.0) == ["other"]


def test_an_end_is_a_final_word_or_one_that_the_user_named():
    assert is_over("SUCCEEDED")
    assert not is_over(None)
    assert not is_over("Curious")
    assert is_over("Curious", {"curious"})
    assert not is_over("Running", {"running"})
