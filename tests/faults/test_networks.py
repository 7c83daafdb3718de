"""Connections that lose, duplicate, delay, break and fall silent: all clients catch up."""

import asyncio
import random
import time
from typing import cast

import aiohttp

from tests.faults import planted
from tests.faults.conversation import LONG_SESSIONS, NAMES, OBSERVER, Talk, Users
from tests.faults.networks import Mangler, network
from tests.faults.report import Sound, whole
from tests.faults.server import Server

COUNT = 4  # users
STALLED = whole(40, 4)
ENOUGH = whole(1_500, 300)  # replies per measurement
TOO_SLOW = {4002, 1006}  # the close code, or an end without one when it was not read in time
TIMEOUT = 10.0  # seconds
SECONDS = whole(20.0, 1.0)  # per kind of bad network
LOSS = 0.1  # fraction of all packets
RATE = "512kbit"
RESETS = whole(400, 40)
CUTS = whole(10, 1)  # number of disconnects of all clients
SILENCE = (
    whole(1.5 * 25.0, 1.5 * planted.SHORT_INTERVAL) + 2.5
)  # seconds; checks and presence are 1 s apart
PRESENCE = 6  # the type of the frame


async def test_dropped_duplicated_and_late_frames_are_repaired(users: Users, sound: Sound) -> None:
    server = Server(users.folder).start()
    try:
        async with (
            aiohttp.ClientSession() as http,
            Mangler(http, server.url) as line,
            Talk(server, users, count=COUNT, through=line.url) as talk,
        ):
            for _ in range(CUTS):
                await talk.answers(200)
                line.cut()
            line.heal()
    finally:
        server.kill()
    assert line.touched > 100
    sound("G4", "frames dropped, duplicated, delayed", f"{line.touched:,} frames affected", talk)


async def test_connection_resets_lose_nothing(users: Users, sound: Sound) -> None:
    server = Server(users.folder).start()
    chance = random.Random(7)
    try:
        async with Talk(server, users, count=COUNT) as talk:
            for _ in range(RESETS):
                await talk.answers(1)
                online = [client for client in talk.clients if client.online]
                chance.choice(online or talk.clients).reset_line()
    finally:
        server.kill()
    assert talk.welcomes >= RESETS / 2
    assert "Traceback" not in server.log.read_text()
    sound("G5", f"connections reset × {RESETS}", f"{talk.welcomes:,} connections, no gap", talk)


async def test_bad_networks_are_slow_and_lose_nothing(users: Users, sound: Sound) -> None:
    with network() as bad:
        server = Server(users.folder, plant=bad.join).start()
        try:
            async with Talk(server, users, count=COUNT, connector=bad.connector()) as talk:
                await talk.answers(50)
                bad.lose(LOSS)
                await asyncio.sleep(SECONDS)
                bad.heal()
                bad.slow_down(RATE)
                await asyncio.sleep(SECONDS)
                bad.speed_up()
                await talk.answers(50)
        finally:
            server.kill()
    figure = f"99 % of replies within {talk.p99():.1f} s"
    sound("G4", f"{LOSS:.0%} of packets lost, then {RATE}/s", figure, talk)


async def test_a_silent_connection_is_detected(users: Users, sound: Sound) -> None:
    with network() as quiet:
        pace = whole(planted.nothing, planted.beat_faster)
        server = Server(users.folder, plant=planted.Both(quiet.join, pace)).start()
        connector = quiet.connector()
        try:
            async with aiohttp.ClientSession(connector=connector) as http:
                ghost = await connect(http, server, users.tokens[OBSERVER])
                watching = await connect(http, server, users.tokens[NAMES[0]])
                quiet.silence(ghost.get_extra_info("sockname")[1])
                seconds = await until_gone(watching, OBSERVER)
        finally:
            server.kill()
    assert seconds <= SILENCE
    sound("G9", "half-open line", f"user offline after {seconds:.1f} s")


async def connect(
    http: aiohttp.ClientSession, server: Server, token: str
) -> aiohttp.ClientWebSocketResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return await http.ws_connect(f"{server.url}/ws", headers=headers)


async def until_gone(watching: aiohttp.ClientWebSocketResponse, name: str) -> float:
    """Return the seconds until others are notified that a user is offline."""
    started = time.monotonic()
    while True:
        frame = await watching.receive_json()
        if frame["type"] == PRESENCE and name in frame["offline"]:
            return time.monotonic() - started


async def test_stalled_readers_are_disconnected_and_do_not_slow_others(
    users: Users, sound: Sound
) -> None:
    with network() as narrow:
        narrow.narrow()
        server = Server(users.folder, plant=narrow.join, environ=LONG_SESSIONS).start()
        connector = narrow.connector()
        try:
            async with (
                aiohttp.ClientSession(connector=narrow.connector()) as http,
                Talk(server, users, count=COUNT, connector=connector, words="x" * 3_000) as talk,
            ):
                await talk.answers(ENOUGH)
                before = talk.p99()
                stalled = [
                    await connect(http, server, users.tokens[OBSERVER]) for _ in range(STALLED)
                ]
                for line in stalled:
                    reading(line).pause_reading()
                await talk.answers(ENOUGH)
                during = talk.p99()
                codes = {await code_after_all(line) for line in stalled}
        finally:
            server.kill()
    assert codes <= TOO_SLOW
    assert during < 2 * before + 0.5
    figure = (
        f"99 % of replies to other clients within {during * 1000:.0f} ms,"
        f" {before * 1000:.0f} ms before"
    )
    sound("G7", f"{STALLED} of {STALLED + COUNT} readers stall", figure, talk)


def reading(line: aiohttp.ClientWebSocketResponse) -> asyncio.ReadTransport:
    connection = line._response.connection
    assert connection is not None
    return cast(asyncio.ReadTransport, connection.transport)


async def code_after_all(line: aiohttp.ClientWebSocketResponse) -> int | None:
    """Return the close code of a connection that the server has closed."""
    reading(line).resume_reading()
    async with asyncio.timeout(TIMEOUT):
        async for _ in line:
            pass
    return line.close_code
