"""`chatserver doctor`: checks of this installation, one line each."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chatserver.accounts.session_tokens import SigningKeys
from chatserver.binding import Binding
from chatserver.clocks import wall
from chatserver.commands.clock_check import clock_finding
from chatserver.commands.control import control, is_running, reading
from chatserver.commands.files_check import file_findings
from chatserver.commands.findings import Finding
from chatserver.commands.push_check import push_findings
from chatserver.commands.reachability import links, reached
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.errors import ChatServerError, StartError, Unavailable
from chatserver.permissions import obstacle, obstacles
from chatserver.storage.engine import Database, with_retries
from chatserver.storage.migrate import HEAD, revision
from chatserver.tls import server_context

MIN_FREE = 500_000_000  # bytes
NO_BUS = "bus: Redis does not answer, so other nodes learn of events seconds later"


async def examine(settings: Settings) -> list[Finding]:
    """Return the results of all checks. Raises WrongDatabase."""
    findings: list[Finding] = [(False, obstacle) for obstacle in DataDir(settings.data).obstacles()]
    if not findings:
        Binding(DataDir(settings.data), settings.database_url).check()
        findings = [*_folder(settings), *_keys(settings), *await _database(settings)]
    findings += [*_certificate(settings), *await _bus(settings), links(settings)]
    return findings + [finding async for finding in reached(settings)]


def _folder(settings: Settings) -> Iterator[Finding]:
    path = settings.data.absolute()
    if not path.exists():
        yield True, f"data folder {path}: will be created at the first start"
        return
    shared = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    yield (
        not shared,
        f"data folder {path}: {'other accounts can read it: chmod 700' if shared else 'private'}",
    )
    folder = DataDir(path)
    for file in (folder.keys, folder.setup_token, path / "chat.db"):
        yield from _private(file)
    yield from _backups(folder.backups)
    yield from _private(folder.files_folder)
    yield from _disks(folder, settings)


def _disks(folder: DataDir, settings: Settings) -> Iterator[Finding]:
    """Report the free space of the data folder, and of the folder of files on another disk."""
    usage, limits, files = shutil.disk_usage(folder.path), settings.files, folder.files_folder
    yield usage.free > MIN_FREE, f"disk: {usage.free // 1_000_000:,} MB free"
    if not limits.url and files.exists() and files.stat().st_dev != folder.path.stat().st_dev:
        usage = shutil.disk_usage(files)
        yield True, f"disk of {files}: {usage.free // 1_000_000:,} MB free"
    kept = limits.reserve(usage.total)
    if usage.free < kept and limits.per_message:
        yield None, f"files: no uploads are accepted below {kept // 1_000_000:,} MB free"


def _keys(settings: Settings) -> Iterator[Finding]:
    """Report a key file with which the server does not start."""
    try:
        SigningKeys(DataDir(settings.data).keys, clock=wall).check()
    except StartError as error:
        yield False, str(error)


async def _bus(settings: Settings) -> list[Finding]:
    """Check Redis; without it the nodes poll the database."""
    if not settings.bus.url:
        return []
    from chatserver.bus.redis import answers  # raises StartError without the redis package

    if await answers(settings.bus.url):
        return [(True, "bus: Redis answers")]
    return [(None, NO_BUS)]


def _certificate(settings: Settings) -> Iterator[Finding]:
    if settings.server.tls_cert:
        try:
            server_context(settings.server)
        except StartError as error:
            yield False, str(error)


def _private(file: Path) -> Iterator[Finding]:
    if file.exists():
        shared = file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        mode = 700 if file.is_dir() else 600
        remedy = f"other accounts can read it: chmod {mode}"
        yield not shared, f"{file.name}: {remedy if shared else 'private'}"


def _backups(backups: Path) -> Iterator[Finding]:
    """Check what the server needs for the copy before an upgrade, but not for its start."""
    found = (
        obstacle(backups, os.R_OK | os.W_OK),
        *(obstacle(file, os.R_OK) for file in sorted(backups.glob("*"))),
    )
    yield from ((None, text) for text in found if text is not None)


async def _database(settings: Settings) -> list[Finding]:
    """Check the database and the clock, which is compared with times in it."""
    folder, findings = DataDir(settings.data), list[Finding]()
    try:
        _require_writable(Database(settings.database_url).path, folder)
        if folder.is_vacant:
            return [(None, await _no_chat(settings))]
        ready = await (_from_server if is_running(folder) else _from_database)(settings)
        full = ready["durability"] == "full"
        findings = [
            (True, f"database: {ready['database']}, revision {ready['revision']}"),
            (full, f"durability: {ready['durability']}"),
        ]
        findings.append(await clock_finding(settings))
        findings += await file_findings(settings)
        findings += await push_findings(settings)
    except Unavailable as error:
        reason = error.reason or str(error).rstrip(".")
        findings.append((False, f"The database cannot be used: {reason}."))
    except ChatServerError as error:
        findings.append((False, str(error)))
    return findings


async def _no_chat(settings: Settings) -> str:
    first_start = await _before_the_start(settings)
    return (
        f"There is no chat in {settings.data.absolute()} yet. If there should be one, give its"
        f" folder with --data. Database: {first_start}"
    )


async def _before_the_start(settings: Settings) -> str:
    """Describe what the first start will find. Raises StartError if it will fail."""
    if not settings.database.url:
        return "will be created at the first start"
    database = Database(settings.database_url, read_only=True)
    try:
        found = await with_retries(lambda: revision(database))
    finally:
        await database.close()
    return f"has revision {found}" if found else "is empty and will be filled at the first start"


def _require_writable(file: Path | None, own: DataDir) -> None:
    """Raise StartError if a SQLite file outside the data folder cannot be created or written."""
    if file is None or file.absolute().parent == own.path:
        return
    folder = file.absolute().parent
    if not folder.is_dir():
        raise StartError(f"Cannot write {file}: its folder does not exist.")
    for reason in obstacles(folder, [file], os.R_OK | os.W_OK):
        raise StartError(reason)


async def _from_server(settings: Settings) -> dict[str, Any]:
    """Return what the running server reports."""
    async with control(settings, create_database=False) as server:
        ready: dict[str, Any] = await server.request("GET", "/readyz")
        return ready


async def _from_database(settings: Settings) -> dict[str, Any]:
    """Return the same, read from the database."""
    async with reading(settings) as database:
        durability = await database.durability()
        return {"database": database.kind, "revision": HEAD, "durability": durability}
