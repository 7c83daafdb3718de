"""`chatserver user …`: the accounts."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatserver.commands import listing
from chatserver.commands.options import loaded, location_options, request, run
from chatserver.commands.plurals import counted
from chatserver.config import Settings
from chatserver.errors import ChatServerError
from chatserver.models import Role

if TYPE_CHECKING:
    from chatserver.storage.engine import Database

SHOWN = ("name", "role", "disabled", "display")


@click.group()
def user() -> None:
    """Manage accounts."""


@user.command("add")
@click.argument("name")
@click.option("--display", default="", help="Display name.")
@click.option("--admin", is_flag=True, help="Create an administrator.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@location_options
def user_add(name: str, *, display: str, admin: bool, password_stdin: bool) -> None:
    """Create an account. Asks for the password; without a terminal, generates one."""
    password, generated = _password(password_stdin=password_stdin)
    body = {"username": name, "display": display, "password": password, "admin": admin}
    made, all_users = run(_add(loaded().settings, body))
    click.echo(f"Created {made['name']} ({made['role']}).")
    if generated:
        click.echo(f"Password: {password}")
    roles = {found["role"] for found in all_users}
    if roles and Role.ADMIN not in roles:  # and there is no setup link any more
        from chatserver.commands.serve import NO_ADMINISTRATOR

        click.echo(NO_ADMINISTRATOR, err=True)


async def _add(settings: Settings, body: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Create an account; return it with all accounts, or with none if the list cannot be read.

    A failure to read the list must not hide the generated password from the caller.
    """
    from chatserver.commands.control import control

    async with control(settings) as server:
        made = (await server.request("POST", "/api/users", body))["user"]
        with suppress(ChatServerError):
            return made, (await server.request("GET", "/api/users"))["users"]
        return made, []


@user.command("passwd")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@location_options
def user_passwd(name: str, *, password_stdin: bool) -> None:
    """Set a user's password and end the user's sessions."""
    password, generated = _password(password_stdin=password_stdin)
    request("PATCH", _path("/api/users", name), {"password": password})
    click.echo(f"The password of {name} is set; all sessions have ended.")
    if generated:
        click.echo(f"Password: {password}")


@user.command("promote")
@click.argument("name")
@location_options
def user_promote(name: str) -> None:
    """Give a user the role of an administrator."""
    request("PATCH", _path("/api/users", name), {"admin": True})
    click.echo(f"{name} is an administrator.")


@user.command("demote")
@click.argument("name")
@location_options
def user_demote(name: str) -> None:
    """Revoke the administrator role. The last administrator keeps it."""
    request("PATCH", _path("/api/users", name), {"admin": False})
    click.echo(f"{name} is a member.")


@user.command("disable")
@click.argument("name")
@location_options
def user_disable(name: str) -> None:
    """Disable an account and close its connections. Its messages stay."""
    request("PATCH", _path("/api/users", name), {"disabled": True})
    click.echo(f"{name} is disabled.")


@user.command("enable")
@click.argument("name")
@location_options
def user_enable(name: str) -> None:
    """Enable a disabled account."""
    request("PATCH", _path("/api/users", name), {"disabled": False})
    click.echo(f"{name} may log in again.")


@user.command("delete")
@click.argument("name")
@click.option("--messages", is_flag=True, help="Delete all messages of the user as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@location_options
def user_delete(name: str, *, messages: bool, yes: bool) -> None:
    """Delete an account and its personal data permanently.

    Its messages stay, unless --messages deletes them in every room. If that is interrupted, repeat
    the command.
    """
    if not yes:
        what = f"{name} and all messages of this user" if messages else name
        click.echo(f"{what} will be deleted permanently.", err=True)
        click.prompt('Type "delete" to go on', type=click.Choice(["delete"]), err=True)
    path = _path("/api/users", name)
    answer = request("DELETE", f"{path}?messages=true" if messages else path)
    also = f", with {counted(answer['messages'], 'message')}" if messages else ""
    click.echo(f"{name} is deleted{also}.")


@user.command("list")
@listing.as_json
@location_options
def user_list(*, as_json: bool) -> None:
    """List all users with role, state and display name."""

    def line(found: dict[str, Any]) -> str:
        state = "disabled" if found["disabled"] else "active"
        return f"{found['name']:<32} {found['role']:<8} {state:<8} {found['display']}"

    users = listing.fetch("/api/users", _users)
    shown = [{field: found[field] for field in SHOWN} for found in users]
    listing.show(shown, line, as_json=as_json)


async def _users(database: "Database") -> list[dict[str, Any]]:
    from chatserver.storage.users import Users

    found = await Users(database, clock=lambda: 0).all()
    return [{field: getattr(user, field) for field in SHOWN} for user in found]


@user.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@location_options
def user_import(file: Path) -> None:
    """Create accounts from a CSV file with the columns name, display, password, in any order.

    It may be in UTF-8, UTF-16 or GBK, with commas, semicolons or tabs, as spreadsheets write it.
    Missing passwords are generated, and written to the file before the accounts are created.
    Existing accounts are not changed. The exit code is 1 if a line was refused for another reason.
    """
    from chatserver.commands.user_import import import_users

    all_made = run(import_users(loaded().settings, file))
    sys.exit(0 if all_made else 1)


@click.group()
def bot() -> None:
    """Manage bots, the accounts of programs."""


@bot.command("add")
@click.argument("name")
@click.option("--display", default="", help="Display name.")
@click.option("--room", "rooms", multiple=True, help="Name of a room that the bot joins.")
@location_options
def bot_add(name: str, *, display: str, rooms: tuple[str, ...]) -> None:
    """Create a bot and print its token, which is shown only once.

    Every account belongs to the lobby; name the other rooms. `user disable` ends a bot.
    """
    body = {"name": name, "display": display, "rooms": list(rooms)}
    click.echo(request("POST", "/api/bots", body)["token"])


@bot.command("token")
@click.argument("name")
@location_options
def bot_token(name: str) -> None:
    """Replace the token of a bot and print the new one, which is shown only once."""
    click.echo(request("POST", f"{_path('/api/bots', name)}/token")["token"])


@bot.command("revoke")
@click.argument("name")
@location_options
def bot_revoke(name: str) -> None:
    """Revoke the token of a bot and close its connections. `bot token` creates another one."""
    request("DELETE", f"{_path('/api/bots', name)}/token")
    click.echo(f"The token of {name} is revoked.")


@bot.command("list")
@listing.as_json
@location_options
def bot_list(*, as_json: bool) -> None:
    """List all bots with state and rooms."""

    def line(found: dict[str, Any]) -> str:
        state = "disabled" if found["disabled"] else "active"
        state = state if found["token_since"] else "no token"
        return f"{found['name']:<32} {state:<8} {', '.join(found['rooms'])}"

    listing.show(listing.fetch("/api/bots", _bots), line, as_json=as_json)


async def _bots(database: "Database") -> Any:
    from chatserver.storage.overview import Overview

    return await Overview(database).bots()


def _path(below: str, name: str) -> str:
    from urllib.parse import quote

    try:
        return f"{below}/{quote(name, safe='')}"
    except UnicodeEncodeError:
        raise ChatServerError("This name is not text in the terminal's encoding.") from None


def _password(*, password_stdin: bool) -> tuple[str, bool]:
    """Return a password: from standard input, the terminal, or generated (then True)."""
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True), False
    from chatserver.accounts.passwords import generate

    return generate(), True


COMMANDS = (user, bot)
