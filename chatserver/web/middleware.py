"""HTTP middleware: origin check, error responses, security headers."""

import logging
from collections import Counter
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from chatserver.errors import (
    BadRequest,
    ChatError,
    Forbidden,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    UnsupportedMedia,
    _,
)
from chatserver.web import forms, time_limit
from chatserver.web.access_log import route
from chatserver.web.headers import HttpError, readable, wants_page
from chatserver.web.language import Language, preferred
from chatserver.web.operations import SAFE_METHODS, of_handler
from chatserver.web.origin_check import OriginCheck
from chatserver.web.rates import RequestLimits
from chatserver.web.rendering import render
from chatserver.web.security_headers import TLS_HEADERS, set_security_headers

ERROR_BY_STATUS: dict[int, type[ChatError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    415: UnsupportedMedia,
}

logger = logging.getLogger(__name__)


class MethodNotAllowed(HttpError):
    code, status, text = "bad_request", 405, _("This method is not supported at this address.")

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.headers = {"Allow": ", ".join(sorted(allowed))}  # RFC 9110, 15.5.6


class HttpMiddleware:
    """The middleware, and the headers of every response."""

    def __init__(
        self,
        origin_check: OriginCheck,
        request_limits: RequestLimits,
        languages: dict[str, Language],
    ) -> None:
        self._origin_check = origin_check
        self._request_limits = request_limits
        self._languages = languages
        self.refusals: Counter[str] = Counter()  # by code, since the start

    def middleware(self) -> Middleware:
        @web.middleware
        async def handle_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                request = readable(request)
                if request.match_info.http_exception is not None:
                    self._request_limits.count_anonymous(request)
                if request.method not in SAFE_METHODS:
                    self._origin_check.check(request)
                    if not _streams(request):
                        await forms.read_body(request)
                return _with_tls_headers(request, await time_limit.run_handler(request, handler))
            except ChatError as error:
                return _with_tls_headers(request, await self._error_response(request, error))
            except web.HTTPException as error:
                if error.status < 400:
                    _with_tls_headers(request, error)
                    raise
                return _with_tls_headers(
                    request, await self._error_response(request, _chat_error(error))
                )
            except ConnectionError:
                return web.Response(status=400)  # the client has disconnected
            except Exception:
                logger.exception("a request failed", extra={"route": route(request)})
                return await self._error_response(request, ChatError())

        return handle_errors

    async def _error_response(self, request: web.Request, error: ChatError) -> web.Response:
        self.refusals[error.code] += 1
        language = self._languages[preferred(request)]
        text = language.error_text(error)
        if wants_page(request) and not request.path.startswith("/api/"):
            title = language.texts.gettext(TITLES.get(error.status, TITLES[500]))
            texts = {"title": title, "text": text}
            response = await render("error.html", request, language, status=error.status, **texts)
        else:
            body = {"ok": 0, "code": error.code, "data": text, **error.details()}
            response = web.json_response(body, status=error.status)
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = error.seconds
        if isinstance(error, HttpError):
            response.headers.update(error.headers)
        return response

    async def headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Set the headers of every response (signal on_response_prepare)."""
        set_security_headers(response.headers)


def _with_tls_headers(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Make browsers keep using TLS if the request came over TLS, as a trusted proxy may say."""
    if request.secure and not response.prepared:
        response.headers.update(TLS_HEADERS)
    return response


def _streams(request: web.Request) -> bool:
    """Return whether the handler reads the body."""
    found = of_handler(request.match_info.handler)
    return found is not None and found.streams


def _chat_error(error: web.HTTPException) -> ChatError:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(error.allowed_methods)
    if error.status >= 500:
        return ChatError()
    return ERROR_BY_STATUS.get(error.status, BadRequest)()


TITLES = {
    400: _("The action failed"),
    401: _("Please log in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("The action failed"),
    409: _("The action failed"),
    413: _("Too large"),
    415: _("The action failed"),
    429: _("Too many requests"),
    500: _("Something went wrong"),
    503: _("Not available right now"),
}
