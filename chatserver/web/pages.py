"""HTML pages, and logging in and out. Accepts JSON and plain forms."""

from contextlib import suppress
from typing import Any

from aiohttp import web

from chatserver.accounts.accounts import Accounts, new_user
from chatserver.accounts.invitations import Invitations
from chatserver.accounts.login import Tokens
from chatserver.errors import BadCredentials, RateLimited, Unauthorized
from chatserver.models import Role, User
from chatserver.web import forms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.client_address import client_address
from chatserver.web.headers import wants_page
from chatserver.web.language import LOCALES, Language, preferred
from chatserver.web.operations import operation
from chatserver.web.rendering import render
from chatserver.web.responses import accounts
from chatserver.web.security_headers import PERMISSIONS, RECORDING_PERMISSIONS
from chatserver.web.server_urls import same_site_path
from chatserver.web.session_cookies import SessionCookies

RENEW_AFTER = 86_400  # seconds; a visit renews an older cookie, or one past half its lifetime


class Pages:
    """Set-up, login, invitations and the chat page."""

    def __init__(
        self,
        accounts: Accounts,
        invitations: Invitations,
        authenticator: RequestAuthenticator,
        cookies: SessionCookies,
        languages: dict[str, Language],
    ) -> None:
        self._accounts = accounts
        self._invitations = invitations
        self._authenticator = authenticator
        self._cookies = cookies
        self._languages = languages

    @operation("GET", "/", "home", rate="anonymous", documented=False)
    async def home(self, request: web.Request) -> web.StreamResponse:
        """Redirect to the page that the visitor needs."""
        if not await self._accounts.is_set_up():
            raise web.HTTPFound(_path(request, "setup_page"))
        try:
            await self._authenticator.authenticate(request)
        except Unauthorized:
            login = request.app.router["login_page"].url_for()
            over = self._authenticator.has_token(request)
            raise web.HTTPFound(str(login.with_query("over") if over else login)) from None
        raise web.HTTPFound(_path(request, "index"))

    @operation("GET", "/index", "index", rate="anonymous", documented=False)
    async def index(self, request: web.Request) -> web.StreamResponse:
        """Show the chat page."""
        try:
            login = await self._authenticator.authenticate(request)
        except Unauthorized:
            raise web.HTTPFound(_path(request, "home")) from None
        response = await self._render("chat/index.html", request, login.user, me=login.user)
        response.headers[PERMISSIONS] = RECORDING_PERMISSIONS
        lifetime = login.token.lifetime
        if self._accounts.age(login) > min(RENEW_AFTER, lifetime / 2):
            _expires_at, token = await self._accounts.renew(login.session.id, lifetime)
            self._cookies.set(request, response, token)
        return response

    @operation("GET", "", "mounted", rate="anonymous", documented=False)
    async def without_slash(self, request: web.Request) -> web.StreamResponse:
        """Redirect from the bare prefix of a mounted chat, like /chat."""
        raise web.HTTPFound(_path(request, "home"))

    # First run ------------------------------------------------------------------------------------

    @operation(
        "GET",
        "/setup",
        "setup_page",
        rate="anonymous",
        access="anyone",
        media="page",
        redirects=True,
    )
    async def setup_page(self, request: web.Request) -> web.StreamResponse:
        """The set-up page of a new server."""
        if await self._accounts.is_set_up():
            raise web.HTTPFound(_path(request, "home"))
        return await self._render("accounts/setup.html", request)

    @operation(
        "POST",
        "/setup",
        "set_up",
        rate="sign_ups",
        access="anyone",
        returns=accounts.SignedIn,
        body=forms.Setup,
        form=True,
        token=True,
        redirects=True,
    )
    async def setup(self, request: web.Request) -> web.StreamResponse:
        """Create the first administrator, with the token from the terminal."""
        form = await forms.read(request, forms.Setup)
        locale = _locale(request, form.locale)
        new = new_user(form.username, form.display, role=Role.ADMIN, locale=locale)
        user = await self._accounts.set_up(form.token, new, form.password)
        return await self._logged_in(request, user)

    # Logging in and out ---------------------------------------------------------------------------

    @operation(
        "GET",
        "/login",
        "login_page",
        rate="anonymous",
        access="anyone",
        media="page",
        redirects=True,
    )
    async def login_page(self, request: web.Request) -> web.StreamResponse:
        """The login page. Redirects a logged-in user to the chat, unless the query has `switch`."""
        if not await self._accounts.is_set_up():
            raise web.HTTPFound(_path(request, "setup_page"))
        if "switch" not in request.query:
            with suppress(Unauthorized):
                await self._authenticator.authenticate(request)
                raise web.HTTPFound(_next(request) or _path(request, "index"))
        over = "over" in request.query
        return await self._render("accounts/login.html", request, next=_next(request), over=over)

    @operation(
        "POST",
        "/login",
        "log_in",
        rate="logins",
        access="anyone",
        returns=accounts.SignedIn,
        body=forms.Credentials,
        refuses="bad_credentials",
        form=True,
        token=True,
        redirects=True,
    )
    async def login(self, request: web.Request) -> web.StreamResponse:
        """Log in with user name and password."""
        form = await forms.read(request, forms.Credentials)
        try:
            user = await self._accounts.log_in(
                form.username, form.password, address=client_address(request)
            )
        except (BadCredentials, RateLimited) as error:
            if not wants_page(request):
                raise
            return await self._login_again(request, form.username, error)
        return await self._logged_in(request, user)

    async def _login_again(
        self, request: web.Request, username: str, error: BadCredentials | RateLimited
    ) -> web.StreamResponse:
        text = self._languages[preferred(request)].error_text(error)
        response = await self._render(
            "accounts/login.html", request, username=username, error=text, next=_next(request)
        )
        response.set_status(error.status)
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = error.seconds
        return response

    @operation(
        "POST",
        "/logout",
        "log_out",
        rate="anonymous",
        access="anyone",
        returns=accounts.LoggedOut,
        refuses="other_user",
        redirects=True,
    )
    async def logout(self, request: web.Request) -> web.StreamResponse:
        """End this session and its sockets.

        If the database cannot store the end now, the response says `pending`, and the session is
        over all the same. If it cannot even be read, the session does not end, and the cookie
        stays.
        """
        stored = True
        with suppress(Unauthorized):
            stored = await self._accounts.log_out(await self._authenticator.authenticate(request))
        response = _done(request, "login_page", {"ok": 1} if stored else {"ok": 1, "pending": True})
        self._cookies.delete(response)
        return response

    # Invitations ----------------------------------------------------------------------------------

    @operation(
        "GET",
        "/join/{code}",
        "join_page",
        rate="anonymous",
        access="anyone",
        media="page",
    )
    async def join_page(self, request: web.Request) -> web.StreamResponse:
        """The page of an invitation link."""
        code = request.match_info["code"]
        user = None
        with suppress(Unauthorized):
            user = (await self._authenticator.authenticate(request)).user
        own = None
        if user is None:
            invite = await self._invitations.find(code)
        else:
            own = await self._invitations.find_for_member(user, code)
            invite = own or await self._invitations.find_for_user(user, code)
        context = {"me": user, "invite": invite, "is_member": own is not None}
        page = "join" if user is None or invite.room is None else "invited"
        return await self._render(f"accounts/{page}.html", request, user, **context)

    @operation(
        "POST",
        "/join/{code}",
        "join",
        rate="sign_ups",
        access="anyone",
        returns=accounts.Joined,
        body=forms.NewAccount,
        refuses="conflict",
        form=True,
        token=True,
        redirects=True,
    )
    async def join(self, request: web.Request) -> web.StreamResponse:
        """Create an account with an invitation."""
        form = await forms.read(request, forms.NewAccount)
        new = new_user(form.username, form.display, locale=_locale(request, form.locale))
        code = request.match_info["code"]
        user, room = await self._invitations.join(code, new, form.password)
        return await self._logged_in(request, user, room)

    @operation(
        "POST",
        "/join/{code}/room",
        "accept_invite",
        rate="changes",
        returns=accounts.JoinedRoom,
        redirects=True,
    )
    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Join the room of an invitation with an existing account. Counts as one use."""
        user = (await self._authenticator.authenticate(request)).user
        invite = await self._invitations.accept(request.match_info["code"], user)
        return _done(request, "index", {"ok": 1, "room": invite.room}, invite.room)

    async def _logged_in(
        self, request: web.Request, user: User, room: int | None = None
    ) -> web.StreamResponse:
        """Open a new session, and redirect to `room`, if any."""
        client = request.headers.get("User-Agent", "")
        tokens: Tokens = await self._accounts.open_session(user, client=client)
        answer = {"ok": 1, "user": user.name} | ({"room": room} if room else {})
        response = _done(request, "index", answer, room)
        self._cookies.set_tokens(request, response, tokens)
        return response

    async def _render(
        self, template: str, request: web.Request, user: User | None = None, **context: Any
    ) -> web.Response:
        language = self._languages[preferred(request, user.locale if user else "")]
        return await render(template, request, language, **context)


def _done(
    request: web.Request, following: str, answer: dict[str, Any], room: int | None = None
) -> web.Response:
    """Return JSON for scripts; redirect a browser that posted a plain form to the next page."""
    if not wants_page(request):
        return web.json_response(answer)
    target = _next(request) or _path(request, following) + (f"#/room/{room}" if room else "")
    return web.Response(status=303, headers={"Location": target})


def _next(request: web.Request) -> str:
    return same_site_path(request.query.get("next", ""))


def _path(request: web.Request, name: str) -> str:
    return str(request.app.router[name].url_for())


def _locale(request: web.Request, chosen: str) -> str:
    return chosen if chosen in LOCALES else preferred(request)
