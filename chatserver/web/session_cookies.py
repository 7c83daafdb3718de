"""Tokens of requests and responses: the session cookie and the bearer token."""

from aiohttp import web

from chatserver.accounts.login import Tokens
from chatserver.errors import Unauthorized
from chatserver.web.headers import cookie

COOKIE = "chatserver"
SECURE_COOKIE = "__Host-chatserver"


class SessionCookies:
    """Writes tokens into responses."""

    def __init__(self, session_days: int) -> None:
        self._max_age = session_days * 86_400

    def set_tokens(
        self, request: web.Request, response: web.StreamResponse, tokens: Tokens
    ) -> None:
        """Set the cookie for browsers, and the bearer token for scripts."""
        response.headers["Authorization"] = f"Bearer {tokens.bearer}"
        self.set(request, response, tokens.cookie)

    def set_renewed_token(self, request: web.Request, response: web.Response, token: str) -> None:
        """Return a renewed token in the way the request's came: as header or cookie."""
        if bearer_token(request):
            response.headers["Authorization"] = f"Bearer {token}"
        else:
            self.set(request, response, token)

    def set(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """Set the session cookie: HttpOnly, and Secure if the request came over TLS."""
        response.set_cookie(
            SECURE_COOKIE if request.secure else COOKIE,
            token,
            max_age=self._max_age,
            path="/",
            secure=request.secure,
            httponly=True,
            samesite="Lax",
        )

    def delete(self, response: web.StreamResponse) -> None:
        """Delete the session cookie."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
        response.del_cookie(SECURE_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")


def request_token(request: web.Request) -> str:
    """Return the token of the header or cookie. Raises Unauthorized without one."""
    if token := bearer_token(request):
        return token
    found = cookie(request, SECURE_COOKIE if request.secure else COOKIE)
    if not found:
        raise Unauthorized
    return found


def bearer_token(request: web.Request) -> str:
    """Return the token in the header; "" without one, or if a proxy uses the header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
