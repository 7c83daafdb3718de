"""Rules of users for notifications, as they are stored."""

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.protocol import Rules
from chatserver.storage.engine import Database
from chatserver.storage.tables import notification_rules, users

DEFAULTS = Rules()


class NotificationRules:
    """Reads and replaces the rules of users."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loader = database.batch_loader(self._of_users)

    async def of_user(self, user_id: int) -> Rules:
        """Return the rules of a user. Concurrent calls share one query."""
        return await self._loader.get(user_id) or DEFAULTS

    async def _of_users(self, user_ids: Collection[int]) -> dict[int, Rules]:
        query = sa.select(notification_rules.c.user_id, notification_rules.c.rules)
        query = query.where(notification_rules.c.user_id.in_(list(user_ids)))
        async with self._database.reading() as connection:
            return {user_id: decoded(rules) for user_id, rules in await connection.execute(query)}

    async def put(self, user_id: int, rules: Rules) -> None:
        """Replace the rules of a user."""
        await self._database.transaction(lambda c: _put(c, user_id, rules))


def decoded(rules: str | None) -> Rules:
    """Return stored rules; those of a user without any are the defaults."""
    return DEFAULTS if rules is None else _rules.decode(rules)


_rules = msgspec.json.Decoder(Rules)


def _put(connection: Connection, user_id: int, rules: Rules) -> None:
    """The row of the user is locked, so that two changes at once do not both insert."""
    connection.execute(sa.select(users.c.id).where(users.c.id == user_id).with_for_update())
    own = notification_rules.c.user_id == user_id
    connection.execute(notification_rules.delete().where(own))
    if rules != DEFAULTS:
        values = {"user_id": user_id, "rules": msgspec.json.encode(rules).decode()}
        connection.execute(notification_rules.insert().values(values))
