"""The tables of docs/protocol.md; its prose stands in docs/protocol.in.md."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import fields

from chatserver import errors, protocol
from chatserver.chat.membership import USERS_PER_MESSAGE
from chatserver.config import LimitSettings
from chatserver.realtime.read_positions import TYPING_RATE
from chatserver.storage.apply_message import EMOJI
from chatserver.storage.unread import COUNTED
from chatserver.text.mentions import NAMES
from chatserver.web.api_docs.openapi import MAY, codes, refusals
from chatserver.web.api_docs.operations import OPERATIONS, Operation
from chatserver.web.api_docs.schemas import REF, Schema, components, told
from chatserver.web.api_docs.socket import (
    ANSWERS,
    CLOSINGS,
    COMMANDS,
    EVENTS,
    Shape,
    number,
    wire_name,
)
from chatserver.web.rates import CHANGES, PROBES, QUESTIONS, SOCKETS, VISITS
from chatserver.web.websocket.dispatcher import MISTAKES, SIGNALS
from chatserver.web.websocket.endpoint import FRAME_TOLERANCE

LIMITS: dict[str, str] = {
    "message_chars": "characters of a message",
    "edit_minutes": "minutes in which one may edit a message; 0: for ever",
    "messages_per_second": "what one user stores in rooms, a second in the long run; muting too",
    "message_burst": "and at once",
    "sockets_per_user": "open sockets of one person; one more is closed with 4003",
    "sockets_per_address": "sockets of one address at a time that nobody has signed in on yet",
    "logins_per_minute_account": "attempts to log in to one account",
    "logins_per_minute_address": "attempts to log in from one address; as many to set up or join",
    "waiting_bytes": "bytes of events that may wait for a slow reader before 4002; replies and the"
    " handshake do not count",
    "frame_bytes": "bytes of a frame to the server",
}
FIXED: dict[str, int] = {
    "times `limits.frame_bytes` is still answered; beyond it 1009": FRAME_TOLERANCE,
    "events in one page of `history`": protocol.HISTORY_LIMIT,
    "events in a page that names no `limit`": protocol.PAGE,
    "events in one answer about many rooms": protocol.CATCH_UP_LIMIT,
    "rooms in a welcome, or in one page of rooms": protocol.ROOMS_LIMIT,
    "characters of a room's last message in a welcome": protocol.PREVIEW,
    "unread messages of a room, and mentions in it, that are counted": COUNTED,
    "users named by one change of a room that count as one more message": USERS_PER_MESSAGE,
    "questions of one user, a second in the long run: `history`, `renew`, and"
    " every `GET` below /api/": QUESTIONS[0],
    "questions at once": QUESTIONS[1],
    "times `limits.sockets_per_user` one user may open sockets, a second in the long run": SOCKETS[
        0
    ],
    "times as many at once": SOCKETS[1],
    "changes of one user, a second in the long run: everything over HTTP that is stored apart from"
    " the logs of rooms, as profiles, sessions, invitations, accounts, bots": CHANGES[0],
    "changes at once": CHANGES[1],
    "pages, and requests without a valid session, of one address, a second in the long run": VISITS[
        0
    ],
    "of them at once": VISITS[1],
    "requests for /readyz and /metrics of one address, a second in the long run": PROBES[0],
    "such requests at once": PROBES[1],
    "frames that make no sense from one socket before 4103; one a second is forgiven": MISTAKES[1],
    "typing frames at once of one person in one room; more are dropped": TYPING_RATE[1],
    "typing and read frames, and messages that come too fast, of one socket at once": SIGNALS[1],
    "of them a second in the long run; the socket that sends more is read more slowly": SIGNALS[0],
    "different emoji on one message": EMOJI,
    "names that one text may call; what follows them calls nobody": NAMES,
}


def filled(template: str) -> str:
    """The template with its tables."""
    tables = {
        "commands": _messages(COMMANDS),
        "events": _messages(EVENTS),
        "answers": _messages(ANSWERS),
        "parts": _parts(),
        "errors": _errors(),
        "closings": _closings(),
        "limits": _limits(),
        "fixed": _fixed(),
        "http": _http(),
    }
    for name, table in tables.items():
        template = template.replace(f"<!-- {name} -->", table)
    return template


# The socket --------------------------------------------------------------------------------------


def _messages(shapes: Iterable[Shape]) -> str:
    listed = sorted(shapes, key=number)
    _, schemas = components(listed)
    rows = [
        (str(number(shape)), _name(shape), _fields(schemas[shape.__name__]), told(shape))
        for shape in listed
    ]
    return _table(("type", "name", "fields", "what it means, and who receives it"), rows)


def _name(shape: Shape) -> str:
    """All answers are called reply, so theirs is told besides."""
    return f"{wire_name(shape)}, {shape.__name__}" if shape in ANSWERS else wire_name(shape)


def _parts() -> str:
    """The objects that stand inside of messages."""
    messages = [*COMMANDS, *EVENTS, *ANSWERS]
    _, schemas = components(messages)
    inside = schemas.keys() - {shape.__name__ for shape in messages}
    rows = [
        (name, _fields(schemas[name]), schemas[name].get("description", ""))
        for name in sorted(inside)
    ]
    return _table(("object", "fields", "what it is"), rows)


def _fields(schema: Schema) -> str:
    required = schema.get("required", ())
    return ", ".join(
        f"`{name}` {_type(field)}" if name in required else f"`{name}?` {_if_given(field)}"
        for name, field in schema["properties"].items()
        if name != "type"
    )


def _if_given(schema: Schema) -> str:
    """What may be missing may be null in a request as well: that goes without saying."""
    return _type(schema).removesuffix(" or null")


def _type(schema: Schema) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    if "anyOf" in schema:
        kinds = [_type(kind) for kind in schema["anyOf"]]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    match schema["type"]:
        case "array":
            return f"[{_type(schema['items'])}]"
        case "object":
            return f"{{…: {_type(schema['additionalProperties'])}}}"
        case "integer":
            return _integer(schema.get("minimum"), schema.get("maximum"))
        case "string":
            return f"text ≤ {schema['maxLength']}" if "maxLength" in schema else "text"
        case "boolean":
            return "true/false"
        case "null":
            return "null"
        case _:
            return "decimal"


def _integer(low: int | None, high: int | None) -> str:
    if high == protocol.MAX_INT:
        return "number" if low == 1 else "position"
    return "integer" if high is None else f"{low}–{high}"


def _errors() -> str:
    rows = [
        (f"`{code}`", str(kind.status), kind.text)
        for code, kind in codes().items()
        if kind is not errors.ChatError
    ]
    rows.append(("`internal`", "500", errors.ChatError.text))
    return _table(("code", "HTTP", "what it says"), rows)


def _closings() -> str:
    return _table(("code", "why"), [(str(code.value), text) for code, text in CLOSINGS.items()])


def _limits() -> str:
    rows = [
        (f"`limits.{field.name}`", _figure(field.default), LIMITS[field.name])
        for field in fields(LimitSettings)
    ]
    return _table(("setting", "default", "what"), rows)


def _fixed() -> str:
    return _table(("limit", "what"), [(_figure(value), what) for what, value in FIXED.items()])


def _figure(value: Any) -> str:
    return f"{value:,}"


# HTTP --------------------------------------------------------------------------------------------


def _http() -> str:
    rows = [
        (
            f"`{operation.method} {operation.path}`",
            f"{operation.summary} {MAY[operation.who]}".strip(),
            _sent(operation),
            _kept(operation),
        )
        for operation in OPERATIONS
    ]
    return _table(("request", "what", "with", "refuses besides"), rows)


def _sent(operation: Operation) -> str:
    """The fields of the body, and those of the query."""
    parts = []
    for shape, before in ((operation.body, ""), (operation.query, "?")):
        if shape is not None:
            _, named = components([shape])
            parts.append(before + _fields(named[shape.__name__]))
    if operation.text:
        parts.append("or `text/plain`")
    return " ".join(parts)


def _kept(operation: Operation) -> str:
    """Its own codes; every operation may refuse with the others."""
    common = {"bad_request", "unauthorized", "other_user", "too_large", "unavailable"}
    common |= {"unsupported_media_type", "rate_limited"}
    own = [code for its in refusals(operation).values() for code in its if code not in common]
    return ", ".join(own)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
