"""Ends of sessions that the database could not store yet.

Owns their ids until they are stored. No node accepts these sessions: a file in the data folder
keeps the ids across a restart, and the other nodes are notified until the end is stored.
"""

import asyncio
import itertools
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chatserver.accounts.connection_closer import ConnectionCloser
from chatserver.bus.messages import SessionEnd
from chatserver.errors import ChatServerError, StartError, Unavailable

STORE_TIMEOUT = 5.0  # seconds that logging out waits for the database
RETRY_DELAY = 1.0  # seconds
RETRIES = 10  # after which the other nodes are notified again: one may have been restarted
MAX_PENDING = 10_000  # sessions; more are refused with `unavailable`
FILE_SIZE = 256 * 1024  # bytes of the file: MAX_PENDING ids of 22 characters
FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW

logger = logging.getLogger(__name__)


class RevocationFile:
    """Ids of sessions, one per line, in a file of a fixed size that is padded with zeros.

    Its blocks are allocated when it is created, so that ids can be written when the disk is full,
    which is one reason why a database cannot store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._used = 0

    def read(self) -> list[str]:
        """Return the ids in the file, without one that a power cut truncated. Raises StartError."""
        try:
            with self._opened() as file:
                content = os.pread(file, FILE_SIZE, 0)
                if len(content) < FILE_SIZE:
                    os.pwrite(file, bytes(FILE_SIZE - len(content)), len(content))
                    os.fsync(file)
        except OSError as error:
            raise StartError(f"{self._path} cannot be written: {error.strerror}.") from None
        lines = content.partition(b"\0")[0].split(b"\n")[:-1]
        self._used = sum(len(line) + 1 for line in lines)
        return [line.decode("ascii", "replace") for line in lines]

    def add(self, session_id: str) -> None:
        """Write an id. It survives `kill -9`, and a power cut after `flush`.

        Raises OSError if the file is full or cannot be written.
        """
        line = f"{session_id}\n".encode()
        if self._used + len(line) > FILE_SIZE:
            raise OSError(f"{self._path} is full")
        with self._opened() as file:
            os.pwrite(file, line, self._used)
        self._used += len(line)

    def flush(self) -> None:
        """Raises OSError."""
        with self._opened() as file:
            os.fsync(file)

    def clear(self) -> None:
        """Overwrite all ids. Raises OSError."""
        if self._used:
            with self._opened() as file:
                os.pwrite(file, bytes(self._used), 0)
            self._used = 0

    @contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self._path, FILE_FLAGS, 0o600)
        try:
            yield file
        finally:
            os.close(file)


class Revocations:
    """Ends sessions on every node at once, and in the database as soon as it can store."""

    def __init__(
        self, store: Callable[[str], Awaitable[None]], path: Path, closer: ConnectionCloser
    ) -> None:
        """`store` stores the end of a session or raises Unavailable; `path` is the file's."""
        self._store = store
        self._file = RevocationFile(path)
        self._closer = closer
        closer.on_session_ended = self.note_ended
        self._pending: dict[str, None] = {}
        self._wake = asyncio.Event()

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._pending

    def load(self) -> None:
        """Load the ids that an earlier run left. Raises StartError."""
        for session_id in self._file.read():
            self._queue(session_id)

    def note_ended(self, ended: SessionEnd) -> None:
        """Reject and store a session here, too, if another node could not store its end."""
        new = ended.pending and ended.session not in self._pending
        if new and ended.session is not None and len(self._pending) < MAX_PENDING:
            self._persist(ended.session)

    async def end(self, session_id: str) -> bool:
        """End a session; return whether that is stored.

        Raises Unavailable if too many are pending.
        """
        if len(self._pending) >= MAX_PENDING:
            raise Unavailable
        self._pending[session_id] = None
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                await self._store_end(session_id)
        except (Unavailable, TimeoutError) as error:
            logger.warning(
                "the end of a session is not stored yet: %s", error or "database timeout"
            )
            self._persist(session_id)
            await self._flush_file()
            return False
        return True

    async def run(self) -> None:
        """Store pending ids until cancelled."""
        for retry in itertools.count(1):
            await self._wake.wait()
            await asyncio.sleep(RETRY_DELAY)
            try:
                await self.flush()
            except ChatServerError as error:
                logger.debug("cannot store ends of sessions, will retry: %s", error)
                if retry % RETRIES == 0:
                    self._announce_all()

    async def flush(self) -> None:
        """Store all pending ids. Raises ChatServerError; then they stay pending."""
        for session_id in list(self._pending):
            await self._store_end(session_id)
        if not self._pending:
            self._wake.clear()
            self._clear_file()

    async def _store_end(self, session_id: str) -> None:
        await self._store(session_id)
        self._pending.pop(session_id, None)

    def _persist(self, session_id: str) -> None:
        self._queue(session_id)
        try:
            self._file.add(session_id)
        except OSError as error:
            logger.warning("the end of a session would be lost by a restart: %s", error)

    def _queue(self, session_id: str) -> None:
        self._pending[session_id] = None
        self._wake.set()

    async def _flush_file(self) -> None:
        try:
            await asyncio.to_thread(self._file.flush)
        except OSError as error:
            logger.warning("the end of a session would be lost by a power cut: %s", error)

    def _clear_file(self) -> None:
        try:
            self._file.clear()
        except OSError as error:
            logger.warning("cannot clear the file of ended sessions: %s", error)

    def _announce_all(self) -> None:
        for session_id in self._pending:
            self._closer.close_session_connections(session_id, pending=True)
