"""Faults of processes: a stopped server, a clock that jumps, few descriptors, and a restart after
which all clients reconnect at once."""

import asyncio
import os
import resource
import signal
import time
from pathlib import Path

from tests.faults.conversation import LONG_SESSIONS, Talk, Users
from tests.faults.crowd import CAP, Crowd
from tests.faults.report import Sound, whole
from tests.faults.server import Server
from tests.process import ServerProcess
from tests.rig.needs import require

COUNT = 4  # users who send messages
PAUSE = whole(60.0, 1.0)  # seconds
JUMPS = ("-3600", "+3600", "+400d", "+0")  # of the wall clock: seconds, and past every session
STORM = whole(2_000, 200)  # connections
CROWD = whole(1_000, 100)
EXIT = 5.0  # seconds until a stop must have ended
SPARE = 20  # free descriptors of the server
LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


async def test_a_frozen_server_continues(users: Users, sound: Sound) -> None:
    server = Server(users.folder).start()
    try:
        async with Talk(server, users, count=COUNT) as talk:
            await talk.answers(50)
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(PAUSE)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            started = time.monotonic()
            await talk.answers(1)
            seconds = time.monotonic() - started
            await talk.answers(50)
    finally:
        server.kill()
    figure = f"first reply {seconds:.1f} s after it resumes"
    sound("G12", f"server paused for {PAUSE:.0f} s", figure, talk)


async def test_a_jump_of_the_clock_has_no_effect(
    tmp_path: Path, settled: Users, sound: Sound
) -> None:
    require("libfaketime (faketime)", found=Path(LIBFAKETIME).exists())
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environ = {
        "LD_PRELOAD": LIBFAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # seconds; reading the file at each call is slow
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    server = ServerProcess(settled.move_to(tmp_path / "data"), environ=environ).start()
    try:
        async with Talk(server, settled, count=COUNT) as talk:
            for jump in JUMPS:
                clock.write_text(jump)
                await asyncio.sleep(1.2)  # the server sees it within a second
                await asyncio.sleep(1.2)  # and checks its connections once a second
                await talk.answers(20)
    finally:
        server.kill()
    assert talk.welcomes == COUNT  # no client was disconnected
    sound("G12", "clock one hour back, forward, 400 days ahead, correct", "no socket closed", talk)


async def test_without_descriptors_open_connections_continue(users: Users, sound: Sound) -> None:
    server = Server(users.folder, environ=LONG_SESSIONS).start()
    try:
        async with Talk(server, users, count=COUNT) as talk:
            await talk.answers(50)
            used = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
            limits = (used + SPARE, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
            async with Crowd(server.url, users, 3 * SPARE) as crowd:
                await crowd.back(0.2)
                await talk.answers(200)
            async with Crowd(server.url, users, SPARE // 2) as crowd:
                seconds = await crowd.back(1.0)
    finally:
        server.kill()
    assert talk.welcomes == COUNT
    figure = f"no socket closed, new clients accepted {seconds:.1f} s after some are free"
    sound("G7", "no file descriptor left", figure, talk)


async def test_a_graceful_restart_loses_no_message_and_no_session(
    users: Users, sound: Sound
) -> None:
    server = Server(users.folder, environ=LONG_SESSIONS).start()
    try:
        async with Talk(server, users) as talk, Crowd(server.url, users, CROWD) as crowd:
            await crowd.back(1.0)
            await talk.answers(50)
            code = await asyncio.to_thread(server.stop)
            ended = server.exit_seconds
            await crowd.gone()
            await asyncio.to_thread(server.start)
            seconds = await crowd.back(0.99)
            await talk.answers(50)
    finally:
        server.kill()
    assert (code, ended <= EXIT) == (0, True), ended
    figure = f"stopped in {ended:.1f} s, 99 % reconnected {seconds:.1f} s after the start"
    sound("G13", f"restart under load, {CROWD:,} sockets", figure, talk)


async def test_all_clients_can_reconnect_at_the_same_time(users: Users, sound: Sound) -> None:
    server = Server(users.folder, environ=LONG_SESSIONS).start()
    try:
        async with Crowd(server.url, users, STORM) as crowd:
            await crowd.back(1.0)
            server.kill()
            await crowd.gone()
            await asyncio.to_thread(server.start)
            seconds = await crowd.back(0.99)
    finally:
        server.kill()
    assert seconds < CAP
    sound("G13", f"`kill -9`, {STORM:,} sockets reconnect", f"99 % within {seconds:.1f} s")
