"""Pages of administration. Their content comes from the HTTP API of `web/administration.py`."""

from aiohttp import web

from chatserver.errors import Forbidden, NotFound, Unauthorized
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.language import Language, preferred
from chatserver.web.operations import operation
from chatserver.web.rendering import render

SECTIONS = ("people", "invites", "rooms", "bots", "server", "storage", "check")


class AdminPages:
    """One page per section, for administrators only."""

    def __init__(self, authenticator: RequestAuthenticator, languages: dict[str, Language]) -> None:
        self._authenticator = authenticator
        self._languages = languages

    @operation("GET", "/admin", "admin", rate="anonymous", documented=False)
    async def home(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(str(request.app.router["admin_page"].url_for(section=SECTIONS[0])))

    @operation("GET", "/admin/{section}", "admin_page", rate="anonymous", documented=False)
    async def section(self, request: web.Request) -> web.StreamResponse:
        section = request.match_info["section"]
        if section not in SECTIONS:
            raise NotFound
        try:
            admin = await self._authenticator.require_admin(request)
        except Unauthorized:
            login = request.app.router["login_page"].url_for().with_query(next=request.path)
            raise web.HTTPFound(str(login)) from None
        if admin is None:
            raise Forbidden
        language = self._languages[preferred(request, admin.locale)]
        return await render(f"admin/{section}.html", request, language, me=admin, section=section)
