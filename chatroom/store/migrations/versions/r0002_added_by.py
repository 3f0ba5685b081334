"""
Who made somebody a member, if they did not do it themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # A reference, but not a constraint: SQLite would have to copy the table for one.
    op.add_column("members", sa.Column("added_by", _BIG_ID))
    # What was so before: the first join of each member in the log says by whom.
    op.execute(
        "UPDATE members SET added_by = ("
        " SELECT events.sender_id FROM events"
        " WHERE events.room_id = members.room_id AND events.subject_id = members.user_id"
        " AND events.kind = 'join' AND events.sender_id <> members.user_id"
        " ORDER BY events.seq LIMIT 1)"
    )
