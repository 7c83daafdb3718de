"""Success responses of the HTTP API: JSON with `ok: 1` and the facts."""

from typing import Any

import msgspec
from aiohttp import web


def ok(*, status: int = 200, **facts: Any) -> web.Response:
    """Return a success; `status` is 201 for a new object."""
    content = msgspec.json.encode({"ok": 1, **facts})
    return web.Response(body=content, status=status, content_type="application/json")
