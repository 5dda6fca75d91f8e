"""Instants, nanoseconds, durations and windows: every shape the platform or a user may write."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from craftsync.records import Window
from craftsync.times import (
    EPOCH,
    all_nanoseconds,
    duration,
    epoch_ms,
    in_zone,
    instant,
    instant_or_none,
    nanoseconds,
    nanoseconds_text,
    parse_utc_text,
    utc_text,
    when,
)

NOON = datetime(2025, 3, 2, 12, tzinfo=UTC)
SECOND = 1_000_000_000
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
INSTANTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - the zone is drawn too
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.timezones() | st.just(UTC),
)


# The store's own form.


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2025, 3, 2, 8, 20, 0, 101000, tzinfo=UTC), "2025-03-02T08:20:00.101000Z"),
        (datetime(2025, 3, 2, 8, 20, tzinfo=UTC), "2025-03-02T08:20:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (
            datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-24T08:00:00.000000Z",
        ),
    ],
)
def test_the_store_writes_six_digits_and_a_z(moment, text):
    assert utc_text(moment) == text
    assert parse_utc_text(text) == moment
    assert parse_utc_text(text).tzinfo is UTC


class Nowhere(tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, moment):
        return None


@pytest.mark.parametrize("zone", [None, Nowhere()])
def test_a_naive_instant_is_refused(zone):
    naive = datetime(2025, 3, 2, tzinfo=zone)
    with pytest.raises(ValueError, match="no time zone"):
        utc_text(naive)
    with pytest.raises(ValueError, match="no time zone"):
        epoch_ms(naive)
    with pytest.raises(ValueError, match="no time zone"):
        parse_utc_text("2025-03-02T00:00:00.000000")


def test_what_leaves_the_calendar_in_utc_is_refused():
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    with pytest.raises(ValueError, match="calendar"):
        utc_text(first)


@given(INSTANTS)
def test_text_and_instant_are_two_forms_of_one(moment):
    text = utc_text(moment)
    assert parse_utc_text(text) == moment.astimezone(UTC)
    assert instant(text) == moment.astimezone(UTC)
    assert len(text) == 27


@given(INSTANTS, INSTANTS)
def test_the_order_of_texts_is_the_order_of_instants(one, other):
    assert (utc_text(one) < utc_text(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


# Dates of the platform.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-07-26T09:15:30.612Z", "2024-07-26T09:15:30.612000Z"),
        ("2024-07-26T09:15:30Z", "2024-07-26T09:15:30.000000Z"),
        ("2024-07-26T09:15:30", "2024-07-26T09:15:30.000000Z"),
        ("2024-07-26 09:15:30", "2024-07-26T09:15:30.000000Z"),
        ("2024-07-26T09:15:30.6125", "2024-07-26T09:15:30.612500Z"),
        ("2024-07-26T09:15:30.5Z", "2024-07-26T09:15:30.500000Z"),
        ("2024-07-26T09:15:30.Z", "2024-07-26T09:15:30.000000Z"),
        ("2024-07-26T09:15:30,25Z", "2024-07-26T09:15:30.250000Z"),
        ("2023-11-16T12:56:48.259324457Z", "2023-11-16T12:56:48.259324Z"),
        ("2024-07-26T09:15:30.999999999999Z", "2024-07-26T09:15:30.999999Z"),
        ("2024-07-26T09:15:30.123456789012+00:00", "2024-07-26T09:15:30.123456Z"),
        ("2026-11-24T10:00:00+02:00", "2026-11-24T08:00:00.000000Z"),
        ("2026-11-24T10:00:00+0200", "2026-11-24T08:00:00.000000Z"),
        ("2026-11-24T10:00:00+05:30", "2026-11-24T04:30:00.000000Z"),
        ("2026-11-24T10:00:00-0330", "2026-11-24T13:30:00.000000Z"),
        ("2026-11-24T10:00:00-02", "2026-11-24T12:00:00.000000Z"),
        ("2026-11-24 10:00:00 UTC", "2026-11-24T10:00:00.000000Z"),
        ("2026-11-24t10:00:00z", "2026-11-24T10:00:00.000000Z"),
        ("  2026-11-24T10:00:00Z\n", "2026-11-24T10:00:00.000000Z"),
        ("2026-11-24T10:00Z", "2026-11-24T10:00:00.000000Z"),
        ("2026-11-24", "2026-11-24T00:00:00.000000Z"),
        ("2026-11-24T24:00:00Z", "2026-11-25T00:00:00.000000Z"),
        ("2026-11-24T24:00:00.000", "2026-11-25T00:00:00.000000Z"),
        ("2026-12-31T24:00+01:00", "2026-12-31T23:00:00.000000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
        ("2016-12-31T23:59:60.75Z", "2017-01-01T00:00:00.750000Z"),
        (1740903600, "2025-03-02T08:20:00.000000Z"),
        (1740903600123, "2025-03-02T08:20:00.123000Z"),
        (1740903600.123456, "2025-03-02T08:20:00.123456Z"),
        (1740903600123.75, "2025-03-02T08:20:00.123750Z"),
        (Decimal("1740903600.1234569"), "2025-03-02T08:20:00.123456Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (-0.0000015, "1969-12-31T23:59:59.999998Z"),
        (99_999_999_999, "5138-11-16T09:46:39.000000Z"),
        (100_000_000_000, "1973-03-03T09:46:40.000000Z"),
    ],
)
def test_every_shape_of_date_is_read(value, text):
    assert utc_text(instant(value)) == text
    assert instant(value).tzinfo is UTC
    assert instant_or_none(value) == instant(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "2024-13-01",
        "2024-02-30T00:00:00Z",
        "2024-07-26T25:00:00Z",
        "2024-07-26T24:00:01Z",
        "2024-07-26T24:00:00.001Z",
        "2024-07-26T09:60:00Z",
        "2024-07-26T09:15:61Z",
        "2024-07-26T09:15:30+24:00",
        "2024-07-26T09:15:30+02:60",
        "2024-07-26T09:15:30ZZ",
        "2024-07-26x09:15:30Z",
        "2024-W30-1T09:15:30Z",
        "2024-W30-1T09:15:30.612Z",
        "2024-07-26T09:15:30.\u0661Z",
        "\u0662\u0660\u0662\u0664-07-26",
        "1740903600",
        "0000-01-01",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T24:00:00Z",
        True,
        False,
        float("nan"),
        float("inf"),
        10**15,
        pytest.param(10**5000, id="5001 digits"),
        -(10**14),
        Decimal("NaN"),
        Decimal("1e999999"),
        [],
        {},
        b"2024-07-26",
    ],
)
def test_anything_else_is_no_instant(value):
    with pytest.raises(ValueError, match=r"."):
        instant(value)
    assert instant_or_none(value) is None


def test_what_cannot_be_read_is_named_in_few_words():
    for value in ("x" * 100_000, ["x" * 100_000], 10**5000):
        with pytest.raises(ValueError, match="is no instant") as flaw:
            instant(value)
        assert len(str(flaw.value)) < 200


# Nanoseconds.


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("2025-03-02T08:20:11.259324457Z", 1740903611_259324457),
        ("2025-03-02T08:20:11.259330001Z", 1740903611_259330001),
        ("2025-03-02T08:20:11.2593244579Z", 1740903611_259324457),
        ("2025-03-02T08:20:11.2Z", 1740903611_200000000),
        ("2025-03-02 08:20:11", 1740903611_000000000),
        ("2025-03-02T10:20:11.259324457+02:00", 1740903611_259324457),
        ("2016-12-31T23:59:60.123456789Z", 1483228800_123456789),
        ("1969-12-31T23:59:59.999999999Z", -1),
        (1740903611.259, 1740903611_259000000),
        (1740903611259, 1740903611_259000000),
        ("1677-09-21T00:12:43.145224192Z", -(1 << 63)),
        ("2262-04-11T23:47:16.854775807Z", (1 << 63) - 1),
    ],
)
def test_nanoseconds_are_counted_exactly(text, counted):
    assert nanoseconds(text) == counted


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-02T08:20:11.25932445xZ",
        "2025-03-02T08:20:11.259324457x",
        "2025-03-02T08:20:11.259324457xZ",
        "2025-03-02T08:20:11.+59324457Z",
        "2025-03-02T08:20:11.2593_4457Z",
        "2025-03-02T08:20:11.25932445\u0667Z",
        "2025-03-02T08:20:11.\u00b259324457Z",
        "2025-03-02T08:20+01.259324457Z",
        "2025-03-02x08:20:11.259324457Z",
        "2025-02-30T08:20:11.259324457Z",
        "2262-04-11T23:47:16.854775808Z",
        "1677-09-21T00:12:43.145224191Z",
        "3000-01-01T00:00:00.000000000Z",
        "",
        None,
        True,
        "now",
    ],
)
def test_what_is_no_instant_within_64_bits_has_no_nanoseconds(text):
    assert nanoseconds(text) is None


@given(INT64)
@example(-1)
@example(0)
@example(999_999_999)
def test_nanoseconds_and_the_platforms_form_are_two_forms_of_one(counted):
    text = nanoseconds_text(counted)
    assert nanoseconds(text) == counted
    assert len(text) == 30
    assert text.endswith("Z")


OF_A_LOG = st.builds(nanoseconds_text, INT64)
NEARLY = st.sampled_from(
    (
        *("2025-02-30T08:20:11.259324457Z", "2025-03-02T24:00:00.000000000Z"),
        *("2016-12-31T23:59:60.123456789Z", "2025-03-02T08:20:11.259Z", "3000-01-01T00:00:00Z"),
        *("2262-04-11T23:47:16.854775808Z", "2025-13-02T08:20:11.259324457Z", "", "now"),
        "2025-03-02T08:20:11.259324457Z\n2025-03-02T08:20:12.000000000Z",
    )
)


@given(st.lists(OF_A_LOG) | st.lists(OF_A_LOG | NEARLY))
@example(["2025-03-02T08:20:11.259324457Z\n2025-03-02T08:20:12.000000000Z"])
def test_many_times_are_counted_as_each_is(texts):
    assert all_nanoseconds(texts) == [nanoseconds(text) for text in texts]


@given(INT64)
def test_an_instant_is_its_nanoseconds_cut_to_microseconds(counted):
    assert (instant(nanoseconds_text(counted)) - EPOCH) // timedelta(microseconds=1) == (
        counted // 1000
    )


def test_nanoseconds_beyond_the_calendar_have_no_text():
    with pytest.raises(ValueError, match="calendar"):
        nanoseconds_text(10**21)


PLATFORM_DATE = "2025-03-02T08:20:11.259324457Z"
SIGNS = "0123456789-+:.,TZ tzUC\u00b2\u0663x_\ud800\0"


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(PLATFORM_DATE)), st.text(SIGNS, max_size=2), st.integers(0, 2)
        ),
        max_size=4,
    )
)
def test_two_readers_never_disagree_about_a_damaged_date(damages):
    text = PLATFORM_DATE
    for place, inserted, removed in damages:
        text = text[:place] + inserted + text[place + removed :]
    read, counted = instant_or_none(text), nanoseconds(text)
    if counted is not None:
        assert read == EPOCH + timedelta(microseconds=counted // 1000)
    elif read is not None:
        assert not datetime(1677, 9, 22, tzinfo=UTC) < read < datetime(2262, 4, 11, tzinfo=UTC)


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.decimals())
def test_a_date_is_read_or_refused_and_nothing_else(value):
    read = instant_or_none(value)
    assert read is None or read.tzinfo is UTC
    assert nanoseconds(value) is None or read is not None


# Milliseconds.


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("1970-01-01T00:00:00.000999Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2025-03-02T08:20:00.101Z", 1740903600101),
    ],
)
def test_milliseconds_are_cut_downwards(text, counted):
    assert epoch_ms(instant(text)) == counted


# What a user writes.


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("7d", timedelta(days=7)),
        ("24h", timedelta(hours=24)),
        ("2w", timedelta(weeks=2)),
        ("90m", timedelta(minutes=90)),
        ("30s", timedelta(seconds=30)),
        ("0d", timedelta(0)),
        (" 7 D ", timedelta(days=7)),
        ("366000d", timedelta(days=366_000)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, meant):
    assert duration(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "d",
        "7y",
        "-7d",
        "1.5h",
        "7d7d",
        "\u0667d",
        "9" * 20 + "d",
        "366001d",
        "52286w",
        pytest.param("9" * 5000 + "d", id="long"),
    ],
)
def test_what_is_no_duration_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match="as in 90m or 7d"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOON),
        (" NOW ", NOON),
        ("24h", NOON - timedelta(days=1)),
        ("2025-03-01", datetime(2025, 3, 1, tzinfo=UTC)),
        ("2025-03-01T10:00:00+02:00", datetime(2025, 3, 1, 8, tzinfo=UTC)),
        ("2025-03-01 10:00", datetime(2025, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_user_may_write_a_duration_ago_a_date_or_an_instant(text, meant):
    assert when(text, NOON) == meant


def test_the_time_that_is_meant_is_in_utc_wherever_the_clock_stands():
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    assert when("1h", there) == NOON - timedelta(hours=1)
    assert when("1h", there).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "7y", "2025-02-30"])
def test_what_is_no_time_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match="is no time: write"):
        when(text, NOON)


@pytest.mark.parametrize("text", ["999999w", "99999999d", "9" * 20 + "w", "9" * 5000 + "w"])
def test_a_time_that_is_only_too_far_back_is_told_to_be_too_long(text):
    with pytest.raises(ValueError, match="of a thousand years at the most"):
        when(text, NOON)


@pytest.mark.parametrize(
    ("since", "until", "held"),
    [
        (None, None, True),
        (NOON, None, True),
        (None, NOON, False),
        (NOON + timedelta(microseconds=1), None, False),
        (None, NOON + timedelta(microseconds=1), True),
        (NOON, NOON, False),
        (NOON, NOON + timedelta(microseconds=1), True),
    ],
)
def test_a_window_holds_its_beginning_and_not_its_end(since, until, held):
    assert Window(since, until).holds(NOON) is held


@given(INSTANTS, INSTANTS, INSTANTS)
def test_two_windows_that_meet_share_nothing_and_leave_nothing_out(one, two, three):
    first, last = sorted([one, three], key=lambda moment: moment.astimezone(UTC))
    whole = Window(first, last)
    halves = (Window(first, two), Window(two, last))
    if whole.holds(two):
        assert sum(half.holds(first) for half in halves) == whole.holds(first)
        assert sum(half.holds(two) for half in halves) == 1


@pytest.mark.parametrize(
    ("moment", "hours", "shown"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), -5, "0001-01-01T00:00:00+00:00"),
        (datetime(1, 1, 1, tzinfo=UTC), 5, "0001-01-01T05:00:00+05:00"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), 5, "9999-12-31T23:00:00+00:00"),
        (datetime(2026, 1, 1, tzinfo=UTC), -5, "2025-12-31T19:00:00-05:00"),
    ],
)
def test_at_the_edges_of_the_calendar_an_instant_is_shown_in_utc(moment, hours, shown):
    zone = timezone(timedelta(hours=hours))
    assert in_zone(moment, zone).isoformat() == shown
