"""Bots and their tokens."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from chatserver.errors import ROOM_ARCHIVED, Conflict, Forbidden, _
from chatserver.models import LOBBY, AddMembers, Event, User
from chatserver.storage.account_deletion import require_not_deleted
from chatserver.storage.apply_room import add_members, authorize_and_add
from chatserver.storage.engine import Database
from chatserver.storage.idempotency import new_draft
from chatserver.storage.members import is_member, lock_rooms
from chatserver.storage.rights import lock_accounts, require_admin
from chatserver.storage.tables import bot_tokens, rooms, users
from chatserver.storage.unique_names import find_room
from chatserver.storage.users import NewUser, insert_user, read_user


class Bots:
    """Creates bots and replaces their tokens. `by` is an administrator, None the operator."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock

    async def is_disabled(self, digest: str) -> bool:
        """Whether the bot with this token hash is disabled."""
        async with self._database.reading() as connection:
            found = await connection.execute(_DISABLED_BOT, {"digest": digest})
            return found.one_or_none() is not None

    async def find(self, digest: str) -> User | None:
        """Return the bot with this token hash, unless it is disabled."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_OPEN_BOT, {"digest": digest})).one_or_none()
            return read_user(row) if row is not None else None

    async def add(
        self, new: NewUser, token: str, names: list[str], *, by: int | None
    ) -> tuple[User, list[Event]]:
        """Create a bot and add it to the named rooms; return it and the events of its joining.

        `token` is its hash. `by` must be a member of the private rooms among them. Raises Conflict,
        NotFound or Forbidden.
        """

        def work(connection: Connection) -> tuple[User, list[Event]]:
            lock_rooms(connection, [LOBBY])
            require_admin(connection, by)
            numbers = {find_room(connection, name, by=by) for name in names} - {LOBBY}
            lock_rooms(connection, numbers)
            now = self._clock()
            user = self._insert(connection, new, token, now)
            return user, [_add_to_room(connection, room, user, by, now) for room in sorted(numbers)]

        return await self._database.transaction(work)

    async def set_token(self, user_id: int, digest: str | None, *, by: int | None) -> None:
        """Revoke a bot's token and store the hash of a new one, if given. Raises Forbidden."""

        def work(connection: Connection) -> None:
            require_admin(connection, by)
            locked = lock_accounts(connection, [user_id])  # a concurrent replacement sees this one
            require_not_deleted(locked.get(user_id))
            own = sa.and_(bot_tokens.c.user_id == user_id, bot_tokens.c.revoked_at.is_(None))
            connection.execute(bot_tokens.update().where(own).values(revoked_at=self._clock()))
            if digest is not None:
                self._insert_token(connection, user_id, digest)

        await self._database.transaction(work)

    def _insert(self, connection: Connection, new: NewUser, token: str, now: int) -> User:
        try:
            user = insert_user(connection, new, now)
        except IntegrityError:
            raise Conflict(_("This name is taken.")) from None
        self._insert_token(connection, user.id, token)
        return user

    def _insert_token(self, connection: Connection, user_id: int, digest: str) -> None:
        token = {"digest": digest, "user_id": user_id, "created_at": self._clock()}
        connection.execute(bot_tokens.insert().values(token))


_BOT = (
    sa.select(users)
    .join(bot_tokens, bot_tokens.c.user_id == users.c.id)
    .where(bot_tokens.c.digest == sa.bindparam("digest"), bot_tokens.c.revoked_at.is_(None))
)
_OPEN_BOT = _BOT.where(users.c.disabled_at.is_(None))
_DISABLED_BOT = _BOT.where(users.c.disabled_at.is_not(None))


def _add_to_room(connection: Connection, room: int, bot: User, by: int | None, now: int) -> Event:
    """Make a new bot a member of a room that the transaction has locked.

    A member invites it; for other administrators it joins a public room itself. The operator may
    add it to any room that is not archived.
    """
    itself = ((bot.id, bot.name),)
    inviter = sa.select(users.c.id, users.c.name).where(users.c.id == by, is_member(by, room))
    found = connection.execute(inviter).one_or_none()
    if found is not None:
        invite = AddMembers("invite", itself)
        return authorize_and_add(
            connection, new_draft(room, found.id, found.name, invite), invite, now
        )
    join = AddMembers("join", itself)
    draft = new_draft(room, bot.id, bot.name, join)
    if by is not None:
        return authorize_and_add(connection, draft, join, now)
    if connection.scalar(sa.select(rooms.c.archived_at).where(rooms.c.id == room)) is not None:
        raise Forbidden(ROOM_ARCHIVED)
    return add_members(connection, draft, join, now)
