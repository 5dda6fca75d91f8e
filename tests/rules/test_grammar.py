"""The language of --where and --fail-if: what it says, what it refuses, and where it points."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from craftsync.errors import Usage
from craftsync.query import grammar
from craftsync.query.conditions import to_duckdb, to_store
from craftsync.query.grammar import FIGURE, RUNS, evaluate, parse

FIGURES = {"failure_rate": 0.2, "runs": 40, "p95_s": None}
NAMES = dict.fromkeys(FIGURES, FIGURE)
RUN = {
    "status": "Failed",
    "run_s": 12.5,
    "queue_s": None,
    "commit_id": "abc",
    "settled": True,
    "created_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "in": {
        "customer": [42],
        "learning-rate": [0.001],
        "a key": ["x y"],
        "note": ['it\'s "odd"'],
        "nothing": [None],
        "flag": [True],
        "options": [{"k": 3, "a b": [1, {"z": "deep"}], "0": "key"}],
        "long": [9007199254740993],
    },
    "out": {"score": [0.4, 0.9], "label": ["42"]},
}


def holds(text):
    return evaluate(parse(text, RUNS), RUN)


def refusal(text, names=RUNS):
    with pytest.raises(Usage) as refused:
        parse(text, names)
    return refused.value


# What it says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in.customer = 42", True),
        ("in.customer = 42.0", True),
        ("in.customer=4.2e1", True),
        ("in.customer == 42", True),
        ("in.customer = '42'", False),
        ("out.label = 42", False),
        ("out.label = '42'", True),
        ('out.label = "42"', True),
        ("in.customer <> 42", False),
        ("in.customer != 43", True),
        ("in.customer != 'x'", True),
        ("in.customer < 42", False),
        ("in.customer <= 42", True),
        ("in.customer > -1", True),
        ("in.customer in (1, 42)", True),
        ("in.customer not in (1, 42)", False),
        ("in.customer IN (1)", False),
        ("in.learning-rate = .001", True),
        ("in.'a key' contains ' '", True),
        ('in."a key" not contains "z"', True),
        ("in.note = 'it''s \"odd\"'", True),
        ('in.note = "it\'s ""odd"""', True),
        ("in.flag = true", True),
        ("in.flag = 'true'", False),
        ("in.flag = 1", False),
        ("in.nothing = null", True),
        ("in.nothing is null", True),
        ("in.nothing is not null", False),
        ("in.nothing != 3", True),
        ("in.nothing = 'null'", False),
        ("in.missing = 3", False),
        ("in.missing != 3", False),
        ("in.missing is null", False),
        ("not in.missing = 3", True),
        ("in.options.k = 3", True),
        ('in.options."a b"[0] = 1', True),
        ('in.options."a b"[1].z contains ee', True),
        ("in.options.0 = key", True),
        ("in.options[0] = key", False),
        ("in.options.k.more = 3", False),
        ("in.options.none != 3", False),
        ("in.long = 9007199254740993", True),
        ("in.long = 9007199254740992", False),
        ("in.long = 9007199254740993.0", True),
        ("out.score < 0.5", True),
        ("out.score > 0.5", True),
        ("not out.score > 0.5", False),
        ("out.score > 0.9", False),
        ("status = failed", True),
        ("STATUS = failed or status = failed", None),
        ("status = 'FAILED'", True),
        ("status contains AIL", True),
        ("status != succeeded", True),
        ("commit_id = ABC", False),
        ("commit_id = abc", True),
        ("commit_id < 'abd'", True),
        ("run_s > 12", True),
        ("queue_s > 0", False),
        ("queue_s != 0", False),
        ("queue_s is null", True),
        ("queue_s = null", True),
        ("run_s is not null", True),
        ("settled = true", True),
        ("created_at >= 2026-03-01", True),
        ("created_at < '2026-03-01T12:00:00Z'", False),
        ("created_at = 2026-03-01T13:00:00+01:00", True),
        ("status = failed and run_s < 5 or settled = true", True),
        ("status = failed and (run_s < 5 or settled = false)", False),
        ("not status = failed or settled = true", True),
        ("not (status = failed or settled = true)", False),
        ("not not status = failed", True),
        ("NOT status = ok AND settled = TRUE", True),
    ],
)
def test_a_condition_says_what_it_reads_like(text, expected):
    if expected is None:
        assert "there is no name STATUS" in str(refusal(text))
    else:
        assert holds(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failure_rate > 0.1", True),
        ("failure_rate > 0.2", False),
        ("failure_rate >= 0.2 and runs >= 40", True),
        ("p95_s > 1", False),
        ("p95_s is null", True),
    ],
)
def test_figures_are_asked_in_the_same_language(text, expected):
    assert evaluate(parse(text, NAMES), FIGURES) is expected


# What it refuses, and where


@pytest.mark.parametrize(
    ("text", "what", "pointed_at"),
    [
        ("", "a name is expected", ""),
        ("out.score <", "a value is expected", ""),
        ("out.score 0.5", "a comparison is expected", "0.5"),
        ("out.score < 0.5 status = x", "and, or, or the end", "status = x"),
        ("(out.score < 0.5", "a ) is missing", ""),
        ("out.score < 0.5)", "the end is expected", ")"),
        ("out score < 0.5", "after out comes a dot", "score < 0.5"),
        ("out. < 0.5", "a name is expected", " < 0.5"),
        ("out.score = 'abc", "never closed", "'abc"),
        ("stats = failed", "there is no name stats", "stats = failed"),
        ("0.5 > out.score", "a name is expected", "0.5 > out.score"),
        ("status = out.score", "text is quoted", "out.score"),
        ("status = run_s", "text is quoted", "run_s"),
        ("run_s > fast", "run_s is a number", "fast"),
        ("run_s > '5'", "run_s is a number", "'5'"),
        ("run_s contains 5", "contains nothing", "5"),
        ("created_at > yesterday", "created_at is an instant", "yesterday"),
        ("settled = 1", "settled is true or false", "1"),
        ("in.x < null", "by = and != alone", "null"),
        ("in.x >= true", "by = and != alone", "true"),
        ("in.x < 1e999", "larger than any", "1e999"),
        ("in.x = 1e99999", "larger than any", "1e99999"),
        ("in.x is 3", "null, or not null", "3"),
        ("in.x not 3", "in or contains", "3"),
        ("in.x in 3", "a list", "3"),
        ("in.x in ()", "a value is expected", ")"),
        ("in.x in (1 2)", "a ) is missing", "2)"),
        ('in.x."a\\b" = 1', "a path takes no", '"a\\b" = 1'),
        ('in.x."" = 1', "a path takes no", '"" = 1'),
        ("and status = x", "there is no name and", "and status = x"),
        ("status = x and", "a name is expected", ""),
        ("status = x; drop table execution", "and, or, or the end", "drop table execution"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text, what, pointed_at):
    message = str(refusal(text))
    said, shown, caret = message.split("\n")
    assert what in said
    assert shown[2:] == text
    assert shown[caret.index("^") :] == pointed_at


def test_the_nearest_name_is_named():
    assert refusal("stats = failed").hint.startswith("Did you mean status")
    assert refusal("zzz = 1", NAMES).hint == "Names are failure_rate, runs, p95_s."
    assert "out.NAME" in refusal("zzz = 1").hint
    assert refusal("runs >", NAMES).hint == "Write it as: failure_rate > 0.1"


def test_of_a_long_text_the_place_is_shown():
    text = "status = x or " * 20 + "nothing = 1"
    _, shown, caret = str(refusal(text)).split("\n")
    assert len(shown) < 100
    assert shown[caret.index("^") :] == "nothing = 1"
    assert shown.startswith("  …")


def test_control_characters_leave_the_caret_in_its_place():
    _, shown, caret = str(refusal("status\n=\t\x1b[31m nothing = 1")).split("\n")
    assert shown.isprintable()
    assert shown[caret.index("^") :] == "[31m nothing = 1"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("(" * 51 + "status = x" + ")" * 51, "nested deeper than 50"),
        ("not " * 100_000, "characters"),
        ("not " * 60 + "status = x", "nested deeper than 50"),
        (" or ".join(["status = x"] * 101), "more than 100 comparisons"),
        ("in.x in (" + ",".join(["1"] * 201) + ")", "the list is longer than 200"),
        ("in.x" + ".k" * 51 + " = 1", "longer than 50"),
        ("in.x = '" + "x" * 10_000 + "'", "10,009 characters; 10,000 are allowed"),
    ],
)
def test_depth_and_length_are_bounded(text, what):
    assert what in str(refusal(text))


def test_the_largest_that_is_allowed_can_be_read():
    parse("(" * 49 + "status = x" + ")" * 49, RUNS)
    many = parse(" or ".join(["status = x"] * 100), RUNS)
    assert len(many.of) == 100


WORDS = [
    *(
        "in.x",
        "out.y",
        "status",
        "run_s",
        "created_at",
        "and",
        "or",
        "not",
        "is",
        "null",
        "contains",
    ),
    *("contains", "in", "(", ")", "=", "<", "1", "'a'", "2026-01-01", "[0]", ".k", ","),
]
ANYTHING = st.text(
    st.sampled_from([*string.ascii_lowercase, *"()'\".=<>! ,-0123456789[]", "\0", "é", "\n"]),
    max_size=60,
) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@settings(deadline=None)
@given(ANYTHING)
@example("in.x = 1e5000")
def test_any_text_is_a_condition_or_a_refusal(text):
    try:
        found = parse(text, RUNS)
    except Usage:
        assert str(refusal(text)).endswith("^")
    else:
        assert evaluate(found, RUN) in (True, False)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_literal_name_or_path_stands_in_the_sql(text):
    mark = f"zz{text}zz"
    quoted = '"' + mark.replace('"', '""') + '"'
    where = f"in.{quoted} = {quoted} or status = {quoted} or commit_id contains {quoted}"
    if not set(mark) & set('"\\') and mark.isprintable():
        where += f" or out.x.{quoted} = {quoted} or out.x.{quoted} < 3"
    found = parse(where, RUNS)
    written = to_duckdb(found)
    assert "zz" not in written[0]
    assert mark in written[1].values()
    for dialect in ("sqlite", "postgresql"):
        condition = to_store(found, dialect)
        assert "zz" not in condition.sql
        assert mark in condition.bound.values()


def test_every_name_of_runs_is_a_column_or_a_side():
    from craftsync.store import relations

    assert set(grammar.RUNS) - set(relations.EXECUTIONS.columns) == {"in", "out"}
