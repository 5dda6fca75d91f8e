"""Instants and durations: the only place that reads or writes them.

Inside, every instant is an aware `datetime` in UTC. The platform's log timestamps have nanoseconds,
which `datetime` cannot hold: they are whole numbers since the epoch here. Digits beyond what can
be held are cut, never rounded, so that a text never moves into the next second.
"""

import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SECOND = 1_000_000_000  # nanoseconds
_INT64 = 1 << 63
_DATE_LENGTH = len("2024-07-26T09:15:30.612Z")
_LOG_LENGTH = len("2025-03-02T08:20:11.259324457Z")

_SHAPE = re.compile(
    r"""\s*
    (?P<date> [0-9]{4}-[0-9]{2}-[0-9]{2} )
    (?:
        [Tt\ ]
        (?: (?P<midnight> 24:00 (?: :00 (?: [.,]0* )? )? )
          | (?P<hour> [01][0-9] | 2[0-3] ) : (?P<minute> [0-5][0-9] )
            (?: : (?P<second> [0-5][0-9] | 60 ) (?: [.,] (?P<fraction> [0-9]* ) )? )?
        )
        \ ? (?: [Zz] | UTC | (?P<zone> [+-] (?: [01][0-9] | 2[0-3] ) (?: :? [0-5][0-9] )? ) )?
    )?
    \s*""",
    re.VERBOSE,
)
# The form of the platform's logs, in the centuries whose nanoseconds are within 64 bits.
_LOG_TIME = re.compile(
    r"(?:1[7-9]|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{9}Z"
)
_LOG_TIMES = re.compile(rf"(?:{_LOG_TIME.pattern}\n)*+")
_DURATION = re.compile(r"\s*([0-9]+)\s*([smhdw])\s*", re.IGNORECASE)
LONGEST = timedelta(days=366_000)
"""A thousand years, which the calendar has before now and after: no duration is longer."""
_UNIT = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

# A number below this counts seconds (up to the year 5138), one above it milliseconds (from 1973).
_LEAST_MILLISECONDS = 10**11
_TOO_MANY = 10**15


def utc_text(moment: datetime) -> str:
    """Write an instant as the store does, `YYYY-MM-DDTHH:MM:SS.ffffffZ`: text order is time order.

    Raises `ValueError` for a naive one.
    """
    if moment.tzinfo is not UTC:
        moment = _in_utc(moment)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_utc_text(text: str) -> datetime:
    """Read what `utc_text` wrote; raises `ValueError` for a text without a zone."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else _in_utc(moment)


def in_zone(moment: datetime, tz: tzinfo | None) -> datetime:
    """Write an instant in the time of a zone, in UTC without one.

    At the edges of the calendar, where that zone would have another year 0 or 10000, it stays UTC.
    """
    try:
        return moment.astimezone(tz or UTC)
    except OverflowError:
        return moment.astimezone(UTC)


def instant(value: object) -> datetime:
    """Read a date of the platform, to the microsecond; a text without a zone is in UTC.

    Raises `ValueError` for what is no instant.
    """
    # The platform's own form is left to the standard library, which is fast. It is lenient with
    # other forms, and what it refuses may still be one of them.
    if (
        type(value) is str
        and len(value) == _DATE_LENGTH
        and value[7:20:3] == "-T::."
        and value[-1] == "Z"
    ):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    try:
        return EPOCH + timedelta(microseconds=_nanoseconds(value) // 1000)
    except OverflowError:
        raise ValueError(f"{_shown(value)} is out of the calendar") from None


def instant_or_none(value: object) -> datetime | None:
    """Read a date of the platform; None for no date, and for one that cannot be read."""
    if value is None:  # often
        return None
    try:
        return instant(value)
    except ValueError:
        return None


def nanoseconds(value: object) -> int | None:
    """Count nanoseconds since the epoch; None for what is no instant, or not within 64 bits."""
    try:
        if type(value) is str and _LOG_TIME.fullmatch(value):
            return _of_a_log(value)
        counted = _nanoseconds(value)
    except ValueError:
        return None
    return counted if -_INT64 <= counted < _INT64 else None


def all_nanoseconds(texts: Sequence[str]) -> list[int | None]:
    """Do for many what `nanoseconds` does for one; in half the time for the lines of a log."""
    joined = "\n".join((*texts, ""))
    # Of this length none has a line break of its own.
    if len(joined) == (_LOG_LENGTH + 1) * len(texts) and _LOG_TIMES.fullmatch(joined):
        with contextlib.suppress(ValueError):  # the thirtieth of February
            return [_of_a_log(text) for text in texts]
    return [nanoseconds(text) for text in texts]


def nanoseconds_text(counted: int) -> str:
    """Write nanoseconds since the epoch as the platform does, `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`."""
    second, fraction = divmod(counted, _SECOND)
    return f"{_second_text(second)}.{fraction:09d}Z"


def epoch_ms(moment: datetime) -> int:
    """Count whole milliseconds since the epoch, the unit of the platform's `from` and `to`."""
    return (_in_utc(moment) - EPOCH) // timedelta(milliseconds=1)


def duration(text: str) -> timedelta:
    """Read a user's `7d`, `24h`, `2w`, `90m` or `30s`; raises `ValueError` with a sentence."""
    found = _DURATION.fullmatch(text)
    try:
        if found and (span := int(found[1]) * _UNIT[found[2].lower()]) <= LONGEST:
            return span
    except (OverflowError, ValueError):  # more than a timedelta, or than int() wants to read
        pass
    raise ValueError(
        f"{text!r} is no duration: write a number and s, m, h, d or w, as in 90m or 7d,"
        " of a thousand years at the most."
    )


def when(text: str, now: datetime) -> datetime:
    """Read a user's `now`, duration before `now`, date or instant.

    Raises `ValueError` with a sentence.
    """
    back = duration(text) if _DURATION.fullmatch(text) else None
    try:
        if text.strip().lower() == "now":
            return _in_utc(now)
        return instant(text) if back is None else _in_utc(now) - back
    except (OverflowError, ValueError):
        raise ValueError(
            f"{text!r} is no time: write 7d, 24h, now, a date as 2025-03-02,"
            " or an instant as 2025-03-02T08:20:11Z."
        ) from None


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is out of the calendar in UTC") from None


def _nanoseconds(value: object) -> int:
    """Count nanoseconds since the epoch, out of any shape; raises `ValueError`."""
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{_shown(value)} is no instant")  # noqa: TRY004 - one way to be no instant
    # The digits of a float are what was meant: 1740903600.123456 is no binary fraction.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    # No abs(): it rounds, and what it rounds may overflow.
    if not number.is_finite() or not -_TOO_MANY < number < _TOO_MANY:
        raise ValueError(f"{_shown(value)} is no instant")
    digits = 9 if -_LEAST_MILLISECONDS < number < _LEAST_MILLISECONDS else 6
    return int(number.quantize(Decimal(1).scaleb(-digits), "ROUND_FLOOR").scaleb(digits))


def _shown(value: object) -> str:
    """Name what cannot be read, in few words."""
    try:
        return repr(value)[:80]
    except ValueError:  # of more digits than Python writes
        return "a number of many digits"


def _read(text: str) -> int:
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is no instant")
    days = date.fromisoformat(found["date"]).toordinal() - EPOCH.toordinal()
    hours = 24 if found["midnight"] else int(found["hour"] or 0)
    minutes = (days * 24 + hours) * 60 + int(found["minute"] or 0) - _minutes_ahead(found["zone"])
    # A leap second, :60, is the first of the next minute, as it is to every clock that counts.
    seconds = minutes * 60 + int(found["second"] or 0)
    return seconds * _SECOND + int((found["fraction"] or "").ljust(9, "0")[:9])


def _minutes_ahead(zone: str | None) -> int:
    if zone is None:
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
    return -minutes if zone[0] == "-" else minutes


def _of_a_log(text: str) -> int:
    # Many lines share their minute; the second and its fraction are one number.
    return _whole_minute(text[:16]) + int(text[17:19] + text[20:29])


_whole_minute = lru_cache(maxsize=4096)(_read)


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    try:
        return (EPOCH + timedelta(seconds=second)).isoformat()[:19]
    except OverflowError:
        raise ValueError(f"{second} s since the epoch is out of the calendar") from None
