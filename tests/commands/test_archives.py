"""Copies of a chat whose files are missing or altered, and restores without them."""

import asyncio
import hashlib
import sqlite3
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chatserver.__main__ import main
from chatserver.commands.archive_files import exit_if_files_are_missing
from chatserver.commands.archives import Copy, _copy
from chatserver.config import Settings
from chatserver.storage.archive_writer import PackedWriter, PlainWriter
from tests.commands.test_files_check import make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


async def copied(settings: Settings, form: type[PackedWriter | PlainWriter]) -> Copy:
    with (settings.data / "copy").open("wb") as opened:
        return await _copy(settings, opened, form, with_files=True)


@pytest.mark.parametrize("form", [PackedWriter, PlainWriter])
@pytest.mark.parametrize(
    ("stored", "lost", "altered", "expected"),
    [(2, 0, 0, "2 files"), (1, 2, 0, "1 file"), (0, 1, 0, "0 files"), (2, 0, 1, "2 files")],
)
async def test_missing_and_altered_files_end_a_copy_with_an_error(
    settings: Settings,
    form: type[PackedWriter | PlainWriter],
    stored: int,
    lost: int,
    altered: int,
    expected: str,
) -> None:
    await make(settings, stored=stored, lost=lost)
    with sqlite3.connect(settings.data / "chat.db") as database:
        database.execute("UPDATE files SET sha256 = ?", (hashlib.sha256().hexdigest(),))
    database.close()
    for file in [*(settings.data / "files").glob("*/*/*")][:altered]:
        file.write_bytes(b"other")
    copy = await copied(settings, form)
    assert copy.summary.endswith(f" {expected}")
    assert (copy.missing, copy.altered) == (lost, altered)
    if lost or altered:
        with pytest.raises(click.ClickException) as refused:
            copy.exit_if_incomplete()
        assert refused.value.exit_code == 1
    else:
        copy.exit_if_incomplete()


@pytest.mark.parametrize("command", ["restore", "import"])
def test_a_restore_says_how_many_files_are_missing_and_ends_with_an_error(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    asyncio.run(make(settings, stored=1, lost=2))
    for file in (settings.data / "files").glob("*/*/*"):
        file.write_bytes(b"ann")
    archive, there = tmp_path / "archive", tmp_path / "there"
    form = PackedWriter if command == "restore" else PlainWriter
    with archive.open("wb") as opened:
        asyncio.run(_copy(settings, opened, form, with_files=True))
    done = CliRunner().invoke(main, ["--data", str(there), command, str(archive)])
    assert done.exit_code == 1, done.output
    assert "The data are restored, but 2 files of messages" in done.output
    assert (there / "chat.db").exists()


def test_a_restore_with_all_files_ends_well(settings: Settings) -> None:
    asyncio.run(make(settings, stored=2))
    exit_if_files_are_missing(settings)
