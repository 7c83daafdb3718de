"""Commands for backup, restore, export, import and check."""

import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import msgspec

from chatserver.binding import Binding, refuse_own_file
from chatserver.clocks import wall
from chatserver.commands import listing
from chatserver.commands.archive_files import count_registered, exit_if_files_are_missing
from chatserver.commands.options import loaded, location_options, run
from chatserver.commands.plurals import counted
from chatserver.commands.progress import bar
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.errors import ChatServerError
from chatserver.storage.archive_file import Archive, Damaged, Manifest, read
from chatserver.storage.archive_writer import (
    ArchiveReceiver,
    PackedWriter,
    PlainWriter,
    Writer,
    new_file,
)

if TYPE_CHECKING:
    from chatserver.storage.reinstated import Reinstated

Form = Callable[[IO[bytes], Manifest], Writer]

WITHOUT_FILES_OPTION = click.option(
    "--without-files", is_flag=True, help="Leave out the contents of files."
)

ARCHIVE_ARGUMENT = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@dataclass(frozen=True)
class Copy:
    """What an archive contains, and how many of its files are missing or altered in their store."""

    summary: str
    missing: int = 0
    altered: int = 0

    def exit_if_incomplete(self) -> None:
        """End the command with exit code 1, so that older copies are kept."""
        if self.missing or self.altered:
            raise click.ClickException(
                f"{counted(self.missing, 'file')} of messages could not be copied because they are"
                f" missing, and {self.altered} are not as they were uploaded. Keep older backups;"
                " chatserver check names the files. Is the disk of the files mounted?"
            )


# Backup and export -------------------------------------------------------------------------------


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@WITHOUT_FILES_OPTION
@location_options
def backup(file: Path, *, force: bool, without_files: bool) -> None:
    """Save all data to FILE, with or without a running server.

    FILE is a zip for `restore`, on SQLite and on MySQL. Protect it: it contains all messages.
    The keys that sign sessions (keys.json) and the configuration are not in it.
    """
    if str(file) == "-":
        raise ChatServerError(
            "A backup needs a file; `chatserver export -` writes everything to standard output."
        )
    with _target(file, force=force) as opened:
        copy = run(_copy(loaded().settings, opened, PackedWriter, with_files=not without_files))
    click.echo(f"Saved {copy.summary} in {file}.", err=True)
    copy.exit_if_incomplete()


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@WITHOUT_FILES_OPTION
@location_options
def export(file: Path, *, force: bool, without_files: bool) -> None:
    """Write all data as JSON lines to FILE, or to standard output (-).

    `import` takes it into an empty database of any kind.
    """
    with _target(file, force=force) as opened:
        copy = run(_copy(loaded().settings, opened, PlainWriter, with_files=not without_files))
    click.echo(f"Wrote {copy.summary}.", err=True)
    copy.exit_if_incomplete()


@contextmanager
def _target(file: Path, *, force: bool) -> Iterator[IO[bytes]]:
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    settings = loaded().settings
    refuse_own_file(file, settings)
    with new_file(file, force=force) as opened:
        DataDir(settings.data).give(opened.fileno(), file)
        yield opened


async def _copy(settings: Settings, file: IO[bytes], form: Form, *, with_files: bool) -> Copy:
    """Write the server's archive in that form, and verify it; return what it contains.

    Files are copied from their store after the rows. A file that is deleted before it is
    copied is left out: so is its message, for all who read the archive later.
    """
    from chatserver.commands import streaming
    from chatserver.files.archived_files import add_stored_files
    from chatserver.files.stores import opened_store

    def begin(manifest: Manifest) -> Writer:
        shown.length = manifest.total
        return form(file, manifest)

    with bar("Copying") as shown, closing(ArchiveReceiver(begin)) as receiver:
        async with aclosing(streaming.archive(settings)) as batches:
            async for lines in batches:
                shown.update(sum([receiver.feed(text) for text in lines]))
        if not with_files or not receiver.files:
            return Copy(_summary(receiver.finish()))
        async with opened_store(settings) as store:
            copied = await add_stored_files(receiver, store)
        summary = f"{_summary(receiver.finish())}, {counted(copied.files, 'file')}"
    return Copy(summary, await count_registered(settings, copied.missing), len(copied.altered))


# Restore and import ------------------------------------------------------------------------------


@click.command()
@ARCHIVE_ARGUMENT
@click.option("--replace", is_flag=True, help="Replace a database that has users.")
@click.option("--yes", is_flag=True, help="Do not ask before replacing.")
@click.option(
    "--revoke-since",
    metavar="TIME",
    help='Revoke again what was revoked since "2026-11-25 14:00" or since the "backup".',
)
@location_options
def restore(file: Path, *, replace: bool, yes: bool, revoke_since: str | None) -> None:
    """Restore a backup from FILE. Stop the server first.

    All of it or nothing. A SQLite database that is replaced stays in backups/replaced.db of the
    data folder until the next time. Exit code 1 if files of messages are missing afterwards,
    because neither FILE nor the data folder has them.

    Sessions, bot tokens, invitations, passwords, rights and memberships that have ended since the
    backup are valid again, and rooms that have become private are open again. With --revoke-since
    they are not: what has ended or was restricted in the replaced database stays so. If that
    database is missing or cannot be read, all sessions, bot tokens and invitations end. Messages
    that were edited or deleted since come back in any case.
    """
    settings = loaded().settings
    Binding(DataDir(settings.data), settings.database_url).check()
    archive = read(file)
    since = _since(revoke_since, archive)
    if replace and not yes:
        _confirm(file, archive, revoking=since is not None)
    reinstated = _load(archive, replace=replace, since=since)
    if replace and since is None:
        click.echo("Logouts and new passwords since the backup are undone as well.", err=True)
    _show_reinstated(reinstated, "Valid again:", revoking=since is not None)
    exit_if_files_are_missing(settings)


def _since(given: str | None, archive: Archive) -> int | None:
    """Parse a time given in the server's time zone, to ms UTC."""
    if given is None:
        return None
    if given == "backup":
        return archive.manifest.made_at
    try:
        since = int(datetime.fromisoformat(given).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            'Give a time like "2026-11-25 14:00", or "backup".', param_hint="--revoke-since"
        ) from None
    if since > wall():
        raise click.BadParameter("This time is in the future.", param_hint="--revoke-since")
    return since


def _confirm(file: Path, archive: Archive, *, revoking: bool) -> None:
    from chatserver.restore import preview

    made = datetime.fromtimestamp(archive.manifest.made_at / 1000, UTC).astimezone()
    click.echo(f"{file} was made on {made:%Y-%m-%d at %H:%M} and contains:", err=True)
    click.echo(f"{_summary(archive.manifest)}. Later messages will be lost.", err=True)
    if not revoking:
        reinstated = run(preview(loaded().settings, archive))
        _show_reinstated(reinstated, "These will be valid again, unless you use --revoke-since:")
    click.prompt('Type "replace" to go on', type=click.Choice(["replace"]), err=True)


def _show_reinstated(reinstated: "Reinstated", heading: str, *, revoking: bool = False) -> None:
    lines = list(reinstated.lines())
    if not reinstated.known and not revoking:
        lines = ["Everything that was revoked after the backup. --revoke-since revokes it again."]
    if lines:
        click.echo("\n".join([heading, *(f"  {line}" for line in lines)]), err=True)


@click.command("import")
@ARCHIVE_ARGUMENT
@location_options
def import_(file: Path) -> None:
    """Import an export from FILE into a database without users. Stop the server first.

    This is the way from SQLite to MySQL and back: --database names the new one, and the data folder
    belongs to it afterwards. Exit code 1 if files of messages are missing then.
    """
    move = loaded().sources.get("database.url") == "command line"
    _load(read(file), replace=False, move=move)
    exit_if_files_are_missing(loaded().settings)


def _load(archive: Archive, **how: Any) -> "Reinstated":
    from chatserver.restore import restore as restore_archive

    with bar("Loading", archive.manifest.total) as shown:
        work = restore_archive(loaded().settings, archive, progress=shown.update, **how)
        reinstated: Reinstated = run(work)
    click.echo(f"Imported {_summary(archive.manifest)}.")
    return reinstated


# Check -------------------------------------------------------------------------------------------


@click.command()
@listing.as_json
@location_options
def check(*, as_json: bool) -> None:
    """Check the integrity of all data; exit code 1 if there are findings."""
    totals, findings = run(_check(loaded().settings))
    if as_json:
        counts = {table: totals[table] for table in ("rooms", "events")}
        listing.show_json({"ok": not findings, "findings": findings} | counts)
        sys.exit(1 if findings else 0)
    for finding in findings:
        click.echo(finding)
    if findings:
        sys.exit(1)
    click.echo(f"No findings in {_count(totals, 'rooms')}, {_count(totals, 'events')}.")


async def _check(settings: Settings) -> tuple[dict[str, int], list[str]]:
    """Return the totals and the findings."""
    from chatserver.commands import streaming

    findings: list[str] = []
    step: dict[str, Any] = {}
    with bar("Checking") as shown:
        async with aclosing(streaming.check(settings)) as batches:
            async for lines in batches:
                for step in map(msgspec.json.decode, lines):
                    shown.length = step.get("of", shown.length)
                    shown.update("of" in step)
                    findings += step.get("findings", [])
    if "rooms" not in step:
        raise Damaged("The check was interrupted. Try again.")
    return step, findings


def _summary(manifest: Manifest) -> str:
    return ", ".join(_count(manifest.rows, table) for table in ("users", "rooms", "events"))


def _count(rows: dict[str, int], table: str) -> str:
    return counted(rows.get(table, 0), table.removesuffix("s"))


COMMANDS = (backup, restore, check, export, import_)
