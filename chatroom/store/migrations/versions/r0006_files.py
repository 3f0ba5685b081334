"""
Files: those that were sent, and those that are on their way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", _BIG_ID, primary_key=True),
        sa.Column("event_id", _BIG_ID),
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("name", sa.String(64)),
        sa.Column("upload_id", sa.String(64), nullable=False),
        sa.Column("client_file_id", sa.String(64)),
        sa.Column("is_dropped", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_files_user_id"),
        sa.UniqueConstraint("event_id", name="uq_files_event_id"),
        sa.UniqueConstraint("name", name="uq_files_name"),
        sa.UniqueConstraint("upload_id", name="uq_files_upload_id"),
        sa.UniqueConstraint("user_id", "client_file_id", name="uq_files_user_id_client_file_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_files_room_id_seq", "files", ["room_id", "seq"])
    # What is there to be removed is looked for every minute.
    op.create_index("ix_files_is_dropped", "files", ["is_dropped"])
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("client_file_id", sa.String(64)),
        sa.Column("synced", sa.BigInteger, nullable=False),
        sa.Column("touched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_uploads_user_id"),
        sa.UniqueConstraint("name", name="uq_uploads_name"),
        sa.UniqueConstraint("user_id", "client_file_id", name="uq_uploads_user_id_client_file_id"),
    )
    # What all files that are kept come to, as quotas count them.
    op.execute("INSERT INTO counters (name, value) VALUES ('files.bytes', 0)")
