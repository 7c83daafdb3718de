"""Check of the files of messages by `chatserver doctor`: names and counts, never their content."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

from chatserver.clocks import wall
from chatserver.commands.findings import Finding
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.files.folder_store import FolderStore
from chatserver.files.verification import count_differences
from chatserver.permissions import obstacle
from chatserver.storage.engine import Database
from chatserver.storage.files import Files

PILLOW = ("PIL._imaging", "PIL._webp")  # compiled modules


async def file_findings(settings: Settings) -> list[Finding]:
    """Return what is wrong with the folder of files, with its content and with the libraries."""
    folder = DataDir(settings.data).files_folder
    if (reason := obstacle(folder, os.R_OK | os.W_OK)) is not None:
        return [(False, reason)]
    if folder.exists() and not folder.is_dir():
        return [(False, f"{folder} is not a folder")]
    database = Database(settings.database_url, read_only=True)
    try:
        register = Files(database, clock=wall)
        usage = await register.usage()
        found = await count_differences(register, FolderStore(folder))
    finally:
        await database.close()
    findings = list(_libraries() if settings.files.per_message else ())
    if found.missing:
        where = f"{folder}, which does not exist" if not folder.exists() else str(folder)
        lost = f"{found.missing:,} of {usage.files:,} are missing in {where}: restore a backup"
        findings.append((False, f"files: {lost}"))
    if found.unregistered:
        many = f"{found.unregistered:,} in {folder} belong to no message or account"
        findings.append((None, f"files: {many}; the server deletes them after a month"))
    if not found.missing:
        findings.append((True, f"files: {usage.files:,}, {usage.bytes // 1_000_000:,} MB"))
    return findings


def _libraries() -> Iterator[Finding]:
    """Report missing parts of Pillow, which only the process for pictures loads."""
    if any(not _is_installed(part) for part in PILLOW):
        yield None, "files: Pillow is not installed completely, so pictures have no thumbnails"


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
