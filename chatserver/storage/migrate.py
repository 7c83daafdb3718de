"""Automatic migration of the database to the revision of this code.

Importing Alembic takes half a second, so one SELECT decides whether it is needed. SQLite is copied
to `backups/` first; on MySQL a named lock serializes nodes that start together.
"""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from chatserver.errors import ChatServerError, StartError, TemporaryStartError
from chatserver.resources import resource_dir
from chatserver.storage.archive_writer import new_file
from chatserver.storage.engine import Database, with_retries
from chatserver.storage.failures import may_pass
from chatserver.storage.tables import metadata

HEAD = "0022"  # the newest revision in migrations/versions
LOCK_WAIT = 60  # seconds that a node waits for another one's migration


async def migrate(database: Database, *, backups: Path) -> list[str]:
    """Upgrade to HEAD; return the applied revisions. Raises StartError for a newer database."""
    database.restrict_permissions()
    before = await revision(database)
    if before == HEAD:
        await database.checkpoint()  # of a database of an earlier version
        return []
    known = _known_revisions()
    _refuse_newer(before, known)
    if before is None:
        await database.run_on_writer(_refuse_foreign)
    if database.is_sqlite and before is not None:
        await _back_up(database, _free_name(backups, before))
    try:
        await database.run_on_writer(lambda c: _upgrade(c, mysql=not database.is_sqlite))
    except DatabaseError as error:
        kind = TemporaryStartError if may_pass(error) else StartError
        raise kind(
            f"The database cannot be brought to revision {HEAD}: {error.orig}. It must be"
            " empty or belong to this program, and the account needs all privileges on it."
        ) from error
    await database.checkpoint()  # without it, a database that loses its WAL looks like a new one
    return known[known.index(before) + 1 :] if before else known


async def require_head(database: Database) -> None:
    """Raise StartError unless the database has revision HEAD. Changes nothing."""
    found = await with_retries(lambda: revision(database))
    if found is None:
        raise StartError(f"There is no chat in {database.name}.")
    _refuse_newer(found, _known_revisions())
    if found != HEAD:
        raise StartError(
            f"The database is older than this program: it has revision {found}, the program needs"
            f" {HEAD}. Upgrade it with chatserver migrate, or by starting the server."
        )


def _refuse_newer(found: str | None, known: list[str]) -> None:
    if found is not None and found not in known:
        raise StartError(
            f"The database is newer than this program: it has revision {found}, the program"
            f" knows {HEAD}. Install the newer version again, or restore the backup that was made"
            " before the upgrade: docs/operating.md, Roll back an upgrade."
        )


async def revision(database: Database) -> str | None:
    """Return the revision of the database; None if it is empty or missing."""
    if database.path is not None and not database.path.exists():
        return None  # do not create the file
    async with database.read.connect() as connection:
        return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return str(found) if found is not None else None


def _known_revisions() -> list[str]:
    """Return all revisions, oldest first, from the numbers of their files."""
    files = (resource_dir("migrations") / "versions").glob("[0-9]*_*.py")
    return sorted(file.name.split("_")[0] for file in files)


def _free_name(backups: Path, revision: str) -> Path:
    """Return the name for a copy. The first one of a revision is kept, and the newest.

    A repeated upgrade may copy a database that an earlier, failed one has damaged. A migration that
    fails may be repeated every few seconds, so not every copy can be kept.
    """
    first = backups / f"{revision}.db"
    return backups / f"{revision}-newest.db" if first.exists() else first


async def _back_up(database: Database, target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with new_file(target, force=True) as opened:
            await database.snapshot(Path(opened.name))  # the opened file, still empty
    except (DatabaseError, ChatServerError) as error:
        passes = isinstance(error, DatabaseError) and may_pass(error)
        raise (TemporaryStartError if passes else StartError)(
            f"No copy of the database could be made before migrating: {error}."
        ) from error


def _refuse_foreign(connection: Connection) -> None:
    """Raise StartError if tables exist without a revision: they belong to another program."""
    there = set(sa.inspect(connection).get_table_names())
    if "alembic_version" not in there and (taken := sorted(there & set(metadata.tables))):
        raise StartError(
            f"The database cannot be brought to revision {HEAD}: table {taken[0]} already exists"
            " and belongs to another program. It must be empty or belong to this program."
        )


def _upgrade(connection: Connection, *, mysql: bool) -> None:
    if mysql:
        lock = sa.text("SELECT GET_LOCK('chatserver_migrate', :wait)")
        if connection.scalar(lock, {"wait": LOCK_WAIT}) != 1:
            raise TemporaryStartError(
                "Another node has been migrating the database for a minute. Try again."
            )
    try:
        _run_alembic(connection)
        connection.commit()  # before the lock is released
    except BaseException:
        if mysql:
            connection.invalidate()  # closes the session, which releases the lock
        raise
    if mysql:
        connection.execute(sa.text("SELECT RELEASE_LOCK('chatserver_migrate')"))


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resource_dir("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
