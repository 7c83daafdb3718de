"""Users who exchange messages during a fault, and the verdict of the checker.

async with Talk(server, users) as talk:
    await talk.answers(300)
    server.kill()
    ...
assert talk.verdict.sound
"""

import asyncio
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp

from tests.faults.checker import Diary, Verdict, check
from tests.faults.clients import Client
from tests.faults.server import Server
from tests.process import ServerProcess

PASSWORD = "purple stone river"
NAMES = [f"bo{number}" for number in range(10)]
OBSERVER = "fresh"  # user who is offline all the time and reads everything at the end
TIMEOUT = 60.0  # seconds until everything must have been answered and received
# Tokens expire by the wall clock, which some tests move.
LONG_SESSIONS = {"CHATSERVER_AUTH__TOKEN_MINUTES": "100000"} | {
    f"CHATSERVER_LIMITS__{limit}": "1000000"
    for limit in (
        "LOGINS_PER_MINUTE_ACCOUNT",
        "LOGINS_PER_MINUTE_ADDRESS",
        "SOCKETS_PER_USER",
        "SOCKETS_PER_ADDRESS",
    )
}


@dataclass(frozen=True)
class Users:
    """A data folder with accounts in it, and a token of each."""

    folder: Path
    tokens: dict[str, str]

    def move_to(self, folder: Path) -> Path:
        """Copy the data folder, for one server."""
        return Path(shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("*.sock")))


async def settle_in(folder: Path, *, url: str = "", count: int = len(NAMES)) -> Users:
    """Create so many users and the observer on a new database, and sign them in."""
    server = Server(folder / "data", url=url, environ=LONG_SESSIONS)
    names = [*NAMES[:count], OBSERVER]
    rows = "".join(f"{name},,{PASSWORD}\n" for name in names)
    table = folder / "people.csv"
    table.write_text(f"name,display,password\n{rows}")
    server.run("migrate")
    server.run("user", "import", str(table))
    server.start()
    try:
        async with aiohttp.ClientSession() as http:
            tokens = {name: await log_in(http, server.url, name) for name in names}
    finally:
        server.stop()
    return Users(server.data, tokens)


async def log_in(http: aiohttp.ClientSession, url: str, name: str) -> str:
    form = {"username": name, "password": PASSWORD}
    async with http.post(f"{url}/login", json=form) as response:
        assert response.status == 200, await response.text()
        return response.headers["Authorization"].removeprefix("Bearer ")


class Talk:
    """Users exchange messages during the context; `verdict` is set at its end."""

    verdict: Verdict

    def __init__(
        self,
        server: ServerProcess,
        users: Users,
        *,
        count: int | None = None,
        through: str = "",
        connector: aiohttp.TCPConnector | None = None,
        words: str = "你好",
        patience: float = TIMEOUT,
    ) -> None:
        """Use all of these users or `count` of them; `through` is another URL of the server."""
        self.http = aiohttp.ClientSession(connector=connector)
        self.answered = 0
        self._server = server
        self._names = [name for name in users.tokens if name != OBSERVER][:count]
        self._patience = patience
        self._refusal = asyncio.Event()
        self._waiting: list[tuple[int, asyncio.Event]] = []
        self._observer = Client(self.http, server.url, OBSERVER, users.tokens[OBSERVER])
        self.clients = [
            Client(
                self.http,
                through or server.url,
                name,
                users.tokens[name],
                answered=self._count,
                refused=self._refusal.set,
                words=words,
            )
            for name in self._names
        ]

    def _count(self) -> None:
        self.answered += 1
        for goal, reached in self._waiting:
            if self.answered >= goal:
                reached.set()

    async def answers(self, number: int) -> None:
        """Wait until so many more messages have been answered."""
        reached = asyncio.Event()
        self._waiting.append((self.answered + number, reached))
        async with asyncio.timeout(self._patience):
            await reached.wait()

    async def refused(self, code: str) -> None:
        """Wait for the next rejection with this code."""
        before = self.refusals[code]
        async with asyncio.timeout(self._patience):
            while self.refusals[code] == before:
                self._refusal.clear()
                await self._refusal.wait()

    async def __aenter__(self) -> Self:
        self._stop = asyncio.Event()
        self._running = [asyncio.create_task(client.run()) for client in self.clients]
        self._talking = [
            asyncio.create_task(client.talk(self._names, self._stop)) for client in self.clients
        ]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.verdict = check(await self._diaries())
        finally:
            for task in [*self._talking, *self._running]:
                task.cancel()
            await asyncio.gather(*self._talking, *self._running, return_exceptions=True)
            await self.http.close()

    async def _diaries(self) -> list[Diary]:
        """Return the records when the fault has ended and all is answered and received."""
        self._stop.set()
        await asyncio.gather(*self._talking)
        await asyncio.gather(*(c.all_answered(self._patience) for c in self.clients))
        for client in [*self.clients, self._observer]:
            client.url = self._server.url
            await client.read_everything()
        await asyncio.gather(*(c.all_shown(self._patience) for c in self.clients))
        self._observer.diary.rooms = (
            set()
        )  # it received no live events: only its history is compared
        return [client.diary for client in [*self.clients, self._observer]]

    @property
    def unanswered(self) -> int:
        """Number of messages without a reply: 0 after the end of the fault."""
        return sum(client.unanswered for client in self.clients)

    @property
    def welcomes(self) -> int:
        """Number of reconnects of all clients."""
        return sum(client.welcomes for client in self.clients)

    @property
    def refusals(self) -> Counter[str]:
        """Numbers of refusals by code."""
        return sum((client.refusals for client in self.clients), Counter())

    def p99(self) -> float:
        """Return the 99th percentile of seconds until the reply, since the last call."""
        waits = sorted(wait for client in self.clients for wait in client.waits)
        for client in self.clients:
            client.waits.clear()
        return waits[len(waits) * 99 // 100]
