"""Restore of an archive. Locks the data folder, so that no server uses it."""

import logging
import time
from collections.abc import Callable, Iterable

from chatserver.binding import Binding
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.errors import ChatServerError
from chatserver.files.archived_files import adding
from chatserver.files.stores import opened_store
from chatserver.storage import archive_io
from chatserver.storage.archive_file import Archive, Row
from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.migrate import HEAD, migrate
from chatserver.storage.reinstated import Reinstated
from chatserver.storage.replaced_state import read_replaced_state
from chatserver.storage.replacement import replace_file
from chatserver.storage.restore_audit import RestoreAudit

logger = logging.getLogger(__name__)

Progress = Callable[[int], None]
Rows = Iterable[Row]


async def restore(
    settings: Settings,
    archive: Archive,
    *,
    replace: bool,
    progress: Progress,
    move: bool = False,
    since: int | None = None,
) -> Reinstated:
    """Replace the content of the database by the archive, under a new epoch, or change nothing.

    `progress` is called with the number of rows added. Users who were logged in at the time of the
    backup are logged in again if the keys still exist. What was ended or restricted at or after
    `since` (ms UTC) stays so; return what else is valid again. `replace`: users may be lost, if the
    folder belongs to the database; `move`: it may belong to another one, and belongs to this then.

    Raises StartError while a server runs on the folder, WrongDatabase if it has another database,
    NotEmpty if users would be lost, ChatServerError if the archive is of a newer program.
    """
    _require_known_revision(archive)
    folder = DataDir(settings.data)
    folder.require_access()
    binding = _binding(folder, settings.database_url, check=not move)
    replaces = replace and binding.fits and not folder.is_vacant
    folder.lock()
    try:
        audit = await _audit(settings, archive, since=since)
        await _require_replaceable(settings.database_url, replaces=replaces)
        async with opened_store(settings) as store, adding(archive.files(), store):
            rows = audit.rows(archive.rows())
            await _load(folder, settings, rows, replace=replaces, progress=progress)
        binding.write()
        return audit.reinstated
    except archive_io.NotEmpty as error:
        if replace:
            raise ChatServerError(f"{error} It is not the database of {folder.path}.") from None
        raise
    finally:
        folder.unlock()


async def _require_replaceable(url: str, *, replaces: bool) -> None:
    """Raise NotEmpty if the database has users, unless it `replaces` them."""
    database = Database(url)
    try:
        if not replaces and (database.path is None or database.path.exists()):
            await wait_until_reachable(database)
            if not await archive_io.is_empty(database):
                raise archive_io.NotEmpty
    finally:
        await database.close()


def _require_known_revision(archive: Archive) -> None:
    if archive.manifest.revision > HEAD:
        raise ChatServerError(
            f"{archive.path} is newer than this program: it has revision"
            f" {archive.manifest.revision}, the program knows {HEAD}."
        )


def _binding(folder: DataDir, url: str, *, check: bool) -> Binding:
    binding = Binding(folder, url)
    if check:
        binding.check()
    return binding


async def preview(settings: Settings, archive: Archive) -> Reinstated:
    """Return what a restore of this archive would make valid again. Changes nothing."""
    audit = await _audit(settings, archive, since=None)
    for _ in audit.rows(archive.rows()):
        pass
    return audit.reinstated


async def _audit(settings: Settings, archive: Archive, *, since: int | None) -> RestoreAudit:
    """Return the comparison of an archive with the database that it will replace."""
    database = Database(settings.database_url)
    try:
        replaced = await read_replaced_state(database, made_at=archive.manifest.made_at)
    finally:
        await database.close()
    return RestoreAudit(replaced, since=since, now=time.time_ns() // 1_000_000)


async def _load(
    folder: DataDir,
    settings: Settings,
    rows: Rows,
    *,
    replace: bool,
    progress: Progress,
) -> None:
    database = Database(settings.database_url)
    if database.path is None:
        await _into_server(folder, database, rows, replace=replace, progress=progress)
    else:
        await replace_file(
            database.path, rows, backups=folder.backups, replace=replace, progress=progress
        )


async def _into_server(
    folder: DataDir,
    database: Database,
    rows: Rows,
    *,
    replace: bool,
    progress: Progress,
) -> None:
    """MySQL: one transaction, while no node is connected."""
    try:
        await wait_until_reachable(database)
        await archive_io.require_no_other_clients(database)
        if not replace and not await archive_io.is_empty(database):
            raise archive_io.NotEmpty
        await migrate(database, backups=folder.backups)
        await archive_io.load(database, rows, replace=replace, progress=progress)
    finally:
        await database.close()
