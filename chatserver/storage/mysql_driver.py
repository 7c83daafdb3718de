"""Extensions of aiomysql connections.

TLS that works under uvloop and is never skipped silently, passwords in any script, a timeout for
the whole connection set-up, OperationalError when the transport is closed, large results read in
several turns of the event loop, and replacement of connections after a fail-over.
"""

import asyncio
import re
import socket
import ssl
import struct
import time
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from aiomysql.connection import Connection
from pymysql.charset import charset_by_name
from pymysql.constants import CLIENT, CR
from pymysql.err import OperationalError
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from chatserver.errors import StartError
from chatserver.storage.failures import needs_new_connection

TLS = ("ssl", "ssl_ca", "ssl_cert", "ssl_key", "ssl_check_hostname")  # options of the URL
OTHER_OPTIONS = (
    "charset",
    "unix_socket",
    "auth_plugin",
    "server_public_key",
    "read_default_file",
    "read_default_group",
    "program_name",
    "sql_mode",
)  # further options of the URL, as in `aiomysql.connect`
TLS_FAILED = 2026  # CR_SSL_CONNECTION_ERROR
LOCK_TIMEOUT = 1  # seconds that a statement waits for a row lock
# A node that hangs inside a transaction must not block the others: its session ends after these
# seconds without a statement. MySQL has no such limit for transactions, only for sessions.
WRITER_LIMITS = (
    f"SET innodb_lock_wait_timeout={LOCK_TIMEOUT}"
    " /*M!100300 , idle_transaction_timeout=10 */ /*!80000 , wait_timeout=60 */"
)
DEAD_AFTER = 20  # seconds without an acknowledgement
MAX_PACKET = 2**24 - 1
ROWS_PER_TURN = 250  # rows of a result read in one turn of the event loop; takes about 2 ms

# After user and password, which may contain any character but "@", as SQLAlchemy parses a URL.
_OPTIONS = re.compile(r"://(?:[^:/@]*(?::[^@]*)?@)?[^?]*\?(.*)$")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def without_tls(url: URL) -> URL:
    """Return the URL without the TLS options, which `tls` reads."""
    return url.difference_update_query(TLS)


def refuse_invalid_options(url: str) -> None:
    """Raise StartError for options of the URL that are unknown, empty or repeated.

    SQLAlchemy drops the last two, and replaces options that `mysql_engines` sets. `tls` checks the
    names of options for TLS.
    """
    found = _OPTIONS.search(url)
    options = parse_qsl(found[1], keep_blank_values=True) if found else []
    names = [name for name, _ in options]
    for name, value in options:
        if not value.strip():
            raise StartError(f"database.url: {name} has no value. Give it one, or remove it.")
        if names.count(name) > 1:
            raise StartError(f"database.url: {name} is given more than once.")
        if not _is_for_tls(name) and name not in OTHER_OPTIONS:
            known = ", ".join(TLS + OTHER_OPTIONS)
            raise StartError(f"database.url: {name} is not an option; the options are {known}.")


def tls(url: URL) -> ssl.SSLContext | None:
    """Return the TLS context for the options of the URL, None for no TLS. Raises StartError.

    ssl=true: verify the server with the system's authorities and the host name. ssl_ca: file with
    the authority. ssl_cert, ssl_key: client certificate. ssl_check_hostname=false: accept any host
    name.
    """
    options = {name: str(value) for name, value in url.query.items() if _is_for_tls(name)}
    _require_consistent(options)
    if not options or not _is_on(options, "ssl"):
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca"))
        if "ssl_cert" in options:
            context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    except OSError as error:
        files = ", ".join(options[name] for name in TLS[1:4] if name in options)
        raise StartError(f"database.url: {files} cannot be used for TLS: {error}.") from None
    context.check_hostname = _is_on(options, "ssl_check_hostname")
    return context


def _is_for_tls(name: str) -> bool:
    return name.lower().startswith(("ssl", "tls"))


def _require_consistent(options: dict[str, str]) -> None:
    """Raise StartError for options that would silently give less security than they suggest."""
    if unknown := [name for name in options if name not in TLS]:
        raise StartError(
            f"database.url: {unknown[0]} is not an option; those for TLS are {_named()}."
        )
    if "ssl_key" in options and "ssl_cert" not in options:
        raise StartError("database.url: ssl_key needs ssl_cert, the certificate of that key.")
    if not _is_on(options, "ssl") and len(options) > 1:
        other = next(name for name in options if name != "ssl")
        raise StartError(f"database.url: ssl=false contradicts {other}. Remove one of them.")


def _named() -> str:
    return f"{', '.join(TLS[:-1])} and {TLS[-1]}"


def _is_on(options: dict[str, str], name: str) -> bool:
    value = _BOOLEANS.get(options.get(name, "true").lower())
    if value is None:
        raise StartError(f"database.url: {name} must be true or false.")
    return value


class Renewal:
    """Replaces the connections of all pools when one reports a fail-over.

    The old ones lead to a server that refuses writes and whose rows may be stale.
    """

    def __init__(self) -> None:
        self._since = 0.0  # older connections are not reused

    def watch(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "handle_error", self._failed)
        sa.event.listen(engine, "connect", _date)
        sa.event.listen(engine, "checkout", self._refuse_old)

    def _failed(self, context: sa.engine.ExceptionContext) -> None:
        if needs_new_connection(context.original_exception):
            context.is_disconnect = True
            self._since = time.monotonic()

    def _refuse_old(self, _driver: object, record: Any, _proxy: object) -> None:
        if record.info["made"] < self._since:
            raise DisconnectionError  # the pool opens a new one


def _date(_driver: object, record: Any) -> None:
    record.info["made"] = time.monotonic()


async def connect(*, password: str = "", **options: Any) -> "SafeConnection":
    """Connect as aiomysql.connect does, but send the password as UTF-8."""
    made = SafeConnection(password=password.encode().decode("latin-1"), **options)
    await made._connect()  # noqa: SLF001 - so does aiomysql.connect
    return made


class SafeConnection(Connection):  # type: ignore[misc]
    """Connection with the extensions of this module."""

    _ssl_context: ssl.SSLContext | None
    _reads = 0  # of the present result; a row takes two

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self.connect_timeout):
                await super()._connect()
        except TimeoutError:
            self.close()
            raise OperationalError(CR.CR_CONN_HOST_ERROR, "the server does not answer") from None
        except asyncio.CancelledError:
            self.close()
            raise

    async def _request_authentication(self) -> None:
        try:
            if self._ssl_context is not None:
                await self._start_tls()
            await super()._request_authentication()
        except BaseException:
            if self._writer is not None:
                self._writer.transport.abort()
            await asyncio.sleep(0)  # let the event loop close the socket
            raise

    def close(self) -> None:
        """Close without waiting for the peer's TLS close, for which asyncio waits 30 seconds."""
        writer = self._writer
        super().close()
        if writer is not None and writer.transport.get_extra_info("sslcontext") is not None:
            writer.transport.abort()

    async def _start_tls(self) -> None:
        """Start TLS before the account name and the scrambled password are sent."""
        if not self.server_capabilities & CLIENT.SSL:
            raise OperationalError(TLS_FAILED, "the database offers no TLS")
        self.client_flag |= CLIENT.MULTI_RESULTS
        charset = charset_by_name(self.charset).id
        self.write_packet(struct.pack("<iIB23s", self.client_flag, MAX_PACKET, charset, b""))
        try:
            await self._writer.start_tls(self._ssl_context, server_hostname=self._host)
        except (ssl.SSLError, ConnectionError) as error:
            reason = getattr(error, "verify_message", None) or error
            raise OperationalError(TLS_FAILED, f"no TLS with the database: {reason}") from error
        self._ssl_context = None  # the driver must not start it a second time
        self._secure = True

    def _set_keep_alive(self) -> None:
        """Set TCP timeouts, so that the loss of the server is detected within seconds."""
        super()._set_keep_alive()
        connected = self._writer.transport.get_extra_info("socket")
        for name, value in (
            ("TCP_USER_TIMEOUT", DEAD_AFTER * 1_000),
            ("TCP_KEEPIDLE", DEAD_AFTER // 2),
            ("TCP_KEEPINTVL", DEAD_AFTER // 4),
        ):
            if hasattr(socket, name):  # not on every system
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    async def _read_query_result(self, unbuffered: bool = False) -> None:
        self._reads = 0
        await super()._read_query_result(unbuffered)

    async def _read_bytes(self, num_bytes: int) -> bytes:
        """Read without a pause what has arrived, except in a large result."""
        self._reads += 1
        if self._reads % (2 * ROWS_PER_TURN) == 0:
            await asyncio.sleep(0)
        data: bytes = await super()._read_bytes(num_bytes)
        return data

    def _write_bytes(self, data: bytes) -> None:
        try:
            super()._write_bytes(data)
        except (RuntimeError, AttributeError) as error:  # raised by uvloop if it is closed
            self.close()
            raise OperationalError(
                CR.CR_SERVER_LOST, f"the connection is closed ({error})"
            ) from error
