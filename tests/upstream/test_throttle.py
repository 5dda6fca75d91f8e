"""How many requests are under way at once, after the platform said 429."""

import threading

from craftsync.upstream.throttle import Throttle


def test_a_429_halves_what_may_be_under_way_down_to_one():
    throttle = Throttle(16)
    sizes = []
    for _ in range(6):
        with throttle.turn() as turn:
            throttle.refused(turn)
        sizes.append(throttle.size)
    assert sizes == [8, 4, 2, 1, 1, 1]


def test_the_429s_of_requests_that_were_under_way_together_halve_once():
    throttle = Throttle(16)
    with throttle.turn() as first, throttle.turn() as second:
        throttle.refused(first)
        throttle.refused(second)
    assert throttle.size == 8


def test_as_many_successes_as_the_size_make_it_one_larger_up_to_where_it_began():
    throttle = Throttle(4)
    with throttle.turn() as turn:
        throttle.refused(turn)
    sizes = []
    for _ in range(8):
        throttle.accepted()
        sizes.append(throttle.size)
    assert sizes == [2, 3, 3, 3, 4, 4, 4, 4]


def test_no_more_than_its_size_are_under_way():
    throttle = Throttle(3)
    most, now, counting = 0, 0, threading.Lock()
    gate = threading.Barrier(3, timeout=5)

    def work():
        nonlocal most, now
        with throttle.turn():
            with counting:
                now += 1
                most = max(most, now)
            gate.wait()
            with counting:
                now -= 1

    threads = [threading.Thread(target=work) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert most == 3
