"""What the HTTP API answers: JSON with `ok: 1` and the facts."""

from typing import Any

import msgspec
from aiohttp import web


def ok(*, status: int = 200, **facts: Any) -> web.Response:
    """A success; 201 for something new."""
    content = msgspec.json.encode({"ok": 1, **facts})
    return web.Response(body=content, status=status, content_type="application/json")
