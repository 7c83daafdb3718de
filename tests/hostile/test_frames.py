"""Frames that violate RFC 6455, and valid frames with invalid content."""

import asyncio
import itertools
import os
import random
import re
import struct
import zlib
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.protocol import Type
from chatserver.protocol.framing import INVALID_HEADER, MaskCheck
from tests.driver import Chat, User
from tests.faults.conversation import NAMES, OBSERVER, Users
from tests.faults.server import Server
from tests.hostile import grammar
from tests.hostile.raw_connection import BINARY, CLOSE, PING, PONG, TEXT, RawConnection, frame

FRAMES = 120_000 if os.environ.get("HOSTILE") == "whole" else 3_000
UNSTORED = [-1, 0, 4, 5, 7, 8, 9, 14, 15, 99]  # types of commands that store nothing
LINES = 8  # connections that send them at the same time
GROWTH = 24.0  # MiB that the server may grow by
THROW = 0.05  # seconds until a disconnect
MEBIBYTE = 2**20
BOMB = zlib.compressobj(wbits=-15)
BOMB_BYTES = BOMB.compress(bytes(64 * MEBIBYTE)) + BOMB.flush(zlib.Z_SYNC_FLUSH)

Attack = tuple[bytes, bool]  # a frame, and whether it probably ends its connection

WRONG = {
    "an unmasked frame": (frame(b"{}", masked=False), 1002),
    "an unmasked ping": (frame(b"", PING, masked=False), 1002),
    "an unmasked frame behind a good one": (frame(b"{}") + frame(b"{}", masked=False), 1002),
    "an unmasked frame behind a long one": (
        frame(b"[" * 70_000) + frame(b"{}", masked=False),
        1002,
    ),
    "text that is no UTF-8": (frame(b"\xff\xfe"), 1007),
    "a reserved bit": (frame(b"{}", bits=0x20), 1002),
    "an unknown opcode": (frame(b"{}", 0x3), 1002),
    "a fragmented ping": (frame(b"", PING, fin=False), 1002),
    "a ping that is too long": (frame(b"x" * 126, PING), 1002),
    "a continuation of nothing": (frame(b"{}", 0x0), 1002),
    "a text within a fragmented text": (frame(b"a", fin=False) + frame(b"b"), 1002),
    "the claim of 2 MiB": (frame(claims=2 * MEBIBYTE), 1009),
    "the claim of 2^62 bytes": (frame(claims=2**62), 1009),
    "the claim of 2^64 - 1 bytes": (frame(claims=2**64 - 1), 1009),
    "fragments of 2 MiB together": (
        b"".join(frame(b"x" * 600_000, TEXT * (not n), fin=False) for n in range(4)),
        1009,
    ),
    "a bomb of zeros": (frame(BOMB_BYTES, bits=0x40), 1002),
    "a close frame of one byte": (frame(b"\x03", CLOSE), 1002),
    "a close frame with a reason that is no UTF-8": (frame(b"\x03\xe8\xff", CLOSE), 1007),
    **{
        f"the close code {code}": (frame(struct.pack("!H", code), CLOSE), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999)
    },
    "a good close frame": (frame(struct.pack("!H", 1000), CLOSE), 1000),
}


async def test_a_protocol_violation_gets_its_close_code(chat: Chat, ann: User) -> None:
    witness = await ann.connect()
    for what, (data, code) in WRONG.items():
        async with await RawConnection.opened(chat.url, ann.token) as line:
            await line.send(data)
            assert await line.close_code() == code, what
    assert (await witness.say("still here"))["ok"] is True


async def test_compression_is_not_negotiated(chat: Chat, ann: User) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    async with await RawConnection.opened(chat.url, ann.token, offer) as line:
        assert b"101" in line.head.splitlines()[0]
        assert b"extensions" not in line.head.lower()


async def test_invented_close_codes_are_counted_together(chat: Chat, ann: User) -> None:
    closes = chat.server.websocket.log.closes
    for code in (3000, 4999, 65_535):
        async with await RawConnection.opened(chat.url, ann.token) as line:
            await line.send(frame(struct.pack("!H", code), CLOSE))
            await line.close_code()
    while chat.server.hub.connections:
        await asyncio.sleep(0)
    assert set(closes) == {0}


# Masking -----------------------------------------------------------------------------------------

FRAME = st.builds(
    frame,
    st.one_of(st.binary(max_size=8), st.sampled_from([125, 126, 65_535, 65_536]).map(bytes)),
    st.sampled_from([0, TEXT, BINARY, CLOSE, PING, PONG]),
    fin=st.booleans(),
)


def fed(stream: bytes, cuts: list[int]) -> bytes:
    """Return the result if the stream arrives in parts."""
    masks = MaskCheck()
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    parts = zip([0, *places], [*places, len(stream)], strict=True)
    return b"".join([masks.filter(stream[start:end]) for start, end in parts])


CUTS = st.lists(st.integers(0, 2**20), max_size=12)


@given(st.lists(FRAME, max_size=4), CUTS)
def test_masked_frames_are_read_in_any_fragmentation(frames: list[bytes], cuts: list[int]) -> None:
    assert fed(b"".join(frames), cuts) == b"".join(frames)


@given(st.lists(FRAME, max_size=3), CUTS)
def test_an_unmasked_frame_is_rejected_at_its_header(frames: list[bytes], cuts: list[int]) -> None:
    good = b"".join(frames)
    come = fed(good + frame(b"hello", masked=False), cuts)
    assert come.startswith(good + INVALID_HEADER)


def test_frames_byte_by_byte_are_the_same_frames() -> None:
    stream = frame(b"a") + frame(b"x" * 300) + frame(bytes(70_000))
    assert fed(stream, list(range(400))) == stream


# Fuzzing -----------------------------------------------------------------------------------------


async def test_fuzzed_frames_do_not_affect_other_clients(server: Server, users: Users) -> None:
    """Fuzz with a grammar, mutations and truncation; other clients and memory are unaffected."""
    chance = random.Random(11)
    talking = asyncio.create_task(talk(server, users.tokens[NAMES[0]]))
    await torment(server, users.tokens[OBSERVER], nonsense(chance, FRAMES // 10))
    before = grammar.memory(server.pid)
    frames = nonsense(chance, FRAMES)
    token = users.tokens[OBSERVER]
    await asyncio.gather(*(torment(server, token, frames) for _ in range(LINES)))
    assert grammar.memory(server.pid) - before < GROWTH
    read = sum(map(int, re.findall(r'"frames": (\d+)', server.log.read_text(encoding="utf-8"))))
    print(f"{FRAMES:,} frames sent, {read:,} read")
    assert read > FRAMES / 2
    assert not talking.done(), "another user's socket was closed"
    talking.cancel()


async def talk(server: Server, token: str) -> None:
    """Send messages on one connection, which must never end."""
    async with await RawConnection.opened(server.url, token) as line:
        for number in itertools.count():
            said = {"type": Type.HISTORY, "id": f"talk{number}", "room": 1, "before": 1}
            await line.send(frame(msgspec.json.encode(said)))
            async with asyncio.timeout(10):
                while f'"talk{number}"'.encode() not in (await line.frame())[1]:
                    pass


async def torment(server: Server, token: str, frames: Iterator[Attack]) -> None:
    """Send all frames, and reconnect after each disconnect."""
    numbered = enumerate(frames)
    while await torment_once(server, token, numbered):
        pass


async def torment_once(server: Server, token: str, frames: Iterator[tuple[int, Attack]]) -> bool:
    """Send until a disconnect. Return False if all frames were sent and read."""
    async with await RawConnection.opened(server.url, token) as line:
        reading = asyncio.create_task(line.rest(3600))
        for number, (data, ends) in frames:
            cut = number % (len(data) + 1)
            await line.send(data[:cut])
            await asyncio.sleep(0)  # the transport writes the rest
            await line.send(data[cut:])
            if ends:
                await asyncio.wait([reading], timeout=THROW)
            if reading.done():
                return True
        await line.send(frame(struct.pack("!H", 1000), CLOSE))
        await asyncio.wait([reading], timeout=10)
    return False


def nonsense(chance: random.Random, count: int) -> Iterator[Attack]:
    """Yield frames, most of them valid, because an invalid one usually ends the connection."""
    for _ in range(count):
        make = chance.choices([sense, changed, broken], [60, 10, 1])[0]
        yield make(chance), make is broken


def sense(chance: random.Random) -> bytes:
    """Return a frame or fragments with JSON that stores nothing."""
    text = grammar.command(chance, UNSTORED)
    if chance.random() < 0.2:
        cut = chance.randrange(len(text))
        ping = frame(b"between", PING)
        return frame(text[:cut], fin=False) + ping + frame(text[cut:], 0)
    return frame(text, chance.choice([TEXT, TEXT, BINARY, PONG]) if len(text) < 126 else TEXT)


def changed(chance: random.Random) -> bytes:
    """Return the same with some characters changed under the mask."""
    text = bytearray(b'{"type":7,"id":"a","rooms":{"1":17,"9":4},"limit":5}')
    for _ in range(chance.randint(1, 4)):
        text[chance.randrange(len(text))] = chance.randrange(128)
    return frame(bytes(text))


def broken(chance: random.Random) -> bytes:
    """Return a frame with changed bytes, or an invalid one."""
    if chance.random() < 0.5:
        return chance.choice([data for data, _ in WRONG.values() if len(data) < 100_000])
    data = bytearray(sense(chance))
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(min(14, len(data)))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("wrong", ["", "x" * 24, "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=\udcff"])
async def test_an_invalid_handshake_is_a_bad_request(
    server: Server, users: Users, wrong: str
) -> None:
    hello = (
        f"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Authorization: Bearer {users.tokens[OBSERVER]}\r\nConnection: close\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {wrong}\r\n\r\n"
    )
    async with await RawConnection.to(server.url) as line:
        await line.send(hello.encode(errors="surrogateescape"))
        assert (await line.rest(1.0)).startswith(b"HTTP/1.1 400")
