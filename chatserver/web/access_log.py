"""Log of requests (at DEBUG) and of connections (at INFO): names, never content.

Requests are logged by route, because paths contain invitation codes and queries contain tokens.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import WSCloseCode, web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from chatserver.errors import CloseCode, Disconnect
from chatserver.realtime.connection import Connection
from chatserver.redaction import redact
from chatserver.web.aiohttp_internals import ErrorResponse
from chatserver.web.proxies import CLIENT

CODES = frozenset(map(int, (*WSCloseCode, *CloseCode)))
UNKNOWN_CODE = 0  # counts all other codes, of which peers could send 60,000

logger = logging.getLogger(__name__)


def _is_loggable(record: logging.LogRecord) -> bool:
    """Filter out aiohttp's parse errors, which quote the request."""
    failure = record.exc_info[1] if record.exc_info else None
    if not isinstance(failure, HttpProcessingError | web.RequestPayloadError):
        return True
    logger.debug("an unparsable request: %s", type(failure).__name__)
    return False


for name in ("access", "client", "internal", "server", "web", "websocket"):
    logging.getLogger(f"aiohttp.{name}").addFilter(_is_loggable)
    logging.getLogger(f"aiohttp.{name}").addFilter(redact)
logging.getLogger("asyncio").addFilter(redact)


class AccessLog(AbstractAccessLogger):
    """Access log for `AppRunner` and `run_app`; aiohttp's would log path and query."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.DEBUG)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`time` is in seconds."""
        client = request.get(CLIENT, request.remote)
        path = "?" if isinstance(response, ErrorResponse) else route(request)  # else it has a route
        details = (request.method, path, response.status, time * 1000, client)
        self.logger.debug("%s %s %s in %.1f ms from %s", *details)


def route(request: web.BaseRequest) -> str:
    """Return the route of a request, like /join/{code}, or "?"."""
    if not isinstance(request, web.Request) or request.match_info.route.resource is None:
        return "?"
    return request.match_info.route.resource.canonical


class LogEntry(NamedTuple):
    """Number of a connection, and when it was opened (monotonic s)."""

    number: int
    since: float


class ConnectionLog:
    """Logs connections, and counts them by close code."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._clock = clock
        self._numbers = itertools.count(1)
        self.closes: Counter[int] = Counter()  # by close code, since the start

    def opened(self, request: web.Request, connection: Connection) -> LogEntry:
        """Log an opened connection; return what `closed` needs."""
        entry = LogEntry(next(self._numbers), self._clock())
        details = {"connection": entry.number, "user": connection.user.name}
        logger.info("connected", extra={**details, "address": request.remote})
        return entry

    def closed(self, entry: LogEntry, connection: Connection, code: int | None) -> None:
        """Log a closed connection; `code` is the peer's: see `SocketTransport`."""
        code = connection.close_code or code or WSCloseCode.ABNORMAL_CLOSURE
        self.closes[code if code in CODES else UNKNOWN_CODE] += 1
        identity = {"connection": entry.number, "user": connection.user.name}
        seconds = round(self._clock() - entry.since, 1)
        details = {"code": int(code), "reason": _reason(connection), "seconds": seconds}
        logger.info("closed", extra={**identity, **details, "frames": connection.frames})

    def rejected(self, request: web.Request, disconnect: Disconnect) -> None:
        """Log a connection that was rejected before the welcome."""
        self.closes[disconnect.code] += 1
        details = {"code": int(disconnect.code), "reason": disconnect.code.name.lower()}
        logger.info("connection rejected", extra={**details, "address": request.remote})


def _reason(connection: Connection) -> str:
    code = connection.close_code
    return "left" if code is None else CloseCode(code).name.lower()
