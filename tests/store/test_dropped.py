"""What came is put beside what is held of other times; of nothing less is kept than was held."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from craftsync.store.dropped import together


def rows(*told):
    """Make rows of a log, each told as (nanoseconds, message) or with its source before them."""
    wide = [(0, *one) if len(one) == 2 else one for one in told]
    return [
        (number, source, at, None, None, message, None)
        for number, (source, at, message) in enumerate(wide, start=1)
    ]


def told(found):
    return [(row[2], row[5]) for row in found]


def test_what_came_takes_the_place_of_what_is_held_of_its_time():
    held = rows((1, "a"), (2, "b"), (3, "c"))
    assert told(together(held, rows((2, "redacted")))) == [(1, "a"), (2, "redacted"), (3, "c")]


def test_what_is_held_stays_as_it_is_where_all_that_came_is_held():
    held = rows((1, "a"), (2, "b"), (2, "b"), (3, "c"))
    assert together(held, rows((2, "b"), (3, "c"))) is held
    assert together(held, []) is held


def test_of_the_instants_at_the_edges_as_many_lines_stay_as_are_held():
    held = rows((1, "a"), (1, "b"), (2, "c"), (3, "d"), (3, "e"))
    came = rows((1, "b!"), (2, "c!"), (3, "d!"))
    assert told(together(held, came)) == [(1, "a"), (1, "b!"), (2, "c!"), (3, "d!"), (3, "d")]


def test_lines_are_numbered_anew_inner_list_by_inner_list():
    held = rows((0, 1, "a"), (0, 2, "b"), (1, 1, "x"), (1, 2, "y"))
    found = together(held, rows((0, 2, "b!"), (1, 2, "y!")))
    assert [row[:2] for row in found] == [(1, 0), (2, 0), (3, 1), (4, 1)]
    assert [row[5] for row in found] == ["a", "b!", "x", "y!"]


def test_lines_without_a_time_stay_as_many_as_are_held():
    held = rows((None, "x0"), (None, "x1"), (None, "x2"))
    assert told(together(held, rows((None, "x2"), (None, "x3")))) == [
        *((None, "x0"), (None, "x2"), (None, "x3"))
    ]
    assert told(together(rows((1, "a")), rows((None, "new")))) == [(None, "new"), (1, "a")]


def test_of_one_instant_those_stay_that_did_not_come():
    held = rows((1, "a"), (1, "b"), (1, "c"))
    assert told(together(held, rows((1, "c"), (1, "d")))) == [(1, "a"), (1, "c"), (1, "d")]


def test_of_what_may_be_damaged_only_what_lies_around_stays():
    held = rows((1, "a"), (2, "b"), (2, "b"), (3, "c"))
    came = rows((1, "a"), (2, "b"), (3, "c"))
    assert together(held, came, may_be_damaged=True) is came
    found = together(held, rows((2, "b")), may_be_damaged=True)
    assert told(found) == [(1, "a"), (2, "b"), (3, "c")]


_logs = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), max_size=8)


@settings(max_examples=300, deadline=None)
@given(held=_logs, came=_logs)
def test_there_are_never_fewer_lines_than_came_and_none_of_them_is_missing(held, came):
    found = told(together(rows(*sorted(held)), rows(*sorted(came))))
    assert not Counter(came) - Counter(found)
    assert len(found) >= max(len(came), len(held) if not came else 0)
    if came:
        first, last = min(came)[0], max(came)[0]
        around = [line for line in held if not first <= line[0] <= last]
        assert not Counter(around) - Counter(found)
