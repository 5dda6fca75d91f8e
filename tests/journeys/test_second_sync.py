"""What a second sync asks for, and what it writes."""

import hashlib

from lab import HOUR


def everything(lab):
    """Every row of every table, but for the run's own record and the marks of its listings."""
    tables = lab.column(
        "select name from sqlite_master where type = 'table'"
        " and name not in ('sync_run', 'scope', 'counter') order by name"
    )
    digest = {}
    for table in tables:
        rows = lab.rows(f'select * from "{table}"')
        if table == "environment":
            rows = [{**row, "last_synced_at": None} for row in rows]
        digest[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return digest


def test_a_second_sync_of_an_unchanged_platform_makes_only_the_requests_it_must(calm):
    first = calm.sync()
    assert first.outcome == "complete"
    calm.world.requests.clear()
    second = calm.sync()
    log = calm.world.requests
    assert second.outcome == "complete"
    assert log.count("POST", "*/auth/refresh") == 1
    assert log.count("GET", "*/environment-info") == 1
    assert log.count("GET", "/api/v1/deployments") == 1
    assert log.count("GET", "/api/v1/pipelines") == 1
    assert log.count("GET", "/api/v1/deployments/*") == second.deployments
    assert log.count("GET", "/api/v1/pipelines/*/executions") == second.pipelines
    assert log.total == 4 + second.deployments + second.pipelines
    assert second.requests == log.total


def test_a_second_sync_of_an_unchanged_platform_writes_nothing_but_its_run_record(calm):
    calm.sync()
    before = everything(calm)
    calm.world.advance(HOUR)
    assert calm.sync().fetched == 0
    assert everything(calm) == before
    assert calm.column("select outcome from sync_runs") == ["complete", "complete"]


def test_what_is_still_running_is_fetched_again_and_what_is_settled_is_not(lab):
    lab.sync()
    unsettled = set(lab.column("select execution_id from executions where settled = 0"))
    lab.world.requests.clear()
    outcome = lab.sync()
    asked = {
        entry.path.rpartition("/")[2]
        for entry in lab.world.requests.matching("GET", "/api/v1/executions/*")
        if entry.path.count("/") == 4
    }
    assert asked == unsettled
    assert outcome.fetched == len(unsettled) > 0


def test_a_fetch_of_unchanged_content_keeps_its_time(lab):
    lab.sync()
    lab.world.advance(HOUR / 60)
    before = lab.rows("select execution_id, fetched_at, status from executions where settled = 0")
    lab.sync()
    for row in before:
        now = lab.one(
            "select fetched_at, status from executions where execution_id = ?", row["execution_id"]
        )
        if row["status"] == now["status"] == "Succeeded":
            assert now["fetched_at"] == row["fetched_at"]
