"""Table definitions, for queries; migrations create the tables. Times are milliseconds UTC."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import Dialect

from chatserver.file_state import FileState

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Exact comparison, like SQLite's comparison of bytes.
MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}

# SQLite assigns row ids only in a column whose type is exactly INTEGER.
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Body = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
EventRef = tuple[int, int]  # room and seq of an event


class ExactText(sa.types.TypeDecorator[str]):
    """Text with significant trailing spaces, which even utf8mb4_bin ignores in comparisons.

    A mark is appended, so that the last character is never a space. (A binary column would be exact
    too, but aiomysql cannot send bytes with PyMySQL 1.2.3 and later.)
    """

    impl = sa.String
    cache_ok = True

    @staticmethod
    def encode(text: str) -> str:
        """Return the stored form of a text."""
        return f"{text}|"

    @staticmethod
    def decode(stored: str) -> str:
        """Return the text of a stored form."""
        return stored[:-1]

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else self.encode(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else self.decode(str(value))


meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    **MYSQL,
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", sa.String(64), nullable=False, unique=True),
    sa.Column("display", sa.String(128), nullable=False),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("password_version", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("locale", sa.String(16), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
    sa.Column("skeleton", sa.String(128), index=True),  # see `names.skeleton`
    sa.Column("display_key", sa.String(128)),  # see `display_names`
    sa.Column("picture", sa.String(22)),  # id of a file
    sa.Index("ix_users_display_key", "display_key", "name_key"),
    **MYSQL,
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("client", sa.String(200), nullable=False),
    **MYSQL,
)

rooms = sa.Table(
    "rooms",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(64), unique=True),
    sa.Column("title", sa.String(128), nullable=False),
    sa.Column("topic", sa.String(512), nullable=False),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("head", sa.BigInteger, nullable=False),
    sa.Column("members", sa.BigInteger, nullable=False),
    sa.Column("created_by", BigId, sa.ForeignKey("users.id")),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("archived_at", sa.BigInteger),
    sa.Column("pair_key", sa.String(64), unique=True),
    sa.Column("retention_days", sa.Integer),
    sa.Column("receipts", sa.Boolean, nullable=False, server_default=sa.text("0")),
    sa.Column("leavers_read", sa.Boolean, nullable=False, server_default=sa.text("0")),
    sa.Column("private_name", sa.String(64), index=True),  # of a private room, instead of `name`
    sa.Column("skeleton", sa.String(128), index=True),
    **MYSQL,
)
room_name = sa.func.coalesce(rooms.c.name, rooms.c.private_name)

invites = sa.Table(
    "invites",
    metadata,
    sa.Column("code", sa.String(64), primary_key=True),
    sa.Column("created_by", BigId, sa.ForeignKey("users.id"), index=True),
    sa.Column("room_id", BigId, sa.ForeignKey("rooms.id")),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("uses_left", sa.Integer, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
    **MYSQL,
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("room_id", BigId, sa.ForeignKey("rooms.id"), primary_key=True, autoincrement=False),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("joined_at", sa.BigInteger, nullable=False),
    sa.Column("joined_seq", sa.BigInteger, nullable=False),
    sa.Column("read_seq", sa.BigInteger, nullable=False),
    sa.Column("muted", sa.Boolean, nullable=False),
    sa.Column("left_at", sa.BigInteger),
    sa.Column("left_seq", sa.BigInteger),
    sa.Column("removed_at", sa.BigInteger),  # last removal, kept when the user joins again
    # Up to which message, and when (ms), the last push was sent: see `push_claims`.
    sa.Column("pushed_seq", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("pushed_at", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("favorite", sa.Boolean, nullable=False, server_default=sa.text("0")),
    sa.Column("notify", sa.String(16)),  # see `notification_rules.room_level`
    sa.Index(None, "user_id"),
    sa.Index(None, "room_id", "left_at", "role", "joined_at", "user_id"),  # see `room_admins`
    **MYSQL,
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("room_id", BigId, sa.ForeignKey("rooms.id"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("client_id", ExactText(65), nullable=False),
    sa.Column("digest", sa.String(32)),
    sa.Column("target_seq", sa.BigInteger),
    sa.Column("body", Body, nullable=False),
    sa.Column("reply_to", sa.BigInteger),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("edited_at", sa.BigInteger),
    sa.Column("deleted_at", sa.BigInteger),
    sa.Column("files", Body),  # JSON of the attached files, as members receive it
    sa.UniqueConstraint("user_id", "client_id"),
    sa.Index(None, "room_id", "kind", "seq", "user_id", "deleted_at"),  # counts what is unread
    **MYSQL,
)
sa.Index(
    None,
    events.c.room_id,
    events.c.target_seq,
    events.c.kind,
    events.c.seq,
    sqlite_where=events.c.target_seq.is_not(None),
)

reactions = sa.Table(
    "reactions",
    metadata,
    sa.Column("room_id", BigId, sa.ForeignKey("rooms.id"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("emoji", sa.String(64), primary_key=True),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    **MYSQL,
)

# Users that a message mentions; user_id 0 stands for all members.
mentions = sa.Table(
    "mentions",
    metadata,
    sa.Column("room_id", BigId, sa.ForeignKey("rooms.id"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Index(None, "user_id", "room_id", "seq"),  # counts the mentions that are unread
    **MYSQL,
)

bot_tokens = sa.Table(
    "bot_tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
    **MYSQL,
)

# For which messages users get notifications: `protocol.Rules` as JSON.
notification_rules = sa.Table(
    "notification_rules",
    metadata,
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("rules", sa.Text, nullable=False),
    **MYSQL,
)

# Addresses of browsers at push services: see `push_targets`. Archives do not contain them.
push_targets = sa.Table(
    "push_targets",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),  # SHA-256 of the endpoint
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("p256dh", sa.String(88), nullable=False),
    sa.Column("auth", sa.String(24), nullable=False),
    sa.Column(
        "session_id",
        sa.String(64),
        sa.ForeignKey("sessions.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("page", sa.String(500), nullable=False),
    sa.Column("locale", sa.String(16), nullable=False),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("content", sa.String(16), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    **MYSQL,
)

# `room_id`: the room of the message, or the room that an unsent file is meant for. `bytes`: the
# declared size until the file has arrived. See `file_state.FileState`.
files = sa.Table(
    "files",
    metadata,
    sa.Column("id", sa.String(22), primary_key=True),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("room_id", BigId, sa.ForeignKey("rooms.id")),
    sa.Column("seq", sa.BigInteger),
    sa.Column("position", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("name_key", sa.String(255), nullable=False),
    sa.Column("type", sa.String(100), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("blur", sa.String(64)),
    sa.Column("alt", sa.String(1_000)),
    sa.Column("seconds", sa.Double),
    sa.Column("wave", sa.String(64)),
    sa.Column("alt_key", sa.String(1_000)),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index(None, "room_id", "seq", "position"),
    sa.Index(None, "room_id", "state", "bytes"),
    sa.Index(None, "user_id", "state", "bytes"),
    sa.Index(None, "state", "at"),
    **MYSQL,
)
# Values of a file that is to be deleted: its row describes it no longer, also in copies.
MARKED_FOR_DELETION: dict[str, Any] = {
    "state": FileState.DELETING,
    "name": "",
    "name_key": "",
    "alt": None,
    "alt_key": None,
    "blur": None,
    "seconds": None,
    "wave": None,
}
