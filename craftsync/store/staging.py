"""The tables that the public relations are made of, as a replica reads them out of a store.

A replica takes rows as they stand and makes the public relations of them itself, from the same
definitions as the views: fewer values cross over, and none is converted on the way. Instants come
as text in the form of SQLite, whatever the engine; truths as 0 and 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Kinds = Mapping[str, str]

_DUCKDB = {"text": "varchar", "instant": "varchar", "truth": "integer", "number": "double"}
_POSTGRES = {
    "instant": """to_char({0} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "truth": "cast({0} as integer)",
}


@dataclass(frozen=True, slots=True)
class Staged:
    """A table of the store: its columns in order, and what those hold that are no whole numbers.

    `carrier` is the table whose rows carry the revision, `key` the column that names such a row.
    """

    name: str
    columns: tuple[str, ...]
    kinds: Kinds
    carrier: str
    key: str

    def create(self) -> str:
        """Write the statement that makes it in DuckDB, empty."""
        columns = (f'"{name}" {self.duckdb_type(name)}' for name in self.columns)
        return f'create or replace table "{self.name}" ({", ".join(columns)})'

    def loosen(self) -> list[str]:
        """Write the statements that let it hold anything: for rows that do not fit."""
        return [
            f'alter table "{self.name}" alter "{name}" type varchar'
            for name in self.columns
            if self.duckdb_type(name) != "varchar" and not name.endswith("key")
        ]

    def duckdb_type(self, column: str) -> str:
        """Return what holds a column: wide enough for whatever a store may hold there."""
        return _DUCKDB.get(self.kinds.get(column, ""), "bigint")

    def select(self, dialect: str, where: str = "") -> str:
        """Write the statement that reads it out of a store."""
        columns = (self._read(name, dialect) for name in self.columns)
        condition = f" where {where}" if where else ""
        return f"select {', '.join(columns)} from {self.name}{condition}"

    def _read(self, column: str, dialect: str) -> str:
        form = _POSTGRES.get(self.kinds.get(column, "")) if dialect == "postgresql" else None
        return form.format(column) if form else column


def _table(name: str, columns: str, *, carrier: str = "execution", key: str = "") -> Staged:
    """Read `name:t` as a column of text; `:i` is an instant, `:b` a truth, `:n` a number."""
    letters = {"t": "text", "i": "instant", "b": "truth", "n": "number"}
    parted = [word.partition(":") for word in columns.split()]
    kinds = {column: letters[letter] for column, _, letter in parted if letter}
    return Staged(
        name, tuple(column for column, *_ in parted), kinds, carrier, key or f"{carrier}_key"
    )


ENVIRONMENT = _table(
    "environment",
    "key name:t url:t upstream_id:t first_synced_at:i last_synced_at:i",
    carrier="environment",
    key="key",
)
SCOPE = _table(
    "scope",
    "environment_key kind:t name:t last_complete_at:i",
    carrier="environment",
)
PIPELINE = _table(
    "pipeline",
    "key environment_key name:t created_at:i status:t first_seen_at:i last_seen_at:i gone_at:i",
    carrier="pipeline",
    key="key",
)
DEPLOYMENT = _table(
    "deployment",
    "key environment_key name:t created_at:i pipeline_name:t execution_rule:t mode:t is_enabled:b"
    " status:t schedule:t human_readable_schedule:t endpoint_url_path:t"
    " endpoint_token_fingerprint:t description:t created_by:t updated_at:i updated_by:t"
    " inputs_mapping:t outputs_mapping:t pods:t first_seen_at:i last_seen_at:i gone_at:i",
    carrier="deployment",
    key="key",
)
DEPLOYMENT_VERSION = _table(
    "deployment_version",
    "deployment_key position valid_from:i valid_to:i settings:t changed:t",
    carrier="deployment",
)
EXECUTION = _table(
    "execution",
    "key environment_key execution_id:t created_at:i pipeline_name:t deployment_name:t status:t"
    " created_by:t started_at:i end_date:i commit_id:t detail_state:t logs_state:t"
    " metrics_state:t settled:b fetched_at:i first_seen_at:i last_seen_at:i gone_at:i gone_cause:t",
    key="key",
)
CHILDREN = (
    _table("status_change", "execution_key position status:t observed_at:i"),
    _table(
        "step",
        "execution_key position step_name:t status:t start_date:i end_date:i commit_id:t"
        " repository_url:t repository_branch:t requirements_path:t origin:t",
    ),
    _table(
        "io_value",
        "execution_key side:t position name:t data_type:t via:t endpoint_name:t"
        " environment_variable_name:t datastore_path:t constant_value:t is_null:b value:t"
        " value_text:t value_number:n state:t file_sha256:t size_bytes",
    ),
    _table(
        "log_line",
        "execution_key line_number source timestamp_ns stream:t message:t",
    ),
    _table("metric", "execution_key name:t position value:n value_text:t created_at:i"),
    _table(
        "part",
        "execution_key part:t name:t state:t error:t fetched_at:i size_bytes",
    ),
)
ESTATE = (PIPELINE, DEPLOYMENT, DEPLOYMENT_VERSION)
ALL = (ENVIRONMENT, SCOPE, *ESTATE, EXECUTION, *CHILDREN)
