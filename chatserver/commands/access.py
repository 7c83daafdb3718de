"""Commands for access: invitations, the setup link, signing keys."""

from urllib.parse import urlsplit, urlunsplit

import click

from chatserver.commands import listing
from chatserver.commands.options import loaded, location_options, request
from chatserver.commands.plurals import counted
from chatserver.config import Settings
from chatserver.web.addresses import NO_ADDRESS, is_local


@click.command()
@click.option("--uses", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True)
@click.option("--room", default="", help="Name of a public room that the new users join as well.")
@listing.as_json
@location_options
def invite(*, uses: int, days: int, room: str, as_json: bool) -> None:
    """Create an invitation link."""
    made = request("POST", "/api/invites", {"uses": uses, "days": days, "room": room})
    made["url"] = _public(loaded().settings, made["url"])
    if as_json:
        columns = ("code", "url", "expires_at", "uses_left", "room")
        listing.show_json({column: made[column] for column in columns})
        return
    click.echo(made["url"])
    accounts = counted(made["uses_left"], "account")
    click.echo(f"Valid for {accounts} and {counted(days, 'day')}.", err=True)


@click.command("setup-link")
@location_options
def setup_link() -> None:
    """Show the link that creates the first administrator."""
    click.echo(_public(loaded().settings, request("GET", "/api/setup-link")["url"]))


def _public(settings: Settings, url: str) -> str:
    """Return the link with the configured public URL, or else with the running server's.

    If the URL of an embedding program is unknown, the link is only a path.
    """
    parts = urlsplit(url)
    if settings.origin:
        url = settings.origin + urlunsplit(("", "", *parts[2:]))
    if is_local(url):
        click.echo(NO_ADDRESS, err=True)
    elif not urlsplit(url).netloc:
        click.echo("Prepend the address of the chat, or set server.public_url.", err=True)
    return url


@click.group()
def keys() -> None:
    """Manage the keys that sign sessions."""


@keys.command("rotate")
@click.option("--force", is_flag=True, help="Do not ask the other nodes for their keys.")
@location_options
def keys_rotate(*, force: bool) -> None:
    """Sign with a new key from now on; sessions of the last two keys stay valid.

    If there are several nodes, the first call publishes the key; copy keys.json to all nodes, and
    the second call makes the key sign.
    """
    done = request("POST", f"/api/keys/rotate{'?force' if force else ''}")
    if done["signs"]:
        click.echo(f"New key {done['kid']} signs from now on.")
    else:
        click.echo(
            f"Key {done['kid']} is published. Copy keys.json to the data folder of every node, then"
            " run this again: it signs from then on."
        )


COMMANDS = (invite, setup_link, keys)
