"""`chatserver doctor`: what may be wrong with this installation, one line a finding."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import click

from chatserver.config import Settings
from chatserver.control import control
from chatserver.errors import ChatServerError
from chatserver.folder import DataFolder

SCARCE = 500_000_000  # bytes

Finding = tuple[bool, str]


async def examine(settings: Settings) -> bool:
    """Print the findings; whether all is well."""
    findings = [*_folder(settings), *await _database(settings)]
    for sound, text in findings:
        click.echo(f"{'ok  ' if sound else 'FAIL'}  {text}")
    return all(sound for sound, _ in findings)


def _folder(settings: Settings) -> Iterator[Finding]:
    path = settings.data.absolute()
    if not path.exists():
        yield True, f"data folder {path}: will be made at the first start"
        return
    shared = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    yield (
        not shared,
        f"data folder {path}: {'others can look in: chmod 700' if shared else 'private'}",
    )
    folder = DataFolder(path)
    for file in (folder.keys, folder.setup_token, path / "chat.db"):
        yield from _private(file)
    free = shutil.disk_usage(path).free
    yield free > SCARCE, f"disk: {free // 1_000_000:,} MB free"


def _private(file: Path) -> Iterator[Finding]:
    if file.exists():
        shared = file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        yield not shared, f"{file.name}: {'others can read it: chmod 600' if shared else 'private'}"


async def _database(settings: Settings) -> list[Finding]:
    if not settings.database.url and DataFolder(settings.data).is_vacant:
        return [(True, "database: will be made at the first start")]
    try:
        async with control(settings) as line:
            ready = await line.ask("GET", "/readyz")
    except ChatServerError as error:
        return [(False, str(error))]
    full = ready["durability"] == "full"
    return [
        (True, f"database: {ready['database']}, revision {ready['revision']}"),
        (full, f"durability: {ready['durability']}"),
    ]
