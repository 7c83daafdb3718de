"""Many invalid frames: the sender is rejected, and no other client is affected."""

import random
from collections.abc import Iterator
from contextlib import suppress

import aiohttp

from chatserver import protocol
from tests.faults.conversation import LONG_SESSIONS, OBSERVER, Talk, Users
from tests.faults.report import Sound, whole
from tests.faults.server import Server
from tests.hostile import grammar

FRAMES = whole(100_000, 2_000)
COUNT = 2  # users who send messages at the same time
GROWTH = 32.0  # MiB that the server may grow by


async def test_hostile_frames_do_not_affect_other_clients(users: Users, sound: Sound) -> None:
    server = Server(users.folder, environ=LONG_SESSIONS).start()
    try:
        async with Talk(server, users, count=COUNT) as talk:
            await talk.answers(20)
            before = grammar.memory(server.pid)
            await attack(talk.http, server, users.tokens[OBSERVER])
            await talk.answers(20)
            grown = grammar.memory(server.pid) - before
    finally:
        server.kill()
    assert talk.welcomes == COUNT
    log = server.log.read_text()
    assert "a command failed" not in log
    assert "Traceback" not in log
    assert grown < GROWTH
    sound("G8", f"{FRAMES:,} hostile frames", f"no other socket closed, {grown:+.0f} MiB", talk)


async def attack(http: aiohttp.ClientSession, server: Server, token: str) -> None:
    """Send all frames, and reconnect after each disconnect."""
    headers = {"Authorization": f"Bearer {token}"}
    frames = hostile(random.Random(7))
    sent = 0
    while sent < FRAMES:
        with suppress(aiohttp.ClientError, OSError):
            async with http.ws_connect(f"{server.url}/ws", headers=headers) as ws:
                for frame in frames:
                    sent += 1
                    await ws.send_frame(frame, aiohttp.WSMsgType.TEXT)
                    if sent % 100 == 0 or ws.closed:
                        break
                await ws.close()


def hostile(chance: random.Random) -> Iterator[bytes]:
    """Yield frames of all kinds except those that would be stored."""
    while True:
        frame = bytearray(grammar.command(chance, range(-1, 17)))
        for _ in range(chance.randint(0, 3)):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        if not would_be_stored(bytes(frame)):
            yield bytes(frame)


def would_be_stored(frame: bytes) -> bool:
    try:
        command = protocol.decode(frame.decode(), limit=65_536)
    except (protocol.Undecodable, UnicodeDecodeError):
        return False
    return not isinstance(command, protocol.History | protocol.StartTyping | protocol.MarkRead)
