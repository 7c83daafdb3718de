"""A bad network between page and server: drops, duplicates and cuts WebSocket frames."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Self

Verdict = str  # action for a frame: "pass", "drop", "double" or "cut"
Judge = Callable[[bytes], Verdict]

LARGEST = 1 << 20  # bytes of a frame that the tests make


class Proxy:
    """Forwards connections to `port`; `down` and `up` decide about every frame of a WebSocket.

    `down` sees the text of frames to the page, `up` how they left it: the bytes are masked.
    """

    def __init__(self, port: int) -> None:
        self.down: Judge = pass_all
        self.up: Judge = pass_all
        self.delay = 0.0  # seconds by which each frame to the page is delayed
        self.url = ""
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    def cut(self) -> None:
        """Abort all connections."""
        for writer in self._writers:
            writer.transport.abort()

    def pause(self) -> None:
        """Stop forwarding silently."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def stop_faults(self) -> None:
        """Forward everything from now on."""
        self.down = self.up = pass_all
        self.delay = 0.0
        self.resume()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # the server is not running
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, back, self._judge_up, slow=False))
                group.create_task(self._pump(there, writer, self._judge_down, slow=True))
        except* (OSError, EOFError, Cut):
            pass
        finally:
            self._writers -= {writer, back}
            writer.transport.abort()
            back.transport.abort()

    def _judge_up(self, frame: bytes) -> Verdict:
        return self.up(frame)

    def _judge_down(self, frame: bytes) -> Verdict:
        return self.down(frame)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        judge: Judge,
        *,
        slow: bool,
    ) -> None:
        async for piece, is_frame in pieces(reader):
            verdict = judge(piece) if is_frame else "pass"
            if slow and is_frame:
                await asyncio.sleep(self.delay)
            await self._open.wait()
            if verdict == "cut":
                writer.write(piece[: len(piece) // 2])
                raise Cut
            writer.write(piece * {"pass": 1, "drop": 0, "double": 2}[verdict])
            await writer.drain()


class Cut(Exception):
    """Raised to cut a connection in the middle of a frame."""


def pass_all(_frame: bytes) -> Verdict:
    return "pass"


async def pieces(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield the head, then whole frames of a WebSocket, or other data as it arrives."""
    head = await reader.readuntil(b"\r\n\r\n")
    is_socket = b"upgrade: websocket" in head.lower()
    yield plain(head) if is_socket else head, False
    while is_socket:
        yield await frame(reader), True
    while data := await reader.read(65_536):
        yield data, False
    raise EOFError


def plain(head: bytes) -> bytes:
    """Remove the offer of compression, so that frames can be parsed."""
    lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"sec-websocket-extensions")]
    return b"\r\n".join(kept)


async def frame(reader: asyncio.StreamReader) -> bytes:
    """Read one frame with its header (RFC 6455, 5.2)."""
    start = await reader.readexactly(2)
    masked, length = start[1] & 0x80, start[1] & 0x7F
    extended = await reader.readexactly({126: 2, 127: 8}.get(length, 0))
    size = int.from_bytes(extended) if extended else length
    assert size < LARGEST
    return start + extended + await reader.readexactly(size + (4 if masked else 0))
