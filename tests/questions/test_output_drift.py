"""Whether numbers of the last days are spread as those before."""

from datetime import datetime, timedelta
from math import log

import pytest

NEW = datetime(2026, 3, 26)  # within the 7 days before now
OLD = datetime(2026, 3, 10)  # within the 30 days before those


def fill(history, numbers, at, *, name="score", side="outputs", pipeline="train"):
    """Add a run a number, a second apart, with that number as a value."""
    for second, number in enumerate(numbers):
        history.run(
            at=at + timedelta(seconds=second), pipeline=pipeline, commit=None, branch=None,
            **{side: {name: number}},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("zeros", "level", "psi"),
    [
        (70, "stable", 0.092856),  # 0.15 * ln(0.5 / 0.35) + 0.15 * ln(0.65 / 0.5)
        (66, "watch", 0.120391),  # 0.17 * ln(0.5 / 0.33) + 0.17 * ln(0.67 / 0.5)
        (50, "moved", 0.274653),  # 0.25 * ln(0.5 / 0.25) + 0.25 * ln(0.75 / 0.5)
    ],
)
def test_the_level_follows_the_stability_index(history, zeros, level, psi):
    fill(history, [0] * 100 + [1] * 100, OLD)
    fill(history, [0] * zeros + [1] * (200 - zeros), NEW)
    (row,) = history.ask("output_drift")
    assert row["psi"] == pytest.approx(psi, abs=1e-6)
    assert row["level"] == level
    assert (row["n_base"], row["n_current"], row["mean_base"], row["p50_base"]) == (
        200, 200, 0.5, 0.5,
    )  # fmt: skip
    assert row["mean_current"] == pytest.approx(1 - zeros / 200)
    assert (row["p50_current"], row["side"]) == (1, "out")


def test_the_bins_are_the_deciles_of_the_baseline_and_an_empty_one_counts_little(history):
    fill(history, range(11), OLD)  # edges 1, 2 … 9: two values in the first bin, one in the others
    fill(history, [5] * 11, NEW)
    (row,) = history.ask("output_drift")
    fifth = (1 - 1 / 11) * log(11)
    first = (1e-4 - 2 / 11) * log(1e-4 * 11 / 2)
    others = 8 * (1e-4 - 1 / 11) * log(1e-4 * 11)
    assert row["psi"] == pytest.approx(fifth + first + others)
    assert row["level"] == "few"


def test_a_value_on_an_edge_lies_below_it(history):
    fill(history, range(11), OLD)
    fill(history, [1] * 11, NEW)
    (row,) = history.ask("output_drift")
    first = (1 - 2 / 11) * log(11 / 2)
    others = 9 * (1e-4 - 1 / 11) * log(1e-4 * 11)
    assert row["psi"] == pytest.approx(first + others)


def test_a_constant_that_falls_has_moved(history):
    fill(history, [5] * 180, OLD)
    fill(history, [4] * 180, NEW)
    (row,) = history.ask("output_drift")
    assert row["level"] == "moved"
    assert row["psi"] == pytest.approx(2 * (1 - 1e-4) * log(1e4))


def test_twenty_a_side_are_few_whatever_they_say(history):
    fill(history, [0] * 20, OLD)
    fill(history, [9] * 20, NEW)
    assert history.column("output_drift", "level") == ["few"]


def test_a_hundred_and_eighty_a_side_are_enough_and_one_less_is_not(history):
    fill(history, [0] * 180, OLD)
    fill(history, [0] * 179, NEW)
    assert history.column("output_drift", "level") == ["few"]
    fill(history, [0], NEW + timedelta(hours=1))
    assert history.column("output_drift", "level") == ["stable"]


def test_values_that_are_no_numbers_are_told_of_by_their_share(history):
    fill(history, [1, 2, None, "three"], OLD)
    fill(history, [None, None, True], NEW)
    (row,) = history.ask("output_drift")
    assert (row["n_base"], row["null_rate_base"]) == (2, 0.5)
    assert (row["n_current"], row["null_rate_current"]) == (0, 1.0)
    assert (row["psi"], row["level"], row["mean_current"]) == (None, "few", None)


def test_a_value_that_never_was_a_number_is_not_listed(history):
    fill(history, ["a", "b"], OLD)
    fill(history, ["a", "c"], NEW)
    assert history.ask("output_drift") == []


def test_a_value_without_a_name_is_compared_too(history):
    for values, at in (([0] * 100 + [1] * 100, OLD), ([0] * 200, NEW)):
        for value in values:
            history.run(at=at, outputs=[(None, value)])
    (row,) = history.ask("output_drift")
    assert (row["name"], row["n_base"], row["n_current"], row["level"]) == (None, 200, 200, "moved")


def test_a_new_value_has_no_baseline(history):
    fill(history, [1, 2], NEW)
    (row,) = history.ask("output_drift")
    assert (row["n_base"], row["null_rate_base"], row["psi"], row["level"]) == (
        0, None, None, "few",
    )  # fmt: skip


def test_the_windows_touch_and_are_half_open(history):
    for at, number in (
        ("2026-02-22 23:59:59", 1),  # 37 days before now and a second
        ("2026-02-23", 2),
        ("2026-03-24 23:59:59", 3),
        ("2026-03-25", 4),
        ("2026-03-31 23:59:59", 5),
        ("2026-04-01", 6),
    ):
        history.run(at=at, outputs={"score": number})
    (row,) = history.ask("output_drift")
    assert (row["mean_base"], row["mean_current"]) == (2.5, 4.5)
    (row,) = history.ask("output_drift", baseline="1d", current="1d")
    assert (row["n_base"], row["mean_current"]) == (0, 5)
    (row,) = history.ask("output_drift", since="2026-03-01")
    assert (row["mean_base"], row["mean_current"]) == (3, 4.5)


def test_inputs_and_names_and_pipelines_are_looked_at_when_asked_for(history):
    fill(history, [1], OLD, side="inputs", name="age")
    fill(history, [1], OLD, name="score")
    fill(history, [1], OLD, name="loss", pipeline="other")
    assert history.column("output_drift", "name") == ["loss", "score"]  # by pipeline: other, train
    assert history.column("output_drift", "name", side="in") == ["age"]
    assert history.column("output_drift", "name", name="s*") == ["score"]
    assert history.column("output_drift", "name", pipeline_name="o*") == ["loss"]
    history.add("environments", environment="staging")
    assert history.ask("output_drift", environment="staging") == []


def test_what_moved_most_comes_first(history):
    fill(history, [0, 1], OLD, name="a")
    fill(history, [0, 1], NEW, name="a")
    fill(history, [0, 1], OLD, name="b")
    fill(history, [1, 1], NEW, name="b")
    fill(history, [1], NEW, name="0")
    assert history.column("output_drift", "name") == ["b", "a", "0"]


def test_values_belong_to_the_incarnation_of_their_run(history):
    history.run("e1", at="2026-03-10", pipeline="old", outputs={"score": 1})
    history.run("e1", at="2026-03-26", pipeline="new", outputs={"score": 2})
    rows = history.ask("output_drift")
    assert [(row["pipeline_name"], row["n_base"], row["n_current"]) for row in rows] == [
        ("new", 0, 1), ("old", 1, 0),
    ]  # fmt: skip
