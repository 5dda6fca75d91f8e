"""One renewal for all who wait for it, whether it works or not."""

import threading
import time

import pytest

from craftsync.errors import Unreachable
from craftsync.upstream.auth import Bearer


def asked_at_once(bearer, count):
    """Ask from many threads at once; what each was told."""
    told = []
    begin = threading.Barrier(count)

    def ask():
        begin.wait()
        try:
            told.append(bearer.token())
        except Unreachable as flaw:
            told.append(str(flaw))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


@pytest.mark.parametrize("works", [True, False])
def test_of_many_who_ask_at_once_one_renews_for_all(works):
    renewals = []

    def renew():
        renewals.append(1)
        time.sleep(0.2)
        if not works:
            raise Unreachable("nobody answers")
        return "good"

    bearer = Bearer(renew, clock=time.monotonic)
    assert asked_at_once(bearer, 8) == ["good" if works else "nobody answers"] * 8
    assert len(renewals) == 1


def test_after_a_renewal_that_failed_the_next_request_tries_again():
    answers = iter([Unreachable("nobody answers"), "good"])

    def renew():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    bearer = Bearer(renew, clock=lambda: 0.0)
    with pytest.raises(Unreachable):
        bearer.token()
    assert bearer.token() == "good"
