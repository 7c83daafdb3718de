"""Profile pictures of accounts. Their bytes are files (`storage/files.py`)."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import User
from chatserver.storage.account_deletion import require_not_deleted
from chatserver.storage.engine import Database
from chatserver.storage.picture_rows import NewPicture, attach_picture, detach_picture
from chatserver.storage.rights import lock_accounts, require_admin
from chatserver.storage.tables import files, users
from chatserver.storage.users import read_user


class ProfilePictures:
    """Reads and changes the profile pictures of accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sha256(self, picture: str) -> str | None:
        """Return the checksum of a picture of any account; None if there is no such picture."""
        async with self._database.reading() as connection:
            found: str | None = await connection.scalar(_SHA256, {"picture": picture})
            return found

    async def replace(self, user_id: int, new: NewPicture | None, *, by: int | None = None) -> User:
        """Replace the picture of an account, or remove it; return the changed account.

        The bytes of the old one are deleted soon after (`files/cleanup.py`). `by`: the
        administrator who does it, unless that is the user or the operator. Raises Forbidden.
        """

        def work(connection: Connection) -> User:
            require_admin(connection, by)
            account = lock_accounts(connection, [user_id])[user_id]
            require_not_deleted(account)
            if new is not None:
                attach_picture(connection, new)
            detach_picture(connection, account.picture)
            own = users.c.id == user_id
            connection.execute(users.update().where(own).values(picture=new and new.id))
            return read_user(connection.execute(sa.select(users).where(own)).one())

        return await self._database.transaction(work)


_SHA256 = (
    sa.select(files.c.sha256)
    .join(users, users.c.id == files.c.user_id)
    .where(files.c.id == sa.bindparam("picture"), users.c.picture == files.c.id)
)
