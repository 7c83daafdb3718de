"""Rights of accounts, checked in the transaction that makes use of them.

A request waits between its authentication and its transaction: for a password hash, for its turn,
for the disk. Rights that ended meanwhile must not count.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import Forbidden, _
from chatserver.models import Role
from chatserver.storage.tables import users


def hold_accounts(connection: Connection, ids: Iterable[int]) -> dict[int, Row[Any]]:
    """These accounts by id, locked until the end of the transaction.

    Locked in id order, so that nodes cannot deadlock. SQLite has one writer anyway.
    """
    query = sa.select(users).where(users.c.id.in_(sorted(set(ids)))).order_by(users.c.id)
    return {row.id: row for row in connection.execute(query.with_for_update())}


def administrators(connection: Connection) -> set[int]:
    """The ids of all open accounts of administrators."""
    query = sa.select(users.c.id).where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
    return set(connection.scalars(query))


def require_admin(connection: Connection, by: int | None) -> None:
    """Keep the rights of an administrator until the end of the transaction.

    None stands for the owner of the data. The lock is shared, as foreign keys take it too. Raises
    Forbidden when the account administers nothing any more.
    """
    if by is not None:
        query = sa.select(users).where(users.c.id == by).with_for_update(read=True)
        if not is_admin(connection.execute(query).one_or_none()):
            raise Forbidden(_("Only an administrator may do that."))


def is_admin(account: Row[Any] | None) -> bool:
    return account is not None and account.role == Role.ADMIN and account.disabled_at is None
