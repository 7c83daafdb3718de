"""Kills during uploads, messages with files, and their deletion."""

import asyncio
import random

import pytest

from tests.faults import planted
from tests.faults.conversation import LONG_SESSIONS, Users
from tests.faults.file_senders import FileTalk
from tests.faults.report import Sound, whole
from tests.faults.server import Plant, Server

KILLS = whole(50, 5)
FILES = 4  # sent between two kills
ALIVE = (0.0, 0.1)  # seconds from then to the kill


async def killed(users: Users, plant: Plant | None = None, *, kills: int = KILLS) -> FileTalk:
    """Send files while the server is killed again and again; return what became of them."""
    server = Server(users.folder, environ=LONG_SESSIONS, plant=plant).start()
    chance = random.Random(7)
    try:
        async with FileTalk(server, users) as talk:
            for _ in range(kills):
                await talk.rounds(FILES)
                await asyncio.sleep(chance.uniform(*ALIVE))
                server.kill()
                await asyncio.to_thread(server.start)
            await talk.rounds(FILES)
    finally:
        server.kill()
    return talk


async def test_kill_9_loses_no_confirmed_file_and_leaves_no_deleted_one(
    users: Users, sound: Sound
) -> None:
    talk = await killed(users)
    assert talk.verdict.sound, talk.verdict
    deleted = sum(sent.deleted for sent in talk.sent)
    assert deleted
    assert talk.resumed >= KILLS
    figure = f"{len(talk.sent):,} files confirmed, none lost; {deleted} deleted, none left"
    sound("G15", f"`kill -9` during uploads × {KILLS}", figure)


@pytest.mark.parametrize(
    ("plant", "finds"),
    [
        (planted.forget_files_before_their_bytes, "orphaned"),
        (planted.lose_the_bytes_of_some_files, "lost"),
        (planted.let_anybody_read_files, "leaked"),
        (planted.keep_texts_of_deleted_files, "leaked"),
    ],
)
async def test_a_planted_fault_of_files_is_detected(
    users: Users, plant: Plant, finds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.file_senders.CLEANUP_TIMEOUT", 7.0)
    talk = await killed(users, plant, kills=1)
    assert getattr(talk.verdict, finds), talk.verdict
