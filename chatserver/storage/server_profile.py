"""Name and logo of the server, in `meta`. The logo is a file (`storage/files.py`)."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.storage.engine import Database
from chatserver.storage.meta_keys import SERVER_LOGO, SERVER_NAME
from chatserver.storage.picture_rows import NewPicture, attach_picture, detach_picture
from chatserver.storage.rights import require_admin
from chatserver.storage.tables import files, meta

PRODUCT = "chatserver"


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """`name` is empty unless an administrator has set it; `logo` is the id of a file."""

    name: str = ""
    logo: str | None = None

    @property
    def title(self) -> str:
        """The name that pages show."""
        return self.name or PRODUCT


class ServerProfileStore:
    """Reads and changes it. `by` is the administrator who does it, None the operator."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> ServerProfile:
        query = sa.select(meta.c.key, meta.c.value).where(
            meta.c.key.in_((SERVER_NAME, SERVER_LOGO))
        )
        async with self._database.reading() as connection:
            found = {row.key: row.value for row in await connection.execute(query)}
        return ServerProfile(found.get(SERVER_NAME, ""), found.get(SERVER_LOGO))

    async def logo_sha256(self, picture: str) -> str | None:
        """Return the checksum of the logo, if it has this id."""
        async with self._database.reading() as connection:
            found: str | None = await connection.scalar(_SHA256, {"picture": picture})
            return found

    async def set_name(self, name: str, *, by: int | None) -> None:
        """Set the name, or remove it if it is empty. Raises Forbidden."""

        def work(connection: Connection) -> None:
            require_admin(connection, by)
            _put(connection, SERVER_NAME, name or None)

        await self._database.transaction(work)

    async def set_logo(self, new: NewPicture | None, *, by: int | None) -> None:
        """Replace or remove the logo; the bytes of the old one are deleted soon after."""

        def work(connection: Connection) -> None:
            require_admin(connection, by)
            if new is not None:
                attach_picture(connection, new)
            former = _put(connection, SERVER_LOGO, None if new is None else new.id)
            detach_picture(connection, former)

        await self._database.transaction(work)


def _put(connection: Connection, key: str, value: str | None) -> str | None:
    """Store a value, or remove it; return the former one."""
    one = meta.c.key == key
    query = sa.select(meta.c.value).where(one).with_for_update()
    former: str | None = connection.scalar(query)
    if value is None:
        connection.execute(meta.delete().where(one))
    elif former is None:
        connection.execute(meta.insert().values(key=key, value=value))
    else:
        connection.execute(meta.update().where(one).values(value=value))
    return former


_SHA256 = (
    sa.select(files.c.sha256)
    .join(meta, meta.c.value == files.c.id)
    .where(meta.c.key == SERVER_LOGO, files.c.id == sa.bindparam("picture"))
)
