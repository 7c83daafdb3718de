"""What clients put into the query or the path of a request, checked against a type."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from chatserver.errors import BadRequest

T = TypeVar("T")
Shape = TypeVar("Shape", bound=msgspec.Struct)


def queried(request: web.Request, shape: type[Shape]) -> Shape:
    """The query of a request as that type. Raises BadRequest.

    A parameter is given once: programs do not agree which of several values counts. It is never
    null, which msgspec reads from text where None is the default.
    """
    given = {*request.query} & {*shape.__struct_encode_fields__}
    for key in sorted(given):
        if len(request.query.getall(key)) > 1:
            raise BadRequest(f"'{key}' is given more than once.")
    asked = converted({key: request.query[key] for key in given}, shape)
    fields = dict(zip(shape.__struct_encode_fields__, shape.__struct_fields__, strict=True))
    for key in sorted(given):
        if getattr(asked, fields[key]) is None:
            raise BadRequest(f"'{key}' cannot be null.")
    return asked


def converted(value: Any, shape: type[T]) -> T:
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None
