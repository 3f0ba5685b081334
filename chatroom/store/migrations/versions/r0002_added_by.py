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
    # What was so before is in the log, which is read once, for it may be long.
    events = sa.table(
        "events",
        *(sa.column(name) for name in ("room_id", "kind", "sender_id", "subject_id")),
    )
    members = sa.table("members", *(sa.column(n) for n in ("room_id", "user_id", "added_by")))
    added = sa.select(events.c.room_id, events.c.subject_id, events.c.sender_id).where(
        events.c.kind == "join", events.c.sender_id != events.c.subject_id
    )
    is_it = (members.c.room_id == sa.bindparam("room")) & (
        members.c.user_id == sa.bindparam("user")
    )
    update = sa.update(members).where(is_it).values(added_by=sa.bindparam("by"))
    found = op.get_bind().execute(added).all()
    if found:
        values = [{"room": room, "user": user, "by": by} for room, user, by in found]
        op.get_bind().execute(update, values)
