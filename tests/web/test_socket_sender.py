"""Files that the kernel copies to sockets."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from chatserver.web.socket_sender import SocketSender, can_send

CONTENT = os.urandom(3_000_000)


class Line:
    """A connection: the transport of the server, and the socket of the client."""

    def __init__(self, transport: asyncio.Transport, client: socket.socket) -> None:
        self.transport = transport
        self.client = client
        self.sender = SocketSender(transport)

    async def read(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            received += await asyncio.get_running_loop().sock_recv(self.client, 1_000_000)
        return received


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    transport, _protocol = await asyncio.get_running_loop().create_connection(
        asyncio.Protocol, sock=ours
    )
    line = Line(transport, theirs)
    yield line
    line.sender.close()
    transport.abort()
    theirs.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


async def send(line: Line, file: int, start: int, end: int) -> None:
    while start < end:
        start += await line.sender.send(file, start, end - start)


async def test_a_file_follows_what_the_transport_has_still_to_write(line: Line, file: int) -> None:
    assert can_send(line.transport)
    line.transport.write(b"head" * 200_000)
    reading = asyncio.create_task(line.read(800_000 + len(CONTENT)))
    await line.sender.flush()
    await send(line, file, 0, len(CONTENT))
    assert await reading == b"head" * 200_000 + CONTENT


async def test_a_sender_waits_for_its_reader_and_notices_a_closed_connection(
    line: Line, file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.web.socket_sender.CLOSING_INTERVAL", 0.01)
    sending = asyncio.create_task(send(line, file, 0, len(CONTENT)))
    done, _pending = await asyncio.wait([sending], timeout=0.1)
    assert not done
    line.transport.abort()
    with pytest.raises(ConnectionResetError):
        await sending


async def test_a_file_that_became_shorter_is_an_error(line: Line, file: int) -> None:
    with pytest.raises(OSError, match="shorter"):
        await line.sender.send(file, len(CONTENT), 10)
