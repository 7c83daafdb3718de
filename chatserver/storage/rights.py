"""Rights of accounts, checked in the transaction that depends on them.

A request may wait between authentication and transaction: for a password hash, in a queue, for the
disk. Rights that were revoked in the meantime must not count.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import ADMINISTRATORS_ONLY, Forbidden, NotFound, _
from chatserver.models import Role
from chatserver.storage.bulk import KeyLookup
from chatserver.storage.tables import users

DELETED = "!deleted"  # stored instead of the password hash of a deleted account
ACCOUNT_DELETED = _("This account is deleted.")


def lock_accounts(connection: Connection, ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Lock accounts until the end of the transaction, and return them by id.

    They are locked in id order, so that nodes cannot deadlock. SQLite has a single writer.
    """
    query = sa.select(users).where(users.c.id.in_(sorted(set(ids)))).order_by(users.c.id)
    return {row.id: row for row in connection.execute(query.with_for_update())}


def administrators(connection: Connection) -> set[int]:
    """Return the ids of all enabled administrators."""
    query = sa.select(users.c.id).where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
    return set(connection.scalars(query))


def require_admin(connection: Connection, by: int | None) -> None:
    """Check that `by` is an administrator, and lock the row until the end of the transaction.

    None is the operator, who may do everything. The lock is shared, because foreign keys take it
    too. Raises Forbidden if the account is no longer an enabled administrator.
    """
    if by is not None:
        query = sa.select(users).where(users.c.id == by).with_for_update(read=True)
        if not is_admin(connection.execute(query).one_or_none()):
            raise Forbidden(ADMINISTRATORS_ONLY)


def require_accounts(connection: Connection, names: Mapping[int, str]) -> None:
    """Keep these accounts, names by id, from being deleted until the end of the transaction.

    Raises NotFound for one that is deleted already.
    """
    rows = _SHARED.rows(connection, sorted(names))
    existing = {row.id for row in rows if row.password_hash != DELETED}
    for user_id, name in names.items():
        if user_id not in existing:
            raise NotFound(_("There is no user named %(name)s."), name=name)


_SHARED = KeyLookup(
    sa.select(users.c.id, users.c.password_hash).order_by(users.c.id).with_for_update(read=True),
    users.c.id,
)


def is_admin(account: Row[Any] | None) -> bool:
    return account is not None and account.role == Role.ADMIN and account.disabled_at is None
