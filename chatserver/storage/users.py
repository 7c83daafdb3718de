"""Queries about accounts."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from chatserver.errors import Conflict, Forbidden, _
from chatserver.models import LOBBY, Role, RoomKind, User, name_key
from chatserver.storage.account_lookup import accounts_by_key
from chatserver.storage.account_pages import ACCOUNT, account_page
from chatserver.storage.display_names import display_columns
from chatserver.storage.engine import Database
from chatserver.storage.invitations import redeem
from chatserver.storage.members import is_membership, join_lobby, lock_rooms, new_id
from chatserver.storage.meta_keys import SET_UP_AT
from chatserver.storage.readers import Share
from chatserver.storage.rights import DELETED, require_admin
from chatserver.storage.tables import members, meta, rooms, users
from chatserver.storage.unique_names import require_distinct_user
from chatserver.text.names import skeleton


@dataclass(frozen=True, slots=True)
class NewUser:
    """Values of a new account, with the hash of the password."""

    name: str
    display: str
    password_hash: str
    role: Role = Role.MEMBER
    locale: str = ""


class Users:
    """Reads and writes accounts."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def count(self) -> int:
        async with self._database.reading() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(users)) or 0)

    async def add(self, new: NewUser, *, first: bool = False, by: int | None = None) -> User:
        """Create an account, a member of the lobby. Raises Conflict if the name is taken.

        `first`: only if there is no account yet, which the same transaction checks. `by`: the
        administrator who creates it. Raises Forbidden for one who has lost that role.
        """

        def work(connection: Connection) -> User:
            if first:
                _claim_setup(connection, self._clock())
            lock_rooms(connection, [LOBBY])
            require_admin(connection, by)
            return insert_user(connection, new, self._clock())

        return await self._add(work)

    async def add_invited(self, new: NewUser, code: str) -> User:
        """Create an account and use an invitation once, atomically. Raises NotFound."""

        def work(connection: Connection) -> User:
            lock_rooms(connection, [LOBBY])
            redeem(connection, code, self._clock())
            return insert_user(connection, new, self._clock())

        return await self._add(work)

    async def _add(self, work: Callable[[Connection], User]) -> User:
        try:
            return await self._database.transaction(work)
        except IntegrityError:
            raise Conflict(_("This name is taken.")) from None

    async def find(self, name: str) -> tuple[User, str] | None:
        """Return the account of that name and its password hash."""
        query = sa.select(users).where(users.c.name_key == name_key(name))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            return (read_user(row), row.password_hash) if row is not None else None

    async def ids(self, keys: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Return id and name of the accounts with these name keys, by key."""
        async with self._database.reading() as connection:
            return await connection.run_sync(accounts_by_key, set(keys))

    async def all(self) -> list[User]:
        """Return all accounts, by name, for commands. A server reads pages."""
        async with self._database.reading(Share.LISTS) as connection:
            rows = await connection.execute(sa.select(*ACCOUNT).order_by(users.c.name_key))
            return [read_user(row) for row in rows]

    async def administrator(self) -> User | None:
        """Return the administrator with the oldest enabled account."""
        may = sa.and_(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
        async with self._database.reading() as connection:
            query = sa.select(*ACCOUNT).where(may).order_by(users.c.id).limit(1)
            row = (await connection.execute(query)).one_or_none()
            return None if row is None else read_user(row)

    async def page(self, after: str, limit: int, *, beginning: str = "") -> list[User]:
        """Return at most `limit` accounts by name, those after the name `after`.

        `beginning`: only those whose name or display name begins with it.
        """
        async with self._database.reading(Share.LISTS) as connection:
            rows = await connection.run_sync(account_page, name_key(after), limit, beginning)
            return [read_user(row) for row in rows]

    async def named(self, names: Collection[str]) -> list[User]:
        """Return the accounts of those of these names that exist, by name."""
        keys = {name_key(name) for name in names}
        query = sa.select(*ACCOUNT).where(users.c.name_key.in_(sorted(keys)))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.order_by(users.c.name_key))
            return [read_user(row) for row in rows]

    async def common_rooms(self, user_id: int, name: str, limit: int) -> list[int]:
        """Return at most `limit` group rooms of which this user and `name` are members, by id."""
        own, other = members.alias("own"), members.alias("other")
        query = (
            sa.select(own.c.room_id)
            .join(other, other.c.room_id == own.c.room_id)
            .join(users, users.c.id == other.c.user_id)
            .join(rooms, rooms.c.id == own.c.room_id)
            .where(own.c.user_id == user_id, users.c.name_key == name_key(name))
            .where(is_membership(own), is_membership(other), rooms.c.kind == RoomKind.GROUP)
            .order_by(own.c.room_id)
            .limit(limit)
        )
        async with self._database.reading(Share.HISTORY) as connection:
            return list(await connection.scalars(query))

    async def change(self, user_id: int, **values: str) -> None:
        """Set columns of an enabled account (display, locale)."""
        if "display" in values:
            values |= display_columns(values["display"])
        own = sa.and_(users.c.id == user_id, users.c.disabled_at.is_(None))
        change = users.update().where(own).values(**values)
        await self._database.transaction(lambda c: c.execute(change))

    async def disabled(self, user_ids: Collection[int]) -> set[int]:
        """Return which of these accounts are disabled or deleted."""
        query = sa.select(users.c.id).where(
            users.c.id.in_(list(user_ids)), users.c.disabled_at.is_not(None)
        )
        async with self._database.reading() as connection:
            return set(await connection.scalars(query))


def insert_user(connection: Connection, new: NewUser, now: int) -> User:
    """Insert an account, a member of the lobby.

    Raises IntegrityError when the name is taken, Conflict when it looks like another one.
    """
    result = connection.execute(
        users.insert().values(
            name=new.name,
            name_key=name_key(new.name),
            **display_columns(new.display),
            password_hash=new.password_hash,
            role=new.role,
            locale=new.locale,
            created_at=now,
            skeleton=skeleton(new.name),
        )
    )
    user_id = new_id(result)
    join_lobby(connection, user_id, now)
    require_distinct_user(connection, user_id, new.name)
    return User(user_id, new.name, new.display, new.role, new.locale)


def _claim_setup(connection: Connection, now: int) -> None:
    """Insert a unique key, so that the second of two concurrent setups fails, on any node."""
    if connection.scalar(sa.select(sa.func.count()).select_from(users)):
        raise Forbidden(_("This server has been set up already."))
    connection.execute(meta.insert().values(key=SET_UP_AT, value=str(now)))


def read_user(row: Row[Any]) -> User:
    """Convert a row with the columns of an account."""
    return User(
        row.id,
        row.name,
        row.display,
        Role(row.role),
        row.locale,
        row.disabled_at is not None,
        row.password_version,
        deleted=row.password_hash == DELETED,
        picture=row.picture,
    )
