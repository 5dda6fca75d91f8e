"""Figures as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from craftsync.report import sparks, words


@pytest.mark.parametrize(
    ("rate", "written"),
    [
        (None, "\N{EN DASH}"), (0.0, "0.0 %"), (0.0004, "< 0.1 %"), (0.0006, "0.1 %"),
        (0.1234, "12.3 %"), (0.9996, "> 99.9 %"), (1.0, "100.0 %"),
    ],
)  # fmt: skip
def test_what_is_not_quite_nothing_or_all_never_looks_like_it(rate, written):
    assert words.share(rate) == written


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (None, "\N{EN DASH}"), (0.4, "0.40 s"), (9.96, "10.0 s"), (599.9, "599.9 s"),
        (600, "10.0 min"), (7200, "2.0 h"), (172800, "2.0 d"), (-3.0, "\N{MINUS SIGN}3.0 s"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_in_the_unit_that_fits_it(length, written):
    assert words.seconds(length) == written


@pytest.mark.parametrize(
    ("changed", "written"),
    [
        (None, "\N{EN DASH}"), (0.0, "0 %"), (-0.001, "0 %"), (0.25, "+25 %"),
        (-0.5, "\N{MINUS SIGN}50 %"), (1.5, "\N{MULTIPLICATION SIGN} 2.5"),
    ],
)  # fmt: skip
def test_a_change_has_its_sign_and_no_change_has_none(changed, written):
    assert words.change(changed) == written


def test_a_difference_of_shares_is_in_points():
    assert words.points(0.031) == "+3.1 pt"
    assert words.points(-0.0001) == "0.0 pt"


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (timedelta(days=7), "7 days"), (timedelta(hours=24), "1 day"),
        (timedelta(hours=36), "36 hours"), (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=1), "1 second"), (timedelta(days=90, hours=1), "90 days"),
    ],
)  # fmt: skip
def test_a_period_is_named_as_one_would_ask_for_it(length, written):
    assert words.length(length) == written


def test_a_period_is_named_by_its_days():
    def day(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    dash = "\N{EN DASH}"
    assert words.span(day("2025-12-01"), day("2025-12-27")) == f"1 {dash} 26 December 2025"
    assert words.span(day("2025-11-01"), day("2025-12-02")) == f"1 November {dash} 1 December 2025"
    assert words.span(day("2025-12-31"), day("2026-01-02")) == (
        f"31 December 2025 {dash} 1 January 2026"
    )
    assert words.span(day("2025-12-31"), day("2026-01-01")) == "31 December 2025"
    assert words.span(day("2025-12-31"), day("2025-12-31")) == "31 December 2025"


def test_a_line_of_blocks_tells_nothing_from_zero_and_zero_from_little():
    assert sparks.line([None, 0, 0.001, 0.5, 1]) == "·▁▂▅█"
    assert sparks.line([0.01, 0.02], least_top=0.1) == "▂▂"
    assert sparks.line([0, 0]) == "▁▁"
    assert sparks.line([]) == ""


def test_a_long_line_keeps_its_peaks():
    drawn = sparks.line([1.0, *[0.0] * 59, None, None])
    assert len(drawn) == 31
    assert drawn[0] == "█"
    assert set(drawn[1:-1]) == {"▁"}
    assert drawn[-1] == "·"
