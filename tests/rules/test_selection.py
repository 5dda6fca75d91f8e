"""Pipelines judged one after the other come to the same as all of them at once."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from rules.test_policy import DAY, NOBODY, NOW, OLD, an_execution

from craftsync.purge.policy import Limits, Reason, judge
from craftsync.purge.selection import Selection

EXECUTIONS = st.lists(
    st.tuples(
        st.sampled_from(["train", "score", "serve"]),
        st.integers(0, 200),
        st.sampled_from(["Succeeded", "Failed", "Running"]),
        st.booleans(),
    ),
    max_size=30,
)


@given(EXECUTIONS, st.integers(0, 12), st.sampled_from([0.2, 0.5, 1.0]), st.integers(0, 3))
def test_it_is_the_same_as_judging_all_at_once(some, most, share, last):
    limits = Limits(max_deletes=most, max_share=share, keep_last=last, keep_last_success=True)
    all_of_them = [
        an_execution(
            number,
            age=age * DAY,
            pipeline=pipeline,
            status=status,
            end=... if ended else None,
        )
        for number, (pipeline, age, status, ended) in enumerate(some)
    ]
    whole = judge(all_of_them, OLD, limits, protection=NOBODY, now=NOW)
    selection = Selection(most)
    for pipeline in ("train", "score", "serve"):
        mine = [one for one in all_of_them if one.pipeline_name == pipeline]
        selection.add(judge(mine, OLD, limits, protection=NOBODY, now=NOW))
    goes = [one.execution for one in whole if one.reason is Reason.OLD_ENOUGH]
    assert selection.chosen == goes
    stays = Counter(one.reason for one in whole if one.reason is not Reason.OLD_ENOUGH)
    assert {reason: stay.count for reason, stay in selection.stays.items()} == stays


def test_the_first_and_the_last_end_of_what_stays_are_told():
    ages = [timedelta(days=3), timedelta(days=5), timedelta(days=4)]
    young = [an_execution(number, age=age) for number, age in enumerate(ages)]
    undated = an_execution(9, end=None)
    selection = Selection(9)
    free = Limits(max_deletes=9, max_share=1.0, keep_last=0, keep_last_success=False)
    selection.add(judge([*young, undated], OLD, free, protection=NOBODY, now=NOW))
    young_ones = selection.stays[Reason.TOO_YOUNG]
    assert (young_ones.oldest_end, young_ones.newest_end) == (NOW - 5 * DAY, NOW - 3 * DAY)
    assert selection.stays[Reason.UNDATED].oldest_end is None
