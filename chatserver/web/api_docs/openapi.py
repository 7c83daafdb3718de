"""OpenAPI 3.1 document of the HTTP API."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from chatserver import __version__, errors, protocol
from chatserver.web.api_docs.schemas import REF, Schema, components
from chatserver.web.operations import Operation
from chatserver.web.rates import UNLIMITED
from chatserver.web.responses import Refusal
from chatserver.web.responses.administration import Ready

ABOUT = """The commands of the socket for scripts: the same refusals and the same durability.
A success has `"ok": 1` and its fields; a refusal `"ok": 0`, a `code` and a sentence in `data`.
Ignore unknown fields."""
MAY: dict[str, str] = {
    "anyone": "",
    "session": "",
    "administrator": "For administrators.",
    "operator": "For the owner of the data folder, through its Unix socket; 403 over TCP.",
}
SCHEMES: Schema = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of POST /login, or of a bot.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "chatserver",
        "description": "The session cookie of a browser; over TLS it is __Host-chatserver.",
    },
}
TOKEN_HEADERS: Schema = {
    "Authorization": {
        "description": "Bearer and the token; send it unchanged.",
        "schema": {"type": "string"},
    }
}
WAIT_HEADERS: Schema = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}
}
KINDS = {
    "page": "text/html",
    "text": "text/plain",
    "lines": "application/jsonl",
    "picture": "image/svg+xml",
    "file": "application/octet-stream",
}
# Codes of one status, and whether the response can be a page.
RefusalKind = tuple[tuple[str, ...], bool]

PARAMETERS: dict[str, tuple[Any, str]] = {
    "room": (str, "The number of the room, or its name, with or without #."),
    "number": (protocol.PositiveInt, "The number of a room."),
    "seq": (protocol.PositiveInt, "The number of the message in its room."),
    "user": (protocol.UserName, "A user name."),
    "name": (protocol.UserName, "A user name."),
    "emoji": (protocol.Emoji, "One emoji."),
    "code": (str, "The code of an invitation."),
    "session": (str, "The id of a session."),
    "file": (str, "The id of a file."),
    "picture": (str, "The id of a picture."),
    "filename": (str, "Any name; that of the file makes a good link."),
}
TEXT = {"schema": {"type": "string"}}
BYTES = "application/octet-stream"
BINARY = {"schema": {"type": "string", "format": "binary", "minLength": 1}}


def document(operations: Sequence[Operation]) -> Schema:
    """The whole document."""
    shapes = list(dict.fromkeys(_shapes(operations)))
    found, named = components(shapes)
    schemas = dict(zip(shapes, found, strict=True))
    paths: Schema = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chatserver",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": ".."}],
        "paths": paths,
        "components": {
            "schemas": named,
            "responses": dict(
                _refusal(its) for operation in operations for its in _kinds(operation)
            ),
            "securitySchemes": SCHEMES,
        },
    }


def codes() -> dict[str, type[errors.ChatError]]:
    """Every error type by its code."""
    named = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in named if issubclass(kind, errors.ChatError)}


def refusals(operation: Operation) -> dict[int, list[str]]:
    """The codes that an operation may refuse with, by status."""
    found: dict[int, list[str]] = {}
    for code in sorted(set(_refusals(operation))):
        found.setdefault(codes()[code].status, []).append(code)
    return dict(sorted(found.items()))


def _refusals(operation: Operation) -> Iterator[str]:
    yield from operation.refuses.split()
    yield "bad_request"
    if operation.rate not in UNLIMITED:
        yield "rate_limited"
    if operation.access in ("session", "administrator"):
        yield "unauthorized"
        yield "other_user"
    if operation.method != "GET" or operation.access in ("administrator", "operator"):
        yield "forbidden"
    if "{" in operation.path:
        yield "not_found"
    if operation.method != "GET":
        yield from ("too_large", "unsupported_media_type")
    if operation.stores:
        yield "unavailable"


def _shapes(operations: Iterable[Operation]) -> Iterator[Any]:
    yield Refusal
    for operation in operations:
        yield from (s for s in (*_returned(operation), operation.body) if s)
    yield from (shape for shape, _ in PARAMETERS.values())


def _returned(operation: Operation) -> tuple[Any, ...]:
    if operation.media != "json":
        return ()
    return operation.returns if isinstance(operation.returns, tuple) else (operation.returns,)


def _operation(operation: Operation, schemas: dict[Any, Schema]) -> Schema:
    described: Schema = {"operationId": operation.name, "summary": operation.summary}
    if MAY[operation.access]:
        described["description"] = MAY[operation.access]
    has_session = operation.access in ("session", "administrator")
    described["security"] = [{name: []} for name in SCHEMES] if has_session else []
    parameters = [*_path_parameters(operation, schemas), *_query_parameters(operation)]
    if parameters:
        described["parameters"] = parameters
    if operation.streams:
        described["requestBody"] = {"required": True, "content": {BYTES: BINARY}}
    elif operation.body is not None:
        described["requestBody"] = _body(operation, schemas)
    described["responses"] = dict(_responses(operation, schemas))
    return described


def _path_parameters(operation: Operation, schemas: dict[Any, Schema]) -> Iterator[Schema]:
    for name in re.findall(r"{(\w+)}", operation.path):
        shape, description = PARAMETERS[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": schemas[shape],
        }


def _query_parameters(operation: Operation) -> Iterator[Schema]:
    if operation.query is None:
        return
    _, named = components([operation.query])
    (shape,) = named.values()
    for name, schema in shape["properties"].items():
        kept = [kind for kind in schema.get("anyOf", [schema]) if kind != {"type": "null"}]
        required = name in shape.get("required", ())
        yield {"name": name, "in": "query", "required": required, "schema": kept[0]}


def _body(operation: Operation, schemas: dict[Any, Schema]) -> Schema:
    content: Schema = {"application/json": {"schema": schemas[operation.body]}}
    if operation.form:
        content["application/x-www-form-urlencoded"] = content["application/json"]
    if operation.text:
        content["text/plain"] = {"schema": {"type": "string", "minLength": 1}}
    required = any(field.required for field in msgspec.structs.fields(operation.body))
    return {"required": required, "content": content}


def _responses(operation: Operation, schemas: dict[Any, Schema]) -> Iterator[tuple[str, Schema]]:
    yield from _successes(operation, schemas)
    if operation.redirects:
        status = "302" if operation.method == "GET" else "303"
        yield status, {"description": "For browsers: redirect to the next page."}
    if operation.returns is Ready:
        yield "503", _content("Messages cannot be stored now.", schemas[Ready])
    for kind in _kinds(operation):
        name, _response = _refusal(kind)
        yield str(codes()[kind[0][0]].status), {"$ref": f"#/components/responses/{name}"}


def _kinds(operation: Operation) -> Iterator[RefusalKind]:
    """The codes of each refusal status of an operation."""
    is_page = operation.media == "page" or operation.redirects
    for its_codes in refusals(operation).values():
        yield tuple(its_codes), is_page


def _refusal(kind: RefusalKind) -> tuple[str, Schema]:
    """A name for the refusals of that kind, and their response object."""
    its_codes, is_page = kind
    sentences = "\n".join(f"* `{code}`: {codes()[code].text}" for code in its_codes)
    refusal = _content(sentences, {"$ref": f"{REF}Refusal"})
    if is_page:
        refusal["content"]["text/html"] = TEXT
    if "rate_limited" in its_codes:
        refusal["headers"] = WAIT_HEADERS
    return ".".join((*its_codes, "page") if is_page else its_codes), refusal


def _successes(operation: Operation, schemas: dict[Any, Schema]) -> Iterator[tuple[str, Schema]]:
    if operation.media != "json":
        yield "200", {"description": operation.summary, "content": {KINDS[operation.media]: TEXT}}
        return
    possible = [schemas[shape] for shape in _returned(operation)]
    answer = _content("Done.", possible[0] if len(possible) == 1 else {"anyOf": possible})
    if operation.token:
        answer["headers"] = TOKEN_HEADERS
    if operation.created:
        yield "201", answer
    if operation.repeats:
        yield "200", answer | {"description": "Already done: the first answer is repeated."}
    elif not operation.created:
        yield "200", answer


def _content(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
