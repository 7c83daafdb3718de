"""Responses about all users, rooms and bots, and about the server."""

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from chatserver.storage import file_usage, overview
from chatserver.web.responses import Success


@dataclass(frozen=True, slots=True)
class AdminUser(overview.AdminUser):
    """A user. Times in ms; `last_seen_at` is null for users who never logged in.

    `online`: the user is online on some node; `last_seen_at` is then up to some minutes old.
    """

    online: bool


class AdminUsers(Success):
    """All users except bots."""

    people: list[AdminUser]


class AdminRooms(Success):
    """All rooms that have a name."""

    rooms: list[overview.AdminRoom]


class AdminConversations(Success):
    """Conversations without a name, largest first; `more`: there are more than `limit`."""

    conversations: list[overview.AdminConversation]
    more: bool


class Disk(Struct):
    """Bytes of the disk with the files; below `reserve` of `free` ones no uploads are accepted."""

    total: int
    free: int
    reserve: int


class Quotas(Struct):
    """Bytes that one file, and the files of a user, of a room and of all users may have.

    0 is no limit.
    """

    file: int
    user: int
    room: int
    total: int


class Storage(Success):
    """What files use: in all, by room and by user, and the largest files, largest first.

    `name` and `type` of a file are null if its room is private and the administrator is no member.
    """

    disk: Disk
    quotas: Quotas
    files: int
    bytes: int
    rooms: list[file_usage.RoomUsage]
    users: list[file_usage.UserUsage]
    largest: list[file_usage.LargeFile]


class AdminBots(Success):
    bots: list[overview.AdminBot]


class ServerProfile(Success):
    """`name` is empty unless it was set; `/logo/{logo}` has the logo, if there is one."""

    name: str
    logo: str = ""


class SelfCheck(Success):
    """Self-check of the server and of the path that the request took.

    `at` is the server's clock in milliseconds UTC; `forwarded`: the request has headers of a proxy;
    `trusted`: the server trusts them; `waiting` is the number of messages that are not stored yet.
    Sizes are in bytes.
    """

    version: str
    at: int
    origin: str
    public_url: str
    addresses: list[str]
    secure: bool
    forwarded: bool
    trusted: bool
    database: str
    revision: str | None
    newest_revision: str
    durability: str
    storing: bool
    waiting: int
    connections: int
    database_bytes: int
    disk_free: int


class Ready(Struct, omit_defaults=True):
    """`ok` is 0 if messages cannot be stored, for the `reason`.

    `durability` is the database's setting for flushing commits to disk. `files`: why files cannot
    be stored or read, while messages without files can be sent.
    """

    ok: Literal[0, 1]
    database: str
    revision: str | None
    durability: str
    reason: str = ""
    files: str = ""
