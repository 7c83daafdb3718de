"""Passwords and what they open: every change of them, and the opening of sessions.

Each method is one transaction that locks the account. A session is tied to the version of the
password that was verified, so none that was verified before a change is opened after it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import Forbidden, NotFound, Unauthorized, _
from chatserver.models import Event, Role, Session, User
from chatserver.storage.deletion import erase, groups_of, lock_rooms_of, require_not_deleted
from chatserver.storage.engine import Database
from chatserver.storage.failures import LockConflict
from chatserver.storage.invitations import revoke_created_by
from chatserver.storage.members import lock_rooms
from chatserver.storage.rights import administrators, is_admin, lock_accounts
from chatserver.storage.room_admins import ensure_admins, rooms_administered
from chatserver.storage.tables import sessions, users
from chatserver.storage.users import read_user, revoke_sessions

T = TypeVar("T")
TRIES = 4  # of a transaction that another node keeps from what it has to hold


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What an administrator sets of an account; None leaves it as it is."""

    display: str | None = None
    role: Role | None = None
    password_hash: str | None = None
    disabled: bool | None = None

    @property
    def ends_sessions(self) -> bool:
        return self.password_hash is not None or self.disabled is True

    def loses_administrator(self, account: Row[Any]) -> bool:
        """Whether an open account of an administrator is one no longer."""
        demoted = self.role not in (None, Role.ADMIN)
        return is_admin(account) and (demoted or self.disabled is True)


class Credentials:
    """Changes passwords and rights, and opens sessions."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` gives milliseconds UTC."""
        self._database = database
        self._clock = clock

    async def open_session(self, session: Session, *, client: str) -> None:
        """Store a session of an account whose password has still the version that was verified.

        Raises Unauthorized for one whose password changed, or that was disabled.
        """
        user = session.user
        row = {
            "id": session.id,
            "user_id": user.id,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "last_seen_at": session.created_at,
            "client": client[:200],
        }

        def work(connection: Connection) -> None:
            account = lock_accounts(connection, [user.id]).get(user.id)
            if not _is_verified(account, user.password_version):
                raise Unauthorized(_("Your password was changed. Log in again."))
            connection.execute(sessions.insert().values(row))

        await self._database.transaction(work)

    async def rehash(self, user_id: int, *, old: str, new: str) -> None:
        """Store another hash of the same password, unless the password was changed."""
        same = sa.and_(users.c.id == user_id, users.c.password_hash == old)
        change = users.update().where(same).values(password_hash=new)
        await self._database.transaction(lambda c: c.execute(change))

    async def change_password(self, session: Session, hashed: str, *, verified: int) -> list[str]:
        """Set the password of the session's user and revoke all other sessions: their ids.

        `verified` is the version of the password that the user has just given. Raises Forbidden
        when it is outdated, and Unauthorized when the session itself has ended.
        """
        user_id, now = session.user.id, self._clock()

        def work(connection: Connection) -> list[str]:
            account = lock_accounts(connection, [user_id]).get(user_id)
            if not _is_verified(account, verified):
                raise Forbidden(_("The current password is incorrect."))
            open_ones = _open_sessions(connection, user_id, now)
            if session.id not in open_ones:
                raise Unauthorized(_("Your session has ended. Log in again."))
            _set(connection, user_id, {"password_hash": hashed}, new_version=True)
            others = revoke_sessions(now).where(sessions.c.user_id == user_id)
            connection.execute(others.where(sessions.c.id != session.id))
            return sorted(open_ones - {session.id})

        return await self._database.transaction(work)

    async def administer(
        self, user_id: int, change: AccountChange, *, by: int | None
    ) -> tuple[User, set[int]]:
        """Apply a change to an account, all of it or nothing.

        Returns the account as it is then, and the users who administer a room by this.

        `by` is the administrator who wants it, None the owner of the data. Raises Forbidden when
        `by` administers no more, or when no administrator would be left.
        """
        now = self._clock()

        def work(connection: Connection) -> tuple[User, set[int]]:
            touched = rooms_administered(connection, user_id) if change.disabled is not None else []
            lock_rooms(connection, touched)
            account = _administered(connection, user_id, change, by)
            if change.disabled is not None and not _covers(connection, user_id, touched):
                raise LockConflict  # the account became administrator of another room
            require_not_deleted(account)
            values: dict[str, Any] = {
                key: value
                for key in ("display", "role", "password_hash")
                if (value := getattr(change, key)) is not None
            }
            if change.disabled is not None:
                values["disabled_at"] = (account.disabled_at or now) if change.disabled else None
            _set(connection, user_id, values, new_version=change.ends_sessions)
            if change.ends_sessions:
                connection.execute(revoke_sessions(now).where(sessions.c.user_id == user_id))
            if change.loses_administrator(account):
                revoke_created_by(connection, [user_id], now)
            heirs = ensure_admins(connection, touched)
            changed = connection.execute(sa.select(users).where(users.c.id == user_id)).one()
            return read_user(changed), heirs

        return await self._repeated(work)

    async def delete(self, user_id: int, *, by: int | None) -> list[Event]:
        """Delete an account for good: the events by which it leaves its rooms.

        A deleted account is erased again, as it may have come back with a backup. `by` and errors
        are those of `administer`. Rooms are held before the account; if another node makes the user
        a member meanwhile, the transaction is repeated.
        """

        def work(connection: Connection) -> list[Event]:
            held = groups_of(connection, user_id)
            lock_rooms_of(connection, user_id)
            account = _administered(connection, user_id, AccountChange(disabled=True), by)
            groups = groups_of(connection, user_id)
            if not set(groups) <= set(held):
                raise LockConflict  # it became a member of another room
            return erase(connection, account, groups, self._clock())

        return await self._repeated(work)

    async def _repeated(self, work: Callable[[Connection], T]) -> T:
        for _try in range(TRIES - 1):
            with suppress(LockConflict):
                return await self._database.transaction(work)
        return await self._database.transaction(work)


def _administered(
    connection: Connection, user_id: int, change: AccountChange, by: int | None
) -> Row[Any]:
    """The locked account that is to be changed, after all checks.

    All administrators are locked with it: two who end each other's rights at once must not both
    succeed.
    """
    wanted = administrators(connection) | {user_id} | ({by} if by is not None else set())
    held = lock_accounts(connection, wanted)
    if by is not None and not is_admin(held.get(by)):
        raise Forbidden(_("Only an administrator may do that."))
    account = held.get(user_id)
    if account is None:
        raise NotFound(_("There is no user with that name."))
    others = [one for one in held.values() if is_admin(one) and one.id != user_id]
    if change.loses_administrator(account) and not others:
        raise Forbidden(_("This is the last administrator. Appoint another one first."))
    return account


def _covers(connection: Connection, user_id: int, locked: list[int]) -> bool:
    """Whether the locked rooms include all that the account administers now."""
    return set(rooms_administered(connection, user_id)) <= set(locked)


def _set(
    connection: Connection, user_id: int, values: dict[str, Any], *, new_version: bool
) -> None:
    if new_version:
        values = values | {"password_version": users.c.password_version + 1}
    if values:
        connection.execute(users.update().where(users.c.id == user_id).values(values))


def _is_verified(account: Row[Any] | None, version: int) -> bool:
    return (
        account is not None and account.disabled_at is None and account.password_version == version
    )


def _open_sessions(connection: Connection, user_id: int, now: int) -> set[str]:
    query = sa.select(sessions.c.id).where(
        sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None), sessions.c.expires_at > now
    )
    return set(connection.scalars(query))
