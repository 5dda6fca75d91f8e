"""What a body would weigh when it is decoded, told by its marks alone."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from craftsync.upstream import weighing

TEXT = st.text('a"\\[]{},:', max_size=6)
JSON = st.recursive(
    TEXT | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)

# Made when they are needed: each is some megabytes.
HEAVY = {
    "arrays": lambda: b"[" + b"[]," * 2_000_000 + b"[]]",
    "objects": lambda: b"[" + b"{}," * 2_000_000 + b"{}]",
    "keys": lambda: b"{" + b",".join(b'"k%07d":%d' % (n, n) for n in range(1_000_000)) + b"}",
}
LIGHT = {
    "one text": lambda: json.dumps({"a": '[{":,' * 2_000_000}).encode(),
    "numbers": lambda: b"[" + b"0.12345678," * 1_000_000 + b"1]",
    "a log": lambda: json.dumps(
        [{"timestamp": "2026-03-01T12:00:00.000000000Z", "message": "ok"}] * 100_000
    ).encode(),
}
ENDLESS = {
    "quotes": lambda: b'"' + b'\\"' * 3_000_000,
    "objects": lambda: b'{"a":"' * 1_000_000,
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY)
def test_many_values_in_few_bytes_are_too_heavy(body):
    assert weighing.is_too_heavy(body())


@pytest.mark.parametrize("body", LIGHT.values(), ids=LIGHT)
def test_what_stands_in_texts_weighs_nothing_and_honest_bodies_are_light(body):
    assert not weighing.is_too_heavy(body())


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_texts_without_an_end_are_weighed_in_one_pass(body):
    text = body()
    began = time.monotonic()
    weighing.weight(text)
    assert time.monotonic() - began < 5


@given(JSON, st.integers(1, 9))
@example({'\\"[': ["\\", '"', "\\\\"]}, 1)
def test_it_does_not_matter_where_a_stride_ends(value, stride):
    body = json.dumps(value).encode()
    assert weighing.weight(body, stride=stride) == weighing.weight(body)


@given(JSON)
def test_only_what_stands_outside_of_texts_is_counted(value):
    def marks(one):
        if isinstance(one, dict):
            inner = sum(marks(each) for each in one.values())
            return 80 + 120 * len(one) + 40 * max(len(one) - 1, 0) + inner
        if isinstance(one, list):
            return 80 + 40 * max(len(one) - 1, 0) + sum(map(marks, one))
        return 0

    assert weighing.weight(json.dumps(value).encode()) == marks(value)
