"""MariaDB dies, freezes and loses results: the server reports it, and recovers by itself."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from chatserver.data_dir import DataDir
from tests.faults.conversation import LONG_SESSIONS, Talk, Users, settle_in
from tests.faults.disks import disk, require_root
from tests.faults.networks import CommitCutter
from tests.faults.report import Sound, whole
from tests.faults.server import Server
from tests.faults.test_disks import ALIVE, CUTS, cut_power
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.needs import require

KILLS = whole(10, 1)
PAUSE = whole(10.0, 1.0)  # seconds
LOST_ANSWERS = whole(50, 4)
COUNT = 4  # users
ENDS = 10.0  # seconds; limit of a stop with shortened time limits on a busy machine
REGISTERED = 0.5  # seconds until the server has registered an upload
ANSWERED = 8.0  # seconds until a rejection with shortened time limits on a busy machine
BACK = 5.0  # seconds until the first reply

_numbers = itertools.count()


@pytest.fixture(scope="module")
def own_mariadb() -> Iterator[PrivateMariaDB]:
    """A MariaDB of this module, which tests can kill."""
    require("MariaDB", found=PrivateMariaDB.found())
    with PrivateMariaDB() as server:
        yield server


@pytest_asyncio.fixture
async def users_and_url(own_mariadb: PrivateMariaDB, tmp_path: Path) -> tuple[Users, str]:
    """Users on a separate database, and its URL."""
    url = own_mariadb.create_database(f"faults{next(_numbers)}")
    return await settle_in(tmp_path, url=url, count=COUNT), url


@pytest_asyncio.fixture
async def server(users_and_url: tuple[Users, str]) -> AsyncIterator[Server]:
    users, url = users_and_url
    server = Server(users.folder, url=url).start()
    yield server
    server.kill()


async def first_answer(talk: Talk) -> float:
    """Return the seconds until the next reply."""
    started = time.monotonic()
    await talk.answers(1)
    return time.monotonic() - started


async def test_a_killed_mariadb_is_reported_and_reconnected(
    own_mariadb: PrivateMariaDB, users_and_url: tuple[Users, str], server: Server, sound: Sound
) -> None:
    seconds = []
    async with Talk(server, users_and_url[0]) as talk:
        for _ in range(KILLS):
            await talk.answers(50)
            own_mariadb.kill()
            await talk.refused("unavailable")
            own_mariadb.start()  # in this thread: it ends with the one that started it
            seconds.append(await first_answer(talk))
        await talk.answers(50)
    assert talk.welcomes == len(talk.clients)  # no connection was closed
    assert max(seconds) <= BACK
    figure = (
        f"first reply {max(seconds):.1f} s after it is available again (worst), no socket closed"
    )
    sound("G10", f"`kill -9` of MariaDB × {KILLS}", figure, talk)


async def test_messages_wait_for_a_frozen_mariadb(
    own_mariadb: PrivateMariaDB, users_and_url: tuple[Users, str], server: Server, sound: Sound
) -> None:
    async with Talk(server, users_and_url[0]) as talk:
        await talk.answers(50)
        os.kill(own_mariadb.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(PAUSE)
        finally:
            os.kill(own_mariadb.pid, signal.SIGCONT)
        seconds = await first_answer(talk)
        await talk.answers(50)
    assert talk.welcomes == len(talk.clients)
    assert seconds <= BACK
    figure = f"first reply {seconds:.1f} s after it resumes, no socket closed"
    sound("G10", f"MariaDB paused for {PAUSE:.0f} s", figure, talk)


async def test_uploads_are_answered_while_mariadb_is_frozen(
    own_mariadb: PrivateMariaDB, users_and_url: tuple[Users, str], sound: Sound
) -> None:
    users, url = users_and_url
    server = Server(users.folder, url=url, environ=LONG_SESSIONS, plant=answer_sooner).start()
    headers = {"Authorization": f"Bearer {next(iter(users.tokens.values()))}"}
    try:
        async with aiohttp.ClientSession(server.url, headers=headers) as http:
            begun = asyncio.Event()
            upload = asyncio.create_task(upload_status(http, begun, own_mariadb.pid))
            await begun.wait()
            started = time.monotonic()
            status = await upload
            seconds = time.monotonic() - started
            os.kill(own_mariadb.pid, signal.SIGCONT)
            async with http.post("/api/files", data=b"text") as response:
                later = response.status
    finally:
        os.kill(own_mariadb.pid, signal.SIGCONT)
        server.kill()
    assert (status, later) == (503, 201)
    assert seconds <= ANSWERED
    figure = f"rejected after {seconds:.1f} s with shortened time limits"
    sound("G10", "MariaDB paused when the last byte of a file arrives", figure)


async def upload_status(http: aiohttp.ClientSession, begun: asyncio.Event, mariadb: int) -> int:
    """Upload a file, and pause MariaDB before its last byte; return the status."""

    async def body() -> AsyncIterator[bytes]:
        yield b"tex"
        await asyncio.sleep(REGISTERED)
        os.kill(mariadb, signal.SIGSTOP)
        begun.set()
        yield b"t"

    async with http.post("/api/files", data=body(), headers={"Content-Length": "4"}) as response:
        return response.status


def answer_sooner() -> None:
    """Shorten the time limits of an upload after its last byte."""
    from chatserver.files import uploads
    from chatserver.storage import batch_loader

    batch_loader.WAIT_TIMEOUT = uploads.QUERY_TIMEOUT = 1.0
    uploads.DISCARD_TIMEOUT = 0.2


async def test_a_stop_ends_while_mariadb_is_frozen(
    own_mariadb: PrivateMariaDB, users_and_url: tuple[Users, str], sound: Sound
) -> None:
    users, url = users_and_url
    server = Server(users.folder, url=url, plant=stop_sooner).start()
    try:
        async with Talk(server, users) as talk:
            await talk.answers(50)
            os.kill(own_mariadb.pid, signal.SIGSTOP)
            code = await asyncio.to_thread(server.stop)
            seconds = server.exit_seconds
            refused = await asyncio.to_thread(server.code, "user", "list")
            os.kill(own_mariadb.pid, signal.SIGCONT)
            server.start()  # in this thread: it ends with the one that started it
            await talk.answers(50)
    finally:
        os.kill(own_mariadb.pid, signal.SIGCONT)
        server.kill()
    assert (code, refused) == (75, 75)
    assert "Not written: messages that were not confirmed" in server.log.read_text()
    assert seconds <= ENDS
    figure = f"stopped after {seconds:.1f} s with exit code 75"
    sound("G10, G13", "SIGTERM while MariaDB is paused", figure, talk)


def stop_sooner() -> None:
    """Shorten the time limits of a stop."""
    from chatserver import shutdown

    shutdown.DRAIN_TIMEOUT, shutdown.FINISH_TIMEOUT, shutdown.CLOSE_TIMEOUT = 0.3, 0.5, 0.2


async def test_a_lost_commit_result_neither_loses_nor_duplicates(
    own_mariadb: PrivateMariaDB, users_and_url: tuple[Users, str], sound: Sound
) -> None:
    users, url = users_and_url
    async with CommitCutter(own_mariadb.port) as cutter:
        through = url.replace(str(own_mariadb.port), str(cutter.port))
        DataDir(users.folder).record.unlink()  # as when a database has moved
        server = Server(users.folder, url=through)
        await asyncio.to_thread(server.start)  # the cutter is served by this thread
        try:
            async with Talk(server, users) as talk:
                for _ in range(LOST_ANSWERS):
                    await talk.answers(10)
                    async with asyncio.timeout(BACK):
                        await cutter.cut()
                await talk.answers(50)
        finally:
            server.kill()
    assert cutter.cuts == LOST_ANSWERS
    sound("G2, G10", f"connection to MariaDB closed at COMMIT × {LOST_ANSWERS}", "", talk)


async def test_a_power_cut_of_mariadb_loses_no_acknowledged_message(
    tmp_path: Path, sound: Sound
) -> None:
    require_root()
    with disk(tmp_path / "disk", 256) as drive, MariaDBOn(drive.place) as mariadb:
        url = mariadb.create_database("chat")
        users = await settle_in(tmp_path, url=url, count=COUNT)
        server = Server(users.folder, url=url).start()
        try:
            async with Talk(server, users) as talk:
                for _ in range(whole(CUTS, 1)):
                    await talk.answers(50)
                    await asyncio.sleep(ALIVE[0])
                    await cut_power(server, drive, mariadb)
        finally:
            server.kill()
            mariadb.kill()
    sound("G1", f"power failure × {CUTS}, MariaDB on ext4", "", talk)


class MariaDBOn(PrivateMariaDB):
    """MariaDB with its tables on a disk."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self._disk = place

    def _place(self) -> list[str]:
        return [*super()._place(), f"--datadir={self._disk / 'mariadb'}"]
