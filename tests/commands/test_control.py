"""Control of a running server that is slow, frozen, or stops."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from chatserver import __version__
from chatserver.commands import control as module
from chatserver.commands.control import Control, RequestRefused, connected, is_running
from chatserver.data_dir import VERSION_HEADER, DataDir
from chatserver.errors import TemporaryStartError


class Peer:
    """Fake server on the control socket, whose responses wait for the test."""

    def __init__(self) -> None:
        self.alive = asyncio.Event()
        self.ready = asyncio.Event()
        self.users: dict[str, object] = {"ok": True, "users": ["ann"]}
        self.health: dict[str, object] = {"ok": 1}
        self.headers: dict[str, str] = {}

    async def healthz(self, _: web.Request) -> web.Response:
        await self.alive.wait()
        return web.json_response({"ok": True}, headers=self.headers)

    async def readyz(self, _: web.Request) -> web.Response:
        return web.json_response(self.health)

    async def broken(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        assert request.transport is not None
        request.transport.close()
        return response

    async def closed(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def answer(self, _: web.Request) -> web.Response:
        await self.ready.wait()
        return web.json_response(self.users)

    async def lines(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await self.ready.wait()
        await response.write(b"last\n")
        return response


@pytest.fixture
def folder(tmp_path: Path) -> DataDir:
    (tmp_path / "lock").write_text("4321")
    return DataDir(tmp_path)


@asynccontextmanager
async def running(folder: DataDir, peer: Peer) -> AsyncIterator[Control]:
    app = web.Application()
    app.add_routes([web.get("/healthz", peer.healthz), web.get("/lines", peer.lines)])
    app.add_routes([web.get("/users", peer.answer), web.get("/readyz", peer.readyz)])
    app.add_routes([web.get("/broken", peer.broken), web.get("/closed", peer.closed)])
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.UnixSite(runner, str(folder.control)).start()
    try:
        async with connected(folder) as line:
            yield line
    finally:
        await runner.cleanup()


async def test_a_slow_response_is_awaited_while_the_server_is_alive(
    folder: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.05)
    peer = Peer()
    peer.alive.set()
    asyncio.get_running_loop().call_later(0.3, peer.ready.set)
    async with running(folder, peer) as line:
        assert (await line.request("GET", "/users"))["users"] == ["ann"]


async def test_a_frozen_server_is_reported_with_its_process(
    folder: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.05)
    async with running(folder, Peer()) as line:
        with pytest.raises(RequestRefused, match=r"process 4321\) does not answer"):
            await line.request("GET", "/users")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("unavailable", TemporaryStartError),
        ("not_found", RequestRefused),
        ("forbidden", RequestRefused),
    ],
)
async def test_an_error_is_temporary_or_permanent(
    folder: DataDir, code: str, kind: type[Exception]
) -> None:
    peer = Peer()
    peer.ready.set()
    peer.users = {"ok": 0, "code": code, "data": "No."}
    async with running(folder, peer) as line:
        with pytest.raises(kind, match="No"):
            await line.request("GET", "/users")


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({VERSION_HEADER: __version__}, None),
        ({VERSION_HEADER: "0.1.0"}, r"4321\) is of version 0.1.0, and this program is "),
        ({}, "is of another version"),
    ],
)
async def test_a_server_of_another_version_is_recognized(
    folder: DataDir, headers: dict[str, str], said: str | None
) -> None:
    peer = Peer()
    peer.alive.set()
    peer.headers = headers
    async with running(folder, peer) as line:
        found = await line.other_version()
    assert (found is None) if said is None else re.search(said, found or "")


async def read(line: Control, path: str) -> list[bytes]:
    async with aclosing(line.stream(path)) as pieces:
        return [piece async for piece in pieces]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("the database does not answer", TemporaryStartError),
        ("the disk is full or its quota is used up", TemporaryStartError),
        ("the disk failed", RequestRefused),
        ("the database is damaged", RequestRefused),
        ("the database has revision 0001, not 0009", RequestRefused),
    ],
)
@pytest.mark.parametrize("path", ["/users", "/readyz", "/broken"])
async def test_an_outage_is_reported_as_temporary_or_permanent(
    folder: DataDir, reason: str, kind: type[Exception], path: str
) -> None:
    peer = Peer()
    peer.ready.set()
    peer.users = {"ok": 0, "code": "unavailable", "data": "No."}
    peer.health = {"ok": 0, "reason": reason}
    async with running(folder, peer) as line:
        with pytest.raises(kind, match=f"Nothing can be stored: {reason}"):
            await (read(line, path) if path == "/broken" else line.request("GET", path))


async def test_a_missing_answer_is_a_temporary_error(folder: DataDir) -> None:
    async with running(folder, Peer()) as line:
        with pytest.raises(TemporaryStartError, match="closed the connection without an answer"):
            await line.request("GET", "/closed")
        folder.control.unlink()
        with pytest.raises(TemporaryStartError, match="stopped before it answered"):
            await line.request("GET", "/closed")


async def test_an_interrupted_stream_is_a_temporary_error(folder: DataDir) -> None:
    async with running(folder, Peer()) as line:
        with pytest.raises(TemporaryStartError, match="the server or its database has stopped"):
            await read(line, "/broken")


async def test_a_frozen_stream_is_aborted(folder: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.05)
    async with running(folder, Peer()) as line, aclosing(line.stream("/lines")) as pieces:
        assert await anext(pieces) == b"first\n"
        with pytest.raises(RequestRefused, match="4321"):
            await anext(pieces)


async def test_a_slow_stream_continues_while_the_server_is_alive(
    folder: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT", 0.05)
    peer = Peer()
    peer.alive.set()
    asyncio.get_running_loop().call_later(0.3, peer.ready.set)
    async with running(folder, peer) as line, aclosing(line.stream("/lines")) as pieces:
        assert b"".join([piece async for piece in pieces]) == b"first\nlast\n"


async def test_a_server_whose_queue_of_connections_is_full_is_running(folder: DataDir) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(folder.control))
        listener.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(str(folder.control))
        assert is_running(folder)
