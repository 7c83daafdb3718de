"""Client below aiohttp: sends valid and invalid bytes, and reads the response."""

import asyncio
import os
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
TIMEOUT = 5.0  # seconds

HELLO = (
    "GET /ws?token={token} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
)


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    bits: int = 0,
    masked: bool = True,
    claims: int | None = None,
) -> bytes:
    """Build a frame (RFC 6455, 5.2), valid or not. `bits`: RSV 1 to 3 as 0x40, 0x20, 0x10."""
    size = len(payload) if claims is None else claims
    flag = 0x80 if masked else 0
    if size < 126:
        length = bytes([flag | size])
    elif size < 65_536:
        length = bytes([flag | 126]) + size.to_bytes(2)
    else:
        length = bytes([flag | 127]) + size.to_bytes(8)
    head = bytes([(0x80 if fin else 0) | bits | opcode]) + length
    if not masked:
        return head + payload
    mask = os.urandom(4)
    stretched = (mask * (len(payload) // 4 + 1))[: len(payload)]
    body = int.from_bytes(payload) ^ int.from_bytes(stretched)
    return head + mask + body.to_bytes(len(payload))


class RawConnection:
    """A TCP connection, aborted at the end of `async with`. `head`: response to the upgrade."""

    head = b""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Self:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    @classmethod
    async def opened(cls, url: str, token: str, more: str = "") -> Self:
        """Open a WebSocket."""
        line = await cls.to(url)
        hello = HELLO.format(token=token, host=urlsplit(url).netloc, more=more)
        await line.send(hello.encode())
        line.head = await line.head_of_answer()
        return line

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._writer.transport.abort()

    async def send(self, data: bytes) -> None:
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def close_code(self) -> int | None:
        """Return the code of the server's first close frame; None if it just disconnected."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            async with asyncio.timeout(TIMEOUT):
                while True:
                    opcode, payload = await self.frame()
                    if opcode == CLOSE:
                        return int.from_bytes(payload[:2])
        return None

    async def frame(self) -> tuple[int, bytes]:
        first, size = await self._reader.readexactly(2)
        if size > 125:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        return first & 0x0F, await self._reader.readexactly(size)

    async def head_of_answer(self) -> bytes:
        async with asyncio.timeout(TIMEOUT):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def rest(self, seconds: float = TIMEOUT) -> bytes:
        """Return all bytes until the peer closes or is silent for so many seconds."""
        got = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while part := await self._reader.read(65_536):
                    got += part
        return got
