"""API descriptions: AsyncAPI for the WebSocket, OpenAPI for HTTP.

Generated from the message types and the table of operations on the first request, then cached;
`make describe` writes the copies in docs/. No login is needed to read them.
"""

import asyncio
from typing import Any

from aiohttp import web

from chatserver.web.authentication import Sessions


class Description:
    """Handlers of `/api/asyncapi.json` and `/api/openapi.json`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._documents: dict[str, Any] = {}
        self._generating = asyncio.Lock()

    async def asyncapi(self, request: web.Request) -> web.StreamResponse:
        """Serve the AsyncAPI document with the address that the client used."""
        document = await self._document("asyncapi")
        if base := self._sessions.base_url(request):
            from chatserver.web.api_docs.asyncapi import servers

            document = document | {"servers": servers(base + _prefix(request))}
        return _answer(document)

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        return _answer(await self._document("openapi"))

    async def _document(self, name: str) -> Any:
        async with self._generating:
            if name not in self._documents:
                self._documents[name] = await asyncio.to_thread(_generate, name)
        return self._documents[name]


def _generate(name: str) -> Any:
    from chatserver.web.api_docs import asyncapi, openapi

    return (asyncapi if name == "asyncapi" else openapi).document()


def _answer(document: Any) -> web.Response:
    from chatserver.web.api_docs.schemas import serialize

    return web.Response(body=serialize(document), content_type="application/json")


def _prefix(request: web.Request) -> str:
    """The mount path of the chat, such as /chat."""
    return str(request.app.router["home"].url_for()).rstrip("/")
