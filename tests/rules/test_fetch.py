"""Work in many threads: results come one by one, and none is lost or kept for nobody."""

import threading

import pytest

from craftsync.errors import Missing
from craftsync.sync.fetch import in_parallel


def test_each_item_comes_with_its_result_and_a_fault_of_the_platform_is_one():
    def work(number):
        if number == 7:
            raise Missing("gone")
        return 2 * number

    found = dict(in_parallel(work, range(40), workers=4))
    assert isinstance(found.pop(7), Missing)
    assert found == {number: 2 * number for number in range(40) if number != 7}


@pytest.mark.parametrize("taken", [1, 3, 11])
def test_when_the_loop_is_left_early_every_result_that_was_not_taken_is_let_go_of(taken):
    made, let_go, lock = set(), [], threading.Lock()

    def work(number):
        with lock:
            made.add(number)
        return number

    kept = []
    results = in_parallel(work, range(1000), workers=4, waiting=2, discard=let_go.append)
    for _, (_, result) in zip(range(taken), results, strict=False):
        kept.append(result)
    results.close()
    assert sorted(kept + let_go) == sorted(made)
    assert 0 < len(made) < 1000


def test_what_is_under_way_still_comes_before_another_error_is_raised():
    def work(number):
        if number == 20:
            raise ZeroDivisionError
        return number

    found = []
    with pytest.raises(ZeroDivisionError):
        found.extend(result for _, result in in_parallel(work, range(1000), workers=3))
    assert set(range(20)) <= set(found)
    assert len(found) < 1000
