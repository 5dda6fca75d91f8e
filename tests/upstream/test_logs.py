"""Whole logs from a platform that caps its answers, whatever it does at the ends of a window."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftsync.times import nanoseconds_text
from craftsync.upstream.logs import LogReader, Size

MS = 1_000_000


@dataclass
class Library:
    """A platform's logs, with the habits that nobody has documented."""

    logs_of: dict
    cap: int | None = None
    keeps_newest: bool = False
    from_inclusive: bool = True
    to_inclusive: bool = True
    heeds_windows: bool = True
    cuts_to_ms: bool = False
    characters: int | None = None
    asked: list = field(default_factory=list)

    def logs(self, execution_id, window=None):
        self.asked.append((execution_id, dict(window or {})))
        window = window or {} if self.heeds_windows else {}
        lines = list(self.logs_of[execution_id])
        unit = MS if self.cuts_to_ms else 1
        if "from" in window:
            first = window["from"] * MS // unit + (not self.from_inclusive)
            lines = [line for line in lines if line[0] // unit >= first]
        if "to" in window:
            last = window["to"] * MS // unit - (not self.to_inclusive)
            lines = [line for line in lines if line[0] // unit <= last]
        if self.cap is not None and len(lines) > self.cap:
            lines = lines[-self.cap :] if self.keeps_newest else lines[: self.cap]
        if self.characters is not None:
            lines = self.that_fit(lines)
        return [[{"timestamp": nanoseconds_text(at), "message": text} for at, text in lines]]

    def that_fit(self, lines):
        kept = lines[::-1] if self.keeps_newest else lines
        sizes = accumulate(len(text) for _, text in kept)
        kept = [line for line, size in zip(kept, sizes, strict=True) if size <= self.characters]
        return kept[::-1] if self.keeps_newest else kept


def read(library, execution_id="e", **known):
    return LogReader(library, **known).read(execution_id)


def contents(log):
    return Counter((line.timestamp, line.message) for line in log.lines)


def truth(lines):
    return Counter((nanoseconds_text(at), text) for at, text in lines)


def test_a_log_no_longer_than_one_that_came_whole_is_one_request():
    library = Library({"e": [(MS, "a"), (2 * MS, "b")]})
    assert contents(read(library, sound=Size(2, 2))) == truth(library.logs_of["e"])
    assert library.asked == [("e", {})]


def test_a_log_longer_than_any_that_came_whole_is_asked_for_what_lies_beyond_it():
    library = Library({"e": [(MS, "a"), (2 * MS, "b")]})
    reader = LogReader(library, sound=Size(1, 1))
    assert contents(reader.read("e")) == truth(library.logs_of["e"])
    assert library.asked == [("e", {}), ("e", {"from": 2}), ("e", {"to": 2})]
    assert reader.sound == (2, 2)


def test_no_answer_at_all_is_an_absent_log():
    class Silent:
        def logs(self, execution_id, window=None):
            return None

    log = LogReader(Silent()).read("e")
    assert log.is_absent
    assert log.lines == ()


@pytest.mark.parametrize("keeps_newest", [False, True])
@pytest.mark.parametrize("cap", [100, 1000])
def test_a_capped_log_is_read_by_windows(cap, keeps_newest):
    lines = [(number * 3 * MS // 2, f"line {number}") for number in range(2500)]
    library = Library({"e": lines}, cap=cap, keeps_newest=keeps_newest)
    log = read(library)
    assert contents(log) == truth(lines)
    assert [line.message for line in log.lines] == [text for _, text in lines]
    assert [line.line_number for line in log.lines] == list(range(1, 2501))
    assert not log.is_capped


def test_a_log_of_just_a_round_number_of_lines_is_asked_for_more_and_is_whole():
    lines = [(number * MS, "x") for number in range(100)]
    library = Library({"e": lines})
    assert contents(read(library)) == truth(lines)
    assert len(library.asked) == 3


def test_a_millisecond_with_more_lines_than_an_answer_holds_is_capped_and_says_so():
    lines = [(5 * MS + number, "x") for number in range(2500)]
    log = read(Library({"e": lines}, cap=1000))
    assert log.is_capped
    assert 1000 <= len(log.lines) <= 2500


def test_more_lines_in_a_millisecond_than_in_an_answer_leave_the_others_whole():
    crowd = [(5 * MS + number, "crowd") for number in range(150)]
    others = [(number * 10 * MS, f"other {number}") for number in range(1, 400)]
    log = read(Library({"e": sorted(crowd + others)}, cap=100))
    assert log.is_capped
    seen = contents(log)
    assert all(seen[line] == count for line, count in truth(others).items())


def test_a_platform_that_heeds_no_window_is_not_asked_for_ever():
    lines = [(number * MS, "x") for number in range(300)]
    library = Library({"e": lines}, cap=100, heeds_windows=False)
    log = read(library)
    assert len(library.asked) < 20
    assert len(log.lines) == 100


def test_identical_lines_of_one_instant_stay_as_many_as_they_are():
    lines = sorted([(7 * MS, "same")] * 3 + [(number * MS, "x") for number in range(250)])
    log = read(Library({"e": lines}, cap=100))
    assert contents(log) == truth(lines)


def test_lines_of_one_millisecond_are_told_apart_by_their_nanoseconds():
    lines = [(123 * MS + 456, "a"), (123 * MS + 789, "b"), (123 * MS + 999, "c")]
    assert contents(read(Library({"e": lines}))) == truth(lines)


def test_a_cap_that_is_no_round_number_is_found_by_the_first_log():
    long = [(number * MS, "x") for number in range(200)]
    library = Library({"a": long, "b": long, "c": long[:10]}, cap=77)
    reader = LogReader(library)
    for name, lines in library.logs_of.items():
        assert contents(reader.read(name)) == truth(lines)
    assert reader.doubtful() == []


def test_a_cap_that_came_down_is_found_when_a_second_log_is_just_as_long():
    long = [(number * MS, "x") for number in range(200)]
    library = Library({"a": long, "b": long, "c": long[:10]}, cap=77)
    reader = LogReader(library, sound=Size(300, 300))
    assert len(reader.read("a").lines) == 77
    assert contents(reader.read("b")) == truth(long)
    assert reader.doubtful() == ["a"]
    assert reader.doubtful() == []
    assert contents(reader.read("a")) == truth(long)
    assert contents(reader.read("c")) == truth(long[:10])


@pytest.mark.parametrize("keeps_newest", [False, True])
def test_a_platform_that_counts_characters_is_found_out_below_the_length_of_other_logs(
    keeps_newest,
):
    logs_of = {
        "many short": [(number * MS, "short") for number in range(150)],
        "fewer long": [(number * MS, "long " * 20) for number in range(120)],
    }
    library = Library(logs_of, characters=6_000, keeps_newest=keeps_newest)
    reader = LogReader(library)
    for name, lines in logs_of.items():
        log = reader.read(name)
        assert contents(log) == truth(lines)
        assert not log.is_capped


@settings(max_examples=100, deadline=None)
@given(
    times=st.lists(st.integers(0, 400), min_size=1, max_size=200, unique=True),
    widths=st.lists(st.integers(1, 100), min_size=1, max_size=5),
    keeps_newest=st.booleans(),
)
def test_where_a_platform_counts_characters_no_line_is_lost_without_a_word(
    times, widths, keeps_newest
):
    lines = [(at * MS, "x" * widths[at % len(widths)]) for at in sorted(times)]
    library = Library({"e": lines}, characters=1_000, keeps_newest=keeps_newest)
    log = read(library)
    assert contents(log) == truth(lines)
    assert not log.is_capped


def test_one_long_line_among_short_ones_does_not_make_a_log_look_capped():
    lines = [(number * 1000 * MS, "short") for number in range(500)]
    lines[-3] = (lines[-3][0], "Traceback " * 500)
    library = Library({"e": lines}, cap=130)
    log = read(library)
    assert contents(log) == truth(lines)
    assert not log.is_capped
    assert len(library.asked) < 30


def test_logs_that_grow_larger_and_not_longer_cost_next_to_nothing_more():
    logs_of = {f"e{n}": [(at * MS, "x" * (7 * n % 50)) for at in range(40)] for n in range(50)}
    library = Library(logs_of)
    reader = LogReader(library)
    for name in logs_of:
        reader.read(name)
    assert len(library.asked) <= 50 + 2 * 12
    library.asked.clear()
    again = LogReader(library, sound=reader.sound)
    for name in logs_of:
        again.read(name)
    assert len(library.asked) <= 50 + 2 * 3  # as for any that are all of one length


def test_logs_that_are_all_of_one_length_are_soon_believed():
    forty = [(number * MS, "x") for number in range(40)]
    library = Library({f"e{number}": forty for number in range(50)})
    reader = LogReader(library)
    for name in library.logs_of:
        reader.read(name)
    assert len(library.asked) == 50 + 3 * 2


def test_logs_of_a_line_or_two_cost_next_to_nothing_more_and_nor_do_longer_ones_after_them():
    logs_of = {f"short{number}": [(MS, "x")] for number in range(30)}
    logs_of |= {
        f"long{number}": [(at * MS, "x") for at in range(7 + number)] for number in range(30)
    }
    library = Library(logs_of)
    reader = LogReader(library, sound=Size(50, 50))
    for name, lines in logs_of.items():
        assert contents(reader.read(name)) == truth(lines)
    assert len(library.asked) <= 60 + 3 * 2


@pytest.mark.parametrize("keeps_newest", [False, True])
def test_lines_of_the_first_millisecond_are_not_lost_to_a_platform_that_leaves_it_out(keeps_newest):
    lines = [(number * MS // 40, f"line {number}") for number in range(1000)]
    library = Library(
        {"e": lines}, cap=100, keeps_newest=keeps_newest, from_inclusive=False, cuts_to_ms=True
    )
    log = read(library)
    assert log.is_capped or contents(log) == truth(lines)


@settings(max_examples=150, deadline=None)
@given(
    times=st.lists(st.integers(0, 400 * MS), min_size=1, max_size=400),
    bursts=st.lists(st.integers(0, 400), max_size=3),
    cap=st.sampled_from([100, 200]),
    keeps_newest=st.booleans(),
    from_inclusive=st.booleans(),
    to_inclusive=st.booleans(),
    cuts_to_ms=st.booleans(),
)
def test_whatever_the_platform_does_at_the_ends_no_line_is_lost_or_doubled(
    times, bursts, cap, keeps_newest, from_inclusive, to_inclusive, cuts_to_ms
):
    ends = [at * MS for at in bursts for _ in range(20)]
    lines = sorted((at, "x") for at in times + ends)
    library = Library(
        {"e": lines}, cap, keeps_newest, from_inclusive, to_inclusive, cuts_to_ms=cuts_to_ms
    )
    log = read(library)
    if not log.is_capped:
        assert contents(log) == truth(lines)
    assert contents(log) - truth(lines) == Counter()


@pytest.mark.parametrize("count", [101, 250])
def test_a_log_whose_lines_all_share_an_instant_is_whole(count):
    library = Library({"e": [(MS, f"line {number}") for number in range(count)]})
    log = read(library)
    assert not log.is_capped
    assert contents(log) == truth(library.logs_of["e"])


def test_two_logs_of_one_length_that_fill_an_instant_are_capped_the_first_too():
    logs_of = {name: [(MS, f"line {number}") for number in range(300)] for name in "ab"}
    library = Library(logs_of, cap=130)
    reader = LogReader(library)
    assert not reader.read("a").is_capped
    assert reader.read("b").is_capped
    assert reader.doubtful() == ["a"]
    assert reader.read("a").is_capped
