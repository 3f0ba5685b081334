"""
What moderation takes: bans, invitations, administrators, deleted accounts, an audit.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("users", sa.Column("deleted_at", sa.BigInteger))
    op.add_column(
        "users", sa.Column("is_administrator", sa.Integer, nullable=False, server_default="0")
    )
    op.create_table(
        "bans",
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", name="pk_bans"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "invitations",
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", name="pk_invitations"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_invitations_user_id", "invitations", ["user_id"])
    op.create_table(
        "audit",
        sa.Column("id", _BIG_ID, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by_id", _BIG_ID),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("user_id", _BIG_ID),
        sa.Column("room_id", _BIG_ID),
        sa.Column("room_name", sa.String(256)),
        sa.Column("detail", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_room_id_id", "audit", ["room_id", "id"])
