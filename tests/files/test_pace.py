"""Speed of slow peers."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatserver.errors import BadRequest
from chatserver.files.pace import Piece, paced
from tests.files.test_uploads import pieces


async def collected(some: AsyncIterator[Piece]) -> bytes:
    return b"".join([piece async for piece in some])


async def test_a_slow_upload_is_cut_off_and_a_fast_one_is_not() -> None:
    assert await collected(paced(pieces(b"a", b"b"), 1)) == b"ab"

    async def never() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    with pytest.raises(BadRequest):
        await collected(paced(never(), 1_000, window=0.01))


async def test_a_window_begins_after_enough_bytes() -> None:
    assert await collected(paced(pieces(*[b"x" * 10] * 100), 1, window=5)) == b"x" * 1_000
