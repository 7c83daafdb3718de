"""How people get in: invitations, the setup link, the keys that sign sessions."""

from urllib.parse import urlsplit, urlunsplit

import click

from chatserver.commands.options import ask, loaded, place_options
from chatserver.config import Settings


@click.command()
@click.option("--uses", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True)
@place_options
def invite(*, uses: int, days: int) -> None:
    """Make an invitation link for new people."""
    made = ask("POST", "/api/invites", {"uses": uses, "days": days})
    click.echo(_public(loaded().settings, made["url"]))
    click.echo(f"For {made['uses_left']} people within {days} days.", err=True)


@click.command("setup-link")
@place_options
def setup_link() -> None:
    """Show the link that makes the administrator, while nobody has an account."""
    click.echo(_public(loaded().settings, ask("GET", "/api/setup-link")["url"]))


def _public(settings: Settings, url: str) -> str:
    """The link as this configuration names the server; else as the server that runs does."""
    from chatserver.serve import public_url

    parts = urlsplit(url)
    if parts.netloc and not settings.origin:
        return url
    return public_url(settings) + urlunsplit(("", "", *parts[2:]))


@click.group()
def keys() -> None:
    """The keys that sign sessions."""


@keys.command("rotate")
@place_options
def keys_rotate() -> None:
    """Sign with a new key from now on; sessions of the last two keys stay valid."""
    click.echo(f"New key {ask('POST', '/api/keys/rotate')['kid']} signs from now on.")


COMMANDS = (invite, setup_link, keys)
