"""What a report says, out of histories made by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from report.conftest import SINCE, UNTIL, eventful, many

from craftsync.errors import Usage
from craftsync.report import charts, telling
from craftsync.report.build import CAUSES
from craftsync.report.figures import FEW, Trend
from craftsync.report.model import FIGURES

DAY = timedelta(days=1)


def test_runs_are_counted_by_their_end_and_platform_errors_apart(history, report):
    many(history, 6, "2026-03-26", "SUCCESS")
    many(history, 3, "2026-03-26 01:00", "failed")
    many(history, 1, "2026-03-26 02:00", "Error")
    many(history, 2, "2026-03-26 03:00", "Skipped")
    many(history, 4, "2026-03-26 04:00", "Running", run_s=None)
    figures = report().figures
    assert (figures["runs"], figures["succeeded"], figures["failed"]) == (16, 6, 3)
    assert (figures["error"], figures["skipped"], figures["unended"]) == (1, 2, 4)
    assert (figures["ended"], figures["failure_rate"], figures["error_rate"]) == (10, 0.4, 0.1)
    assert figures["ci_low"] == pytest.approx(0.1682, abs=1e-4)
    assert figures["ci_high"] == pytest.approx(0.6873, abs=1e-4)


def test_a_period_is_half_open_and_held_against_one_as_long(history, report):
    for at in ("2026-03-18", "2026-03-24 23:59:59.999999"):
        history.run(at=at, status="Failed")
    history.run(at="2026-03-17 23:59:59.999999")
    for at in ("2026-03-25", "2026-03-26", "2026-03-31 23:59:59.999999"):
        history.run(at=at)
    history.run(at="2026-04-01")
    found = report()
    assert (found.total.now.runs, found.total.before.runs) == (3, 2)
    assert found.total.failure_rate_delta == -1
    assert found.total.runs_change == 0.5
    assert found.before_since == SINCE - 7 * DAY


def test_times_are_those_of_successful_runs_and_waits_those_of_all(history, report):
    for second in range(1, 101):
        history.run(at="2026-03-26", run_s=float(second), queue_s=second / 10)
    history.run(at="2026-03-26", status="Failed", run_s=10_000.0, queue_s=90.0)
    figures = report().figures
    assert figures["run_p50_s"] == 50.5
    assert figures["run_p95_s"] == pytest.approx(95.05)  # 1 + 0.95 * 99 steps
    assert figures["queue_p95_s"] == pytest.approx(9.6)  # of 101: 96 is the last at or below


def test_a_change_of_the_rate_is_judged_only_where_the_intervals_lie_apart(history, report):
    many(history, 100, "2026-03-20")
    many(history, 90, "2026-03-26")
    many(history, 10, "2026-03-26 10:00", "Failed")
    assert report().total.failing is Trend.WORSE
    many(history, 4, "2026-03-21", "Failed")  # before: 0.0378, up to 0.095; now 0.1 from 0.055
    assert report().total.failing is Trend.SAME
    back = report(since=UNTIL - 14 * DAY, until=SINCE)
    assert back.total.failing is Trend.UNKNOWN


def test_few_runs_are_marked_and_never_judged(history, report):
    many(history, FEW - 1, "2026-03-26", "Failed")
    many(history, 100, "2026-03-20")
    found = report()
    assert found.total.now.is_few
    assert found.total.failing is Trend.UNKNOWN
    assert found.total.running is Trend.UNKNOWN
    many(history, 1, "2026-03-27", "Failed")
    assert not report().total.now.is_few
    assert report().total.failing is Trend.WORSE


@pytest.mark.parametrize(
    ("now_s", "judged"), [(130.0, "worse"), (129.0, "same"), (76.0, "better"), (78.0, "same")]
)
def test_a_run_time_is_worse_from_three_tenths_more_on(history, report, now_s, judged):
    many(history, FEW, "2026-03-20", run_s=100.0)
    many(history, FEW, "2026-03-26", run_s=now_s)
    assert report().total.running == judged


def test_deployments_with_most_failures_come_first_and_direct_runs_are_one_of_them(history, report):
    many(history, 5, "2026-03-26", deployment="calm")
    many(history, 1, "2026-03-26", "Failed", deployment="bad")
    many(history, 3, "2026-03-26", deployment=None)
    many(history, 2, "2026-03-19", deployment="over")
    groups = report().groups
    assert [one.deployment_name for one in groups] == ["bad", "calm", None, "over"]
    assert [one.compared.now.runs for one in groups] == [1, 5, 3, 0]
    assert groups[-1].compared.before.runs == 2


def test_a_trend_has_a_place_for_every_day_of_the_period(history, report):
    history.run(at="2026-03-25")
    many(history, 2, "2026-03-31 12:00", "Failed")
    found = report()
    assert found.by == "day"
    assert found.buckets[0] == SINCE
    assert len(found.buckets) == 7
    (group,) = found.groups
    assert [one.ended for one in group.trend] == [1, 0, 0, 0, 0, 0, 2]
    assert [one.failure_rate for one in found.by_bucket] == [0, *[None] * 5, 1]


@pytest.mark.parametrize(
    ("days", "by", "buckets"),
    [(61, "day", 62), (62, "week", 10), (429, "week", 63), (431, "month", 15)],
)
def test_a_long_period_is_shown_from_its_first_run_on_by_weeks_or_months(
    history, report, days, by, buckets
):
    history.run(at=datetime.fromisoformat("2026-03-31T12:00") - days * DAY)
    history.run(at="2026-03-31 12:00")
    found = report(since=datetime(1970, 1, 1, tzinfo=UTC), until=UNTIL + 3650 * DAY)
    assert (found.by, len(found.buckets)) == (by, buckets)
    assert sum(one.ended for one in found.by_bucket) == 2


def test_everything_that_happened_is_found(history, report):
    eventful(history)
    found = report()
    figures = found.figures
    assert tuple(sorted(figures)) == tuple(sorted(FIGURES))
    (regression,) = found.regressions
    assert (regression.kind, regression.first_bad_commit_id) == ("failing", "bad00000")
    assert [one.execution_id for one in found.stuck] == ["hangs"]
    (missed,) = found.missed
    assert (missed.deployment_name, missed.missed) == ("nightly", 2)  # on the 25th and the 31st
    assert missed.first_expected_at == datetime(2026, 3, 25, 3, tzinfo=UTC)
    (drift,) = found.drift
    assert (drift.level, drift.n_base, drift.n_current) == ("moved", 200, 190)
    (changed,) = found.changes
    assert (changed.field, changed.old_value, changed.new_value) == ("model", '"a"', '"b"')
    assert {one.signature: one.n for one in found.failures} == {
        "(no log)": 62, "ValueError: message": 20,
    }  # fmt: skip
    (mirror,) = found.mirror
    assert (mirror.age_s, mirror.held) == (3600, 2 / 3)
    assert (figures["stuck"], figures["missed"], figures["drifted"]) == (1, 2, 1)
    assert (figures["new_errors"], figures["age_s"], figures["parts_held"]) == (2, 3600, 2 / 3)


def test_a_run_that_is_gone_and_never_seen_to_end_is_not_counted_as_one_that_goes_on(
    history, report
):
    history.run("runs", "2026-03-26", "Running", run_s=None)
    history.run("odd", "2026-03-26", None, run_s=None)
    gone = {"gone_at": UNTIL.replace(tzinfo=None) - DAY, "gone_cause": "deployment_deleted"}
    history.run("gone", "2026-03-26", "Running", run_s=None, **gone)
    history.run("ended", "2026-03-26", **gone)
    figures = report().figures
    assert (figures["runs"], figures["succeeded"], figures["unended"]) == (4, 1, 2)


def test_a_commit_that_was_bad_before_the_period_is_none_of_its_regressions(history, report):
    many(history, 12, "2026-03-12", commit="good")
    many(history, 12, "2026-03-20", "Failed", commit="bad")
    many(history, 12, "2026-03-26", "Failed", commit="bad")
    assert report().regressions == ()
    assert len(report(since=UNTIL - 14 * DAY).regressions) == 1


def test_what_is_new_is_unknown_where_nothing_was_held_before(history, report):
    history.run(at="2026-03-26", status="Failed", logs=["boom"])
    assert report().figures["new_errors"] is None
    history.run(at="2026-03-20")
    assert report().figures["new_errors"] == 1


def test_what_is_new_is_counted_though_many_more_runs_failed_of_other_things(history, report):
    for number in range(CAUSES):
        message = f"{'x' * (number + 1)} broke"
        for at in ("2026-03-10", "2026-03-26", "2026-03-27"):
            history.run(at=at, status="Failed", logs=[message])
    history.run(at="2026-03-28", status="Failed", logs=["this is new"])
    found = report()
    assert (len(found.failures), found.causes) == (CAUSES, CAUSES + 1)
    assert found.figures["new_errors"] == 1
    (told,) = (one for one in telling.of(found) if one.title == "Failures")
    assert len(told.table.rows) + told.table.more == CAUSES + 1


def test_a_run_that_hung_before_the_period_hangs_still(history, report):
    history.run("old", "2026-03-08", "Running", run_s=None)
    assert [one.execution_id for one in report().stuck] == ["old"]


def test_an_environment_and_a_pipeline_narrow_all_of_it(history, report):
    eventful(history)
    history.run(at="2026-03-26", pipeline="tra*", environment="staging")
    assert report().environments == 2
    alone = report(environment="staging")
    assert (alone.total.now.runs, alone.stuck, alone.missed, alone.drift) == (1, (), (), ())
    named = report(pipeline_name="tra*")
    assert named.total.now.runs == 1
    assert named.failures == ()


@pytest.mark.parametrize("name", ["tra*", "tr?in", "[train]", "tra\\in", "train\\"])
def test_a_pipeline_is_meant_by_its_name_whatever_is_in_it(history, report, name):
    history.run(at="2026-03-26", pipeline="train")
    history.run(at="2026-03-26", pipeline=name, status="Failed")
    found = report(pipeline_name=name)
    assert [one.pipeline_name for one in found.groups] == [name]
    assert found.total.now.runs == 1


def test_an_environment_that_was_never_synced_is_refused(history, report):
    history.run(at="2026-03-26")
    with pytest.raises(Usage, match="no environment 'nowhere'"):
        report(environment="nowhere")


def test_an_empty_period_is_a_report_all_the_same(history, report):
    history.run(at="2026-02-01")
    found = report()
    assert found.is_empty
    assert found.figures["failure_rate"] is None
    assert found.extent.held == 1


def test_a_period_from_the_beginning_of_the_calendar_is_no_trouble(history, report):
    history.run(at="2026-03-26")
    found = report(since=datetime(1, 1, 1, tzinfo=UTC))
    assert found.total.now.runs == 1
    assert report(since=UNTIL, until=UNTIL).is_empty


@pytest.mark.parametrize(("runs", "labels"), [(0, ["1"]), (1, ["1"]), (3, ["3"]), (4, ["2", "4"])])
def test_a_number_of_runs_is_never_marked_with_half_a_run(history, report, runs, labels):
    history.run("e0", at="2026-03-26", status="Running")
    many(history, runs, "2026-03-27 03:00")
    assert [tick.label for tick in charts.runs(report(), height=100).grid] == labels
