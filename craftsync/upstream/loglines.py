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

_STREAMS = ("stdout", "stderr")  # the platform's words, whoever has a secret like them
_UNNAMED = ["timestamp", "message"]  # the columns of CSV text whose first line does not name them


def log_lines(answer: Any, *, clean: Clean | None = None) -> tuple[LogLine, ...]:
    """Read a log, numbered from 1 over all its inner lists.

    `clean` redacts each message, and what stands in the place of a time or a stream. Raises
    `BadPayload` for what is no log.
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
    counted = times.all_nanoseconds(timestamps)
    if clean is not None:
        if None in counted or not set(streams).issubset(_STREAMS):
            return None
        messages = [clean(message) for message in messages]
        text = "".join(chain(messages, timestamps, streams))
    if exact.plain(text) != text or not (all(timestamps) and all(streams)):
        return None
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
    counted = times.nanoseconds(timestamp.decimal if type(timestamp) is Number else timestamp)
    return LogLine(
        number,
        source,
        _text(timestamp, clean if counted is None else None),
        counted,
        _text(stream, None if stream in _STREAMS else clean),
        shown,
        None if shown == message else exact.dumps(message, ascii=True),
    )


def _text(value: Any, clean: Clean | None) -> str | None:
    if value is None or value == "":
        return None
    text = value if type(value) is str else exact.dumps(value)
    return exact.plain(text if clean is None else clean(text))


def _csv(text: str) -> Iterator[dict[str, str]]:
    """Read CSV text, with or without a line that names its columns."""
    columns = _UNNAMED
    for index, (line, cells) in enumerate(_rows(text)):
        if index == 0 and set(_UNNAMED) <= set(cells):
            columns = cells
        elif cells:
            yield _entry(line, cells, columns)


def _entry(line: str, cells: list[str], columns: list[str]) -> dict[str, str]:
    """Read a line of CSV text; what has no time where one belongs is a message as it stands.

    A secret in it would be in two pieces otherwise, and nobody would find it.
    """
    if len(cells) == 1:
        return {"message": cells[0]}
    start = columns.index("message")
    if len(cells) > len(columns):  # a message with commas that nobody quoted
        end = start + 1 + len(cells) - len(columns)
        cells = [*cells[:start], ",".join(cells[start:end]), *cells[end:]]
    entry = dict(zip(columns, cells, strict=False))
    timestamp = entry.get("timestamp")
    is_empty = timestamp == "" and columns is not _UNNAMED
    return entry if is_empty or times.nanoseconds(timestamp) is not None else {"message": line}


def _rows(text: str) -> list[tuple[str, list[str]]]:
    """Cut CSV text into its lines, as they stand and as cells."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines)
    rows: list[tuple[str, list[str]]] = []
    start = 0
    try:
        for cells in reader:
            line = "".join(lines[start : reader.line_num]).rstrip("\r\n")
            rows.append((line, _as_written(line, cells)))
            start = reader.line_num
    except csv.Error:  # no CSV after all
        return [(line, [line]) for line in text.splitlines()]
    return rows


def _as_written(line: str, cells: list[str]) -> list[str]:
    """Give cells back the quotes that are their own: only what is quoted whole is unquoted."""
    written = line.split(",")
    if '"' not in line or len(written) != len(cells):
        return cells
    return [
        cell if text == '"{}"'.format(cell.replace('"', '""')) else text
        for text, cell in zip(written, cells, strict=True)
    ]
