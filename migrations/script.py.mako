"""${message}.

What changes for the reader: say it in the words of the public relations; no view is named below.
"""

# The rules of a revision: numbered, named after what the reader gains; tables and never views
# (env.py drops those first and makes them again from craftsync/store/relations.py); no model is
# imported, since models move on and a diary does not; a table is altered in a batch; nothing
# upstream ever showed is thrown away.

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
