"""Check of the origin of requests, against forged requests of other sites."""

import logging
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from chatserver.errors import Forbidden, RateLimited, _
from chatserver.limits import Rate
from chatserver.origins import origin
from chatserver.web.server_urls import ServerUrls

REFUSAL_LOG_RATE = (0.1, 5)  # lines of the log about refused origins, a second and at once

logger = logging.getLogger(__name__)


class OriginCheck:
    """Refuses requests of other sites."""

    def __init__(self, urls: ServerUrls, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._urls = urls
        self._refusal_log_rate = Rate(*REFUSAL_LOG_RATE, clock)

    def check(self, request: web.Request) -> None:
        """Refuse requests that another site's page makes a browser send. Raises Forbidden.

        Browsers send the origin with every WebSocket and every changing request. A client that
        sends none is not a browser and has its own token.
        """
        origins = request.headers.getall("Origin", [])
        site = request.headers.get("Sec-Fetch-Site", "none")
        if origins and origins != [self._urls.own_origin(request)]:
            self._log_refusal(request, origins)
            raise Forbidden(_("This origin is not allowed. See server.public_url."))
        if not origins and site not in ("none", "same-origin"):
            raise Forbidden(_("Requests from other sites are not accepted."))

    def _log_refusal(self, request: web.Request, origins: list[str]) -> None:
        """Log origins for the operator of a misconfigured proxy, but no free text of the peer."""
        with suppress(RateLimited):
            self._refusal_log_rate.take(None)
            named = [origin(each) or "unreadable" for each in origins]
            own = {"own": self._urls.own_origin(request) or "unreadable", "address": request.remote}
            logger.warning("origin refused", extra={"origin": ", ".join(named)[:200], **own})
