"""The public relations of what craftsync itself did: runs, failures, deletions."""

from craftsync.store.relation import Relation, Source, bigint, instant, integer, text

_OF_ENVIRONMENT = "join environment n on n.key = {0}.environment_key"

SYNC_RUNS = Relation(
    name="sync_runs",
    about="Runs of sync, one row an environment and run.",
    fields={
        "run_id": bigint("r.run_id", "One a run, over all its environments."),
        "environment": text("n.name", "The environment's name."),
        "started_at": instant("r.started_at", "When it began."),
        "finished_at": instant("r.finished_at", "When it ended; NULL where nobody saw that."),
        "outcome": text(
            "r.outcome", "running, complete, partial, withheld, failed or interrupted."
        ),
        "listed": bigint("r.listed", "Executions the listings showed."),
        "fetched": bigint("r.fetched", "Executions read anew."),
        "unchanged": bigint("r.unchanged", "Listed and not read anew."),
        "gone": bigint("r.gone", "Executions whose absence was confirmed."),
        "withheld": bigint("r.withheld", "Absences the guard did not believe."),
        "failed": bigint("r.failed", "Objects and parts that could not be read."),
        "requests": bigint("r.requests", "With retries and renewals."),
        "bytes_received": bigint("r.bytes_received", "As they came over the wire."),
        "version": text("r.version", "Of craftsync."),
        "error": text("r.error", "What ended it early."),
    },
    sources=(Source(f"sync_run r {_OF_ENVIRONMENT.format('r')}"),),
    order=("run_id", "environment"),
)

SYNC_FAILURES = Relation(
    name="sync_failures",
    about="What could not be read, as of now; a later success takes the row away.",
    fields={
        "environment": text("n.name", "The environment's name."),
        "object_kind": text(
            "f.object_kind", "pipelines, deployments, pipeline, deployment or execution."
        ),
        "object_id": text("f.object_id", "Its name or id."),
        "part": text("nullif(f.part, '')", "Which part; NULL for the whole object."),
        "run_id": bigint("f.run_id", "The last run that failed on it."),
        "error": text("f.error", "Why."),
        "attempts": integer("f.attempts", "Runs that failed on it."),
        "first_failed_at": instant("f.first_failed_at", "When it failed first."),
        "last_failed_at": instant("f.last_failed_at", "When it failed last."),
    },
    sources=(Source(f"sync_failure f {_OF_ENVIRONMENT.format('f')}"),),
    order=("environment", "object_kind", "object_id", "part"),
)

_LAST_OUTCOME = (
    "(select max(x.event_number) from delete_event x"
    " where x.environment_key = i.environment_key and x.deletion_id = i.deletion_id"
    " and x.attempt = i.attempt and x.event = 'outcome')"
)

DELETIONS = Relation(
    name="deletions",
    about="Deletes asked of the platform, one row a try: what was meant, and how it ended.",
    fields={
        "deletion_id": text("i.deletion_id", "One an object of a plan, over all its tries."),
        "plan_id": text("i.plan_id", "The plan it belongs to."),
        "environment": text("n.name", "The environment's name."),
        "kind": text("i.kind", "execution or deployment."),
        "object_id": text("i.object_id", "Its id or name."),
        "created_at": instant("i.created_at", "Which incarnation of it."),
        "reason": text("i.reason", "Why it was chosen."),
        "requested_by": text("i.requested_by", "user@host."),
        "requested_at": instant("i.requested_at", "When the user asked."),
        "intent_at": instant("i.at", "When the intent was on the disk, before the call."),
        "outcome": text(
            "o.outcome", "deleted, already_gone, changed, failed or in_doubt; NULL while open."
        ),
        "finished_at": instant("o.at", "When the outcome was known."),
        "proof_sha256": text("i.proof_sha256", "Of what was shown to be held, just before."),
        "chain_sha256": text("coalesce(o.chain_sha256, i.chain_sha256)", "Of the audit so far."),
        "error": text("o.error", "What the platform answered instead."),
    },
    sources=(
        Source(
            f"delete_event i {_OF_ENVIRONMENT.format('i')} left join delete_event o"
            f" on o.environment_key = i.environment_key and o.event_number = {_LAST_OUTCOME}",
            where="i.event = 'intent'",
        ),
    ),
    order=("environment", "intent_at", "deletion_id"),
)
