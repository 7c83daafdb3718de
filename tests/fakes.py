"""Fakes: a clock, a recording transport, and an event loop whose time can be skipped."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

TEXT, CLOSE, PING = 0x1, 0x8, 0x9  # RFC 6455, 11.8: opcodes

Frame = tuple[int, bytes]


class FakeClock:
    """Clock that stands still until `advance`. A call returns seconds, `ms` milliseconds."""

    def __init__(self, seconds: float = 1_000_000.0) -> None:
        self._seconds = seconds

    def __call__(self) -> float:
        return self._seconds

    def ms(self) -> int:
        return round(self._seconds * 1000)

    def advance(self, seconds: float) -> None:
        self._seconds += seconds


class RecordingTransport:
    """Records what is written. While `reads` is False, it stays in the buffer."""

    def __init__(self, *, reads: bool = True) -> None:
        self.reads = reads
        self.is_read = True  # whether the server reads from the peer
        self.written = b""
        self.aborted = False
        self.closed = False
        self._waiting = 0

    def write(self, data: bytes) -> None:
        self.written += data
        self._waiting = 0 if self.reads else self._waiting + len(data)

    def read_all(self) -> None:
        """Empty the buffer, as if the peer had read it."""
        self._waiting = 0

    def get_write_buffer_size(self) -> int:
        return self._waiting

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.aborted or self.closed

    def is_reading(self) -> bool:
        return self.is_read

    def frames(self) -> list[Frame]:
        """Return all frames so far: opcode and payload."""
        return read_frames(self.written)

    def messages(self) -> list[dict[str, Any]]:
        """Return all text frames so far, decoded."""
        return [msgspec.json.decode(payload) for kind, payload in self.frames() if kind == TEXT]

    def close_code(self) -> int | None:
        """Return the code of the close frame, which must be the last one; None without one."""
        *before, (kind, payload) = self.frames() or [(TEXT, b"")]
        assert CLOSE not in [earlier for earlier, _ in before]
        return int.from_bytes(payload[:2]) if kind == CLOSE else None


def read_frames(stream: bytes) -> list[Frame]:
    """Parse frames of a server by RFC 6455, 5.2. Every frame must be complete."""
    frames = []
    while stream:
        head, size, start = stream[0], stream[1], 2
        assert head & 0xF0 == 0x80, "final, no extension"
        assert size < 0x80, "a server does not mask"
        if size == 126:
            size, start = int.from_bytes(stream[2:4]), 4
            assert size > 125, "the shortest form of a length"
        elif size == 127:
            size, start = int.from_bytes(stream[2:10]), 10
            assert size > 0xFFFF, "the shortest form of a length"
        assert len(stream) >= start + size, "the frame is cut off"
        frames.append((head & 0x0F, stream[start : start + size]))
        stream = stream[start + size :]
    return frames


class SkippingLoop(asyncio.SelectorEventLoop):
    """Event loop whose clock is set forward by the test; due timers run immediately."""

    def __init__(self) -> None:
        self._skipped = 0.0
        super().__init__()

    def time(self) -> float:
        return super().time() + self._skipped

    async def skip(self, seconds: float) -> None:
        """Advance the clock, and return when all due callbacks have run."""
        self._skipped += seconds
        for _ in range(3):
            await asyncio.sleep(0)


def run_skipping(story: Callable[[SkippingLoop], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function on a new SkippingLoop, which it controls."""
    loop = SkippingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(story(loop))
