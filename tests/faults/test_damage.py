"""Removed, truncated or damaged files after a kill: the server never starts silently with less."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conversation import Talk, Users
from tests.faults.report import Sound
from tests.faults.server import Server

DATABASE, WAL, SHM, TALLY = "chat.db", "chat.db-wal", "chat.db-shm", "chat.db-tally"
PAGE = 4_096
FINDINGS = ("stored events are missing", "is damaged", "malformed")

Damage = Callable[[Path], None]


def gone(*names: str) -> Damage:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return remove


def cut(name: str, share: float) -> Damage:
    def truncate(folder: Path) -> None:
        size = int((folder / name).stat().st_size * share) // PAGE * PAGE
        os.truncate(folder / name, size)

    return truncate


def scratched(name: str, start: int, size: int) -> Damage:
    def write(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.seek(start)
            file.write(b"\xa5" * size)

    return write


@pytest.fixture(scope="module")
def killed(settled: Users, tmp_path_factory: pytest.TempPathFactory) -> Users:
    """The data folder of a server that was killed during messages."""
    folder = tmp_path_factory.mktemp("killed")
    server = Server(settled.move_to(folder / "data")).start()

    async def talk() -> None:
        async with Talk(server, settled, count=4) as talk:
            await talk.answers(100)
            server.kill()
            Users(server.data, settled.tokens).move_to(folder / "found")
            await asyncio.to_thread(server.start)

    asyncio.run(talk())
    server.kill()
    return Users(folder / "found", settled.tokens)


@pytest.mark.parametrize(
    "damage",
    [
        gone(DATABASE),
        gone(DATABASE, WAL, SHM),
        cut(DATABASE, 0),
        cut(DATABASE, 0.5),
        scratched(DATABASE, 2 * PAGE, 4 * PAGE),
        gone(WAL),
        gone(WAL, SHM),
        cut(WAL, 0.5),
        scratched(WAL, 0, 32),
        scratched(WAL, PAGE * 10, PAGE),
    ],
    ids=[
        "no database",
        "no files",
        "empty database",
        "half a database",
        "pages scratched",
        "no WAL",
        "no WAL and no index",
        "half a WAL",
        "WAL's head scratched",
        "WAL scratched",
    ],
)
def test_damage_is_reported_at_the_start(tmp_path: Path, killed: Users, damage: Damage) -> None:
    server = Server(killed.move_to(tmp_path / "data"))
    damage(server.data)
    with pytest.raises(RuntimeError, match=r"\(2\)"):
        server.start()
    said = server.log.read_text().strip()
    assert said.startswith("Error: ")
    assert said.count("\n") == 0
    assert any(part in said for part in FINDINGS), said


def test_without_the_counter_the_server_starts_with_the_loss(tmp_path: Path, killed: Users) -> None:
    server = Server(killed.move_to(tmp_path / "data"))
    gone(WAL, SHM, TALLY)(server.data)
    server.start()
    assert server.stop() == 0


def test_a_killed_server_restarts_with_all_events(
    tmp_path: Path, killed: Users, sound: Sound
) -> None:
    server = Server(killed.move_to(tmp_path / "data")).start()
    assert server.stop() == 0
    server.start()
    assert server.stop() == 0
    sound(
        "G11",
        "files removed, truncated, damaged (10 ways)",
        "error message of one sentence, exit code 2",
    )
