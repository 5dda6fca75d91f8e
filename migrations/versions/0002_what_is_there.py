"""Find what is there without a look at what is gone.

What the reader gains: nothing is shown otherwise. A sync in which little changed, and the answer to
what is still missing, take no longer however much of the history is gone upstream.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

THERE = sa.text("gone_at IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_execution_environment_key_pipeline_name",
        "execution",
        ["environment_key", "pipeline_name"],
        sqlite_where=THERE,
        postgresql_where=THERE,
    )
    op.create_index("ix_part_state", "part", ["state"])


def downgrade() -> None:
    op.drop_index("ix_part_state", "part")
    op.drop_index("ix_execution_environment_key_pipeline_name", "execution")
