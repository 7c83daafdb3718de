"""`chatserver room …`: the rooms with a name."""

from typing import Any

import click

from chatserver.commands import listing
from chatserver.commands.options import ask, place_options


@click.group()
def room() -> None:
    """List the rooms with a name."""


@room.command("list")
@listing.as_json
@place_options
def room_list(*, as_json: bool) -> None:
    """Name, kind, members, messages and retention of every room with a name."""

    def line(found: dict[str, Any]) -> str:
        kind = "private" if found["private"] else "public"
        kind = "archived" if found["archived"] else kind
        kept = f"{found['retention_days']} days" if found["retention_days"] else "for ever"
        counts = f"{found['members']:>6} members {found['messages']:>9} messages"
        return f"{found['name']:<32} {kind:<8} {counts}, kept {kept}"

    listing.show(ask("GET", "/api/admin/rooms")["rooms"], line, as_json=as_json)


COMMANDS = (room,)
