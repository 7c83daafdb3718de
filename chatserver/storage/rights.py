"""Rights of accounts, checked in the transaction that makes use of them.

A request waits between its authentication and its transaction: for a password hash, for its turn,
for the disk. Rights that ended meanwhile must not count.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import Forbidden, NotFound, _
from chatserver.models import Role
from chatserver.storage.tables import users

DELETED = "!deleted"  # instead of the password hash of a deleted account


def lock_accounts(connection: Connection, ids: Iterable[int]) -> dict[int, Row[Any]]:
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


def require_accounts(connection: Connection, names: Mapping[int, str]) -> None:
    """Keep these accounts, names by id, from being deleted until the end of the transaction.

    Raises NotFound for one that is deleted already.
    """
    query = sa.select(users.c.id, users.c.password_hash).where(users.c.id.in_(sorted(names)))
    rows = connection.execute(query.order_by(users.c.id).with_for_update(read=True))
    left = {row.id for row in rows if row.password_hash != DELETED}
    for user_id, name in names.items():
        if user_id not in left:
            raise NotFound(_("There is no user named %(name)s."), name=name)


def is_admin(account: Row[Any] | None) -> bool:
    return account is not None and account.role == Role.ADMIN and account.disabled_at is None
