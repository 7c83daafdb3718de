"""API descriptions: AsyncAPI for the WebSocket, OpenAPI for HTTP.

Generated from the message types and the operations on the first request, then cached;
`make describe` writes the copies in docs/. No login is needed to read them.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from chatserver.web.operations import Operation, operation
from chatserver.web.server_urls import ServerUrls


class ApiDocs:
    """Handlers of `/api/asyncapi.json` and `/api/openapi.json`."""

    def __init__(self, urls: ServerUrls, operations: Sequence[Operation]) -> None:
        self._urls = urls
        self._operations = operations
        self._documents: dict[str, Any] = {}
        self._generating = asyncio.Lock()

    @operation(
        "GET",
        "/api/asyncapi.json",
        "describe_socket",
        rate="anonymous",
        access="anyone",
        returns=dict[str, Any],
        stores=False,
    )
    async def asyncapi(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket as AsyncAPI 3.1."""
        document = await self._document("asyncapi")
        if base := self._urls.base_url(request):
            from chatserver.web.api_docs.asyncapi import servers

            document = document | {"servers": servers(base + _prefix(request))}
        return _answer(document)

    @operation(
        "GET",
        "/api/openapi.json",
        "describe_http",
        rate="anonymous",
        access="anyone",
        returns=dict[str, Any],
        stores=False,
    )
    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        """This document."""
        return _answer(await self._document("openapi"))

    async def _document(self, name: str) -> Any:
        async with self._generating:
            if name not in self._documents:
                self._documents[name] = await asyncio.to_thread(self._generate, name)
        return self._documents[name]

    def _generate(self, name: str) -> Any:
        from chatserver.web.api_docs import asyncapi, openapi

        return asyncapi.document() if name == "asyncapi" else openapi.document(self._operations)


def _answer(document: Any) -> web.Response:
    from chatserver.web.api_docs.schemas import serialize

    return web.Response(body=serialize(document), content_type="application/json")


def _prefix(request: web.Request) -> str:
    """The mount path of the chat, such as /chat."""
    return str(request.app.router["home"].url_for()).rstrip("/")
