"""Rows and single objects in the formats of the contract, to stdout or a file; rows stream.

A column has a kind (text, instant, boolean, integer, bigint, double, json), a cell is what a
database gives for it, or a Python value. JSON in a cell is text, and printed digit by digit.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TypedDict, Unpack

from craftsync import times
from craftsync.cli import cells, json_text, lines, parquet, sinks, streams, tables
from craftsync.cli.json_text import Exact, Raw
from craftsync.cli.lines import Columns, Row
from craftsync.errors import Usage

__all__ = [
    "FORMATS",
    "Columns",
    "Exact",
    "How",
    "Raw",
    "Table",
    "asked_for",
    "check",
    "one",
    "record",
    "rows",
]

FORMATS = ("table", "csv", "json", "jsonl", "markdown", "parquet")


class How(TypedDict, total=False):
    """How to print: `options.printing` gives it to a command, which passes it on as `**how`.

    `format` is one of FORMATS, `table` when absent; `output` the file, stdout when None; `raw`
    leaves csv cells as they are that a spreadsheet would run; `tz` is the zone of printed instants;
    with `wrap` a table cuts nothing on a terminal.
    """

    format: str
    output: Path | None
    raw: bool
    tz: tzinfo | None
    wrap: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows inside a single object: an array of objects."""

    columns: Columns
    rows: Iterable[Row]


def asked_for(format: str | None, *, as_json: bool) -> str | None:  # noqa: A002 - the option's name
    """Return the format that `--format` and `--json` ask for; raises `Usage` where they differ."""
    if as_json and format not in (None, "json"):
        raise Usage(f"--json and --format {format} exclude each other.")
    return "json" if as_json else format


def check(how: How) -> None:
    """Raise `Usage` when this way of printing can surely not work, before the work is done."""
    output = how.get("output")
    if how.get("format") == "parquet" and output is None:
        raise Usage("Parquet is no text for a terminal or a pipe.", hint="Add -o FILE.")
    if output is not None:
        sinks.check(output)


def rows(columns: Columns, rows: Iterable[Row], **how: Unpack[How]) -> int:
    """Print rows, and return how many they were.

    Raises `Usage` when the output cannot be written, `BrokenPipeError` when nobody reads it.
    """
    check(how)
    names, kinds = lines.named(columns)
    output = how.get("output")
    counted = _Counted(rows)
    if how.get("format") == "parquet":
        parquet.write(_file(output), names, kinds, counted)
        return counted.count
    with sinks.text(output) as write:
        for batch in lines.batches(_lines(names, kinds, counted, how)):
            write(_fit(batch, how))
    return counted.count


def one(thing: Mapping[str, object], **how: Unpack[How]) -> None:
    """Print one object; what is nested in it is JSON in every format.

    Values may be Python's own, `Raw` JSON, `Exact` text, instants, a `Table`, or any nesting of
    them: `record` turns a row of a relation into such. json and jsonl are one line; a table and
    markdown have a line a key, csv and parquet one row. Raises like `rows`.
    """
    chosen = how.get("format", "table")
    tz = how.get("tz")
    if chosen in ("json", "jsonl"):
        check(how)
        with sinks.text(how.get("output")) as write:
            write(_fit(_object(thing, tz) + "\n", how))
    elif chosen in ("table", "markdown"):
        pairs = ((name, _flat(value, tz)) for name, value in thing.items())
        rows((("key", "text"), ("value", "text")), pairs, **how)
    else:
        columns = [(name, _kind(value)) for name, value in thing.items()]
        rows(columns, [[_flat(value, tz) for value in thing.values()]], **how)


def record(columns: Columns, row: Row) -> dict[str, object]:
    """Turn a row into an object for `one`: JSON nested, booleans and instants what they are."""
    names, kinds = lines.named(columns)
    return {
        name: None if cell is None else _value(kind, cell)
        for name, kind, cell in zip(names, kinds, row, strict=True)
    }


def _value(kind: str, cell: object) -> object:
    if kind == "json" and isinstance(cell, str):
        return Raw(cell)
    if kind == "boolean":
        return bool(cell)
    if kind == "instant" and isinstance(cell, str):
        try:
            return times.parse_utc_text(cell)
        except ValueError:
            return cell
    return cell


class _Counted:
    """Rows, counted as they go by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _lines(names: list[str], kinds: list[str], rows: Iterable[Row], how: How) -> Iterator[str]:
    """Yield the lines of a text format, without their ends."""
    tz = how.get("tz")
    chosen = how.get("format", "table")
    if chosen == "csv":
        return lines.csv(names, kinds, rows, raw=how.get("raw", False), tz=tz)
    if chosen in ("json", "jsonl"):
        objects = lines.objects(names, kinds, rows, tz)
        return objects if chosen == "jsonl" else lines.array(objects)
    texts = lines.texts(kinds, rows, tz)
    right = [kind in cells.NUMBERS for kind in kinds]
    if chosen == "markdown":
        return tables.markdown(names, texts, right=right)
    terminal = how.get("output") is None and streams.is_terminal()
    instants = [kind == "instant" for kind in kinds]
    return tables.table(
        names,
        texts,
        right=right,
        terminal=terminal,
        instants=instants,
        wrap=how.get("wrap", False),
    )


def _object(thing: Mapping[str, object], tz: tzinfo | None) -> str:
    return json_text.members((name, _nested(value, tz)) for name, value in thing.items())


def _nested(value: object, tz: tzinfo | None) -> str:
    if isinstance(value, Table):
        names, kinds = lines.named(value.columns)
        return f"[{', '.join(lines.objects(names, kinds, value.rows, tz))}]"
    if isinstance(value, Mapping):
        return _object(value, tz)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_nested(inner, tz) for inner in value)}]"
    return json_text.encode(value, tz)


def _flat(value: object, tz: tzinfo | None) -> object:
    """Return a value that fits a cell: what is nested becomes JSON text."""
    if isinstance(value, Table | Mapping | list | tuple):
        return _nested(value, tz)
    return value


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint"
    if isinstance(value, float):
        return "double"
    return "json" if isinstance(value, Raw | Table | Mapping | list | tuple) else "text"


def _fit(text: str, how: How) -> str:
    """Return JSON in ASCII for a stdout that knows no more: an escape means the same there."""
    is_json = how.get("format") in ("json", "jsonl")
    if is_json and how.get("output") is None and not streams.speaks_unicode():
        return json_text.in_ascii(text)
    return text


def _file(output: Path | None) -> Path:
    if output is None:
        raise Usage("Parquet needs a file.", hint="Add -o FILE.")
    return output
