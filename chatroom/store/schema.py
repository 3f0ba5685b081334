"""
The tables, as the newest migration leaves them.

Times are integers: milliseconds since 1970, UTC. Identities are never reused,
hence AUTOINCREMENT on SQLite.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: 64 bits everywhere; SQLite counts by itself only in a column of type INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("key", String(256), nullable=False, unique=True),
    Column("password_hash", String(256), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("is_administrator", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(256), nullable=False),
    Column("key", String(1024), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("pair_key", String(64), unique=True),
    Column("topic", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False, server_default="1"),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

members = Table(
    "members",
    metadata,
    Column("room_id", BigId, ForeignKey("rooms.id"), primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("read_seq", BigInteger, nullable=False, server_default="0"),
    Column("muted_until", BigInteger),
    Column("added_by", BigId),
    Column("joined_seq", BigInteger, nullable=False, server_default="0"),
    Index(None, "user_id"),
)

#: Who may be no member of a room; apart from the members, for it outlives that.
bans = Table(
    "bans",
    metadata,
    Column("room_id", BigId, primary_key=True),
    Column("user_id", BigId, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

#: Who may join a room that is for those who are invited.
invitations = Table(
    "invitations",
    metadata,
    Column("room_id", BigId, primary_key=True),
    Column("user_id", BigId, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "user_id"),
    sqlite_with_rowid=False,
)

#: What was done to rooms and to users. It outlives both.
audit = Table(
    "audit",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by_id", BigId),
    Column("action", String(64), nullable=False),
    Column("user_id", BigId),
    Column("room_id", BigId),
    Column("room_name", String(256)),
    Column("detail", Text),
    Column("reason", Text),
    Index(None, "room_id", "id"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("room_id", BigId, ForeignKey("rooms.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sender_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("subject_id", BigId, ForeignKey("users.id")),
    # No constraints on these two: what they are about may be older than what is kept.
    Column("target_id", BigId),
    Column("reply_to", BigId),
    Column("content", Text),
    Column("mentions", Text),
    Column("digest", LargeBinary(32)),
    Column("created_at", BigInteger, nullable=False),
    Column("edited_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("client_message_id", String(64)),
    UniqueConstraint("room_id", "seq"),
    UniqueConstraint("sender_id", "client_message_id"),
)

#: Who is named where; the same as C{events.mentions}, to be counted.
mentions = Table(
    "mentions",
    metadata,
    Column("user_id", BigId, primary_key=True),
    Column("room_id", BigId, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Index(None, "room_id", "seq"),
    sqlite_with_rowid=False,
)

reactions = Table(
    "reactions",
    metadata,
    Column("message_id", BigId, primary_key=True),
    Column("reaction", String(32), primary_key=True),
    Column("user_id", BigId, primary_key=True),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("client", String(64), nullable=False),
    Column("device", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "user_id"),
    sqlite_autoincrement=True,
)

#: Files that were sent. There is no constraint on their rooms and events: what is here
#: may be older than what is kept, until its bytes are gone.
files = Table(
    "files",
    metadata,
    Column("id", BigId, primary_key=True),
    # None when nothing is kept of the event any more.
    Column("event_id", BigId, unique=True),
    Column("room_id", BigId, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("filename", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    # What the bytes are called where they are; None when they are gone.
    Column("name", String(64), unique=True),
    Column("upload_id", String(64), nullable=False, unique=True),
    Column("client_file_id", String(64)),
    Column("is_dropped", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("user_id", "client_file_id"),
    Index(None, "room_id", "seq"),
    Index(None, "is_dropped"),
    sqlite_autoincrement=True,
)

#: Files that are on their way here.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("room_id", BigId, nullable=False),
    Column("filename", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("name", String(64), nullable=False, unique=True),
    Column("client_file_id", String(64)),
    Column("synced", BigInteger, nullable=False),
    Column("touched_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "client_file_id"),
)

#: Facts about the database itself, such as its epoch.
meta = Table(
    "meta",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

#: The highest number given so far, of what counts across rooms.
#: The counter whose value is the highest id that any event has had.
LAST_EVENT_ID = "events.id"

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
