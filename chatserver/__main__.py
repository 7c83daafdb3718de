"""The command line. `serve` is the default; every mistake is one sentence and exit code 2."""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chatserver import __version__
from chatserver.config import Loaded, Settings, all_keys, load, shown
from chatserver.errors import ChatServerError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Sentence(click.ClickException):
    """What went wrong, for people."""

    exit_code = 2


class Cli(click.Group):
    """Turns our errors into sentences; anything else is a bug and shows its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ChatServerError as error:
            raise Sentence(str(error)) from None


def _keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        ctx.find_root().ensure_object(dict)[parameter.name] = value


def _option(*names: str, **facts: Any) -> Callable[[F], F]:
    return click.option(*names, callback=_keep, expose_value=False, **facts)


def place_options(command: F) -> F:
    """Where the data are: understood before and after every command."""
    for option in (
        _option(
            "--database", metavar="URL", help="sqlite:///path or mysql://user:password@host/name"
        ),
        _option("--data", metavar="FOLDER", help="The data folder (default: ./chatserver-data)."),
        _option("--config", metavar="FILE", help="The configuration (default: ./config.toml)."),
    ):
        command = option(command)
    return command


def serve_options(command: F) -> F:
    """Where to listen."""
    for option in (
        click.option("--lan", is_flag=True, help="Listen on all addresses; show the LAN address."),
        _option("--port", type=click.IntRange(0, 65_535), help="The port (default: 3000)."),
        _option("--host", help="The address to listen on (default: 127.0.0.1)."),
    ):
        command = option(command)
    return place_options(command)


def _loaded() -> Loaded:
    """The settings for this call, with warnings said."""
    given = click.get_current_context().find_root().ensure_object(dict)
    config = Path(given["config"]) if "config" in given else None
    flags = {
        "data": given.get("data"),
        "database.url": given.get("database"),
        "server.host": given.get("host"),
        "server.port": given.get("port"),
    }
    loaded = load(config=config, flags=flags)
    for warning in loaded.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return loaded


@click.group(cls=Cli, invoke_without_command=True)
@click.version_option(__version__, prog_name="chatserver")
@serve_options
@click.pass_context
def main(ctx: click.Context, *, lan: bool) -> None:
    """A chat for a small group on your own machine. Without a command: serve."""
    if ctx.invoked_subcommand is None:
        _serve(lan=lan)
    elif lan:
        ctx.find_root().ensure_object(dict)["lan"] = True


@main.command()
@serve_options
def serve(*, lan: bool) -> None:
    """Run the server until Ctrl+C."""
    _serve(lan=lan or "lan" in click.get_current_context().find_root().ensure_object(dict))


def _serve(*, lan: bool) -> None:
    if lan:
        given = click.get_current_context().find_root().ensure_object(dict)
        given.setdefault("host", "0.0.0.0")  # noqa: S104 - that is what --lan means
    gc.disable()  # a tenth of the start would go into looking for garbage among imports
    loaded = _loaded()
    from chatserver.logs import configure_logging
    from chatserver.serve import serve as run_server

    configure_logging()
    _run(run_server(loaded.settings, lan=lan))


def _run(work: Awaitable[T]) -> T:
    async def main_task() -> T:
        return await work

    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(main_task())


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the running server, or one that runs for this question."""
    from chatserver.control import control

    settings = _loaded().settings

    async def work() -> Any:
        async with control(settings) as line:
            return await line.ask(method, path, body)

    return _run(work())


# People ------------------------------------------------------------------------------------------


@main.group()
def user() -> None:
    """Make, list and close accounts."""


@user.command("add")
@click.argument("name")
@click.option("--display", default="", help="The name that others see.")
@click.option("--admin", is_flag=True, help="May invite people and manage accounts.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@place_options
def user_add(name: str, *, display: str, admin: bool, password_stdin: bool) -> None:
    """Make an account. Asks for the password, or makes one where nobody can answer."""
    password, generated = _password(password_stdin=password_stdin)
    body = {"username": name, "display": display, "password": password, "admin": admin}
    made = _ask("POST", "/api/users", body)["user"]
    click.echo(f"Made {made['name']} ({made['role']}).")
    if generated:
        click.echo(f"Password: {password}")


@user.command("passwd")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@place_options
def user_passwd(name: str, *, password_stdin: bool) -> None:
    """Set somebody's password and end that person's sessions."""
    password, generated = _password(password_stdin=password_stdin)
    _ask("PATCH", _user_path(name), {"password": password})
    click.echo(f"The password of {name} is set; all sessions have ended.")
    if generated:
        click.echo(f"Password: {password}")


@user.command("disable")
@click.argument("name")
@place_options
def user_disable(name: str) -> None:
    """Close an account and its sockets at once. What was said stays."""
    _ask("PATCH", _user_path(name), {"disabled": True})
    click.echo(f"{name} is disabled.")


@user.command("enable")
@click.argument("name")
@place_options
def user_enable(name: str) -> None:
    """Open a disabled account again."""
    _ask("PATCH", _user_path(name), {"disabled": False})
    click.echo(f"{name} may log in again.")


@user.command("list")
@place_options
def user_list() -> None:
    """Name, role, state and display name of everybody."""
    for found in _ask("GET", "/api/users")["users"]:
        state = "disabled" if found["disabled"] else "active"
        click.echo(f"{found['name']:<32} {found['role']:<8} {state:<8} {found['display']}")


@user.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@place_options
def user_import(file: Path) -> None:
    """Make the accounts of a CSV file with the header name,display,password.

    Where the password is missing one is made and written back into the file first, so that it is
    known whatever happens. Names that exist already are left as they are.
    """
    from chatserver.imports import import_users

    _run(import_users(_loaded().settings, file))


def _user_path(name: str) -> str:
    from urllib.parse import quote

    return f"/api/users/{quote(name, safe='')}"


def _password(*, password_stdin: bool) -> tuple[str, bool]:
    """A password from standard input, from the terminal, or a generated one (then True)."""
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True), False
    from chatserver.passwords import generate

    return generate(), True


# Access ------------------------------------------------------------------------------------------


@main.command()
@click.option("--uses", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True)
@place_options
def invite(*, uses: int, days: int) -> None:
    """Make an invitation link for new people."""
    made = _ask("POST", "/api/invites", {"uses": uses, "days": days})
    click.echo(_public(_loaded().settings, made["url"]))
    click.echo(f"For {made['uses_left']} people within {days} days.", err=True)


@main.command("setup-link")
@place_options
def setup_link() -> None:
    """Show the link that makes the administrator, while there is none."""
    token = _ask("GET", "/api/setup-link")["token"]
    click.echo(_public(_loaded().settings, f"/setup#{token}"))


def _public(settings: Settings, path: str) -> str:
    from chatserver.serve import public_url

    return path if path.startswith("http") else public_url(settings) + path


@main.group()
def keys() -> None:
    """The keys that sign sessions."""


@keys.command("rotate")
@place_options
def keys_rotate() -> None:
    """Sign with a new key from now on; sessions of the last two keys stay valid."""
    click.echo(f"New key {_ask('POST', '/api/keys/rotate')['kid']} signs from now on.")


# The house ---------------------------------------------------------------------------------------


@main.command()
@place_options
def migrate() -> None:
    """Bring the database to the revision of this program. Starting the server does it too."""
    ready = _ask("GET", "/readyz")
    click.echo(f"The database ({ready['database']}) is at revision {ready['revision']}.")


@main.command()
@place_options
def doctor() -> None:
    """Look for what may be wrong with this installation; exit code 1 when something is."""
    from chatserver.doctor import examine

    sound = _run(examine(_loaded().settings))
    sys.exit(0 if sound else 1)


@main.group()
def config() -> None:
    """Look at the configuration."""


@config.command("show")
@place_options
def config_show() -> None:
    """Every key with the value in force and where it comes from; passwords are masked."""
    loaded = _loaded()
    click.echo(f"data = {loaded.settings.data}  # {loaded.sources.get('data', 'default')}")
    for dotted in all_keys():
        section, key = dotted.split(".")
        value = shown(getattr(getattr(loaded.settings, section), key))
        click.echo(f"{dotted} = {value!r}  # {loaded.sources.get(dotted, 'default')}")


@config.command("check")
@place_options
def config_check() -> None:
    """Say whether the configuration can be used, and name every mistake in it."""
    _loaded()
    click.echo("The configuration is fine.")


if __name__ == "__main__":
    main(prog_name="chatserver")
