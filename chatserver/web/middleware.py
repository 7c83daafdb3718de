"""The door of every HTTP request: origin, refusals as JSON or as a page, security headers."""

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
from chatserver.web.authentication import SAFE_METHODS, Sessions, wants_page
from chatserver.web.headers import readable
from chatserver.web.language import Language, preferred
from chatserver.web.rates import RequestLimits
from chatserver.web.rendering import render

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
OVER_TLS = {
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",  # over plain HTTP browsers call it an error
}
FROM_AIOHTTP: dict[int, type[ChatError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    415: UnsupportedMedia,
}

logger = logging.getLogger(__name__)


class MethodNotAllowed(ChatError):
    code, status, text = "bad_request", 405, _("This method is not supported at this address.")

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.allowed = ", ".join(sorted(allowed))


class HttpMiddleware:
    """A middleware, and the headers of every answer."""

    def __init__(
        self, sessions: Sessions, gate: RequestLimits, languages: dict[str, Language]
    ) -> None:
        self._sessions = sessions
        self._gate = gate
        self._languages = languages
        self.refusals: Counter[str] = Counter()  # by code, since the start

    def middleware(self) -> Middleware:
        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                request = readable(request)
                if request.match_info.http_exception is not None:
                    self._gate.visited(request)
                if request.method not in SAFE_METHODS:
                    self._sessions.check_origin(request)
                    await forms.arrived(request)
                return _over_tls(request, await time_limit.handled(request, handler))
            except ChatError as error:
                return _over_tls(request, self._refusal(request, error))
            except web.HTTPException as error:
                if error.status < 400:
                    _over_tls(request, error)
                    raise
                return _over_tls(request, self._refusal(request, _told(error)))
            except ConnectionError:
                return web.Response(status=400)  # nobody is there to read it
            except Exception:
                logger.exception("a request failed", extra={"route": route(request)})
                return self._refusal(request, ChatError())

        return door

    def _refusal(self, request: web.Request, error: ChatError) -> web.Response:
        self.refusals[error.code] += 1
        language = self._languages[preferred(request)]
        text = language.refusal(error)
        if wants_page(request) and not request.path.startswith("/api/"):
            title = language.texts.gettext(TITLES.get(error.status, TITLES[500]))
            facts = {"title": title, "text": text}
            response = render("error.html", request, language, status=error.status, **facts)
        else:
            body = {"ok": 0, "code": error.code, "data": text, **error.facts()}
            response = web.json_response(body, status=error.status)
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = error.seconds
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = error.allowed  # RFC 9110, 15.5.6
        return response

    async def headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Goes on every answer (the on_response_prepare signal)."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.popall("Server", None)


def _over_tls(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """What came over TLS, as a trusted proxy says too, shall always do so."""
    if request.secure and not response.prepared:
        response.headers.update(OVER_TLS)
    return response


def _told(error: web.HTTPException) -> ChatError:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(error.allowed_methods)
    if error.status >= 500:
        return ChatError()
    return FROM_AIOHTTP.get(error.status, BadRequest)()


TITLES = {
    400: _("The action failed"),
    401: _("Please log in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("The action failed"),
    409: _("The action failed"),
    413: _("Too large"),
    415: _("The action failed"),
    429: _("Too fast"),
    500: _("Something went wrong"),
    503: _("Not available right now"),
}
