"""What this server offers, for programs: AsyncAPI for the socket, OpenAPI for HTTP.

Made from the message types and a table of operations when somebody first asks, then kept; the
copies in docs/ are made by `make describe`. Nobody needs to log in to read them.
"""

from aiohttp import web


class Description:
    """`/api/asyncapi.json` and `/api/openapi.json`."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def asyncapi(self, _request: web.Request) -> web.StreamResponse:
        if "asyncapi" not in self._kept:
            from chatserver.web.description.asyncapi import document
            from chatserver.web.description.schemas import written

            self._kept["asyncapi"] = written(document())
        return self._answer("asyncapi")

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        if "openapi" not in self._kept:
            from chatserver.web.description.openapi import document
            from chatserver.web.description.schemas import written

            self._kept["openapi"] = written(document())
        return self._answer("openapi")

    def _answer(self, name: str) -> web.Response:
        return web.Response(body=self._kept[name], content_type="application/json")
