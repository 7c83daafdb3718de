"""Check of the files of messages by `chatserver doctor`: names and counts, never their content."""

import os
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec

from chatserver.bucket_url import parse
from chatserver.clocks import wall
from chatserver.commands.bucket_check import bucket_findings
from chatserver.commands.findings import Finding
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.errors import FilesUnavailable
from chatserver.files.stores import opened_store
from chatserver.files.text_extraction import PDF_LIBRARY
from chatserver.files.verification import count_differences
from chatserver.permissions import obstacle
from chatserver.storage.engine import Database
from chatserver.storage.files import FileRegister

PILLOW = ("PIL._imaging", "PIL._webp")  # compiled modules
WITHOUT_PILLOW = "new pictures are downloads without a preview, profile pictures are refused"


async def file_findings(settings: Settings) -> list[Finding]:
    """Return what is wrong with the store of files, with its content and with the libraries."""
    found = [finding async for finding in _place(settings)]
    if all(well is not False for well, _sentence in found):
        try:
            found += await _content(settings)
        except FilesUnavailable as error:
            found.append((False, f"files: {error.cause}"))
    return found


async def _place(settings: Settings) -> AsyncIterator[Finding]:
    if settings.files.url:
        async for finding in bucket_findings(settings.files):
            yield finding
        return
    folder = DataDir(settings.data).files_folder
    if (reason := obstacle(folder, os.R_OK | os.W_OK)) is not None:
        yield False, reason
    elif folder.exists() and not folder.is_dir():
        yield False, f"{folder} is not a folder"


async def _content(settings: Settings) -> list[Finding]:
    database = Database(settings.database_url, read_only=True)
    try:
        register = FileRegister(database, clock=wall)
        usage = await register.usage()
        async with opened_store(settings) as store:
            found = await count_differences(register, store)
    finally:
        await database.close()
    findings = list(_libraries() if settings.files.per_message else ())
    where = _described(settings)
    if found.missing:
        lost = f"{found.missing:,} of {usage.files:,} are missing in {where}: restore a backup"
        findings.append((False, f"files: {lost}"))
    if found.unregistered:
        many = f"{found.unregistered:,} in {where} belong to no message or account"
        findings.append((None, f"files: {many}; the server deletes them after a month of sweeps"))
    if not found.missing:
        findings.append((True, f"files: {usage.files:,}, {usage.bytes // 1_000_000:,} MB"))
    return findings


def _described(settings: Settings) -> str:
    if settings.files.url:
        return f"bucket {parse(settings.files.url).bucket}"
    folder = DataDir(settings.data).files_folder
    return str(folder) if folder.exists() else f"{folder}, which does not exist"


def _libraries() -> Iterator[Finding]:
    """Report missing libraries, which only the processes for pictures and texts load."""
    if any(not _is_installed(part) for part in PILLOW):
        yield None, f"files: Pillow is not installed completely: {WITHOUT_PILLOW}"

    if not _is_installed(PDF_LIBRARY):
        yield None, "files: pypdf is not installed, so search does not find the text of PDF files"


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
