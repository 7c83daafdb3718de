"""Users, sessions, rooms and direct rooms, inserted in bulk.

The rows are those that the server would have written: `chatserver check` passes. Only the
passwords are not hashes, because these users do not log in with one.
"""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.accounts.session_tokens import SigningKeys
from chatserver.data_dir import DataDir
from chatserver.models import LOBBY
from chatserver.storage.display_names import display_columns
from chatserver.storage.engine import Database
from chatserver.storage.members import member_row
from chatserver.storage.migrate import migrate
from chatserver.storage.room_facts import pair_key
from chatserver.storage.tables import members, meta, rooms, sessions, users

DAY = 86_400_000  # ms


@dataclass(frozen=True, slots=True)
class User:
    """A user with a session; `room` is where they write messages."""

    id: int
    name: str
    token: str
    room: int = LOBBY


def name_of(index: int) -> str:
    """Return the name of a user, six characters, as the load generator expects."""
    return f"p{index:05}"


async def populate(
    data: Path, url: str, count: int, *, group: int = 0, pairs: bool = False, shared: int = 0
) -> list[User]:
    """A new database with `count` users, in groups of `group` or in direct rooms of two.

    Without either they write in the lobby, to which all belong. `shared`: number of
    additional rooms to which all users belong.
    """
    data.mkdir(mode=0o700, parents=True)
    folder = DataDir(data)
    keys = SigningKeys(folder.keys, clock=now)
    keys.load()
    database = Database(url)
    database.restrict_permissions()
    await migrate(database, backups=folder.backups)
    made = await database.transaction(lambda c: _fill(c, keys, count, 2 if pairs else group, pairs))
    await database.transaction(lambda c: _share(c, [p.id for p in made], shared))
    await database.close()
    return made


def _share(connection: Connection, ids: Sequence[int], count: int) -> None:
    at = now()
    for number in range(LOBBY + 1, LOBBY + 1 + count):
        connection.execute(rooms.insert().values(_room(number, ids, at, pairs=False)))
        _join(connection, number, ids, at)


def now() -> int:
    return time.time_ns() // 1_000_000


def _fill(
    connection: Connection, keys: SigningKeys, count: int, group: int, pairs: bool
) -> list[User]:
    at = now()
    ids = range(1, count + 1)
    connection.execute(users.insert(), [_user(number, at) for number in ids])
    connection.execute(meta.insert().values(key="set_up_at", value=str(at)))
    logged_in = [_logged_in(keys, number, at) for number in ids]
    connection.execute(sessions.insert(), [row for row, _ in logged_in])
    _join(connection, LOBBY, ids, at)
    if group:
        places = _rooms(connection, ids, group, at, pairs)
        return [User(p.id, p.name, p.token, places[p.id]) for _, p in logged_in]
    return [user for _, user in logged_in]


def _user(number: int, at: int) -> dict[str, Any]:
    name = name_of(number - 1)
    return {
        "id": number,
        "name": name,
        "name_key": name,
        **display_columns(name),
        "password_hash": "",
        "role": "member",
        "locale": "",
        "created_at": at,
    }


def _logged_in(keys: SigningKeys, number: int, at: int) -> tuple[dict[str, Any], User]:
    session = secrets.token_urlsafe(16)
    row = {
        "id": session,
        "user_id": number,
        "created_at": at,
        "expires_at": at + DAY,
        "last_seen_at": at,
        "client": "benchmark",
    }
    token = keys.issue(session=session, user_id=number, issued_at=at, expires_at=at + DAY)
    return row, User(number, name_of(number - 1), token)


def _rooms(
    connection: Connection, ids: Sequence[int], group: int, at: int, pairs: bool
) -> dict[int, int]:
    """Insert rooms; return the room of each user."""
    places = {}
    for number, first in enumerate(range(0, len(ids), group), start=LOBBY + 1):
        members = ids[first : first + group]
        connection.execute(rooms.insert().values(_room(number, members, at, pairs=pairs)))
        _join(connection, number, members, at)
        places.update(dict.fromkeys(members, number))
    return places


def _room(number: int, members: Sequence[int], at: int, *, pairs: bool) -> dict[str, Any]:
    return {
        "id": number,
        "kind": "direct" if pairs else "group",
        "name": None if pairs else f"room{number}",
        "title": "",
        "topic": "",
        "private": pairs,
        "head": 0,
        "members": 0,
        "created_by": None if pairs else members[0],
        "created_at": at,
        "pair_key": pair_key(members) if pairs else None,
    }


def _join(connection: Connection, room: int, users: Iterable[int], at: int) -> None:
    rows = [member_row(room, one, at) for one in users]
    connection.execute(members.insert(), rows)
    counted = rooms.c.members + len(rows)
    connection.execute(sa.update(rooms).where(rooms.c.id == room).values(members=counted))
