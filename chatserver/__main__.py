"""Command line. `serve` is the default; every user error is one sentence and exit code 2.

An error that may pass without a change has exit code 75, for supervisors that retry.
"""

from chatserver import launch  # isort: split

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from chatserver import __version__
from chatserver.commands import access, archives, files, installation, rooms, users
from chatserver.commands.options import loaded, run, serve_options
from chatserver.errors import (
    DISK_FULL,
    ChatServerError,
    FilesUnavailable,
    TemporaryStartError,
    Unavailable,
)


class UserError(click.ClickException):
    """An error for the user, in one sentence."""

    exit_code = 2


class TemporaryError(UserError):
    """An error that may pass by itself: EX_TEMPFAIL of sysexits.h."""

    exit_code = 75


class Cli(click.Group):
    """Shows the program's errors as sentences; any other exception is a bug and has a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            launch.discard_output()
            click.echo(f"Error: Cannot write: {error.strerror}.", err=True)
            sys.exit(TemporaryError.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TemporaryStartError as error:
            raise TemporaryError(str(error)) from None
        except FilesUnavailable as error:
            kind = TemporaryError if error.may_pass else UserError
            raise kind(f"The files cannot be stored or read: {error.cause}.") from None
        except Unavailable as error:
            kind = TemporaryError if error.may_pass else UserError
            text = f"The database cannot be used: {error.reason}." if error.reason else str(error)
            raise kind(text) from None
        except ChatServerError as error:
            kind = TemporaryError if _disk_was_full(error) else UserError
            raise kind(str(error)) from None
        except OSError as error:
            if error.filename is None or error.errno in DISK_FULL:
                raise
            raise UserError(f"{error.filename} cannot be used: {error.strerror}.") from None


def _disk_was_full(error: BaseException | None) -> bool:
    """Return whether a full disk is among the causes of an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


@click.group(cls=Cli, invoke_without_command=True)
@click.version_option(__version__, prog_name="chatserver")
@serve_options
@click.pass_context
def main(ctx: click.Context, *, lan: bool) -> None:
    """A chat server for your own machine. Without a command: serve."""
    if ctx.invoked_subcommand not in (None, "serve"):
        launch.end_at_hangup()
        launch.log_only_bugs()
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
    given = click.get_current_context().find_root().ensure_object(dict)
    if lan:
        given.setdefault("host", "0.0.0.0")  # noqa: S104 - that is what --lan means
    gc.disable()  # collecting garbage during imports takes a tenth of the start
    settings = loaded().settings
    with _without_ca_certificates():
        from chatserver.commands.serve import serve as run_server
        from chatserver.logs import configure_logging

    configure_logging(settings.server.log_level)
    run(run_server(settings, lan=lan, reload=lambda: loaded().settings))


@contextmanager
def _without_ca_certificates() -> Iterator[None]:
    """Hide the certificate authorities during the imports.

    aiohttp loads them when it is imported, for a client that a server never uses: a tenth of the
    start.
    """
    before = dict(os.environ)
    os.environ.update(SSL_CERT_FILE=os.devnull, SSL_CERT_DIR=os.devnull)
    try:
        yield
    finally:
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            del os.environ[name]
        os.environ.update(before)


for command in (
    *users.COMMANDS,
    *rooms.COMMANDS,
    *access.COMMANDS,
    *archives.COMMANDS,
    *files.COMMANDS,
    *installation.COMMANDS,
):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="chatserver")
