"""Replacement of a SQLite file by a new one, and removal of what an aborted one left."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from chatserver.config import sqlite_url
from chatserver.errors import ChatServerError, StartError, Unavailable
from chatserver.permissions import is_foreign_link
from chatserver.storage import archive_io
from chatserver.storage.archive_file import Row
from chatserver.storage.archive_writer import fsync_directory, private, remove_partial
from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.failures import is_damage
from chatserver.storage.migrate import migrate


async def replace_file(
    path: Path,
    rows: Iterable[Row],
    *,
    backups: Path,
    replace: bool,
    progress: Callable[[int], None],
) -> None:
    """Fill a new file with these rows, and rename it to `path` when it is complete.

    The old file is kept in `backups`. Raises NotEmpty if it has users, unless `replace`. The data
    folder must be locked.
    """
    if path.exists():
        await _release(path, replace=replace)
    remove_leftovers(backups, path)
    scratch = _scratch(path)
    try:
        await _fill(scratch, rows, backups=backups, progress=progress)
        if path.exists():
            _keep_replaced(path, backups / "replaced.db")
        scratch.replace(path)
        fsync_directory(path.parent)
    finally:
        _remove(scratch)


async def _release(path: Path, *, replace: bool) -> None:
    """Prepare the old file for its replacement, which may be damaged."""
    try:
        await _checkpoint(path, replace=replace)
    except (StartError, Unavailable) as error:
        if not (replace and is_damage(error.__cause__)):
            raise


async def _checkpoint(path: Path, *, replace: bool) -> None:
    """Move the old file's WAL into it, because a new file must never meet an old WAL.

    Raises Unavailable if the disk is full.
    """
    database = Database(sqlite_url(path))
    try:
        await wait_until_reachable(database, tries=1)
        if not replace and not await archive_io.is_empty(database):
            raise archive_io.NotEmpty
        await archive_io.checkpoint(database)
    finally:
        await database.close()
    if any(_beside(path, ending).exists() for ending in ("-wal", "-journal")):
        raise ChatServerError(f"Another program has {path} open. Close it first.")


async def _fill(
    scratch: Path, rows: Iterable[Row], *, backups: Path, progress: Callable[[int], None]
) -> None:
    database = Database(sqlite_url(scratch))
    try:
        database.restrict_permissions()
        await migrate(database, backups=backups)
        await archive_io.load(database, rows, replace=True, progress=progress)
    finally:
        await database.close()


def _keep_replaced(path: Path, kept: Path) -> None:
    """Keep the old file until the next restore; a damaged one with its WAL, to recover from."""
    if is_foreign_link(kept.parent):
        raise ChatServerError(f"{kept.parent} is a symbolic link of another account.")
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    _remove(kept)
    for ending in ("-wal", "-journal", ""):
        if _beside(path, ending).exists():
            _link(_beside(path, ending), _beside(kept, ending))
    for ending in ("-wal", "-journal", "-shm"):
        _beside(path, ending).unlink(missing_ok=True)


def _link(path: Path, kept: Path) -> None:
    try:
        os.link(path, kept)
    except OSError:  # no hard links, or `backups` is on another file system
        _copy(path, kept)


def _copy(path: Path, kept: Path) -> None:
    with path.open("rb") as source, open(kept, "xb", opener=private) as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())


def remove_leftovers(backups: Path, path: Path | None) -> None:
    """Remove files of an aborted restore or copy. The folder must be locked.

    `path` is the SQLite file they belong to.
    """
    remove_partial(backups)
    if path is not None:
        _remove(_scratch(path))


def _scratch(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        _beside(path, ending).unlink(missing_ok=True)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
