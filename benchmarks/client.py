"""Client in Python, for benchmarks that measure content rather than throughput."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from benchmarks.contenders import Running
from benchmarks.population import User
from chatserver.protocol import Type

Frame = dict[str, Any]


class Refused(Exception):
    """A reply with `ok: false`; `code` as in docs/protocol.md."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame["data"])
        self.code: str = frame["code"]


class Client:
    """A logged-in connection. `welcome` is its first frame."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, welcome: Frame) -> None:
        self._ws = ws
        self.welcome = welcome
        self._asked = 0

    async def ask(self, **command: Any) -> Frame:
        """Send a command; return the reply. Raises Refused."""
        wanted = await self.send(**command)
        while True:
            frame = await self.hear()
            if frame["type"] == Type.REPLY and not frame["ok"]:
                raise Refused(frame)
            if frame["type"] == Type.REPLY and frame["id"] == wanted:
                return frame

    async def send(self, **command: Any) -> str:
        """Send a command; return the id of its reply."""
        self._asked += 1
        wanted = f"q{self._asked}"
        await self._ws.send_str(msgspec.json.encode({**command, "id": wanted}).decode())
        return wanted

    async def hear(self) -> Frame:
        message = await self._ws.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"closed with {self._ws.close_code}")
        frame: Frame = msgspec.json.decode(message.data)
        return frame

    async def close(self) -> None:
        await self._ws.close()


async def connect(http: aiohttp.ClientSession, running: Running, user: User) -> Client:
    ws = await http.ws_connect(f"{running.url}/ws", headers=bearer(user), max_msg_size=0)
    client = Client(ws, {})
    client.welcome = await client.hear()
    return client


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {user.token}"}


@asynccontextmanager
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, family=socket.AF_INET)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session
