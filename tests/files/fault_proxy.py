"""An S3 service with faults: a proxy in front of a real one."""

import asyncio
import hashlib
import io
from base64 import b64encode
from collections.abc import Callable
from typing import Self

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

CUT = "cut"  # verdict: the connection is closed without an answer
HALF = "half"  # verdict: the connection is closed in the middle of the answer
ALTERED = "altered"  # verdict: a byte of the request is changed
SILENT = "silent"  # verdict: no answer

Judge = Callable[[web.Request], str]  # returns a verdict, an error code like "503 SlowDown", or ""

HOP = {"transfer-encoding", "connection", "keep-alive", "date", "server"}


def sound(_request: web.Request) -> str:
    return ""


class FaultProxy:
    """Forwards requests to an endpoint unless `judge` says something else."""

    def __init__(self, endpoint: str) -> None:
        self.judge: Judge = sound
        self.requests: list[str] = []  # method and path of all requests
        self.date = ""  # header of the answers, instead of the true one
        self._endpoint = endpoint

    async def __aenter__(self) -> Self:
        self._http = ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(), auto_decompress=False
        )
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        verdict = self.judge(request)  # type: ignore[arg-type]
        if verdict == SILENT:
            await asyncio.sleep(60)
        if verdict == CUT:
            _abort(request)
            return web.Response()
        content = await request.content.read(-1)
        if verdict == ALTERED:
            content = bytes([content[0] ^ 1]) + content[1:]
        if verdict[:3].isdigit():
            return _refusal(verdict)
        if _is_damaged(content, request.headers.get("Content-MD5")):
            return _refusal("400 BadDigest")
        return await self._forward(request, content, half=verdict == HALF)

    async def _forward(
        self, request: web.BaseRequest, content: bytes, *, half: bool
    ) -> web.StreamResponse:
        url = URL(self._endpoint + request.raw_path, encoded=True)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP}
        async with self._http.request(
            request.method,
            url,
            data=io.BytesIO(content),
            headers=headers,
            skip_auto_headers=["User-Agent"],
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
            if self.date:
                kept["Date"] = self.date
            body = await answer.read()
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            if request.method != "HEAD":
                await response.write(body[: len(body) // 2] if half else body)
            if half:
                _abort(request)
            return response


def _is_damaged(content: bytes, digest: str | None) -> bool:
    """Return what services check, and moto does not."""
    return digest is not None and digest != b64encode(hashlib.md5(content).digest()).decode()


def _refusal(verdict: str) -> web.Response:
    status, _space, code = verdict.partition(" ")
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>x</Message></Error>"
    return web.Response(
        status=int(status), text=text if code else "", content_type="application/xml"
    )


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
