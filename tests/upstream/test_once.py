"""Many who ask for one thing at once cost one request, and a failure is not remembered."""

import threading
import time

import pytest

from craftsync.upstream.once import Once


def test_of_many_who_ask_at_once_one_fetches():
    asked = []

    def fetch(key):
        asked.append(key)
        time.sleep(0.1)
        return key * 2

    once, told = Once(fetch, remembered=4), []
    threads = [threading.Thread(target=lambda: told.append(once(3))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [6] * 8
    assert asked == [3]


def test_what_was_raised_is_asked_for_again():
    answers = iter([ValueError("no"), 7])

    def fetch(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    once = Once(fetch, remembered=4)
    with pytest.raises(ValueError, match="no"):
        once("a")
    assert once("a") == 7


def test_only_the_last_keys_are_remembered():
    asked = []
    once = Once(asked.append, remembered=2)
    for key in (1, 2, 3, 3, 2, 1):
        once(key)
    assert asked == [1, 2, 3, 1]
