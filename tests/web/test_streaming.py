"""Long answers to the owner of the data folder."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest
from aiohttp import ClientSession, web

from chatserver.web.streaming import stream_response


async def test_a_reader_who_goes_away_in_the_middle_is_no_fault(
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

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)  # as in serve.py: whoever goes away does not cancel a handler
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with ClientSession() as http, http.get(address) as answer:
            await answer.content.readany()
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        await runner.cleanup()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
