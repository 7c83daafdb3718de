"""Bots and their tokens."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from chatserver.errors import Conflict, _
from chatserver.models import LOBBY, User
from chatserver.storage.engine import Database
from chatserver.storage.members import hold_rooms, membership
from chatserver.storage.naming import find_room
from chatserver.storage.people import NewUser, insert_user, read_user
from chatserver.storage.rights import hold_accounts, require_admin
from chatserver.storage.tables import bot_tokens, members, rooms, users


class Bots:
    """Makes bots and replaces their tokens. `by` is an administrator, None the data's owner."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` gives milliseconds UTC."""
        self._database = database
        self._clock = clock

    async def find(self, digest: str) -> User | None:
        """The bot of that token's hash, if it is not disabled."""
        query = (
            sa.select(users)
            .join(bot_tokens, bot_tokens.c.user_id == users.c.id)
            .where(bot_tokens.c.digest == digest, bot_tokens.c.revoked_at.is_(None))
            .where(users.c.disabled_at.is_(None))
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            return read_user(row) if row is not None else None

    async def add(self, new: NewUser, digest: str, names: list[str], *, by: int | None) -> User:
        """A bot that is a member of the rooms of these names.

        `by` must belong to the private ones among them. Raises Conflict, NotFound or Forbidden.
        """

        def work(connection: Connection) -> User:
            hold_rooms(connection, [LOBBY])
            require_admin(connection, by)
            now = self._clock()
            user = insert_user(connection, new, now)
            self._insert_token(connection, user.id, digest)
            for name in names:
                _admit(connection, find_room(connection, name, by=by), user.id, now)
            return user

        try:
            return await self._database.transaction(work)
        except IntegrityError:
            raise Conflict(_("This name is taken.")) from None

    async def set_token(self, user_id: int, digest: str | None, *, by: int | None) -> None:
        """Revoke a bot's token; the one of that hash takes its place, if any. Raises Forbidden."""

        def work(connection: Connection) -> None:
            require_admin(connection, by)
            hold_accounts(
                connection, [user_id]
            )  # of two replacements the second one sees the first
            own = sa.and_(bot_tokens.c.user_id == user_id, bot_tokens.c.revoked_at.is_(None))
            connection.execute(bot_tokens.update().where(own).values(revoked_at=self._clock()))
            if digest is not None:
                self._insert_token(connection, user_id, digest)

        await self._database.transaction(work)

    def _insert_token(self, connection: Connection, user_id: int, digest: str) -> None:
        token = {"digest": digest, "user_id": user_id, "created_at": self._clock()}
        connection.execute(bot_tokens.insert().values(token))


def _admit(connection: Connection, room: int, bot: int, now: int) -> None:
    """Make a new bot a member. It belongs to the lobby already."""
    if room != LOBBY:
        head = connection.scalar(sa.select(rooms.c.head).where(rooms.c.id == room))
        connection.execute(members.insert().values(membership(room, bot, now, head=head or 0)))
        count = rooms.c.members + 1
        connection.execute(rooms.update().where(rooms.c.id == room).values(members=count))
