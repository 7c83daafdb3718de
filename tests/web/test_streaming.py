"""Streaming responses to the operator."""

import asyncio
import errno
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientError, ClientSession, web
from sqlalchemy.exc import OperationalError

from chatserver.errors import Unavailable
from chatserver.storage.failures import read_error
from chatserver.web.streaming import stream_response


@asynccontextmanager
async def served(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)  # as in serve.py: a client that disconnects cancels no handler
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def failing(error: Exception, *pieces: bytes) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece
    raise error


async def test_a_stream_that_fails_before_the_first_piece_is_an_error_response() -> None:
    refused = []

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return await stream_response(request, failing(Unavailable()))
        except Unavailable as error:
            refused.append(error)
            return web.Response(status=503)

    async with served(serve) as url, ClientSession() as http, http.get(url) as answer:
        assert (answer.status, len(refused)) == (503, 1)


@pytest.mark.parametrize(
    ("error", "line", "has_traceback"),
    [
        (
            read_error(OperationalError("", None, Exception(2013))),
            "database does not answer",
            False,
        ),
        (OSError(errno.ENOSPC, ""), "the disk is full", False),
        (TimeoutError(), "the client reads too slowly", False),
        (ValueError(), "a streamed response failed", True),
    ],
)
async def test_a_stream_that_fails_later_is_aborted_and_logged_once(
    caplog: pytest.LogCaptureFixture, error: Exception, line: str, has_traceback: bool
) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await stream_response(request, failing(error, b"first"))

    async with served(serve) as url, ClientSession() as http:
        with pytest.raises(ClientError):
            async with http.get(url) as answer:
                await answer.read()
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert line in record.getMessage()
    assert bool(record.exc_info) is has_traceback


async def test_a_client_that_disconnects_during_a_stream_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = asyncio.Event()

    async def without_end() -> AsyncGenerator[bytes]:
        while True:
            yield b"x" * 65_536

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return await stream_response(request, without_end())
        finally:
            ended.set()

    async with served(serve) as url:
        async with ClientSession() as http, http.get(url) as answer:
            await answer.content.readany()
        async with asyncio.timeout(10):
            await ended.wait()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
