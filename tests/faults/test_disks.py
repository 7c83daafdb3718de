"""Power cuts, full disks, and a flush that fails: nothing answered is lost, nothing is answered
that is not stored."""

import asyncio
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import aiohttp
import pytest

from tests.faults import planted
from tests.faults.conversation import Talk, Users
from tests.faults.disks import Disk, disk, require_root
from tests.faults.report import Sound, whole
from tests.faults.server import Plant, Server
from tests.process import ServerProcess
from tests.rig.needs import require
from tests.rig.server import PrivateServer, find

CUTS = whole(10, 2)
PLANTED_CUTS = 3  # one may come right after a checkpoint
ALIVE = (0.3, 0.8)  # seconds of messages before the power cut
FIU = Path("/usr/lib/fiu")  # libfiu's preloads, of Debian's fiu-utils


async def cut_power(server: Server, disk: Disk, *below: PrivateServer) -> None:
    """Stop all processes at the same time, and restart them with the content of the disk.

    The server is stopped first, because its replies must follow the flush.
    """
    pids = [server.pid, *(program.pid for program in below)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    disk.freeze()
    server.kill()
    for program in below:
        program.kill()
    disk.wake_up()
    for program in below:
        program.start()
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize(
    ("plant", "lost"),
    [(None, False), (planted.never_flush, True), (planted.flush_now_and_then, True)],
    ids=["FULL", "OFF", "NORMAL"],
)
async def test_a_power_cut_loses_no_acknowledged_message(
    tmp_path: Path, settled: Users, sound: Sound, plant: Plant | None, lost: bool
) -> None:
    require_root()
    chance = random.Random(7)
    with disk(tmp_path / "disk", 64) as drive:
        data = settled.move_to(drive.place / "data")
        os.sync()  # the accounts are on disk: the test is about messages
        server = Server(data, plant=plant, log=tmp_path / "server.log").start()
        try:
            async with Talk(server, settled, patience=2.0 if lost else 60.0) as talk:
                for _ in range(PLANTED_CUTS if lost else CUTS):
                    await talk.answers(50)
                    await asyncio.sleep(chance.uniform(*ALIVE))
                    await cut_power(server, drive)
        finally:
            server.kill()
    if lost:
        assert talk.verdict.counts["lost"] > 0, str(talk.verdict)
    else:
        sound("G1", f"power failure × {CUTS}, SQLite on ext4", "", talk)


async def test_a_full_disk_is_reported_and_messages_continue_with_free_space(
    tmp_path: Path, settled: Users, sound: Sound
) -> None:
    require_root()
    with disk(tmp_path / "disk", 32) as drive:
        server = Server(settled.move_to(drive.place / "data"), log=tmp_path / "server.log").start()
        try:
            async with Talk(server, settled, count=4) as talk:
                await talk.answers(50)
                ballast = drive.fill()
                await talk.refused("unavailable")
                before = talk.answered
                await talk.clients[0].read_everything()
                ballast.unlink()
                started = time.monotonic()
                await talk.answers(1)
                seconds = time.monotonic() - started
        finally:
            server.kill()
    assert before >= 50
    sound(
        "G11",
        "disk full, then space freed",
        f"first reply {seconds:.1f} s after space is freed",
        talk,
    )


async def test_an_exhausted_quota_is_a_full_disk_and_needs_no_restart(
    users: Users, tmp_path: Path, sound: Sound
) -> None:
    """SQLite reports EDQUOT as it does EFBIG: as a failed write."""
    server = Server(users.folder, log=tmp_path / "server.log").start()
    try:
        async with Talk(server, users, count=4) as talk:
            await talk.answers(50)
            _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (65_536, most))
            await talk.refused("unavailable")
            assert await readiness(server) == 503
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
            await talk.answers(50)
            assert await readiness(server) == 200
    finally:
        server.kill()
    sound("G11", "quota used up, then raised", "storing resumes without a restart", talk)


async def readiness(server: Server) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/readyz") as answer:
        return answer.status


async def test_after_a_failed_flush_nothing_is_acknowledged_until_a_restart(
    tmp_path: Path, users: Users, sound: Sound
) -> None:
    require("libfiu (fiu-utils)", found=find("fiu-ctrl") is not None)
    preload = ":".join(str(FIU / name) for name in ("fiu_run_preload.so", "fiu_posix_preload.so"))
    control = tmp_path / "fiu"
    environ = {"LD_PRELOAD": preload, "FIU_CTRL_FIFO": str(control)}
    failing = ServerProcess(users.folder, environ=environ).start()
    server = Server(users.folder)
    server.port, server.url = failing.port, failing.url
    try:
        async with Talk(server, users, count=4) as talk:
            await talk.answers(50)
            order = "enable name=posix/io/sync/fdatasync,failinfo=5"
            fiu = ["fiu-ctrl", "-f", str(control), "-c", order, str(failing.pid)]
            await asyncio.to_thread(subprocess.run, fiu, check=True)
            await talk.refused("unavailable")
            before = talk.answered
            assert await readiness(server) == 503
            await talk.clients[0].read_everything()
            assert talk.answered == before
            failing.kill()
            await asyncio.to_thread(server.start)
            await talk.answers(50)
    finally:
        failing.kill()
        server.kill()
    sound(
        "G11",
        "I/O error at a flush",
        "storing stops, reading continues; recovers after a restart",
        talk,
    )
