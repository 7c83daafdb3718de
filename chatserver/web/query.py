"""What clients put into the query or the path of a request, checked against a type."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from chatserver.errors import BadRequest

T = TypeVar("T")


def queried(request: web.Request, shape: type[T]) -> T:
    """The query of a request as that type. Raises BadRequest."""
    return converted(dict(request.query), shape)


def converted(value: Any, shape: type[T]) -> T:
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None
