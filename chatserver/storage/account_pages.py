"""Pages of the list of accounts, by name."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.models import name_key
from chatserver.storage.bulk import KeyLookup
from chatserver.storage.display_names import names_displayed
from chatserver.storage.tables import users

# The columns that `users.read_user` converts.
ACCOUNT = [
    users.c[key]
    for key in (
        "id",
        "name",
        "display",
        "role",
        "locale",
        "disabled_at",
        "password_version",
        "password_hash",
        "picture",
    )
]


def account_page(connection: Connection, after: str, limit: int, beginning: str) -> list[Row[Any]]:
    """Return the next accounts after the name key `after`, in order, as rows of ACCOUNT.

    `beginning`: only accounts whose name or display name begins with it, each found by an index.
    """
    key = name_key(beginning)
    parameters = {"after": after, "low": key, "high": f"{key}\U0010ffff", "count": limit}
    named = list(connection.execute(_NAMED, parameters))
    if not beginning:
        return named
    found: dict[str, Row[Any]] = {row.name_key: row for row in named}
    displayed = names_displayed(connection, beginning, after, limit)
    new = [name for name in displayed if name not in found]
    found |= {row.name_key: row for row in _BY_KEY.rows(connection, new)}
    return [found[name] for name in sorted(found)[:limit]]


_PAGE: sa.Select[Any] = sa.select(*ACCOUNT, users.c.name_key)
_BY_KEY = KeyLookup(_PAGE, users.c.name_key)
_NAMED = (
    _PAGE.where(users.c.name_key > sa.bindparam("after"))
    .where(users.c.name_key >= sa.bindparam("low"), users.c.name_key < sa.bindparam("high"))
    .order_by(users.c.name_key)
    .limit(sa.bindparam("count", type_=sa.Integer))
)
