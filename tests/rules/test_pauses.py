"""How long what fails again and again is left alone."""

from datetime import timedelta

from craftsync.store.parts import pause_after


def test_after_a_first_failure_the_next_run_tries_again():
    assert pause_after(1) == timedelta(0)


def test_from_the_second_on_the_pause_doubles_from_15_minutes_to_a_day():
    minutes = [pause_after(attempts) / timedelta(minutes=1) for attempts in range(2, 11)]
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    assert pause_after(10_000) == timedelta(hours=24)
