"""Who came and went, for the log: requests at DEBUG, sockets at INFO. Names, never content.

Requests are told by their route: paths hold invitation codes and queries hold tokens.
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
from chatserver.web.proxies import VISITOR

CODES = frozenset(map(int, (*WSCloseCode, *CloseCode)))
INVENTED = 0  # stands for all other codes of peers, who could have 60,000 of them counted

logger = logging.getLogger(__name__)


def _is_ours(record: logging.LogRecord) -> bool:
    """Drop errors of parsing, which quote the request. A filter for loggers of aiohttp."""
    failure = record.exc_info[1] if record.exc_info else None
    if not isinstance(failure, HttpProcessingError | web.RequestPayloadError):
        return True
    logger.debug("an unparsable request: %s", type(failure).__name__)
    return False


for name in ("access", "client", "internal", "server", "web", "websocket"):
    logging.getLogger(f"aiohttp.{name}").addFilter(_is_ours)
    logging.getLogger(f"aiohttp.{name}").addFilter(redact)
logging.getLogger("asyncio").addFilter(redact)


class AccessLog(AbstractAccessLogger):
    """For `AppRunner` and `run_app`: aiohttp's own would write path and query."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.DEBUG)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`time` is in seconds."""
        visitor = request.get(VISITOR, request.remote)
        facts = (request.method, route(request), response.status, time * 1000, visitor)
        self.logger.debug("%s %s %s in %.1f ms from %s", *facts)


def route(request: web.BaseRequest) -> str:
    """The route that a request took, like /join/{code}; "?" when there is none."""
    if not isinstance(request, web.Request) or request.match_info.route.resource is None:
        return "?"
    return request.match_info.route.resource.canonical


class Visit(NamedTuple):
    """A socket's number, and since when it is there (monotonic s)."""

    number: int
    since: float


class SocketLog:
    """Numbers the sockets and counts how they ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._numbers = itertools.count(1)
        self.closes: Counter[int] = Counter()  # by close code, since the start

    def came(self, request: web.Request, connection: Connection) -> Visit:
        """Somebody is connected: a line for the log, and another one when they go."""
        visit = Visit(next(self._numbers), self._clock())
        facts = {"connection": visit.number, "user": connection.user.name}
        logger.info("connected", extra={**facts, "address": request.remote})
        return visit

    def went(self, visit: Visit, connection: Connection, code: int | None) -> None:
        """`code` is the peer's: see `SocketTransport`."""
        code = connection.close_code or code or WSCloseCode.ABNORMAL_CLOSURE
        self.closes[code if code in CODES else INVENTED] += 1
        who = {"connection": visit.number, "user": connection.user.name}
        seconds = round(self._clock() - visit.since, 1)
        facts = {"code": int(code), "reason": _reason(connection), "seconds": seconds}
        logger.info("closed", extra={**who, **facts, "frames": connection.frames})

    def turned_away(self, request: web.Request, bye: Disconnect) -> None:
        """Somebody was told to go before the welcome."""
        self.closes[bye.code] += 1
        facts = {"code": int(bye.code), "reason": bye.code.name.lower()}
        logger.info("turned away", extra={**facts, "address": request.remote})


def _reason(connection: Connection) -> str:
    code = connection.close_code
    return "left" if code is None else CloseCode(code).name.lower()
