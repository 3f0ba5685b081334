"""
The index of words follows the log, a little behind it.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Until now it had all that was said; what was older is another counter's.
    op.execute(
        "INSERT INTO counters (name, value)"
        " SELECT 'search.indexed', COALESCE(MAX(id), 0) FROM events"
    )
