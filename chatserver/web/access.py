"""The access log: one line a request at DEBUG, without the query, where tokens may stand."""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger


class AccessLog(AbstractAccessLogger):
    """For `AppRunner` and `run_app`: aiohttp's own would write the query."""

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.DEBUG)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`time` is in seconds."""
        facts = (request.method, request.path, response.status, time * 1000, request.remote)
        self.logger.debug("%s %s %s in %.1f ms from %s", *facts)
