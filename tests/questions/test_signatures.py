"""What differs from run to run is replaced by a mark, so that one cause has one signature."""

import pytest


def signature(history, message):
    return history.duck.execute("select signature($1)", [message]).fetchone()[0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("KeyError: 'customer_42'", "KeyError: <text>"),
        ('could not convert string to float: "abc"', "could not convert string to float: <text>"),
        ("no module named `foo.bar`", "no module named <text>"),
        ("can't open 'a' or 'b' now", "can't open <text> or <text> now"),
        ("No such file: /data/in/2026-03-01/x.csv", "No such file: <path>"),
        ("cannot read ./data/x.csv (denied)", "cannot read <path> (denied)"),
        ("cannot read ~/x", "cannot read <path>"),
        ("src/train/model.py:12 broke", "<path>:# broke"),
        (r"C:\Users\me\a.py is missing", "<path> is missing"),
        ("timeout at https://acme.example/a?b=1 after 30.5s", "timeout at <path> after #s"),
        ("s3://bucket/key is gone", "<path> is gone"),
        ("and/or is no path", "and/or is no path"),
        ("run churn-score-8f2c failed", "run churn-score-# failed"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id #"),
        ("at 0xDEADBEEF", "at #"),
        ("commit deadbeefcafe", "commit #"),
        ("token k3j9x2 is bad", "token # is bad"),
        ("loss=-3.5e-07 at epoch 12", "loss=# at epoch #"),
        ("1e+06 of 1,234,567 rows", "# of # rows"),
        ("2026-03-01T08:20:11.259Z killed", "# killed"),
        ("Connection to 10.0.0.1:5432 refused", "Connection to # refused"),
        ("redacted:ab12cd34", "redacted:#"),
        ("\x1b[31mERROR\x1b[0m  too   much\t space ", "ERROR too much space"),
        ("a bad cafe", "a bad cafe"),
    ],
)
def test_a_signature_keeps_the_words_and_marks_the_rest(history, message, expected):
    assert signature(history, message) == expected


def test_of_a_traceback_in_one_message_the_exception_speaks(history):
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "/app/x.py", line 3, in f\n'
        "    g()\n"
        "ValueError: 17 is no month\n"
        "  hint: count from 1\n\n"
    )
    assert signature(history, traceback) == "ValueError: # is no month"
    assert signature(history, "first\nlast\r\n") == "last"


def test_a_signature_is_of_bounded_length_and_that_of_nothing_is_nothing(history):
    assert len(signature(history, "word " * 1000)) <= 300
    assert signature(history, None) is None


def spoken(history, *lines):
    history.run("e", status="Failed", logs=lines)
    sql = "select message, signature from failed_runs('2026-01-01', '2027-01-01', null, '*')"
    return history.duck.execute(sql).fetchone()


def test_the_last_line_on_stderr_speaks_for_a_run(history):
    lines = [("stderr", "early 1"), ("STDERR", "late 2"), ("stderr", " \n"), ("stdout", "bye 3")]
    assert spoken(history, *lines) == ("late 2", "late #")


def test_without_stderr_the_last_line_speaks(history):
    assert spoken(history, ("stdout", "one"), (None, "two 2"), (None, "")) == ("two 2", "two #")


def test_frames_of_a_traceback_do_not_speak_whatever_their_stream(history):
    lines = [
        ("stderr", "Traceback (most recent call last):"), ("stderr", '  File "/a.py", line 1'),
        ("stderr", "    g()"), ("stdout", "ValueError: 17"),
    ]  # fmt: skip
    assert spoken(history, *lines) == ("ValueError: 17", "ValueError: #")


def test_what_is_nothing_but_frames_is_said_by_the_last_of_them(history):
    assert spoken(history, "Traceback (most recent call last):", "  odd 1") == ("odd 1", "odd #")


def test_a_traceback_in_one_message_is_no_frame(history):
    lines = [("stderr", "Traceback (most recent call last):\n  g()\nKeyError: 1"), (None, "bye")]
    assert spoken(history, *lines) == ("KeyError: 1", "KeyError: #")


def test_a_run_without_lines_has_a_signature_of_its_own(history):
    assert spoken(history) == (None, "(no log)")
