"""A signal in the middle of a step is heard at its end, and not lost."""

import os
import signal
import threading

import pytest

from craftsync.purge.unbroken import unbroken


@pytest.fixture(autouse=True)
def as_a_command():
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_step_comes_to_its_end_before_the_signal_is_heard(number):
    done = []
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    def step():
        with unbroken(), unbroken():
            os.kill(os.getpid(), number)
            done.append(sum(range(100_000)))

    with pytest.raises(KeyboardInterrupt):
        step()
    assert len(done) == 1
    after = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert after == handlers


def test_what_goes_wrong_in_a_step_is_raised():
    with pytest.raises(ValueError, match="wrong"), unbroken():
        raise ValueError("wrong")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_it_is_a_step_like_any_other():
    done = []

    def step():
        with unbroken():
            done.append(1)

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
    assert done == [1]
