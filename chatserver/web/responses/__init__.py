"""HTTP responses: `ok` makes them; the types of this package describe them, and tests compare both.

Responses that the socket has too are derived from its replies by `over_http`.
"""

from dataclasses import fields, is_dataclass
from typing import Any, Literal

import msgspec
from aiohttp import web
from msgspec import Struct

ONLY_ON_SOCKETS = {"id", "ok"}


def ok(*, status: int = 200, **content: Any) -> web.Response:
    """Return a success; `status` is 201 for a new object."""
    body = msgspec.json.encode({"ok": 1, **content})
    return web.Response(body=body, status=status, content_type="application/json")


def over_http(shape: Any, name: str) -> Any:
    """Derive an HTTP response type from the fields of another type."""
    listed: Any = fields(shape) if is_dataclass(shape) else msgspec.structs.fields(shape)
    kept = [_field(field, shape) for field in listed if field.name not in ONLY_ON_SOCKETS]
    return msgspec.defstruct(name, kept, bases=(Success,), kw_only=True, omit_defaults=True)


def _field(field: Any, shape: Any) -> tuple[Any, ...]:
    if is_dataclass(shape) or field.required:
        return field.name, field.type
    return field.name, field.type, field.default


class Success(Struct, kw_only=True, omit_defaults=True):
    """The request was fulfilled."""

    ok: Literal[1]


class Refusal(Struct, kw_only=True, omit_defaults=True):
    """Nothing was done. `code` is for programs, `data` is a sentence for users."""

    ok: Literal[0]
    code: str
    data: str
    retry_after: float | None = None
    epoch: str | None = None
