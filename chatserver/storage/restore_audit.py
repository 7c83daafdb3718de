"""Audit of a restore: finds what was ended, restricted or deleted after the backup.

The rows of an archive are compared with the database that they replace. What would be valid again
is reported; if requested, the present restrictions are kept. If that database cannot be read, a
request revokes all credentials in the archive. `tests/storage/test_restored_columns.py` lists the
columns that are compared.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from chatserver.models import Role
from chatserver.storage.archive_file import Row
from chatserver.storage.members import RoomRole, member_row
from chatserver.storage.reinstated import Reinstated, ReinstatedKind
from chatserver.storage.replaced_state import CREDENTIALS, ReplacedState
from chatserver.storage.rights import DELETED
from chatserver.storage.stricter_settings import STRICTER_SETTINGS

REQUIRED = ("id", "name", "name_key", "created_at", "role", "password_hash")
ROOM = ("id", "created_at", "head", "title", "private")
MEMBER = ("room_id", "user_id", "role", "left_at", "left_seq")
# Columns that older archives lack. All rows of a batch must have the same columns.
ROOM_DEFAULTS = {
    "archived_at": None,
    "retention_days": None,
    "receipts": False,
    "leavers_read": False,
}
MEMBER_DEFAULTS = {
    "removed_at": None,
    "pushed_seq": 0,
    "pushed_at": 0,
    "favorite": False,
    "notify": None,
}
KIND_OF_CREDENTIAL = {
    "sessions": ReinstatedKind.SESSIONS,
    "bot_tokens": ReinstatedKind.BOTS,
    "invites": ReinstatedKind.INVITES,
}


class RestoreAudit:
    """Filters the rows of an archive; `reinstated` lists what they make valid again."""

    def __init__(self, ended: ReplacedState | None, *, since: int | None, now: int) -> None:
        """`since` (ms): keep what was ended or restricted at or after that time; None: nothing.

        Passwords, roles, uses of invitations and most settings of rooms have no time of change: any
        `since` keeps the present ones.
        """
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
                yield name, self._room(ROOM_DEFAULTS | row)
            elif name == "members" and row.keys() >= {*MEMBER}:
                yield name, self._membership(MEMBER_DEFAULTS | row)
            elif name in CREDENTIALS and CREDENTIALS[name] in row:
                yield name, self._credential(name, row)
            else:  # rows that lack columns will be rejected on load
                yield name, row
        yield from (("members", row) for row in self._later_removals())

    def _keeps(self, changed_at: int | None = None) -> bool:
        """Whether a change at that time (ms), None if unknown, outlasts the restore."""
        return self._since is not None and (changed_at is None or changed_at >= self._since)

    # Credentials ----------------------------------------------------------------------------------

    def _credential(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        if row.get("revoked_at") is not None:
            return row
        if name == "invites":
            row = self._invitation(row)
        at = self._ended_at(name, row)
        if at is None:
            return row
        if self._keeps(at):
            return row | {"revoked_at": at}
        if name == "bot_tokens":
            self.reinstated.names[ReinstatedKind.BOTS].append(
                self._bots.get(row.get("user_id", 0), "?")
            )
        else:
            self.reinstated.counts[KIND_OF_CREDENTIAL[name]] += 1
        return row

    def _invitation(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return an invitation with at most the uses that are left at present."""
        left = self._ended.uses_left.get(row["code"]) if self._ended is not None else None
        if left is None or left >= row.get("uses_left", 0):
            return row
        if self._keeps():
            return row | {"uses_left": left}
        self.reinstated.counts[ReinstatedKind.USES] += 1
        return row

    def _ended_at(self, name: str, row: dict[str, Any]) -> int | None:
        if self._ended is None:
            return None if self._since is None else self._now
        return self._ended.revoked.get((name, row[CREDENTIALS[name]]))

    # Accounts -------------------------------------------------------------------------------------

    def _account(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["role"] == Role.BOT:
            self._bots[row["id"]] = row["name"]
        key = (row["id"], row["name_key"], row["created_at"])
        current = self._ended.accounts.get(key) if self._ended is not None else None
        if current is None:
            return row
        self._users[row["id"]] = row["name"]
        return (
            row
            | self._disabled(row, current)
            | self._password(row, current)
            | self._role(row, current)
        )

    def _disabled(self, row: dict[str, Any], current: Any) -> dict[str, Any]:
        """Return the columns to reset. A deleted account stays disabled with any `since`."""
        if row.get("disabled_at") is not None or current.disabled_at is None:
            return {}
        if self._keeps(None if current.password_hash == DELETED else current.disabled_at):
            return {"disabled_at": current.disabled_at}
        self.reinstated.names[ReinstatedKind.DISABLED].append(row["name"])
        return {}

    def _password(self, row: dict[str, Any], current: Any) -> dict[str, Any]:
        if current.password_hash == row["password_hash"]:
            return {}
        if current.password_hash == DELETED:
            self.reinstated.names[ReinstatedKind.DELETED].append(row["name"])
        if self._keeps():
            return {"password_hash": current.password_hash}
        self.reinstated.names[ReinstatedKind.PASSWORDS].append(row["name"])
        return {}

    def _role(self, row: dict[str, Any], current: Any) -> dict[str, Any]:
        if current.role == row["role"]:
            return {}
        if self._keeps():
            return {"role": current.role}
        if row["role"] == Role.ADMIN:
            self.reinstated.names[ReinstatedKind.ADMINISTRATORS].append(row["name"])
        return {}

    # Rooms ----------------------------------------------------------------------------------------

    def _room(self, row: dict[str, Any]) -> dict[str, Any]:
        key = (row["id"], row["created_at"])
        current = self._ended.rooms.get(key) if self._ended is not None else None
        if self._ended is None or current is None:
            return row
        self._rooms[row["id"]] = row
        name = _room_name(row)
        if messages := self._ended.changed_texts.get(row["id"]):
            self.reinstated.names[ReinstatedKind.TEXTS].append(f"{messages:,} in {name}")
        for kind, compare in STRICTER_SETTINGS.items():
            if not (stricter := compare(row, current)):
                continue
            if self._keeps(stricter.get("archived_at")):
                row = row | stricter
            else:
                self.reinstated.names[kind].append(name)
        return row

    # Memberships ----------------------------------------------------------------------------------

    def _membership(self, row: dict[str, Any]) -> dict[str, Any]:
        """Keep a removal, the end of the membership, and the role of a member of both databases."""
        key = (row["room_id"], row["user_id"])
        self._members.add(key)
        if self._ended is None or not self._knows(*key):
            return row
        row = row | self._removal(
            row, self._ended.removed.get(key), self._ended.departures.get(key)
        )
        if row["left_at"] is not None:
            return row
        if (departure := self._ended.departures.get(key)) is not None:
            return row | self._departure(row, departure)
        was_admin = key in self._ended.room_admins
        return row | self._room_role(row, RoomRole.ADMIN if was_admin else RoomRole.MEMBER)

    def _knows(self, room: int, user: int) -> bool:
        """Whether both databases have this room and this account."""
        return room in self._rooms and user in self._users

    def _label(self, room: int, user: int) -> str:
        return f"{self._users[user]} in {_room_name(self._rooms[room])}"

    def _removal(self, row: dict[str, Any], at: int | None, departure: Any) -> dict[str, Any]:
        """Return the time of the last removal. With a membership that has ended it is reported."""
        if at is None or at <= (row["removed_at"] or 0):
            return {}
        if self._keeps(at):
            return {"removed_at": at}
        if departure is None or row["left_at"] is not None:
            self.reinstated.names[ReinstatedKind.REMOVALS].append(
                self._label(row["room_id"], row["user_id"])
            )
        return {}

    def _departure(self, row: dict[str, Any], current: Any) -> dict[str, Any]:
        """End a membership again, at the latest with the last event in the archive.

        The log continues from there, and a former member may not read events after leaving.
        """
        if self._keeps(current.left_at):
            seq = min(current.left_seq or 0, self._rooms[row["room_id"]]["head"])
            return {"left_at": current.left_at, "left_seq": seq, "role": RoomRole.MEMBER}
        self.reinstated.names[ReinstatedKind.MEMBERS].append(
            self._label(row["room_id"], row["user_id"])
        )
        return {}

    def _room_role(self, row: dict[str, Any], current: str) -> dict[str, Any]:
        if row["role"] == current:
            return {}
        if self._keeps():
            return {"role": current}
        if row["role"] == RoomRole.ADMIN:
            label = self._label(row["room_id"], row["user_id"])
            self.reinstated.names[ReinstatedKind.ROOM_ADMINS].append(label)
        return {}

    def _later_removals(self) -> Iterator[dict[str, Any]]:
        """Yield rows for users who joined after the backup and were removed.

        They are former members who may read nothing; only the time of the removal matters.
        """
        removed = self._ended.removed if self._ended is not None else {}
        for (room, user), at in removed.items():
            if (room, user) in self._members or not self._knows(room, user):
                continue
            if self._keeps(at):
                row = MEMBER_DEFAULTS | member_row(room, user, at)
                yield row | {"left_at": at, "left_seq": 0, "removed_at": at}
            else:
                self.reinstated.names[ReinstatedKind.REMOVALS].append(self._label(room, user))


def _room_name(row: dict[str, Any]) -> str:
    return str(row.get("name") or row.get("private_name") or row["title"] or f"room {row['id']}")
