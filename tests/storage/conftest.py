"""Fixtures of the storage tests, which run on SQLite and on a real MariaDB."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.models import Act, Draft, Post, RemoveMembers, Role, RoomFacts, RoomKind, User
from chatserver.storage.account_deletion import remaining_memberships
from chatserver.storage.bots import Bots
from chatserver.storage.credentials import AccountChange, Credentials
from chatserver.storage.engine import Database
from chatserver.storage.event_log import EventLog
from chatserver.storage.invitations import Invites
from chatserver.storage.members import member_row
from chatserver.storage.overview import Overview
from chatserver.storage.room_facts import direct_rooms
from chatserver.storage.rooms import Rooms
from chatserver.storage.sessions import StoredSessions
from chatserver.storage.tables import members
from chatserver.storage.users import NewUser, Users

_ids = itertools.count(1)


class Storage:
    """All storage classes on one database, with a fake clock."""

    def __init__(self, url: str) -> None:
        self.now = 1_000_000
        self.database = Database(url)
        self.users = Users(self.database, clock=self._clock)
        self.sessions = StoredSessions(self.database, clock=self._clock)
        self.credentials = Credentials(self.database, clock=self._clock)
        self.bots = Bots(self.database, clock=self._clock)
        self.invites = Invites(self.database, clock=self._clock)
        self.overview = Overview(self.database)
        self.rooms = Rooms(self.database, clock=self._clock)
        self.log = EventLog(self.database, clock=self._clock)

    def _clock(self) -> int:
        return self.now

    async def direct(self, one: tuple[int, str], other: tuple[int, str]) -> RoomFacts:
        """Return the direct room of two users."""
        pair = tuple(sorted({one, other}))
        made = await self.database.transaction(lambda c: direct_rooms(c, {pair}, self.now))
        return RoomFacts(made[pair], RoomKind.DIRECT, pair)

    async def user(self, name: str, role: Role = Role.MEMBER) -> User:
        return await self.users.add(NewUser(name, name.capitalize(), "hash", role))

    async def delete(self, user: User, *, by: int | None = None) -> list[Any]:
        """Delete an account; return the outcomes of its departure from its rooms."""
        await self.credentials.delete(user.id, by=by)
        left = await remaining_memberships(self.database, user.id)
        act = RemoveMembers("leave", ((user.id, user.name),), of_deleted_account=True)
        return [outcome for *_, r in left for outcome in await self._store(user, act, r)]

    async def _store(self, user: User, act: Act, room: int) -> list[Any]:
        return list(await self.log.store([acting(user, act, room=room)]))

    async def disable(self, user: User, *, disabled: bool = True) -> None:
        change = AccountChange(disabled=disabled)
        await self.credentials.administer(user.id, change, by=None)


def draft(who: User, text: str, *, room: int = 1, draft_id: str = "") -> Draft:
    """Return the draft of a message; its digest is its text."""
    return acting(who, Post(text), room=room, draft_id=draft_id, digest=text[:32])


def acting(
    who: User, act: Act, *, room: int = 1, draft_id: str = "", digest: str = "digest"
) -> Draft:
    own = draft_id or f"{who.name}-{next(_ids)}"
    return Draft(room, who.id, who.name, own, digest, act)


def unresolved(
    who: User, act: Act, *, room: int = 0, to: str | None = None, draft_id: str = ""
) -> Draft:
    """Return a draft whose room storage has to look up."""
    one = acting(who, act, room=room, draft_id=draft_id, digest="")
    return replace(one, to=to, resolved=False)


async def acted(storage: Storage, who: User, act: Act, *, room: int = 0) -> Any:
    """Store an act of a user; return the outcome."""
    (outcome,) = await storage.log.store([acting(who, act, room=room)])
    return outcome


def arrive(connection: Connection) -> None:
    """Insert the account of ann with the id 1, as in every revision."""
    names = ("name", "name_key", "display", "password_hash", "role", "locale", "created_at")
    columns, row = ("id", *names), (1, "ann", "ann", "Ann", "hash", "member", "", 1)
    account = sa.table("users", *(sa.column(name) for name in columns))
    connection.execute(account.insert(), dict(zip(columns, row, strict=True)))
    connection.execute(sa.insert(members), member_row(1, 1, 1))
    connection.execute(sa.text("UPDATE rooms SET members = 1 WHERE id = 1"))


@pytest_asyncio.fixture
async def storage(migrated_url: str) -> AsyncIterator[Storage]:
    storage = Storage(migrated_url)
    yield storage
    await storage.database.close()
