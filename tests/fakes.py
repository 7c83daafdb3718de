"""Stand-ins that work: a clock that a test sets, a transport that remembers, a loop that skips."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

TEXT, CLOSE, PING = 0x1, 0x8, 0x9  # RFC 6455, 11.8: opcodes

Frame = tuple[int, bytes]


class FakeClock:
    """Stands still until it is told to go on. Called, it gives seconds; `ms` gives milliseconds."""

    def __init__(self, seconds: float = 1_000_000.0) -> None:
        self._seconds = seconds

    def __call__(self) -> float:
        return self._seconds

    def ms(self) -> int:
        return round(self._seconds * 1000)

    def advance(self, seconds: float) -> None:
        self._seconds += seconds


class RecordingTransport:
    """Remembers what was written. While `reads` is False, all of it waits in the buffer."""

    def __init__(self, *, reads: bool = True) -> None:
        self.reads = reads
        self.is_read = True  # by the server
        self.written = b""
        self.aborted = False
        self.closed = False
        self._waiting = 0

    def write(self, data: bytes) -> None:
        self.written += data
        self._waiting = 0 if self.reads else self._waiting + len(data)

    def read_all(self) -> None:
        """The peer takes what waits."""
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
        """Every frame so far: opcode and payload."""
        return read_frames(self.written)

    def messages(self) -> list[dict[str, Any]]:
        """Every text frame so far, decoded."""
        return [msgspec.json.decode(payload) for kind, payload in self.frames() if kind == TEXT]

    def close_code(self) -> int | None:
        """The code of the close frame, which must be the last one; None while there is none."""
        *before, (kind, payload) = self.frames() or [(TEXT, b"")]
        assert CLOSE not in [earlier for earlier, _ in before]
        return int.from_bytes(payload[:2]) if kind == CLOSE else None


def read_frames(stream: bytes) -> list[Frame]:
    """What a client reads off the line, by RFC 6455, 5.2 alone. Every frame must be whole."""
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
    """An event loop whose clock a test sets forward: timers that are due then run at once."""

    def __init__(self) -> None:
        self._skipped = 0.0
        super().__init__()

    def time(self) -> float:
        return super().time() + self._skipped

    async def skip(self, seconds: float) -> None:
        """Go on by that many seconds, and come back when what became due has run."""
        self._skipped += seconds
        for _ in range(3):
            await asyncio.sleep(0)


def run_skipping(story: Callable[[SkippingLoop], Coroutine[Any, Any, None]]) -> None:
    """Run a story on a loop of its own whose time it commands."""
    loop = SkippingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(story(loop))
