"""Name and logo of the server as this node knows them: every page has them, without a query."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from chatserver.errors import ChatError
from chatserver.models import User
from chatserver.storage.engine import Database
from chatserver.storage.picture_rows import NewPicture
from chatserver.storage.server_profile import ServerProfile, ServerProfileStore
from chatserver.text.names import checked_server_name

POLL_INTERVAL = 30.0  # seconds until other nodes show a change


class ServerProfileCache:
    """The present profile, and its changes. `by`: see `ServerProfileStore`."""

    def __init__(self, database: Database, on_change: Callable[[ServerProfile], None]) -> None:
        """`on_change` is called after each change, by this node or another one."""
        self._on_change = on_change
        self._stored = ServerProfileStore(database)
        self.current = ServerProfile()

    async def logo_sha256(self, picture: str) -> str | None:
        """Return the checksum of the logo, if it has this id."""
        return await self._stored.logo_sha256(picture)

    async def load(self) -> None:
        """Read it from the database."""
        before, self.current = self.current, await self._stored.read()
        if self.current != before:
            self._on_change(self.current)

    async def run(self) -> None:
        """Read it again and again, because other nodes change it too."""
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            with suppress(ChatError):  # the next round reads it
                await self.load()

    async def set_name(self, name: str, *, by: User | None) -> None:
        """Set the name; an empty one removes it. Raises BadRequest, Forbidden."""
        await self._stored.set_name(checked_server_name(name), by=None if by is None else by.id)
        await self.load()

    async def set_logo(self, new: NewPicture | None, *, by: User | None) -> None:
        """Replace or remove the logo. Raises Forbidden."""
        await self._stored.set_logo(new, by=None if by is None else by.id)
        await self.load()
