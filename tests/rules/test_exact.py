"""JSON without loss: what goes in comes out, digit by digit."""

import json
import math
import sys
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from craftsync.upstream.exact import (
    DEEPEST,
    Number,
    dumps,
    loads,
    nearest,
    number_text,
    plain,
    plain_json,
)
from craftsync.upstream.in_parts import loads_parts, parts

HUGE = "9" * 5000
TEXTS = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?\Z")


def json_texts(leaves):
    """Compact JSON texts, with members in any order."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4).map(lambda parts: "[" + ",".join(parts) + "]")
            | st.dictionaries(TEXTS, inner, max_size=4).map(
                lambda parts: (
                    "{" + ",".join(f"{json.dumps(key)}:{held}" for key, held in parts.items()) + "}"
                )
            )
        ),
        max_leaves=12,
    )


LEAVES = NUMBERS | TEXTS.map(json.dumps) | st.sampled_from(["null", "true", "false"])


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0",
        "-0.0",
        "1.4",
        "1.40",
        "1e5",
        "1E5",
        "1e-05",
        "1e-5",
        "18446744073709551615",
        "9007199254740993",
        "0.12345678901234567890",
        "1e-999",
        "0e99",
        pytest.param(HUGE, id="5000 digits"),
        pytest.param("-" + HUGE, id="less than nothing, 5000 digits"),
        '"\\ud83d"',
        '"\\u0000"',
        '"é\u2028😀"',
        "null",
        "true",
        "[]",
        "{}",
        '{"b":1.50,"a":[1e5,"number",{"number":2.0}]}',
        '["number",1.50,"numbernumber","numbernumbernumbernumber"]',
    ],
)
def test_what_is_read_is_written_again_digit_by_digit(text):
    expected = json.dumps(json.loads(text), ensure_ascii=False) if text[0] == '"' else text
    assert dumps(loads(text)) == expected
    assert loads(dumps(loads(text), ascii=True)) == loads(text)


@given(json_texts(LEAVES))
@example('["number",1.50]')
@example('{"number":1.50}')
@example('["\\"number\\"",1.50]')
def test_any_json_is_written_again_as_it_came(text):
    value = loads(text)
    assert dumps(value, ascii=True) == text
    assert dumps(value, ascii=True).isascii()
    assert loads(dumps(value)) == value


@given(json_texts(LEAVES))
def test_sorting_keys_changes_nothing_but_their_order(text):
    value = loads(text)
    written = dumps(value, sort_keys=True)
    assert loads(written) == value
    assert dumps(loads(written)) == written


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("-1E999", "-1E999"),
        pytest.param("1" * 400 + ".5", "1" * 400 + ".5", id="400 digits and a half"),
    ],
)
def test_what_no_double_holds_becomes_a_string_of_the_same_letters(text, kept):
    assert loads(text) == kept
    assert dumps(loads(text)) == f'"{kept}"'


def test_floats_that_are_no_numbers_are_written_as_the_same_strings():
    body = '[{"a":NaN,"b":[Infinity,-Infinity,1.5,"x"]}]'
    assert dumps(json.loads(body)) == dumps(loads(body))
    assert dumps([math.nan, Number("1.50")]) == '["NaN",1.50]'
    with pytest.raises(ValueError, match="digits"):
        dumps(10**5000)


@pytest.mark.parametrize(
    ("text", "double"),
    [
        ("1.50", 1.5),
        ("9007199254740993", 9007199254740992.0),
        ("0.12345678901234567890", 0.12345678901234568),
        ("-0", 0.0),
        ("-0.0", 0.0),
        ("-1e-400", 0.0),
        ("7", 7.0),
        pytest.param("1" + "0" * 308, 1e308, id="309 digits"),
        pytest.param("1" + "0" * 309, None, id="310 digits"),
        pytest.param(HUGE, None, id="5000 digits"),
        pytest.param("-" + HUGE, None, id="less than nothing, 5000 digits"),
    ],
)
def test_the_nearest_double_is_told_unless_it_would_be_infinite(text, double):
    number = loads(text)
    assert nearest(number) == double
    assert number_text(number) == text
    if double is not None:
        assert math.copysign(1, nearest(number)) == math.copysign(1, double)


def test_a_number_knows_itself_to_the_last_digit():
    assert loads("0.12345678901234567890").decimal == Decimal("0.12345678901234567890")
    assert loads("1e-99999999999999999999").decimal.is_nan()


@pytest.mark.parametrize("digits", [640, 641, 4300, 4301, 100_000])
def test_a_whole_number_of_any_length_is_read_in_little_time(digits):
    text = "1" * digits
    assert number_text(loads(text)) == text
    assert dumps([loads(text)]) == f"[{text}]"


def test_pythons_own_limit_of_digits_does_not_matter():
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        assert dumps(loads("1" * 4000)) == "1" * 4000
    finally:
        sys.set_int_max_str_digits(limit)


def test_numbers_that_python_prints_the_same_are_pythons_own():
    assert [type(number) for number in loads("[1,1.5,1e-05,2.50]")] == [int, float, float, Number]


def test_of_a_key_that_comes_twice_the_last_value_holds():
    assert loads('{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


def test_objects_may_be_made_something_of_as_they_are_read():
    body = b'[{"a":1.50},{"a":{"a":NaN}}]'
    assert loads(body, object_hook=lambda found: ("a", found["a"])) == [
        ("a", Number("1.50")),
        ("a", ("a", "NaN")),
    ]


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"a":1}', '\ufeff{"a":1}', b' {"a": 1}\n'])
def test_a_byte_order_mark_and_white_space_are_no_part_of_json(body):
    assert loads(body) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a":1',
        b"[1,]",
        b"1 2",
        b"01",
        b"+1",
        b"1.",
        b".5",
        b"'a'",
        b'"\n"',
        b'"\\x"',
        b'{"a":1}\xff',
        b"\xff\xfe1\x00",
        b'"\xed\xa0\x80"',
        b"nan",
        "",
        "OK",
    ],
)
def test_what_is_no_json_in_utf8_is_refused(body):
    with pytest.raises(ValueError, match=r"no JSON|not UTF-8"):
        loads(body)


def test_a_refusal_does_not_carry_the_body_along():
    for body in (b'{"token": "hush-hush"', b'{"token": "hush-hush"}\xff'):
        with pytest.raises(ValueError, match=r"no JSON|not UTF-8") as flaw:
            loads(body)
        assert "hush" not in repr(vars(flaw.value)) + str(flaw.value)
        assert type(flaw.value) is ValueError
        assert flaw.value.__suppress_context__


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_has_a_limit(opened, closed):
    levels = DEEPEST // (opened.count("[") + opened.count("{"))
    deepest = opened * levels + "1.50" + closed * levels
    assert dumps(loads(deepest)) == deepest
    for more in (levels + 1, 5 * levels, 100_000):
        with pytest.raises(ValueError, match="nested deeper"):
            loads(opened * more + "1" + closed * more)


def test_many_brackets_side_by_side_are_not_deep():
    wide = "[" + ",".join(["[]"] * 1000) + "]"
    assert dumps(loads(wide)) == wide
    text = '"' + "[" * 1000 + '"'
    assert dumps(loads(text)) == text


@given(st.binary() | st.text())
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    try:
        value = loads(body)
    except ValueError:
        return
    assert loads(dumps(value)) == value


def test_what_is_not_of_json_is_refused():
    with pytest.raises(TypeError, match="set"):
        dumps({1, 2})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("iris", "iris"),
        ("a\0b", "a␀b"),
        ("a\ud83db", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("é\0😀", "é␀😀"),
        ("\x1b[31m\x7f\u2028", "\x1b[31m\x7f\u2028"),
    ],
)
def test_nul_and_lone_surrogates_are_shown_by_a_sign(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\0b", '"a␀b"'),
        ("\\u0000", '"\\\\u0000"'),
        ("\\\0", '"\\\\␀"'),
        ({"k\0": ["\ud800", "\n"]}, '{"k␀":["\ufffd","\\n"]}'),
        ([1], "[1]"),
    ],
)
def test_json_stays_json_when_it_is_made_fit_for_a_database(value, shown):
    assert plain_json(dumps(value)) == shown
    json.loads(shown)


@given(TEXTS)
def test_making_a_text_fit_leaves_nothing_unfit_and_the_rest_as_it_is(text):
    shown = plain(text)
    shown.encode()
    assert "\0" not in shown
    assert len(shown) == len(text)
    assert plain(shown) == shown
    assert json.loads(plain_json(dumps(text))) == shown


# Long arrays.


TRICKY = st.recursive(
    st.none() | st.integers() | st.sampled_from(("},{", '"},{"', "[", "]", "é", "a")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("a", "},{")), inner, max_size=3)
    ),
    max_leaves=20,
)
BODIES = st.builds(
    lambda value, comma, more, end: (
        more + json.dumps(value, separators=(comma, ":")) + end
    ).encode(),
    st.lists(st.dictionaries(st.sampled_from(("a", "b")), TRICKY)) | TRICKY,
    st.sampled_from((",", ", ", " ,\n")),
    st.sampled_from(("", "", "\ufeff", " ", "[")),
    st.sampled_from(("", "", "\n", "]", "},{", ",{}]")),
)


def outcome(read):
    try:
        return read()
    except ValueError:
        return ValueError


@given(BODIES | BODIES.map(lambda body: body[:-1]), st.integers(0, 20), st.integers(1, 30))
@example(b'[{"a":1},{"a":"},{"},{}]', 1, 1)
@example(b'[{"a":[{},{}]},{}]', 1, 9)
@example(b'{"a":[{},{}]},{}', 1, 2)
@example(b"[{},{},{}", 1, 3)
def test_a_body_that_was_cut_means_what_it_meant_whole(body, size, came):
    cut = list(parts(in_pieces(body, came), size=size))
    assert b"".join(cut) == body
    assert outcome(lambda: loads_parts(iter(cut))) == outcome(lambda: loads(body))


@pytest.mark.parametrize("came", [1, 2, 3, 100])
@pytest.mark.parametrize("comma", [b",", b", ", b" ,", b",\r\n\t "])
def test_a_long_array_is_cut_and_read_object_by_object(came, comma):
    body = comma.join([b'[{"a":1}', b'{"a":2}', b'{"a":3}]'])
    cut = list(parts(in_pieces(body, came), size=1))
    if came < 100:
        assert cut == [b'[{"a":1}', comma + b'{"a":2}', comma + b'{"a":3}]']
    read = partial(loads, object_hook=lambda each: each["a"])
    assert loads_parts(iter(cut), decode=read) == [1, 2, 3]


@pytest.mark.parametrize("comma", [b",", b", "])
def test_a_text_like_the_end_of_an_object_keeps_no_long_array_from_being_read(comma):
    one = b'{"a":"' + (b"}" + comma + b"{") * 20 + b"x" * 100_000 + b'"}'
    body = b"[" + comma.join([one] * 200) + b"]"
    assert len(body) > 1 << 24
    assert loads_parts(parts(in_pieces(body, 1 << 16))) == loads(body)


def in_pieces(body, size):
    return [body[start : start + size] for start in range(0, len(body), size)]
