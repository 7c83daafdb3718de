"""Spool: decouples the source from a slow reader, and keeps every byte."""

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from chatserver.web import spool
from chatserver.web.spool import spooled

PIECES = [bytes([number]) * 1_000 for number in range(50)]


class Source:
    """Pieces to read; records whether they were read completely."""

    def __init__(self, error: Exception | None = None) -> None:
        self.ended = asyncio.Event()
        self._error = error

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            for piece in PIECES:
                yield piece
            if self._error:
                raise self._error
        finally:
            self.ended.set()


async def read(
    source: Source, folder: Path, got: bytearray, *, first_wait: asyncio.Event | None = None
) -> None:
    """Read a source completely, with a pause after the first piece."""
    async with aclosing(spooled(source.pieces(), folder)) as pieces:
        async for piece in pieces:
            got += piece
            if first_wait is not None:
                await first_wait.wait()


async def test_a_source_is_read_completely_while_its_reader_is_paused(tmp_path: Path) -> None:
    source = Source()
    async with aclosing(spooled(source.pieces(), tmp_path)) as pieces:
        first = await anext(pieces)
        async with asyncio.timeout(10):
            await source.ended.wait()
        assert first + b"".join([piece async for piece in pieces]) == b"".join(PIECES)
    assert list(tmp_path.iterdir()) == []


async def test_a_reader_gets_all_pieces_of_a_failing_source_and_then_its_error(
    tmp_path: Path,
) -> None:
    got = bytearray()
    with pytest.raises(ValueError, match="broken"):
        await read(Source(ValueError("broken")), tmp_path, got)
    assert got == b"".join(PIECES)


async def test_a_source_is_closed_when_its_reader_leaves(tmp_path: Path) -> None:
    source = Source()
    async with aclosing(spooled(source.pieces(), tmp_path)) as pieces:
        await anext(pieces)
    assert source.ended.is_set()


async def test_a_fast_reader_needs_little_disk_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MAX_SHARE", 0.0)
    async with aclosing(spooled(Source().pieces(), tmp_path)) as pieces:
        assert b"".join([piece async for piece in pieces]) == b"".join(PIECES)


async def test_a_reader_too_far_behind_is_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "MAX_SHARE", 0.0)
    monkeypatch.setattr(spool, "READER_TIMEOUT", 0.01)
    source = Source()
    with pytest.raises(TimeoutError):
        await read(source, tmp_path, bytearray(), first_wait=source.ended)


@pytest.mark.parametrize(("free", "place"), [(10**8, "data"), (0, "temporary")])
async def test_the_file_is_in_the_temporary_folder_only_if_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, place: str
) -> None:
    data, temporary = tmp_path / "data", tmp_path / "temporary"
    data.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(spool, "_free", lambda folder: free if folder == data else 10**9)
    made = Mock(wraps=tempfile.TemporaryFile)
    monkeypatch.setattr(tempfile, "TemporaryFile", made)
    async with aclosing(spooled(Source().pieces(), data)) as pieces:
        assert b"".join([piece async for piece in pieces]) == b"".join(PIECES)
    assert made.call_args.kwargs["dir"] == tmp_path / place


async def test_without_disk_space_the_source_waits_for_its_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_free", lambda _: 0)
    source = Source()
    async with aclosing(spooled(source.pieces(), tmp_path)) as pieces:
        first = await anext(pieces)
        assert not source.ended.is_set()
        assert first + b"".join([piece async for piece in pieces]) == b"".join(PIECES)
    assert source.ended.is_set()


async def test_the_file_stays_open_until_the_writing_thread_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A descriptor that is closed while a thread writes may be reused for another file."""
    writing, may_write, held = asyncio.Event(), threading.Event(), []
    loop, write = asyncio.get_running_loop(), spool._write_all

    def slow(file: int, piece: bytes, offset: int) -> None:
        if offset:
            loop.call_soon_threadsafe(writing.set)
            may_write.wait(10)
            held.append(os.fstat(file).st_size)
        write(file, piece, offset)

    monkeypatch.setattr(spool, "_write_all", slow)

    async def leave() -> None:
        async with aclosing(spooled(Source().pieces(), tmp_path)) as pieces:
            await anext(pieces)
            first.set()
            await writing.wait()

    leaving, first = asyncio.create_task(leave()), asyncio.Event()
    await writing.wait()
    await first.wait()
    for _ in range(3):
        for _ in range(20):
            await asyncio.sleep(0)
        assert not leaving.done()
        leaving.cancel()
    may_write.set()
    with suppress(asyncio.CancelledError):
        await leaving
    assert held == [len(PIECES[0])]
