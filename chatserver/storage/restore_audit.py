"""Audit of a restore: finds what ended after the backup and would be valid again.

This concerns sessions, bot tokens, invitations, passwords, roles and memberships. The rows of an
archive are compared with the database that they replace, and revoked again if requested. If that
database cannot be read, a request revokes all credentials in the archive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import Unavailable
from chatserver.models import Role
from chatserver.storage.archive_file import Row
from chatserver.storage.engine import Database
from chatserver.storage.members import member_row
from chatserver.storage.rights import DELETED

KEYS = {"sessions": "id", "bot_tokens": "digest", "invites": "code"}  # revocable credentials
REQUIRED = ("id", "name", "name_key", "created_at", "role", "password_hash")
ROOM = ("id", "created_at", "head", "title")
MEMBER = ("room_id", "user_id", "role", "left_at", "left_seq")
REMOVAL = ("room_id", "user_id", "removed_at")
LISTED = 50  # memberships that are listed by name
ACCOUNT = ("id", "name_key", "created_at", "disabled_at", "role", "password_hash")


@dataclass(frozen=True, slots=True)
class ReplacedState:
    """State of the database that is replaced, as far as it concerns revocations.

    `revoked`: times (ms) by table and key; `accounts`: rows by id, name key and time of creation;
    `departures`: ended memberships by room and user; `removed`: times (ms) of removals by room and
    user; `rooms`: ids and times of creation.
    """

    revoked: dict[tuple[str, str], int]
    accounts: dict[tuple[int, str, int], Any]
    departures: dict[tuple[int, int], Any]
    removed: dict[tuple[int, int], int]
    rooms: set[tuple[int, int]]


async def read_replaced_state(database: Database) -> ReplacedState | None:
    """Return None for a database that does not exist, is empty or cannot be read."""
    if database.path is not None and not database.path.exists():
        return None
    try:
        async with database.reading() as connection:
            return await connection.run_sync(_read)
    except (Unavailable, sa.exc.SQLAlchemyError):
        return None


def _read(connection: Connection) -> ReplacedState | None:
    there = set(sa.inspect(connection).get_table_names())
    if "users" not in there:
        return None
    revoked = {}
    for name in there & KEYS.keys():
        table = sa.table(name, sa.column(KEYS[name]), sa.column("revoked_at"))
        for key, at in connection.execute(sa.select(table).where(table.c.revoked_at.is_not(None))):
            revoked[name, str(key)] = int(at)
    users = sa.table("users", *(sa.column(name) for name in ACCOUNT))
    rows = connection.execute(sa.select(users))
    accounts = {(row.id, row.name_key, row.created_at): row for row in rows}
    return ReplacedState(
        revoked, accounts, _departures(connection), _removed(connection), _rooms(connection)
    )


def _departures(connection: Connection) -> dict[tuple[int, int], Any]:
    members = sa.table("members", *(sa.column(name) for name in MEMBER))
    rows = connection.execute(sa.select(members).where(members.c.left_at.is_not(None)))
    return {(row.room_id, row.user_id): row for row in rows}


def _removed(connection: Connection) -> dict[tuple[int, int], int]:
    """Return the times of removals; none of a database before revision 0011."""
    members = sa.table("members", *(sa.column(name) for name in REMOVAL))
    if members.c.removed_at.name not in _columns(connection, "members"):
        return {}
    rows = connection.execute(sa.select(members).where(members.c.removed_at.is_not(None)))
    return {(row.room_id, row.user_id): row.removed_at for row in rows}


def _columns(connection: Connection, table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(connection).get_columns(table)}


def _rooms(connection: Connection) -> set[tuple[int, int]]:
    rooms = sa.table("rooms", sa.column("id"), sa.column("created_at"))
    return {(row.id, row.created_at) for row in connection.execute(sa.select(rooms))}


@dataclass(slots=True)
class Reinstated:
    """Credentials and rights that a restore makes valid again. Names are those of users."""

    known: bool = True  # whether the replaced database could be read
    sessions: int = 0
    invites: int = 0
    bots: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)  # they stay disabled if requested
    passwords: list[str] = field(default_factory=list)
    administrators: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)  # "user in room"

    def lines(self) -> Iterator[str]:
        """Yield a sentence for each kind."""
        if self.sessions:
            yield f"Sessions that had ended: {self.sessions:,}."
        if self.invites:
            yield f"Invitations that had been revoked: {self.invites:,}."
        for label, names in (
            ("Bots whose old tokens are valid", self.bots),
            ("Accounts that had been disabled", self.opened),
            ("Accounts that had been deleted, with their data: delete them again", self.deleted),
            ("Accounts with their old passwords", self.passwords),
            ("Administrators who had been demoted", self.administrators),
        ):
            if names:
                yield f"{label}: {', '.join(sorted(names))}."
        if self.members:
            more = len(self.members) - LISTED
            named = ", ".join(sorted(self.members)[:LISTED]) + f" and {more:,} more" * (more > 0)
            yield f"Members who had left a room or been removed: {named}."


class RestoreAudit:
    """Filters the rows of an archive; `reinstated` lists what they make valid again."""

    def __init__(self, ended: ReplacedState | None, *, since: int | None, now: int) -> None:
        """`since` (ms): revoke again what ended at or after that time. None: revoke nothing."""
        self._ended = ended
        self._since = since
        self._now = now
        self._bots: dict[int, str] = {}
        self._users: dict[int, str] = {}  # names of accounts in both databases
        self._rooms: dict[int, dict[str, Any]] = {}  # rows of rooms in both databases
        self._members: set[tuple[int, int]] = set()  # rooms and users of the archive's memberships
        self.reinstated = Reinstated(known=ended is not None)

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        for name, row in rows:
            if name == "users" and row.keys() >= {*REQUIRED}:
                yield name, self._account(row)
            elif name == "rooms" and row.keys() >= {*ROOM}:
                yield name, self._room(row)
            elif name == "members" and row.keys() >= {*MEMBER}:
                yield name, self._membership({"removed_at": None} | row)
            elif name in KEYS and KEYS[name] in row and row.get("revoked_at") is None:
                yield name, self._credential(name, row)
            else:  # rows that lack columns will be rejected on load
                yield name, row
        yield from (("members", row) for row in self._later_removals())

    def _credential(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        at = self._ended_at(name, row)
        if at is None:
            return row
        if self._since is not None and at >= self._since:
            return row | {"revoked_at": at}
        if name == "bot_tokens":
            self.reinstated.bots.append(self._bots.get(row.get("user_id", 0), "?"))
        elif name == "sessions":
            self.reinstated.sessions += 1
        else:
            self.reinstated.invites += 1
        return row

    def _ended_at(self, name: str, row: dict[str, Any]) -> int | None:
        if self._ended is None:
            return None if self._since is None else self._now
        return self._ended.revoked.get((name, row[KEYS[name]]))

    def _account(self, row: dict[str, Any]) -> dict[str, Any]:
        """Passwords and roles have no time of change: any `since` keeps the present ones."""
        if row["role"] == Role.BOT:
            self._bots[row["id"]] = row["name"]
        key = (row["id"], row["name_key"], row["created_at"])
        current = self._ended.accounts.get(key) if self._ended is not None else None
        if current is None:
            return row
        self._users[row["id"]] = row["name"]
        return row | self._changed(row, current)

    def _room(self, row: dict[str, Any]) -> dict[str, Any]:
        if self._ended is not None and (row["id"], row["created_at"]) in self._ended.rooms:
            self._rooms[row["id"]] = row
        return row

    def _membership(self, row: dict[str, Any]) -> dict[str, Any]:
        """Remove a member again, and end the membership if it has ended since."""
        key = (row["room_id"], row["user_id"])
        self._members.add(key)
        room, user = self._rooms.get(row["room_id"]), self._users.get(row["user_id"])
        if self._ended is None or room is None or user is None:
            return row
        removed_at = self._ended.removed.get(key, 0)
        if self._since is not None and removed_at >= self._since:
            row |= {"removed_at": max(removed_at, row["removed_at"] or 0)}
        if row["left_at"] is not None or (current := self._ended.departures.get(key)) is None:
            return row
        return self._departure(row, current, room, user)

    def _later_removals(self) -> Iterator[dict[str, Any]]:
        """Yield rows for users who joined after the backup and were removed.

        They are former members who may read nothing; only the time of the removal matters.
        """
        if self._ended is None or self._since is None:
            return
        for (room, user), at in self._ended.removed.items():
            known = room in self._rooms and user in self._users
            if known and at >= self._since and (room, user) not in self._members:
                yield member_row(room, user, at) | {"left_at": at, "left_seq": 0, "removed_at": at}

    def _departure(
        self, row: dict[str, Any], current: Any, room: dict[str, Any], user: str
    ) -> dict[str, Any]:
        """End a membership again, at the latest with the last event in the archive.

        The log continues from there, and a former member may not read events after leaving.
        """
        if self._since is not None and current.left_at >= self._since:
            seq = min(current.left_seq or 0, room["head"])
            return row | {"left_at": current.left_at, "left_seq": seq, "role": "member"}
        name = room.get("name") or room.get("private_name") or room["title"] or room["id"]
        self.reinstated.members.append(f"{user} in {name}")
        return row

    def _changed(self, row: dict[str, Any], current: Any) -> dict[str, Any]:
        """Return the columns to reset, and record what becomes valid again."""
        reset: dict[str, Any] = {}
        disabled_at = current.disabled_at if row.get("disabled_at") is None else None
        deleted = current.password_hash == DELETED
        is_reset = self._since is not None and (deleted or (disabled_at or 0) >= self._since)
        if disabled_at is not None and is_reset:
            reset["disabled_at"] = disabled_at
        elif disabled_at is not None:
            self.reinstated.opened.append(row["name"])
        if current.password_hash != row["password_hash"]:
            if deleted:
                self.reinstated.deleted.append(row["name"])
            if self._since is None:
                self.reinstated.passwords.append(row["name"])
            else:
                reset["password_hash"] = current.password_hash
        if current.role != row["role"]:
            if self._since is not None:
                reset["role"] = current.role
            elif row["role"] == Role.ADMIN:
                self.reinstated.administrators.append(row["name"])
        return reset
