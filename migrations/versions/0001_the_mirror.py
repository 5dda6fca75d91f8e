"""Keep what the platform shows, and what craftsync did.

What the reader gains: every relation of the mirror, empty. `environments`, `pipelines`,
`deployments` and `deployment_versions` tell what is there and how it was set; `executions` with
`steps`, `inputs`, `outputs`, `logs`, `metrics`, `parts` and `status_changes` what ran;
`sync_runs`, `sync_failures` and `deletions` what craftsync itself did. The store gets its own id,
and the key of its fingerprints, drawn at random.
"""

import secrets
import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorted by its bytes


def upgrade() -> None:
    _what_the_platform_shows()
    _what_an_execution_consists_of()
    _what_craftsync_did()
    _who_this_store_is()


def downgrade() -> None:
    children = "deployment_version status_change step io_value log_line metric part"
    parents = "execution deployment pipeline raw_answer file_chunk file"
    books = "delete_event sync_failure sync_run scope revision environment counter store_identity"
    for table in f"{children} {parents} {books}".split():
        op.drop_table(table)


def of(parent: str, *, primary_key: bool = False) -> sa.Column[int]:
    """Point to the row this one hangs on."""
    key = sa.ForeignKey(f"{parent}.key")
    return sa.Column(f"{parent}_key", sa.Integer(), key, primary_key=primary_key, nullable=False)


def _what_the_platform_shows() -> None:
    op.create_table(
        "environment",
        sa.Column("key", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("upstream_id", TEXT),
        sa.Column("first_synced_at", MOMENT),
        sa.Column("last_synced_at", MOMENT),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "revision",
        of("environment", primary_key=True),
        sa.Column("rev", sa.BigInteger(), primary_key=True),
        sa.Column("token", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pipeline",
        sa.Column("key", sa.Integer(), primary_key=True, autoincrement=False),
        of("environment"),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("status", TEXT),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT),
        sa.Column("gone_at", MOMENT),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("exact", TEXT),
        sa.UniqueConstraint("environment_key", "name", "created_at"),
    )
    op.create_table(
        "deployment",
        sa.Column("key", sa.Integer(), primary_key=True, autoincrement=False),
        of("environment"),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("pipeline_name", TEXT),
        sa.Column("execution_rule", TEXT),
        sa.Column("mode", TEXT),
        sa.Column("is_enabled", sa.Boolean()),
        sa.Column("status", TEXT),
        sa.Column("schedule", TEXT),
        sa.Column("human_readable_schedule", TEXT),
        sa.Column("endpoint_url_path", TEXT),
        sa.Column("endpoint_token_fingerprint", TEXT),
        sa.Column("description", TEXT),
        sa.Column("created_by", TEXT),
        sa.Column("updated_at", MOMENT),
        sa.Column("updated_by", TEXT),
        sa.Column("inputs_mapping", TEXT),
        sa.Column("outputs_mapping", TEXT),
        sa.Column("pods", TEXT),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT),
        sa.Column("gone_at", MOMENT),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("exact", TEXT),
        sa.UniqueConstraint("environment_key", "name", "created_at"),
    )
    op.create_table(
        "deployment_version",
        of("deployment", primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT),
        sa.Column("settings", TEXT),
        sa.Column("changed", TEXT, nullable=False),
    )
    op.create_table(
        "execution",
        sa.Column("key", sa.Integer(), primary_key=True, autoincrement=False),
        of("environment"),
        sa.Column("execution_id", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("pipeline_name", TEXT, nullable=False),
        sa.Column("deployment_name", TEXT),
        sa.Column("status", TEXT),
        sa.Column("created_by", TEXT),
        sa.Column("started_at", MOMENT),
        sa.Column("end_date", MOMENT),
        sa.Column("commit_id", TEXT),
        sa.Column("detail_state", TEXT, nullable=False),
        sa.Column("logs_state", TEXT, nullable=False),
        sa.Column("metrics_state", TEXT),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("fetched_at", MOMENT, nullable=False),
        sa.Column("fetch_sha256", TEXT, nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT),
        sa.Column("gone_at", MOMENT),
        sa.Column("gone_cause", TEXT),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("exact", TEXT),
        sa.UniqueConstraint("environment_key", "execution_id", "created_at"),
    )
    op.create_index("ix_execution_created_at", "execution", ["created_at"])
    op.create_index(
        "ix_execution_environment_key_deployment_name_created_at",
        "execution",
        ["environment_key", "deployment_name", "created_at"],
    )
    op.create_index(
        "ix_execution_environment_key_pipeline_name_created_at",
        "execution",
        ["environment_key", "pipeline_name", "created_at"],
    )
    op.create_index("ix_execution_environment_key_rev", "execution", ["environment_key", "rev"])
    op.create_table(
        "raw_answer",
        sa.Column("object_kind", TEXT, primary_key=True),
        sa.Column("object_key", sa.BigInteger(), primary_key=True),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "file",
        sa.Column("sha256", TEXT, primary_key=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_chunk",
        sa.Column("sha256", TEXT, sa.ForeignKey("file.sha256"), primary_key=True),
        sa.Column("n", sa.Integer(), primary_key=True),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
    )


def _what_an_execution_consists_of() -> None:
    op.create_table(
        "status_change",
        of("execution", primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("status", TEXT),
        sa.Column("observed_at", MOMENT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "step",
        of("execution", primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("step_name", TEXT),
        sa.Column("status", TEXT),
        sa.Column("start_date", MOMENT),
        sa.Column("end_date", MOMENT),
        sa.Column("commit_id", TEXT),
        sa.Column("repository_url", TEXT),
        sa.Column("repository_branch", TEXT),
        sa.Column("requirements_path", TEXT),
        sa.Column("origin", TEXT),
        sa.Column("exact", TEXT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "io_value",
        of("execution", primary_key=True),
        sa.Column("side", TEXT, primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("data_type", TEXT),
        sa.Column("via", TEXT),
        sa.Column("endpoint_name", TEXT),
        sa.Column("environment_variable_name", TEXT),
        sa.Column("datastore_path", TEXT),
        sa.Column("constant_value", TEXT),
        sa.Column("is_null", sa.Boolean()),
        sa.Column("value", TEXT),
        sa.Column("value_text", TEXT),
        sa.Column("value_number", sa.Double()),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("file_sha256", TEXT),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("exact", TEXT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_line",
        of("execution", primary_key=True),
        sa.Column("line_number", sa.Integer(), primary_key=True),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("timestamp_ns", sa.BigInteger()),
        sa.Column("timestamp_text", TEXT),
        sa.Column("stream", TEXT),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("exact", TEXT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric",
        of("execution", primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("value", sa.Double()),
        sa.Column("value_text", TEXT),
        sa.Column("created_at", MOMENT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "part",
        of("execution", primary_key=True),
        sa.Column("part", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("error", TEXT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", MOMENT),
        sa.Column("fetched_at", MOMENT),
        sa.Column("size_bytes", sa.BigInteger()),
        sqlite_with_rowid=False,
    )


def _what_craftsync_did() -> None:
    op.create_table(
        "scope",
        of("environment", primary_key=True),
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("last_complete_at", MOMENT),
        sa.Column("last_listed", sa.BigInteger()),
        sa.Column("listing_sha256", TEXT),
        sa.Column("tool_version", TEXT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sync_run",
        sa.Column("run_id", sa.BigInteger(), primary_key=True),
        of("environment", primary_key=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("listed", sa.BigInteger(), nullable=False),
        sa.Column("fetched", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("bytes_received", sa.BigInteger(), nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("error", TEXT),
    )
    op.create_table(
        "sync_failure",
        of("environment", primary_key=True),
        sa.Column("object_kind", TEXT, primary_key=True),
        sa.Column("object_id", TEXT, primary_key=True),
        sa.Column("part", TEXT, primary_key=True),
        sa.Column("pipeline_name", TEXT),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", MOMENT, nullable=False),
        sa.Column("last_failed_at", MOMENT, nullable=False),
        sa.Column("raw", sa.LargeBinary()),
    )
    op.create_table(
        "delete_event",
        of("environment", primary_key=True),
        sa.Column("event_number", sa.BigInteger(), primary_key=True),
        sa.Column("deletion_id", TEXT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("plan_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("object_id", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("requested_by", TEXT, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("outcome", TEXT),
        sa.Column("error", TEXT),
        sa.Column("execution_ids", TEXT),
        sa.Column("proof_sha256", TEXT, nullable=False),
        sa.Column("chain_sha256", TEXT, nullable=False),
    )
    op.create_index(
        "ix_delete_event_environment_key_deletion_id",
        "delete_event",
        ["environment_key", "deletion_id"],
    )


def _who_this_store_is() -> None:
    op.create_table(
        "store_identity",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("store_id", TEXT, nullable=False),
        sa.Column("fingerprint_key", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "counter",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(
        sa.table(
            "store_identity",
            sa.column("id"),
            sa.column("store_id"),
            sa.column("fingerprint_key"),
            sa.column("created_at", MOMENT),
        ),
        [
            {
                "id": 1,
                "store_id": str(uuid.uuid4()),
                "fingerprint_key": secrets.token_hex(32),
                "created_at": _now(),
            }
        ],
    )
    op.bulk_insert(
        sa.table("counter", sa.column("name"), sa.column("value")),
        [
            {"name": name, "value": 0}
            for name in ("environment", "pipeline", "deployment", "execution", "sync_run")
        ],
    )


def _now() -> str | datetime:
    now = datetime.now(UTC)
    if op.get_context().dialect.name == "sqlite":
        return now.isoformat(timespec="microseconds")[:-6] + "Z"
    return now
