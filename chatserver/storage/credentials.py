"""Passwords, roles and the opening of sessions.

Each method is one transaction that locks the account. A session is tied to the version of the
password that was verified: after a change, none is opened with the former password.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import (
    ADMINISTRATORS_ONLY,
    SESSION_ENDED,
    UNKNOWN_USER,
    Forbidden,
    NotFound,
    Unauthorized,
    _,
)
from chatserver.models import Role, Session, User
from chatserver.storage.account_deletion import erase, lock_rooms_of, require_not_deleted, rooms_of
from chatserver.storage.display_names import display_columns
from chatserver.storage.engine import Database
from chatserver.storage.failures import LockConflict
from chatserver.storage.invitations import revoke_created_by
from chatserver.storage.members import lock_rooms
from chatserver.storage.rights import administrators, is_admin, lock_accounts
from chatserver.storage.room_admins import ensure_admins, rooms_administered
from chatserver.storage.sessions import revocation_update
from chatserver.storage.tables import sessions, users
from chatserver.storage.throttling import throttled
from chatserver.storage.users import read_user

T = TypeVar("T")
TRIES = 4  # of a transaction that another node keeps from what it has to hold
ROOMS_PER_COMMIT = 10  # rooms that get an administrator in one transaction


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Change of an account by an administrator; None leaves a field as it is."""

    display: str | None = None
    role: Role | None = None
    password_hash: str | None = None
    disabled: bool | None = None

    @property
    def ends_sessions(self) -> bool:
        return self.password_hash is not None or self.disabled is True

    def loses_administrator(self, account: Row[Any]) -> bool:
        """Whether this takes an enabled administrator's rights."""
        demoted = self.role not in (None, Role.ADMIN)
        return is_admin(account) and (demoted or self.disabled is True)


class Credentials:
    """Opens sessions, and changes passwords and rights."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock

    async def open_session(self, session: Session, *, client: str) -> None:
        """Store a session if the password still has the version that was verified.

        Raises Unauthorized if it was changed, or the account was disabled.
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
        """Set the password of the session's user, revoke all other sessions and return their ids.

        `verified` is the version of the password that was just verified. Raises Forbidden
        when it is outdated, and Unauthorized when the session itself has ended.
        """
        user_id, now = session.user.id, self._clock()

        def work(connection: Connection) -> list[str]:
            account = lock_accounts(connection, [user_id]).get(user_id)
            if not _is_verified(account, verified):
                raise Forbidden(_("The current password is incorrect."))
            open_ones = _open_sessions(connection, user_id, now)
            if session.id not in open_ones:
                raise Unauthorized(SESSION_ENDED)
            _set(connection, user_id, {"password_hash": hashed}, new_version=True)
            others = revocation_update(now).where(sessions.c.user_id == user_id)
            connection.execute(others.where(sessions.c.id != session.id))
            return sorted(open_ones - {session.id})

        return await self._database.transaction(work)

    async def administer(
        self, user_id: int, change: AccountChange, *, by: int | None
    ) -> tuple[User, set[int]]:
        """Apply a change to an account atomically; then appoint administrators in its rooms.

        Returns the changed account, and the ids of users who became administrator of a room by it.

        `by` is the administrator who asks, None the operator. Raises Forbidden if `by` is no longer
        an administrator, or if no administrator would be left.
        """
        now = self._clock()

        def work(connection: Connection) -> User:
            account = _lock_for_change(connection, user_id, change, by)
            require_not_deleted(account)
            values: dict[str, Any] = {
                key: value
                for key in ("role", "password_hash")
                if (value := getattr(change, key)) is not None
            }
            if change.display is not None:
                values |= display_columns(change.display)
            if change.disabled is not None:
                values["disabled_at"] = (account.disabled_at or now) if change.disabled else None
            _set(connection, user_id, values, new_version=change.ends_sessions)
            if change.ends_sessions:
                connection.execute(revocation_update(now).where(sessions.c.user_id == user_id))
            if change.loses_administrator(account):
                revoke_created_by(connection, [user_id], now)
            changed = connection.execute(sa.select(users).where(users.c.id == user_id)).one()
            return read_user(changed)

        changed = await self._repeated(work)
        return changed, await self._appoint(user_id) if change.disabled is not None else set()

    async def _appoint(self, user_id: int) -> set[int]:
        """Appoint administrators in the rooms of an account that was disabled or enabled.

        A few rooms in each transaction, because messages wait for it. An interrupted appointment is
        completed when the account is changed again.
        """
        async with self._database.reading() as reader:
            touched = await reader.run_sync(rooms_administered, user_id)
        promoted: set[int] = set()
        for start in range(0, len(touched), ROOMS_PER_COMMIT):
            some = touched[start : start + ROOMS_PER_COMMIT]
            async with throttled():
                promoted |= await self._repeated(partial(_lock_and_ensure_admins, rooms=some))
        return promoted

    async def delete(self, user_id: int, *, by: int | None) -> None:
        """Delete an account permanently, except its memberships, which it can no longer use.

        It can be deleted again, because a restore may have brought back its data. `by` and
        errors as in `administer`. Rooms are locked before the account; the transaction is retried
        if another node adds the user to a room at the same time.
        """

        def work(connection: Connection) -> None:
            locked = lock_rooms_of(connection, user_id)
            account = _lock_for_change(connection, user_id, AccountChange(disabled=True), by)
            if not rooms_of(connection, user_id) <= locked:
                raise LockConflict  # it became a member of another room
            erase(connection, account, self._clock())

        await self._repeated(work)

    async def _repeated(self, work: Callable[[Connection], T]) -> T:
        for _try in range(TRIES - 1):
            with suppress(LockConflict):
                return await self._database.transaction(work)
        return await self._database.transaction(work)


def _lock_for_change(
    connection: Connection, user_id: int, change: AccountChange, by: int | None
) -> Row[Any]:
    """Lock the account that is to be changed, check rights, and return it.

    All administrators are locked too, so that two of them cannot demote each other at once.
    """
    ids = administrators(connection) | {user_id} | ({by} if by is not None else set())
    locked = lock_accounts(connection, ids)
    if by is not None and not is_admin(locked.get(by)):
        raise Forbidden(ADMINISTRATORS_ONLY)
    account = locked.get(user_id)
    if account is None:
        raise NotFound(UNKNOWN_USER)
    others = [one for one in locked.values() if is_admin(one) and one.id != user_id]
    if change.loses_administrator(account) and not others:
        raise Forbidden(_("This is the last administrator. Appoint another one first."))
    return account


def _lock_and_ensure_admins(connection: Connection, *, rooms: list[int]) -> set[int]:
    lock_rooms(connection, rooms)
    return ensure_admins(connection, rooms)


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
