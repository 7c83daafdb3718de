"""Header fields as text.

A peer sends bytes; aiohttp represents those that are not UTF-8 as surrogates, which no database,
JSON encoder or hash accepts. Fields are parsed here instead of by aiohttp: its parser of
Content-Type takes seconds for some values, raises for others, and uses a codec that the peer names.
"""

import re
from collections.abc import Mapping

from aiohttp import web

from chatserver.errors import ChatError

SURROGATE = re.compile("[\ud800-\udfff]")
CHARSET = re.compile(r";\s*charset(\*?)\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)


class HttpError(ChatError):
    """An error whose response has header fields of its own."""

    headers: Mapping[str, str] = {}


def readable(request: web.Request) -> web.Request:
    """Return the request with every header value as text.

    aiohttp itself refuses such a path or query.
    """
    if not _is_broken("".join(request.headers.values())):
        return request
    return request.clone(
        headers=[(name, SURROGATE.sub("\ufffd", value)) for name, value in request.headers.items()]
    )


def _is_broken(text: str) -> bool:
    return not text.isascii() and SURROGATE.search(text) is not None


def media_type(request: web.Request) -> tuple[str, str]:
    """Return type and charset of the body in lower case, each "" if missing."""
    value = request.headers.get("Content-Type", "")
    found = CHARSET.search(value)
    charset = found[1] + found[2] if found else ""
    return value.partition(";")[0].strip().lower(), charset.lower()


async def expect(request: web.Request) -> None:
    """Answer Expect (RFC 9110, 10.1.1); ignore unknown expectations.

    aiohttp's own handler raises for a value that is not UTF-8, before any middleware.
    """
    if request.headers["Expect"].strip().lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the response was sent


def cookie(request: web.Request, name: str) -> str:
    """Return the value of a cookie (RFC 6265, 4.2.1), or ""."""
    for field in request.headers.getall("Cookie", []):
        for pair in field.split(";"):
            key, _equals, value = pair.partition("=")
            if key.strip() == name:
                return value.strip().strip('"')
    return ""


def wants_page(request: web.Request) -> bool:
    """Return whether the response is shown by a browser."""
    accepts_html = "text/html" in request.headers.get("Accept", "")
    return accepts_html and media_type(request)[0] != "application/json"
