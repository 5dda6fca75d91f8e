"""What craftsync did: runs, complete listings, failures."""

from store.made import DAY, HOUR, NOON

from craftsync.records import ObjectKind
from craftsync.store import environments, ledger

EXECUTION = ObjectKind.EXECUTION


def begin(prod, at=NOON):
    run = ledger.draw_run(prod.connection)
    ledger.begin_run(prod.connection, prod.key, run, started_at=at, version="1.0")
    return run


def fail(prod, run_id, object_id="e1", part="logs", *, at=NOON, **more):
    ledger.record_failure(
        prod.connection, prod.key, run_id, EXECUTION, object_id, part, "503", at=at, **more
    )


def test_a_run_begins_and_ends(prod):
    run = begin(prod)
    assert prod.row("sync_runs")["outcome"] == "running"
    ledger.end_run(
        prod.connection,
        prod.key,
        run,
        outcome="complete",
        finished_at=NOON + HOUR,
        counts=ledger.Counts(listed=3, fetched=2, unchanged=1, requests=9, bytes_received=10**10),
    )
    row = prod.row("sync_runs")
    assert (row["outcome"], row["listed"], row["bytes_received"]) == ("complete", 3, 10**10)
    assert row["finished_at"] == "2026-03-01T13:00:00.000000Z"


def test_a_run_tells_how_far_it_is(prod):
    run = begin(prod)
    ledger.note_counts(prod.connection, prod.key, run, ledger.Counts(fetched=5))
    assert (prod.row("sync_runs")["fetched"], prod.row("sync_runs")["outcome"]) == (5, "running")


def test_a_run_that_nobody_saw_end_was_interrupted(prod):
    begin(prod)
    begin(prod, at=NOON + HOUR)
    assert [(row["outcome"], row["finished_at"]) for row in prod.rows("sync_runs")] == [
        ("interrupted", None),
        ("running", None),
    ]


def test_one_run_over_two_environments_has_one_id(prod):
    run = begin(prod)
    other = environments.enter(
        prod.connection, "staging", url="https://stg", upstream_id=None, seen_at=NOON
    )
    ledger.begin_run(prod.connection, other.key, run, started_at=NOON, version="1.0")
    assert {row["run_id"] for row in prod.rows("sync_runs")} == {run}
    assert {row["environment"] for row in prod.rows("sync_runs")} == {"prod", "staging"}
    assert {row["outcome"] for row in prod.rows("sync_runs")} == {"running"}


def test_a_scope_has_one_row_however_often_it_is_listed(prod):
    for hours in (0, 1):
        ledger.set_scope(
            prod.connection,
            prod.key,
            "pipeline",
            "train",
            complete_at=NOON + hours * HOUR,
            listed=7,
            listing_sha256="ab",
            tool_version="1.0",
        )
    assert ledger.scopes(prod.connection, prod.key) == {
        ("pipeline", "train"): ledger.Listing(NOON + HOUR, 7, "ab", "1.0")
    }
    ledger.forget_listing(prod.connection, prod.key, "pipeline", "train")
    (listing,) = ledger.scopes(prod.connection, prod.key).values()
    assert (listing.listing_sha256, listing.last_listed) == (None, 7)


def test_a_failure_is_named_once_and_counted(prod):
    first, second = begin(prod), begin(prod, at=NOON + DAY)
    fail(prod, first)
    fail(prod, second, at=NOON + DAY)
    row = prod.row("sync_failures")
    assert (row["object_kind"], row["object_id"], row["part"]) == ("execution", "e1", "logs")
    assert (row["attempts"], row["run_id"]) == (2, second)
    assert (row["first_failed_at"][:10], row["last_failed_at"][:10]) == ("2026-03-01", "2026-03-02")


def test_the_whole_of_an_object_has_no_part_and_keeps_its_answer(prod):
    fail(prod, begin(prod), part="", raw=b'{"created_at":null}')
    assert prod.row("sync_failures")["part"] is None
    assert prod.row("sync_failure")["raw"] == b'{"created_at":null}'


def test_only_what_still_fails_stays(prod):
    run = begin(prod)
    for name in ("e1", "e2"):
        fail(prod, run, name)
    kept = ledger.FailureKey(EXECUTION, "e2", "logs")
    assert ledger.clear_failures(prod.connection, prod.key, keep=[kept]) == 1
    assert list(ledger.failures(prod.connection, prod.key)) == [kept]


def test_a_run_over_one_pipeline_clears_only_its_failures(prod):
    run = begin(prod)
    fail(prod, run, "e1", pipeline_name="train")
    fail(prod, run, "e2", pipeline_name="score")
    fail(prod, run, "e3")
    ledger.clear_failures(prod.connection, prod.key, keep=[], pipelines=["train"])
    assert {row["object_id"] for row in prod.rows("sync_failures")} == {"e2", "e3"}


def test_one_failure_can_be_cleared_by_its_part_or_its_object(prod):
    run = begin(prod)
    for part in ("logs", "output a", "output b"):
        fail(prod, run, part=part)
    ledger.clear_failure(prod.connection, prod.key, EXECUTION, "e1", "logs")
    assert len(prod.rows("sync_failures")) == 2
    ledger.clear_failure(prod.connection, prod.key, EXECUTION, "e1")
    assert prod.rows("sync_failures") == []


def test_an_environment_is_entered_once_and_follows_its_url(prod):
    again = environments.enter(
        prod.connection, "prod", url="https://new", upstream_id="env-1", seen_at=NOON + DAY
    )
    assert again.key == prod.key
    environments.mark_synced(prod.connection, prod.key, at=NOON + DAY)
    row = prod.row("environments")
    assert (row["url"], row["first_synced_at"][:10]) == ("https://new", "2026-03-01")
    assert row["last_synced_at"][:10] == "2026-03-02"
    assert environments.find(prod.connection, "nowhere") is None


def test_entering_what_is_known_writes_nothing(prod):
    before = prod.changes()
    environments.enter(
        prod.connection, "prod", url="https://prod.example", upstream_id="env-1", seen_at=NOON
    )
    assert prod.changes() == before
