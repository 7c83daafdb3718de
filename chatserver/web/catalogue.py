"""Texts of the page in one language, as JSON for the browser."""

from aiohttp import web

from chatserver.web.assets import IMMUTABLE
from chatserver.web.language import Language
from chatserver.web.operations import operation


class Catalogues:
    """Serves the catalogues of `locale/`."""

    def __init__(self, languages: dict[str, Language]) -> None:
        self._languages = languages

    @operation(
        "GET", "/i18n/{locale}.{digest}.json", "catalogue", rate="unlimited", documented=False
    )
    async def catalogue(self, request: web.Request) -> web.StreamResponse:
        """Return the texts of one language; the URL changes with the content."""
        language = self._languages.get(request.match_info["locale"])
        if language is None:
            raise web.HTTPNotFound
        response = web.Response(body=language.json, content_type="application/json")
        response.headers["Cache-Control"] = IMMUTABLE
        return response
