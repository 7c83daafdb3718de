"""`chatserver room …`: commands for rooms that have a name."""

from typing import TYPE_CHECKING, Any

import click

from chatserver.commands import listing
from chatserver.commands.options import loaded, location_options, run
from chatserver.commands.plurals import counted
from chatserver.config import Settings
from chatserver.errors import ChatServerError
from chatserver.text.names import room_key

if TYPE_CHECKING:
    from chatserver.storage.engine import Database

ROOMS = "/api/admin/rooms"


@click.group()
def room() -> None:
    """Manage named rooms."""


@room.command("list")
@listing.as_json
@location_options
def room_list(*, as_json: bool) -> None:
    """List all named rooms with number, kind, members, messages and retention."""

    def line(found: dict[str, Any]) -> str:
        kind = "private" if found["private"] else "public"
        kind = "archived" if found["archived"] else kind
        days = found["retention_days"]
        kept = counted(days, "day") if days else "forever"
        counts = f"{found['members']:>6} members {found['messages']:>9} messages"
        return f"{found['room']:>6} {found['name']:<32} {kind:<8} {counts}, kept {kept}"

    listing.show(listing.fetch(ROOMS, _rooms), line, as_json=as_json)


async def _rooms(database: "Database") -> Any:
    from chatserver.storage.overview import Overview

    return await Overview(database).rooms()


@room.command("archive")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Unarchive the room.")
@location_options
def room_archive(name: str, *, undo: bool) -> None:
    """Make a room read-only. NAME is its name or its number.

    Its members see the change as one of the administrator whose account is the oldest.
    """
    run(_change(loaded().settings, name, {"archived": not undo}))
    click.echo(f"{name} is {'no longer archived' if undo else 'archived'}.")


@room.command("retention")
@click.argument("name")
@click.argument("days", type=click.IntRange(0, 36_500))
@location_options
def room_retention(name: str, days: int) -> None:
    """Delete the messages of a room after DAYS days; 0 keeps them forever.

    Its members see the change as one of the administrator whose account is the oldest.
    """
    run(_change(loaded().settings, name, {"retention_days": days}))
    kept = f"for {counted(days, 'day')}" if days else "forever"
    click.echo(f"{name} keeps its messages {kept}.")


async def _change(settings: Settings, name: str, change: dict[str, Any]) -> None:
    from chatserver.commands.control import control

    async with control(settings, create_database=False) as server:
        rooms = (await server.request("GET", ROOMS))["rooms"]
        await server.request("PATCH", f"{ROOMS}/{_number(rooms, name)}", change)


def _number(rooms: list[dict[str, Any]], name: str) -> int:
    """Return the number of the room of that name or number. Private rooms may share a name."""
    numbers = [
        int(found["room"])
        for found in rooms
        if room_key(name) in (found["name"], str(found["room"]))
    ]
    if not numbers:
        raise ChatServerError("There is no room with that name.")
    if len(numbers) > 1:
        known = ", ".join(map(str, numbers))
        raise ChatServerError(f"Several rooms have that name. Give the number of one: {known}.")
    return numbers[0]


COMMANDS = (room,)
