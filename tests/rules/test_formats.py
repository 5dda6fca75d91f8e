"""The exact forms in which rows and single objects are printed."""

import csv
import io
import json
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftsync.cli import formats, json_text, tables
from craftsync.cli.formats import Exact, Raw, Table
from craftsync.cli.safe_text import remember, safe, safe_lines, scrub
from craftsync.errors import StoreUnusable, Usage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_TEXT = "2026-03-01T12:00:00.000000Z"
COLUMNS = {
    "name": "text",
    "created_at": "instant",
    "settled": "boolean",
    "size_bytes": "bigint",
    "run_s": "double",
    "value": "json",
}
ROW = ("e1", NOON_TEXT, 1, 2**70, 0.1, '{"a": 0.12345678901234567890, "b": 1e999}')
EMPTY = ("", None, None, None, None, None)
PARIS = ZoneInfo("Europe/Paris")
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture
def printed(capsys):
    """Print in a format, and return what came out."""

    def printed(columns, rows, **how):
        formats.rows(columns, rows, **how)
        return capsys.readouterr().out

    return printed


@pytest.fixture
def printed_one(capsys):
    """Print one object, and return what came out."""

    def printed_one(thing, **how):
        formats.one(thing, **how)
        return capsys.readouterr().out

    return printed_one


# csv


def test_csv_has_a_header_and_lines_that_end_as_unix_ends_them(printed):
    assert printed(COLUMNS, [ROW, EMPTY], format="csv") == (
        "name,created_at,settled,size_bytes,run_s,value\n"
        "e1,2026-03-01T12:00:00.000000Z,true,1180591620717411303424,0.1,"
        '"{""a"": 0.12345678901234567890, ""b"": 1e999}"\n'
        '"",,,,,\n'
    )


def test_csv_tells_an_empty_text_from_null(printed):
    assert printed({"a": "text", "b": "text"}, [("", None)], format="csv") == 'a,b\n"",\n'


def test_a_single_null_is_a_line_that_readers_do_not_skip(printed):
    assert printed({"a": "text"}, [(None,)], format="csv") == 'a\n""\n'


@pytest.mark.parametrize(
    ("kind", "cell", "written"),
    [
        ("text", "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("text", "+1", "'+1"),
        ("text", "-1", "'-1"),
        ("text", "@x", "'@x"),
        ("text", "\t=1", "'\t=1"),
        ("text", "\r=1", '"\'\r=1"'),
        ("text", "a=1", "a=1"),
        ("integer", -5, "-5"),
        ("double", -0.5, "-0.5"),
        ("json", "-5", "-5"),
    ],
)
def test_csv_disarms_text_that_a_spreadsheet_would_run(printed, kind, cell, written):
    assert printed({"a": kind}, [(cell,)], format="csv") == f"a\n{written}\n"


def test_csv_raw_leaves_formulas_as_they_are(printed):
    assert printed({"=a": "text"}, [("=1",)], format="csv", raw=True) == "=a\n=1\n"


def test_csv_disarms_the_names_of_columns_too(printed):
    assert printed([("=a", "text")], [], format="csv") == "'=a\n"


@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1))
def test_csv_is_read_back_as_it_was(rows):
    rows = [
        tuple(text.replace("\0", "").encode("utf-8", "replace").decode() for text in row)
        for row in rows
    ]
    lines = []
    from craftsync.cli import lines as written

    lines = list(written.csv(["a", "b"], ["text", "text"], rows, raw=True, tz=None))
    assert [tuple(row) for row in csv.reader(io.StringIO("\n".join(lines), newline=""))] == [
        ("a", "b"),
        *rows,
    ]


# json and jsonl


def test_json_is_one_array_with_keys_in_the_order_of_columns(printed):
    written = printed(COLUMNS, [ROW, EMPTY], format="json")
    assert [list(row) for row in json.loads(written)] == [list(COLUMNS)] * 2
    assert json.loads(written)[1] == dict(zip(COLUMNS, EMPTY, strict=True))


def test_jsonl_is_an_object_a_line(printed):
    first, second = printed(COLUMNS, [ROW, EMPTY], format="jsonl").splitlines()
    assert json.loads(first)["created_at"] == NOON_TEXT
    assert json.loads(second)["name"] == ""


def test_json_columns_are_nested_digit_by_digit(printed):
    written = printed({"value": "json"}, [(ROW[5],)], format="jsonl")
    assert written == f'{{"value": {ROW[5]}}}\n'


def test_json_null_is_null_and_so_is_what_is_absent(printed):
    assert printed({"v": "json"}, [("null",), (None,)], format="jsonl") == (
        '{"v": null}\n{"v": null}\n'
    )


@pytest.mark.parametrize(
    ("kind", "cell", "written"),
    [
        ("boolean", 1, "true"),
        ("boolean", 0, "false"),
        ("boolean", False, "false"),
        ("integer", 3, "3"),
        ("bigint", -(2**80), str(-(2**80))),
        ("double", 300.0, "300.0"),
        ("double", 1e300, "1e+300"),
        ("double", float("nan"), '"NaN"'),
        ("double", float("-inf"), '"-Infinity"'),
        ("text", 'a"\\\n\x1b\u2028é', '"a\\"\\\\\\n\\u001b\u2028é"'),
        ("text", "\ud800x", '"\\ud800x"'),
        ("text", Exact("a\u2400", '"a\\u0000"'), '"a\\u0000"'),
        ("json", Exact('"\ufffd"', '"\\ud800"'), '"\\ud800"'),
        ("json", {"a": [1, None, True]}, '{"a": [1, null, true]}'),
        ("instant", NOON, f'"{NOON_TEXT}"'),
        ("instant", NOON.replace(tzinfo=None), f'"{NOON_TEXT}"'),
        ("instant", NOON.astimezone(timezone(timedelta(hours=9))), f'"{NOON_TEXT}"'),
        ("text", b"\x00\xff", '"00ff"'),
    ],
)
def test_a_cell_is_written_in_json_by_its_kind(printed, kind, cell, written):
    assert printed({"c": kind}, [(cell,)], format="jsonl") == f'{{"c": {written}}}\n'


def test_two_columns_of_one_name_stay_two(printed):
    columns = [("a", "integer"), ("a", "integer"), ("a_1", "integer")]
    assert printed(columns, [(1, 2, 3)], format="jsonl") == '{"a": 1, "a_1": 2, "a_1_1": 3}\n'


@given(st.text())
def test_every_text_survives_json(text):
    assert json.loads(json_text.text(text)) == text
    assert json.loads(json_text.in_ascii(json_text.text(text))) == text
    json_text.text(text).encode()


# Empty forms


@pytest.mark.parametrize(
    ("chosen", "written"),
    [
        ("csv", "a,b\n"),
        ("json", "[]\n"),
        ("jsonl", ""),
        ("table", "a  b\n"),
        ("markdown", "| a | b |\n| --- | ---: |\n"),
    ],
)
def test_no_rows_have_a_form_too(printed, chosen, written):
    assert printed({"a": "text", "b": "integer"}, [], format=chosen) == written


# Times


@pytest.mark.parametrize("cell", [NOON_TEXT, NOON, NOON.replace(tzinfo=None)])
@pytest.mark.parametrize("chosen", ["csv", "markdown", "table", "jsonl"])
def test_a_zone_changes_only_how_an_instant_is_printed(printed, cell, chosen):
    assert "2026-03-01T13:00:00.000000+01:00" in printed(
        {"at": "instant"}, [(cell,)], format=chosen, tz=PARIS
    )
    assert NOON_TEXT in printed({"at": "instant"}, [(cell,)], format=chosen)


def test_an_instant_nobody_can_read_is_printed_as_it_is(printed):
    assert printed({"at": "instant"}, [("soon",)], format="csv", tz=PARIS) == "at\nsoon\n"


# Tables


def test_a_table_is_aligned_whole_and_without_colour(printed):
    rows = [("short", 5), ("long" * 60, -12345), (None, None)]
    assert printed({"name": "text", "n": "integer"}, rows, format="table") == (
        f"{'name':<240}       n\n{'short':<240}       5\n{'long' * 60}  -12345\n\n"
    )


def test_a_table_is_what_is_printed_when_nothing_is_said(printed):
    assert printed({"a": "text"}, [("x",)]) == "a\nx\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;pwn\x07\x1b[2J\r fake OK", "\\x1b]0;pwn\\x07\\x1b[2J\\r fake OK"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\x9b2J", "\\x9b2J"),
        ("\U000e0041", "\\U000e0041"),
        ("déploiement→✓", "déploiement→✓"),
    ],
)
@pytest.mark.parametrize("chosen", ["table", "markdown"])
def test_what_would_drive_a_terminal_is_shown_instead(printed, text, shown, chosen):
    written = printed({"name": "text"}, [(text,)], format=chosen)
    assert (shown if chosen == "table" else shown.replace("\\", "\\\\")) in written
    assert safe_lines(written) == written


def test_names_of_columns_cannot_drive_a_terminal_either(printed):
    assert printed([("\x1b[2J", "text")], [], format="table") == "\\x1b[2J\n"


def test_a_table_of_many_rows_streams(printed):
    def rows():
        for number in range(tables.SAMPLE + 100):
            seen.append(number)
            yield [str(number)]

    seen = []
    table = tables.table(["n"], rows(), right=[True], terminal=False)
    next(table)
    assert len(seen) == tables.SAMPLE
    assert sum(1 for _ in table) == tables.SAMPLE + 100


def test_on_a_terminal_the_widest_columns_are_cut_to_fit(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    rows = [["x" * 100, "y" * 10, "z" * 100]]
    header, line = tables.table(["a", "b", "c"], rows, right=[False] * 3, terminal=True)
    assert tables.width(line) == 40
    assert line.count("…") == 2
    assert "y" * 10 in line
    assert header.startswith("a ")


ID, AT = "iris-predict-c41f7a", "2026-03-01T12:34:56.123456Z"


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (120, f"{AT}  {ID}  iris-predict-nightly  succeeded"),
        (74, f"{AT}  {ID}  iris-predict-…  succeed…"),
        (60, f"2026-03-01T12:34:5…  {ID}  iris-pr…  succeed…"),
        (50, f"2026-03-01T12:34…  {ID}  iri…  suc…"),
        (32, "2026-03…  iris-pred…  iri…  suc…"),
    ],
)
def test_on_a_terminal_ids_are_cut_last_and_instants_before_them(monkeypatch, columns, line):
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ["created_at", "execution_id", "pipeline_name", "status"]
    rows = [[AT, ID, "iris-predict-nightly", "succeeded"]]
    instants = [True, False, False, False]
    printed = tables.table(names, rows, right=[False] * 4, terminal=True, instants=instants)
    assert list(printed)[1] == line


def test_a_table_that_wraps_cuts_nothing_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    rows = [
        ["store", "warning", "There is none at /home/you/history.db yet.", "craftsync --env 日本"],
        ["disk", "ok", "x" * 30, None],
    ]
    names = ["check", "state", "finding", "fix"]
    printed = tables.table(names, rows, right=[False] * 4, terminal=True, wrap=True)
    assert list(printed)[1:] == [
        "store  warning  There is none at        craftsync --env 日本",
        "                /home/you/history.db",
        "                yet.",
        f"disk   ok       {'x' * 30}",
    ]


def test_wide_characters_take_two_columns():
    assert tables.width("日本") == 4
    assert tables.width("e\u0301") == 1


# Markdown


def test_markdown_cells_cannot_leave_their_cell(printed):
    rows = [("a|b\\", "<script>\n")]
    assert printed({"x": "text", "y": "text"}, rows, format="markdown") == (
        "| x | y |\n| --- | --- |\n| a\\|b\\\\ | &lt;script>\\\\n |\n"
    )


# Files


def test_a_file_is_written_whole_private_and_in_utf_8(tmp_path):
    output = tmp_path / "rows.csv"
    assert formats.rows({"a": "text"}, [("é",)], format="csv", output=output) == 1
    assert output.read_bytes() == "a\né\n".encode()
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize("chosen", formats.FORMATS)
def test_a_file_that_was_there_is_replaced_and_made_private(tmp_path, chosen):
    output = tmp_path / "rows"
    output.write_text("old" * 1000)
    output.chmod(0o644)
    formats.rows({"a": "integer"}, [(1,)], format=chosen, output=output)
    assert b"old" not in output.read_bytes()
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


@pytest.mark.parametrize("chosen", formats.FORMATS)
def test_a_file_stays_as_it_was_when_the_rows_break_off(tmp_path, chosen):
    def rows():
        yield (1,)
        raise StoreUnusable("The store is gone.")

    output = tmp_path / "rows"
    output.write_text("old")
    with pytest.raises(StoreUnusable):
        formats.rows({"a": "integer"}, rows(), format=chosen, output=output)
    assert output.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    formats.rows({"a": "integer"}, [(1,)], format="csv", output=tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "a\n1\n"


def test_a_device_is_written_to_and_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    formats.rows({"a": "integer"}, [(1,)], format="csv", output=pipe)
    assert os.read(reader, 100) == b"a\n1\n"
    formats.rows({"a": "integer"}, [(1,)], format="parquet", output=pipe)
    assert os.read(reader, 10_000)[-4:] == b"PAR1"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    for chosen in ("csv", "parquet"):
        formats.rows({"a": "integer"}, [(1,)], format=chosen, output=Path("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere/rows", "there is no folder"),
        (".", "it is a folder"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_wrong_usage(tmp_path, path, sentence):
    with pytest.raises(Usage, match=f"cannot be written: .*{sentence}"):
        formats.rows({"a": "integer"}, [(1,)], format="csv", output=tmp_path / path)


@pytest.mark.parametrize("chosen", ["csv", "json", "table", "parquet"])
def test_a_full_disk_is_told_in_a_sentence(chosen):
    with pytest.raises(Usage, match=r"/dev/full cannot be written: No space left on device\."):
        formats.rows({"a": "integer"}, [(1,)] * 9, format=chosen, output=Path("/dev/full"))
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


# Parquet


def test_parquet_keeps_kinds_and_instants_in_utc(tmp_path):
    output = tmp_path / "it's rows.parquet"
    rows = [
        ("e1", NOON_TEXT, 1, 2**62, 0.1, '{"a":1}'),
        ("é\ud800", NOON, False, 1, 2, None),
        EMPTY,
    ]
    assert formats.rows(COLUMNS, rows, format="parquet", output=output) == 3
    with duckdb.connect() as duck:
        answer = duck.read_parquet(str(output))
        assert answer.columns == list(COLUMNS)
        assert [str(kind) for kind in answer.types] == [
            "VARCHAR",
            "TIMESTAMP",
            "BOOLEAN",
            "BIGINT",
            "DOUBLE",
            "JSON",
        ]
        naive = NOON.replace(tzinfo=None)
        assert answer.fetchall() == [
            ("e1", naive, True, 2**62, 0.1, '{"a":1}'),
            ("é\\ud800", naive, False, 1, 2.0, None),
            EMPTY,
        ]


def test_parquet_without_rows_has_its_columns(tmp_path):
    output = tmp_path / "rows.parquet"
    formats.rows(COLUMNS, [], format="parquet", output=output)
    with duckdb.connect() as duck:
        assert duck.read_parquet(str(output)).columns == list(COLUMNS)


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["a", "A"], ["a", "A_1"]),
        (["a", "a", "A", "A_1"], ["a", "a_1", "A_2", "A_1_1"]),
        (["", "x", ""], ["column", "x", "_1"]),
        (["column", ""], ["column", "column_1"]),
        (['"', "it's", "é", "É", " "], ['"', "it's", "é", "É_1", " "]),
        (["a\0b", "\ud800"], ["a\u2400b", "\\ud800"]),
    ],
)
def test_names_that_parquet_cannot_tell_apart_are_numbered(tmp_path, names, written):
    output = tmp_path / "rows.parquet"
    columns = [(name, "integer") for name in names]
    formats.rows(columns, [tuple(range(len(names)))], format="parquet", output=output)
    with duckdb.connect() as duck:
        answer = duck.read_parquet(str(output))
        assert answer.columns == written
        assert answer.fetchall() == [tuple(range(len(names)))]


def test_parquet_without_a_column_is_wrong_usage(tmp_path):
    with pytest.raises(Usage, match="without a column") as caught:
        formats.one({}, format="parquet", output=tmp_path / "x")
    assert "--format json" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_parquet_needs_a_file():
    with pytest.raises(Usage, match="Parquet") as caught:
        formats.rows({"a": "integer"}, [], format="parquet")
    assert caught.value.hint == "Add -o FILE."


def test_a_number_too_large_for_parquet_is_told_and_leaves_nothing(tmp_path):
    with pytest.raises(Usage, match="cannot be written"):
        formats.rows({"a": "integer"}, [(2**70,)], format="parquet", output=tmp_path / "x")
    assert not list(tmp_path.iterdir())


# Single objects


def test_an_object_is_nested_and_exact(printed_one):
    row = formats.record(COLUMNS, ROW)
    steps = Table({"position": "integer", "end_date": "instant"}, [(0, NOON_TEXT)])
    assert printed_one({**row, "steps": steps, "inputs": Table({}, [])}, format="json") == (
        f'{{"name": "e1", "created_at": "{NOON_TEXT}", "settled": true, "size_bytes": {2**70},'
        f' "run_s": 0.1, "value": {ROW[5]},'
        f' "steps": [{{"position": 0, "end_date": "{NOON_TEXT}"}}], "inputs": []}}\n'
    )


def test_an_object_may_hold_objects_that_hold_tables(printed_one):
    thing = {"run": {"rows": [Table({"a": "json"}, [("0.10",)])]}, "raw": Raw("1.50")}
    assert printed_one(thing, format="jsonl") == '{"run": {"rows": [[{"a": 0.10}]]}, "raw": 1.50}\n'


def test_the_instants_of_an_object_follow_the_zone(printed_one):
    row = formats.record({"at": "instant", "odd": "instant"}, (NOON_TEXT, "soon"))
    assert printed_one(row, format="json", tz=PARIS) == (
        '{"at": "2026-03-01T13:00:00.000000+01:00", "odd": "soon"}\n'
    )


@pytest.mark.parametrize(
    ("chosen", "written"),
    [
        (
            "table",
            "key   value\nn     1\ndone  true\nat    2026-03-01T12:00:00.000000Z\nlist  [1, 2]\n",
        ),
        ("csv", 'n,done,at,list\n1,true,2026-03-01T12:00:00.000000Z,"[1, 2]"\n'),
        (
            "markdown",
            "| key | value |\n| --- | --- |\n| n | 1 |\n| done | true |\n"
            "| at | 2026-03-01T12:00:00.000000Z |\n| list | [1, 2] |\n",
        ),
    ],
)
def test_an_object_has_a_form_for_people_and_spreadsheets_too(printed_one, chosen, written):
    thing = {"n": 1, "done": True, "at": NOON, "list": [1, 2]}
    assert printed_one(thing, format=chosen) == written


# Text fit to be shown


@given(st.text())
def test_safe_text_is_one_line_that_every_utf_8_terminal_can_show(text):
    shown = safe(text)
    assert "\n" not in shown
    assert "\x1b" not in shown
    shown.encode()


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary-1234",
        "https://ada:canary-1234@acme.example/x",
        "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnktMTIzNCI6MX0.canary-1234",
    ],
)
def test_what_looks_like_a_secret_is_scrubbed(text):
    assert "canary-1234" not in scrub(text)


def test_a_secret_once_known_is_scrubbed_from_everything():
    remember("canary-known-5678")
    remember("e")
    assert scrub("a canary-known-5678 here") == "a **** here"
