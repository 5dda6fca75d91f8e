"""Log answers of every age: a list of lists, a flat list, CSV text, nothing at all."""

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, count, repeat
from typing import Any

from craftsync import times
from craftsync.errors import BadPayload
from craftsync.records import LogLine
from craftsync.upstream import exact
from craftsync.upstream.exact import Number

Clean = Callable[[str], str]


def log_lines(answer: Any, *, clean: Clean | None = None) -> tuple[LogLine, ...]:
    """Read a log, numbered from 1 over all its inner lists; `clean` redacts each message.

    Raises `BadPayload` for what is no log.
    """
    lines: list[LogLine] = []
    try:
        for source, entries in _inner_lists(answer):
            if type(entries) is list and (plain := _plain(entries, source, len(lines) + 1, clean)):
                lines += plain
                continue
            for entry in entries:
                lines.append(_line(entry, source, len(lines) + 1, clean))
    except (TypeError, ValueError) as flaw:
        # The payload is not passed on: nobody has redacted it as a whole.
        raise BadPayload(f"log: cannot read {str(flaw)[:200]}", payload=None) from None
    return tuple(lines)


def _inner_lists(answer: Any) -> Iterator[tuple[int, Iterable[Any]]]:
    """Return the lists of entries in an answer, each with its index."""
    if type(answer) is str:
        answer = [answer]
    if answer is not None and type(answer) is not list:
        raise TypeError("what is neither a list nor text")
    for index, inner in enumerate(answer or ()):
        if type(inner) is list:
            yield index, inner
        elif type(inner) is str:
            yield index, _csv(inner)
        elif inner is not None:
            yield 0, (inner,)  # of a flat list


def _plain(
    entries: list[Any], source: int, first: int, clean: Clean | None
) -> Iterable[LogLine] | None:
    """Read entries column by column, in half the time; None where one is not as it is today."""
    try:
        messages = [entry["message"] for entry in entries]
        timestamps = [entry["timestamp"] for entry in entries]
        streams = [entry["stream"] for entry in entries]
        text = "".join(chain(messages, timestamps, streams))
    except (KeyError, TypeError):
        return None
    if clean is not None:
        messages = [clean(message) for message in messages]
        text = "".join(chain(messages, timestamps, streams))
    if exact.plain(text) != text or not (all(timestamps) and all(streams)):
        return None
    counted = times.all_nanoseconds(timestamps)
    columns = (count(first), repeat(source), timestamps, counted, streams, messages, repeat(None))
    return map(_as_line, zip(*columns, strict=False))


_as_line: Callable[[Any], LogLine] = partial(tuple.__new__, LogLine)


def _line(entry: Any, source: int, number: int, clean: Clean | None) -> LogLine:
    if type(entry) is str:
        entry = {"message": entry}
    if type(entry) is not dict:
        raise TypeError(f"line {number}")
    message = entry.get("message")
    if type(message) is not str:
        message = "" if message is None else exact.dumps(message)
    if clean is not None:
        message = clean(message)
    shown = exact.plain(message)
    timestamp, stream = entry.get("timestamp"), entry.get("stream")
    return LogLine(
        number,
        source,
        _text(timestamp),
        times.nanoseconds(timestamp.decimal if type(timestamp) is Number else timestamp),
        _text(stream),
        shown,
        None if shown == message else exact.dumps(message, ascii=True),
    )


def _text(value: Any) -> str | None:
    if type(value) is str:
        return exact.plain(value) if value else None
    return None if value is None else exact.plain(exact.dumps(value))


def _csv(text: str) -> Iterator[dict[str, str]]:
    """Read CSV text, with or without a line that names its columns."""
    columns = ["timestamp", "message"]
    for index, row in enumerate(_rows(text)):
        if index == 0 and "message" in row:
            columns = row
        elif len(row) == 1:
            yield {"message": row[0]}
        elif row:
            yield dict(zip(columns, row, strict=False))


def _rows(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(text.splitlines(keepends=True)))
    except csv.Error:  # no CSV after all
        return [[line] for line in text.splitlines()]
