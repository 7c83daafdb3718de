"""Downloads: who reads too slowly or may not read any more is cut off."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, web

from chatserver.errors import NotFound
from chatserver.web import file_body
from chatserver.web.file_body import send_file
from chatserver.web.socket_sender import SEND_BYTES
from tests.web.test_streaming import served

SIZE = 64 * 2**20  # bytes, more than all buffers on the way


def sending(
    tmp_path: Path, check: Callable[[], Awaitable[object]], size: int = SIZE
) -> tuple[Callable[[web.Request], Awaitable[web.StreamResponse]], asyncio.Event]:
    """Return a handler that sends a file, and an event for its end."""
    path, ended = tmp_path / "file", asyncio.Event()
    with path.open("wb") as file:
        file.truncate(size)

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return await send_file(request, path, check=check, tag="t", kind="", name="file")
        finally:
            ended.set()

    return serve, ended


async def allowed() -> None:
    pass


async def read_after(ended: asyncio.Event, url: str) -> int:
    """Begin a download, and read on after the server has ended it; return the bytes."""
    async with ClientSession() as http, http.get(url) as answer, asyncio.timeout(20):
        await ended.wait()
        return len(await answer.read())


async def test_a_download_ends_when_the_file_may_not_be_read_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(file_body, "CHECK_INTERVAL", 0.01)
    checks = iter([None, None, NotFound()])

    async def check() -> None:
        if error := next(checks):
            raise error

    with caplog.at_level("INFO", file_body.__name__):
        async with served((sent := sending(tmp_path, check))[0]) as url:
            with pytest.raises(ClientError):
                await read_after(sent[1], url)
    (record,) = [one for one in caplog.records if one.name == file_body.__name__]
    assert record.getMessage().startswith("a download was interrupted: Not found")
    assert record.exc_info is None


async def test_a_check_that_fails_unexpectedly_ends_the_download_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(file_body, "CHECK_INTERVAL", 0.01)

    async def check() -> None:
        raise ValueError

    async with served((sent := sending(tmp_path, check))[0]) as url:
        with pytest.raises(ClientError):
            await read_after(sent[1], url)
    assert any(one.exc_info for one in caplog.records if one.name == file_body.__name__)


async def test_a_file_that_becomes_shorter_ends_the_download(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An error response would be taken for content of the file."""
    async with served((sent := sending(tmp_path, allowed))[0]) as url, ClientSession() as http:
        async with http.get(url) as answer, asyncio.timeout(20):
            os.truncate(tmp_path / "file", 0)
            with pytest.raises(ClientError):
                await answer.read()
        await sent[1].wait()
    assert any("shorter" in one.getMessage() for one in caplog.records)


async def test_a_client_that_reads_nothing_is_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_body, "WINDOW", 0.2)
    async with served((sent := sending(tmp_path, allowed))[0]) as url:
        with pytest.raises(ClientError):
            await read_after(sent[1], url)


async def test_a_short_download_is_not_checked_again(tmp_path: Path) -> None:
    async def check() -> None:
        raise AssertionError

    async with (
        served(sending(tmp_path, check, 3 * SEND_BYTES + 1)[0]) as url,
        ClientSession() as http,
    ):
        ranges = {"": 3 * SEND_BYTES + 1, "bytes=5-9": 5, "bytes=-3": 3}
        for wanted, count in ranges.items():
            async with http.get(url, headers={"Range": wanted} if wanted else {}) as answer:
                assert len(await answer.read()) == count
