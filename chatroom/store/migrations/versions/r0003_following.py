"""
What following a room takes: edits, deletions, replies, mentions, reactions, logins
that last, and an index of words.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _change_events()
    _change_members()
    _add_mentions_and_reactions()
    _add_sessions()
    _add_search()


def _change_events() -> None:
    # A message may be gone that an event is about: retention cuts the log.
    with op.batch_alter_table("events") as events:
        events.drop_constraint("fk_events_target_id", type_="foreignkey")
        for name, kind in (
            ("reply_to", _BIG_ID),
            ("mentions", sa.Text),
            ("edited_at", sa.BigInteger),
            ("deleted_at", sa.BigInteger),
        ):
            events.add_column(sa.Column(name, kind))


def _change_members() -> None:
    op.add_column(
        "members", sa.Column("joined_seq", sa.BigInteger, nullable=False, server_default="0")
    )
    # Nobody has said yet how far they have read: nothing is new to them.
    op.execute(
        "UPDATE members SET read_seq ="
        " (SELECT last_seq FROM rooms WHERE rooms.id = members.room_id)"
    )


def _add_mentions_and_reactions() -> None:
    op.create_table(
        "mentions",
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("room_id", _BIG_ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "room_id", "seq", name="pk_mentions"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mentions_room_id_seq", "mentions", ["room_id", "seq"])
    op.create_table(
        "reactions",
        sa.Column("message_id", _BIG_ID, nullable=False),
        sa.Column("reaction", sa.String(32), nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "reaction", "user_id", name="pk_reactions"),
        sqlite_with_rowid=False,
    )


def _add_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", _BIG_ID, primary_key=True),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def _add_search() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # The words are separated by spaces, and are nobody else's to take apart.
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5"
            "(words, detail = none, columnsize = 0, tokenize = 'ascii')"
        )
        # It tidies up so many pages at a time: of smaller ones that takes less long.
        op.execute("INSERT INTO search (search, rank) VALUES ('pgsz', 1000)")
    else:
        op.create_table(
            "search",
            sa.Column("event_id", sa.BigInteger, nullable=False),
            sa.Column("words", sa.ARRAY(sa.Text), nullable=False),
            sa.PrimaryKeyConstraint("event_id", name="pk_search"),
        )
        # Without a list of what is still to be put in: it would be put in all at once,
        # and hold up whoever writes.
        op.create_index(
            "ix_search_words",
            "search",
            ["words"],
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        )
    # What is stored already is indexed from this one downwards, a little at a time.
    op.execute(
        "INSERT INTO counters (name, value)"
        " SELECT 'search.unindexed', COALESCE(MAX(id), 0) FROM events"
    )
    # And the words of what was edited or deleted are to be purged from it.
    op.execute("INSERT INTO counters (name, value) VALUES ('search.forgotten', 0)")
