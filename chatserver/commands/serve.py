"""Runs a node until it is stopped: listens, prints the address, and stops gracefully."""

import asyncio
import errno
import gc
import logging
import resource
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click
from aiohttp import web, web_response, web_urldispatcher

from chatserver import __version__
from chatserver.app import SERVER, build
from chatserver.commands.plurals import counted
from chatserver.commands.reloading import Reloading, handle_hangup, handle_stop
from chatserver.config import ServerSettings, Settings
from chatserver.data_dir import DataDir
from chatserver.errors import StartError, TemporaryStartError
from chatserver.launch import discard_output
from chatserver.server import Server
from chatserver.text import markup
from chatserver.tls import server_context
from chatserver.web.access_log import AccessLog
from chatserver.web.addresses import ALL_INTERFACES, lan_addresses
from chatserver.web.aiohttp_internals import Listener, UnixListener
from chatserver.web.control_socket import SHUTDOWN_TIMEOUT
from chatserver.web.headers import expect
from chatserver.web.idle_connections import IdleConnections

KEEPALIVE_TIMEOUT = 150.0  # seconds; above Caddy's idle timeout of 120
LINGERING_TIME = 3.0  # seconds to read and drop the rest of a refused body
# New objects between two collections, then collections between those of the next generation. A
# collection of 50,000 objects takes 60 ms when they are cycles of HTTP requests. The objects of all
# connections are in the last generation, so it is collected after six million new objects.
GC_THRESHOLDS = (5_000, 2, 400)

NO_ADMINISTRATOR = "There is no administrator yet. Create one: chatserver user promote NAME"

logger = logging.getLogger(__name__)

# Responses of aiohttp itself have this header; the middleware and ErrorResponse remove it.
web_response.SERVER_SOFTWARE = "chatserver"  # type: ignore[attr-defined]
# For the routes that aiohttp creates for unknown paths.
web_urldispatcher._default_expect_handler = expect  # noqa: SLF001


async def serve(
    settings: Settings, *, lan: bool, reload: Callable[[], Settings] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM. Raises StartError if it cannot start.

    Raises TemporaryStartError if the database did not accept all that is written during a stop.
    `reload` reads the settings again after SIGHUP.
    """
    DataDir(settings.data).require_own()
    stop = asyncio.Event()
    handle_stop(stop)
    tls = server_context(settings.server)
    await _require_address(settings.server)
    handle_hangup(stop.set, Reloading(reload or (lambda: settings), tls))
    async with running(settings) as (runner, server):
        await _listen(runner, settings, tls)
        server.urls.listening_url = public_url(settings, port=_port(runner))
        gc.freeze()  # objects of the start are permanent
        gc.set_threshold(*GC_THRESHOLDS)
        gc.enable()
        await _banner(server, lan=lan)
        await asyncio.to_thread(markup.warm_up)
        await stop.wait()
        _show("Stopping: storing accepted messages, asking clients to reconnect.")
    if server.unwritten:
        missing = ", ".join(server.unwritten)
        raise TemporaryStartError(
            f"The database did not take everything during the stop. Not written: {missing}."
            " Nothing that was confirmed is lost."
        )


@asynccontextmanager
async def running(
    settings: Settings, *, create_database: bool = True
) -> AsyncIterator[tuple[web.AppRunner, Server]]:
    """Run the application, reachable through the control socket only.

    `create_database`: it may create or upgrade the database.
    """
    app = build(settings, create_database=create_database)
    runner = web.AppRunner(
        app,
        access_log_class=AccessLog,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
        keepalive_timeout=KEEPALIVE_TIMEOUT,
        lingering_time=LINGERING_TIME,
        auto_decompress=False,
        handle_signals=False,
    )
    try:
        await runner.setup()
        app[SERVER].urls.listening_url = public_url(settings)
        yield runner, app[SERVER]
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings, tls: ssl.SSLContext | None) -> None:
    descriptors, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    idle = IdleConnections(max(descriptors // 4, 64))
    server = settings.server
    if server.unix_socket:
        await _listen_locally(UnixListener(runner, server.unix_socket, idle=idle))
        return
    host, port = server.host, server.port
    site = Listener(runner, host, port, idle=idle, tls=tls)
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise TemporaryStartError(
                f"Port {port} on {host} is taken. Stop the other program, or choose another port:"
                f" --port {port + 1}"
            ) from None
        is_early = error.errno == errno.EADDRNOTAVAIL  # the network is late
        kind = TemporaryStartError if is_early else StartError
        raise kind(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from None


async def _require_address(server: ServerSettings) -> None:
    """Raise StartError, before anything is created, if the address to listen on is none."""
    if server.unix_socket:
        if not Path(server.unix_socket).absolute().parent.is_dir():
            raise _no_local_address(server.unix_socket, "No such file or directory")
        return
    host, port = server.host, server.port
    try:
        await asyncio.get_running_loop().getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise StartError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    except UnicodeError as error:
        raise StartError(f"Cannot listen on {host}:{port}: {error}.") from None


async def _listen_locally(site: UnixListener) -> None:
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise TemporaryStartError(
                f"Another program listens on {site.path}. Stop it first."
            ) from None
        raise _no_local_address(site.path, error.strerror or str(error)) from None


def _no_local_address(path: str, reason: str) -> StartError:
    return StartError(
        f"Cannot listen on {path}: {reason}. Its folder must exist and belong to the account of the"
        f" server."
    )


def _port(runner: web.AppRunner) -> int | None:
    """Return the port of the listener, None for a Unix socket."""
    address = runner.addresses[-1]
    return None if isinstance(address, str) else int(address[1])


# What the terminal shows -------------------------------------------------------------------------


async def _banner(server: Server, *, lan: bool) -> None:
    durability = await server.database.durability()
    new = " (new)" if server.is_new else ""
    _show(f"chatserver {__version__} · data in {server.folder.path}{new}")
    _show(f"  database: {server.database.kind}, durability: {durability}")
    if durability != "full":
        logger.warning("durability is weakened: a power cut can lose answered messages")
    here = server.urls.listening_url
    socket_file = server.settings.server.unix_socket
    _show(f"  listening on {f'unix:{socket_file}' if socket_file else here}")
    if await server.accounts.is_set_up():
        users, rooms = await server.users.count(), await server.rooms.count()
        _show(f"  {counted(users, 'user')}, {counted(rooms, 'room')}")
        if await server.users.administrator() is None:
            _show(f"\n  {NO_ADMINISTRATOR}\n")
    else:
        _show("\n  Finish setup in your browser (this link works once):")
        _show(f"    {here}/setup#{server.accounts.setup_token()}\n")
    if lan:
        _show_qr(here)
    _show("Press Ctrl+C to stop.")


def _show(text: str) -> None:
    """Print a line; the server goes on if standard output cannot be written."""
    try:
        click.echo(text)
    except OSError:  # its reader has ended, or the terminal was closed
        discard_output()


def public_url(settings: Settings, *, port: int | None = None) -> str:
    """Return the URL of this server: as configured, else where it listens."""
    if settings.server.unix_socket:  # only the proxy knows
        return settings.origin
    host = settings.server.host
    own = _url(
        settings, lan_address() if host in ALL_INTERFACES else host, port or settings.server.port
    )
    return settings.origin or own


def _url(settings: Settings, host: str, port: int) -> str:
    scheme = "https" if settings.server.tls_cert else "http"
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}:{port}"


def _show_qr(url: str) -> None:
    if sys.stdout.isatty():
        import segno

        segno.make(url, error="l").terminal(compact=True)


def lan_address() -> str:
    """Return this machine's LAN address, or else the loopback address."""
    return next(iter(lan_addresses()), "127.0.0.1")
