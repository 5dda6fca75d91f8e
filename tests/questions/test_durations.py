import pytest


def test_only_successful_runs_that_have_a_length_are_measured(history):
    for second in (1, 2, 3, 4, 5):
        history.run(at="2026-03-10", status="SUCCESS", run_s=second)
    history.run(at="2026-03-10", status="Failed", run_s=100)
    history.run(at="2026-03-10", status="Running", run_s=None)
    history.run(at="2026-03-10", status="Succeeded", queue_s=None)
    (row,) = history.ask("durations")
    assert row["n"] == 5
    assert (row["p50_s"], row["min_s"], row["max_s"]) == (3, 1, 5)
    assert row["p90_s"] == pytest.approx(4.6)  # 1 + 0.9 * 4 steps
    assert row["p95_s"] == pytest.approx(4.8)
    assert row["p99_s"] == pytest.approx(4.96)
    assert row["p95_change"] is None
