"""Sessions that have ended although the database could not store it yet.

Owns their ids until they are stored. No node accepts any of them: a file in the data folder keeps
them over a restart, and the other nodes are notified until the end is stored.
"""

import asyncio
import itertools
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from chatserver.bus.messages import Ended
from chatserver.errors import ChatServerError, StartError, Unavailable

STORE_TIMEOUT = 5.0  # seconds that a log-out waits for the database
RETRY_DELAY = 1.0  # seconds
RETRIES = 10  # between two notifications of the other nodes: one of them may have been restarted
LARGEST = 10_000  # sessions that may wait; one more is refused with `unavailable`
RESERVED = 256 * 1024  # bytes of the file: LARGEST ids of 22 characters
FILE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW

logger = logging.getLogger(__name__)


class RevocationFile:
    """Ids of sessions, one a line, in a file of a fixed size that ends with zeros.

    Its blocks are written when it is made, so that ids can be kept when the disk is full: a full
    disk is a reason why a database cannot store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._used = 0

    def read(self) -> list[str]:
        """The ids that it holds, without one that a power cut has torn. Raises StartError."""
        try:
            with self._opened() as file:
                content = os.pread(file, RESERVED, 0)
                if len(content) < RESERVED:
                    os.pwrite(file, bytes(RESERVED - len(content)), len(content))
                    os.fsync(file)
        except OSError as error:
            raise StartError(f"{self._path} cannot be written: {error.strerror}.") from None
        lines = content.partition(b"\0")[0].split(b"\n")[:-1]
        self._used = sum(len(line) + 1 for line in lines)
        return [line.decode("ascii", "replace") for line in lines]

    def add(self, session_id: str) -> None:
        """Write an id. It survives `kill -9`, and a power cut after `flush`.

        Raises OSError when it does not fit or cannot be written.
        """
        line = f"{session_id}\n".encode()
        if self._used + len(line) > RESERVED:
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


class Nodes(Protocol):
    """The other nodes: see `hub.Hub`."""

    on_session_ended: Callable[[Ended], object]

    def end_session(self, session_id: str, *, pending: bool = False) -> None: ...


class Revocations:
    """Ends sessions for certain on every node at once, in the database when it can store."""

    def __init__(self, store: Callable[[str], Awaitable[None]], path: Path, nodes: Nodes) -> None:
        """`store` writes the end of a session, or raises Unavailable; `path` is of the file."""
        self._store = store
        self._file = RevocationFile(path)
        self._nodes = nodes
        nodes.on_session_ended = self.learn
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._waiting

    def load(self) -> None:
        """Go on where the last run of the server ended. Raises StartError."""
        for session_id in self._file.read():
            self._wait_for(session_id)

    def learn(self, ended: Ended) -> None:
        """Refuse and store a session here, too, whose end another node could not store."""
        new = ended.pending and ended.session not in self._waiting
        if new and ended.session is not None and len(self._waiting) < LARGEST:
            self._keep(ended.session)

    async def end(self, session_id: str) -> bool:
        """End a session; whether that is stored. Raises Unavailable when too many wait."""
        if len(self._waiting) >= LARGEST:
            raise Unavailable
        self._waiting[session_id] = None
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                await self._stored(session_id)
        except (Unavailable, TimeoutError) as error:
            logger.warning("the end of a session waits: %s", error or "the database stands still")
            self._keep(session_id)
            await self._flush_file()
            return False
        return True

    async def run(self) -> None:
        """Store what waits, for ever."""
        for retry in itertools.count(1):
            await self._wake.wait()
            await asyncio.sleep(RETRY_DELAY)
            try:
                await self.flush()
            except ChatServerError as error:
                logger.debug("ends of sessions still wait: %s", error)
                if retry % RETRIES == 0:
                    self._announce_all()

    async def flush(self) -> None:
        """Store all that waits. Raises ChatServerError when it cannot; then it waits on."""
        for session_id in list(self._waiting):
            await self._stored(session_id)
        if not self._waiting:
            self._wake.clear()
            self._clear_file()

    async def _stored(self, session_id: str) -> None:
        await self._store(session_id)
        self._waiting.pop(session_id, None)

    def _keep(self, session_id: str) -> None:
        self._wait_for(session_id)
        try:
            self._file.add(session_id)
        except OSError as error:
            logger.warning("a restart would forget the end of a session: %s", error)

    def _wait_for(self, session_id: str) -> None:
        self._waiting[session_id] = None
        self._wake.set()

    async def _flush_file(self) -> None:
        try:
            await asyncio.to_thread(self._file.flush)
        except OSError as error:
            logger.warning("a power cut would undo the end of a session: %s", error)

    def _clear_file(self) -> None:
        try:
            self._file.clear()
        except OSError as error:
            logger.warning("ends of sessions that are stored stay in the file: %s", error)

    def _announce_all(self) -> None:
        for session_id in self._waiting:
            self._nodes.end_session(session_id, pending=True)
