"""HTTP operations: `operation` describes a handler where it is defined.

The router, OpenAPI, the tables of protocol.md and the tests of access are made from this.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from aiohttp import web

from chatserver.web.responses import Success

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}  # RFC 9110, 9.2.1

Access = Literal["anyone", "session", "administrator", "operator"]
Media = Literal["json", "page", "text", "lines", "picture", "file", "empty"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = TypeVar("Method", bound=Callable[..., Awaitable[web.StreamResponse]])


class Operation(NamedTuple):
    """A method and a path, and what clients need to know of them.

    `name` is unique; templates build URLs with it. `rate` is one of `rates`. `returns`: one or
    several possible types; None if the response is not JSON. `refuses`: error codes in addition to
    those of all operations of its kind. `created`: a success is 201, or 200 if the operation
    `repeats` an earlier request.
    """

    method: str
    route: str  # the path, whose parts may have patterns
    name: str
    handler: str  # name of the controller's method
    summary: str
    rate: str
    access: Access = "session"
    returns: Any = Success
    body: Any = None
    query: Any = None
    refuses: str = ""
    media: Media = "json"
    form: bool = False  # the body may be an HTML form
    text: bool = False  # the body may be plain text
    created: bool = False
    repeats: bool = False
    token: bool = False  # the response has a token in its headers
    redirects: bool = False
    stores: bool = True  # uses the database, which can be unavailable
    documented: bool = True
    streams: bool = False  # the handler reads the body, which is not JSON and has its own limits

    @property
    def path(self) -> str:
        """The path without the patterns of its parts."""
        return re.sub(r"{(\w+):[^}]*}", r"{\1}", self.route)


def operation(
    method: str, route: str, name: str, *, rate: str, **details: Any
) -> Callable[[Method], Method]:
    """Make a controller's method a handler. `details`: fields of Operation.

    The first paragraph of its docstring is the summary in the descriptions.
    """

    def add(handler: Method) -> Method:
        summary = " ".join(inspect.cleandoc(handler.__doc__ or "").partition("\n\n")[0].split())
        found = Operation(method, route, name, handler.__name__, summary, rate, **details)
        handler.operation = found  # type: ignore[attr-defined]
        return handler

    return add


def of_handler(handler: object) -> Operation | None:
    """Return the operation of a route's handler."""
    found = getattr(handler, "operation", None)
    return found if isinstance(found, Operation) else None


def operations(controllers: Iterable[type]) -> Iterator[Operation]:
    """Return the operations of these classes, in the order of their definition."""
    for controller in controllers:
        for member in vars(controller).values():
            if (found := of_handler(member)) is not None:
                yield found
