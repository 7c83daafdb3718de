"""Validation of query and path parameters against a type."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from chatserver.errors import BadRequest

T = TypeVar("T")
Shape = TypeVar("Shape", bound=msgspec.Struct)


def parse_query(request: web.Request, shape: type[Shape]) -> Shape:
    """Return the query as that type. Raises BadRequest.

    A repeated parameter is refused, because programs differ in which value counts. So is null,
    which msgspec accepts as text where None is the default.
    """
    given = {*request.query} & {*shape.__struct_encode_fields__}
    for key in sorted(given):
        _require_single(request, key)
    asked = convert({key: request.query[key] for key in given}, shape)
    fields = dict(zip(shape.__struct_encode_fields__, shape.__struct_fields__, strict=True))
    for key in sorted(given):
        if getattr(asked, fields[key]) is None:
            raise BadRequest(f"'{key}' cannot be null.")
    return asked


def only_value(request: web.Request, key: str, default: str = "") -> str:
    """Return a text parameter of the query. Raises BadRequest if it is repeated."""
    _require_single(request, key)
    return request.query.get(key, default)


def _require_single(request: web.Request, key: str) -> None:
    if len(request.query.getall(key, ())) > 1:
        raise BadRequest(f"'{key}' is given more than once.")


def convert(value: Any, shape: type[T]) -> T:
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None
