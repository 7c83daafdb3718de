"""Access of a command to the data: through a running server, or directly.

Only one process may write a SQLite file. So a command sends requests to the running server. If
there is none, a command that changes something runs the same application for its duration, under
the same lock, on the same socket. One that only reads opens the database read-only.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from chatserver import __version__
from chatserver.binding import Binding
from chatserver.config import Settings
from chatserver.data_dir import VERSION_HEADER, DataDir, control_address, is_listening
from chatserver.errors import ChatServerError, StartError, TemporaryStartError, Unavailable

if TYPE_CHECKING:
    from chatserver.storage.engine import Database


T = TypeVar("T")

ANSWER_LIMIT = 5.0  # seconds until the health of the server is checked, and for that check


STOPPED = "The server stopped before it answered. Try again."
STILL_RUNS = (
    "The server closed the connection without an answer. Try again. If that fails too, the server"
    " may have run out of file descriptors: see its log."
)


class RequestRefused(ChatServerError):
    """The server refused the request, with one sentence."""


class Control:
    """Sends requests over the control socket, with the operator's rights.

    A response may take any time as long as the server answers `/healthz`.
    """

    def __init__(self, http: aiohttp.ClientSession, folder: DataDir) -> None:
        self._http = http
        self._folder = folder

    async def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON response. Raises RequestRefused; TemporaryStartError if it may pass."""
        answer = await self._received(self._answer(method, path, body))
        if not answer.get("ok"):
            raise await self._refusal(answer)
        return answer

    async def other_version(self) -> str | None:
        """Return a sentence if the server is of another version than this program."""
        found = await self._received(self._version())
        if found == __version__:
            return None
        named = f"version {found}" if found else "another version"
        return (
            f"The running server (process {self._folder.holder}) is of {named}, and this program"
            f" is {__version__}: restart the server first."
        )

    async def stream(self, path: str) -> AsyncGenerator[bytes]:
        """Yield the bytes of a long response. Close it with `aclosing`.

        Raises RequestRefused or TemporaryStartError, also if the response breaks off.
        """
        try:
            response = await self._while_alive(self._http.get(_url(path)))
            async with response:
                if response.status != 200:
                    raise await self._refusal(await response.json())
                while piece := await self._while_alive(response.content.readany()):
                    yield piece
        except aiohttp.ClientError:
            raise await self._outage() or TemporaryStartError(
                "The answer was interrupted: the server or its database has stopped. Try again."
            ) from None

    async def _refusal(self, answer: dict[str, Any]) -> ChatServerError:
        """Return the error for a response; an operator is given the reason of an outage."""
        if answer.get("reason"):
            return _nothing_stored(answer["reason"])
        sentence = str(answer.get("data", "The server did not say why."))
        if answer.get("code") != Unavailable.code:
            return RequestRefused(sentence)
        return await self._outage() or TemporaryStartError(sentence)

    async def _outage(self) -> ChatServerError | None:
        """Return why the server cannot store anything; None if it can or does not answer."""
        limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT)
        try:
            async with self._http.get(_url("/readyz"), timeout=limit) as response:
                reason = (await response.json()).get("reason")
        except (aiohttp.ClientError, TimeoutError):
            return None
        return _nothing_stored(reason) if reason else None

    async def _version(self) -> str | None:
        async with self._http.get(_url("/healthz")) as response:
            return response.headers.get(VERSION_HEADER)

    async def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        async with self._http.request(method, _url(path), json=body) as response:
            return await response.json()

    async def _received(self, answer: Awaitable[T]) -> T:
        try:
            return await self._while_alive(answer)
        except aiohttp.ClientError:
            reason = STILL_RUNS if is_running(self._folder) else STOPPED
            raise TemporaryStartError(reason) from None

    async def _while_alive(self, answer: Awaitable[T]) -> T:
        waiting = asyncio.ensure_future(answer)
        try:
            while not (await asyncio.wait((waiting,), timeout=ANSWER_LIMIT))[0]:
                await self._require_alive()
            return await waiting
        finally:
            waiting.cancel()

    async def _require_alive(self) -> None:
        limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT)
        try:
            async with self._http.get(_url("/healthz"), timeout=limit):
                pass
        except TimeoutError:
            raise RequestRefused(
                f"The server (process {self._folder.holder}) does not answer. It may be stopped:"
                " end it with kill -9 and start it again. Nothing that was answered is lost."
            ) from None


def _url(path: str) -> str:
    return f"http://localhost{path}"


def _nothing_stored(reason: str) -> ChatServerError:
    from chatserver.storage.failures import is_transient

    kind = TemporaryStartError if is_transient(reason) else RequestRefused
    return kind(f"Nothing can be stored: {reason}.")


@asynccontextmanager
async def control(settings: Settings, *, create_database: bool = True) -> AsyncIterator[Control]:
    """Connect to the running server of this data folder, or run one for this command.

    `create_database`: the command may create or upgrade the database. Raises StartError otherwise
    if it does not have this program's revision, and always if the folder belongs to another
    database or the running server is of another version.
    """
    folder = DataDir(settings.data)
    folder.require_access()
    Binding(folder, settings.database_url).check()
    if is_running(folder):
        async with connected(folder) as server:
            if other := await server.other_version():
                raise StartError(other)
            yield server
        return
    if not create_database:
        async with reading(settings):
            pass  # refuses what cannot be used before anything is changed
    from chatserver.commands.serve import running

    async with running(settings, create_database=create_database), connected(folder) as server:
        yield server


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator["Database"]:
    """Open the database of this data folder read-only, while no server runs.

    Raises StartError if the folder belongs to another database or to none, and if the database does
    not have this program's revision.
    """
    folder = DataDir(settings.data)
    from chatserver.storage.engine import Database

    with folder.reading():
        Binding(folder, settings.database_url).require()
        database = Database(settings.database_url, read_only=True)
        try:
            await _require_complete(database)
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def connected(folder: DataDir) -> AsyncIterator[Control]:
    """Connect to the server that runs on this data folder."""
    no_limit = aiohttp.ClientTimeout(total=None)
    with control_address(folder.control) as path:
        connector = aiohttp.UnixConnector(path=path)
        async with aiohttp.ClientSession(connector=connector, timeout=no_limit) as http:
            yield Control(http, folder)


async def _require_complete(database: "Database") -> None:
    """Raise StartError unless the database has all stored data, and this program's revision."""
    from chatserver.storage.event_log import EventLog
    from chatserver.storage.migrate import require_head

    database.durability_counter.refuse_empty()
    await require_head(database)
    log = EventLog(database, clock=_no_clock)
    database.durability_counter.refuse_loss(await log.epoch(), await log.total())


def _no_clock() -> int:
    raise AssertionError("reading needs no time")


def is_running(folder: DataDir) -> bool:
    """Return whether a server listens on the folder's control socket."""
    if not os.path.exists(folder.control):  # noqa: PTH110 - Path.exists raises for what is closed
        return False
    with control_address(folder.control) as path:
        return is_listening(path)
