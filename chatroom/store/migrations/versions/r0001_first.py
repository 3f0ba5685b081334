"""
The first schema, with the room C{public} in it.
"""

import secrets

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", _BIG_ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("key", name="uq_users_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rooms",
        sa.Column("id", _BIG_ID, primary_key=True),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("key", sa.String(1024), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("pair_key", sa.String(64)),
        sa.Column("topic", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("first_seq", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("last_seq", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
        sa.UniqueConstraint("key", name="uq_rooms_key"),
        sa.UniqueConstraint("pair_key", name="uq_rooms_pair_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "members",
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("read_seq", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("muted_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("room_id", "user_id", name="pk_members"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_members_room_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_members_user_id"),
    )
    op.create_index("ix_members_user_id", "members", ["user_id"])
    op.create_table(
        "events",
        sa.Column("id", _BIG_ID, nullable=False, autoincrement=False),
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sender_id", _BIG_ID, nullable=False),
        sa.Column("subject_id", _BIG_ID),
        sa.Column("target_id", _BIG_ID),
        sa.Column("content", sa.Text),
        sa.Column("digest", sa.LargeBinary(32)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("client_message_id", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_events_room_id"),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name="fk_events_sender_id"),
        sa.ForeignKeyConstraint(["subject_id"], ["users.id"], name="fk_events_subject_id"),
        sa.ForeignKeyConstraint(["target_id"], ["events.id"], name="fk_events_target_id"),
        sa.UniqueConstraint("room_id", "seq", name="uq_events_room_id_seq"),
        sa.UniqueConstraint(
            "sender_id", "client_message_id", name="uq_events_sender_id_client_message_id"
        ),
    )
    meta = op.create_table(
        "meta",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.bulk_insert(meta, [{"name": "epoch", "value": secrets.token_hex(16)}])
    op.bulk_insert(counters, [{"name": "events.id", "value": 0}])
    _add_public_room()


def _add_public_room() -> None:
    rooms = sa.table(
        "rooms", sa.column("name"), sa.column("key"), sa.column("kind"), sa.column("created_at")
    )
    now = context.config.attributes["now"]
    room = {"name": "public", "key": "public", "kind": "group", "created_at": now}
    op.bulk_insert(rooms, [room])
