"""What this server offers, for programs: AsyncAPI for the socket, OpenAPI for HTTP.

Made from the message types and a table of operations when somebody first asks, then kept; the
copies in docs/ are made by `make describe`. Nobody needs to log in to read them.
"""

import asyncio

from aiohttp import web


class Description:
    """`/api/asyncapi.json` and `/api/openapi.json`."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._making = asyncio.Lock()

    async def asyncapi(self, _request: web.Request) -> web.StreamResponse:
        return await self._answer("asyncapi")

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        return await self._answer("openapi")

    async def _answer(self, name: str) -> web.Response:
        async with self._making:
            if name not in self._kept:
                self._kept[name] = await asyncio.to_thread(_made, name)
        return web.Response(body=self._kept[name], content_type="application/json")


def _made(name: str) -> bytes:
    from chatserver.web.description import asyncapi, openapi
    from chatserver.web.description.schemas import written

    return written((asyncapi if name == "asyncapi" else openapi).document())
