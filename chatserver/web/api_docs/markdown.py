"""Tables of docs/protocol.md; its prose is in docs/protocol.in.md."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import fields

from chatserver import errors, protocol
from chatserver.chat.room_commands import USERS_PER_MESSAGE
from chatserver.config import LimitSettings
from chatserver.realtime.typing_notifications import TYPING_RATE
from chatserver.storage.reaction_limit import MAX_EMOJI
from chatserver.storage.unread import MAX_COUNT, MAX_SCANNED
from chatserver.text.mentions import NAMES
from chatserver.web.api_docs.openapi import MAY, codes, refusals
from chatserver.web.api_docs.schemas import REF, Schema, components, description
from chatserver.web.api_docs.socket import (
    CLOSINGS,
    COMMANDS,
    EVENTS,
    REPLY_TYPES,
    Shape,
    number,
    wire_name,
)
from chatserver.web.operations import Operation
from chatserver.web.rates import (
    ANONYMOUS_RATE,
    CHANGE_RATE,
    CONNECTION_RATE,
    PROBE_RATE,
    READ_RATE,
    ROOMS_PER_READ,
)
from chatserver.web.routes import OPERATIONS
from chatserver.web.websocket.dispatcher import INVALID_FRAME_RATE, UNANSWERED_RATE
from chatserver.web.websocket.endpoint import FRAME_TOLERANCE

LIMITS: dict[str, str] = {
    "message_chars": "characters of a message",
    "edit_minutes": "minutes in which a message can be edited; 0: no limit",
    "messages_per_second": "events of one user in rooms per second (sustained); muting counts",
    "message_burst": "the same, as a burst",
    "sockets_per_user": "open sockets of one user; a further socket is closed with 4003",
    "sockets_per_address": "concurrent unauthenticated sockets of one address",
    "logins_per_minute_account": "login attempts for one account",
    "logins_per_minute_address": "login attempts from one address; the same for set-up and joining",
    "waiting_bytes": "bytes of events that are queued for a slow client before 4002;"
    " replies and the handshake do not count",
    "frame_bytes": "bytes of a frame from a client",
    "all_members": "members of the largest room in which a mention of all members notifies",
}
FIXED: dict[str, int] = {
    "times `limits.frame_bytes`: a larger frame closes the socket with 1009": FRAME_TOLERANCE,
    "events in one page of `history`": protocol.HISTORY_LIMIT,
    "events in a page without `limit`": protocol.DEFAULT_LIMIT,
    "events in one reply for many rooms": protocol.CATCH_UP_LIMIT,
    "rooms in a welcome, or in one page of rooms": protocol.ROOMS_LIMIT,
    "characters of a room's last message in a welcome": protocol.PREVIEW_CHARS,
    "unread messages and mentions of a room that are counted": MAX_COUNT,
    "messages that are read to count them, of all rooms of a welcome": MAX_SCANNED,
    "users in one room change that count as one more message": USERS_PER_MESSAGE,
    "reads of one user per second (sustained): `history`, `renew`, and every `GET` below"
    " /api/": READ_RATE[0],
    "reads as a burst": READ_RATE[1],
    "rooms of one `history` that count as one more read": ROOMS_PER_READ,
    "times `limits.sockets_per_user`: sockets that one user can open per second": (
        CONNECTION_RATE[0]
    ),
    "times `limits.sockets_per_user`: as a burst": CONNECTION_RATE[1],
    "changes of one user per second (sustained): everything that HTTP stores outside the logs of"
    " rooms, such as profiles, sessions, invitations, accounts, bots": CHANGE_RATE[0],
    "changes as a burst": CHANGE_RATE[1],
    "pages, and requests without a valid session, of one address per second (sustained)": (
        ANONYMOUS_RATE[0]
    ),
    "the same, as a burst": ANONYMOUS_RATE[1],
    "requests for /readyz and /metrics of one address per second (sustained)": PROBE_RATE[0],
    "requests for /readyz and /metrics as a burst": PROBE_RATE[1],
    "invalid frames of one socket before 4103; the count decreases by one a second": (
        INVALID_FRAME_RATE[1]
    ),
    "typing frames of one user in one room as a burst; further ones are dropped": TYPING_RATE[1],
    "typing and read frames, and messages over their rate, of one socket as a burst": (
        UNANSWERED_RATE[1]
    ),
    "of these frames per second (sustained); the server reads faster sockets more slowly": (
        UNANSWERED_RATE[0]
    ),
    "different emoji on one message": MAX_EMOJI,
    "names that one text can mention; further names are ignored": NAMES,
}


def fill(template: str) -> str:
    """Return the template with its tables filled in."""
    tables = {
        "commands": _messages(COMMANDS),
        "events": _messages(EVENTS),
        "replies": _messages(REPLY_TYPES),
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
        (str(number(shape)), _name(shape), _fields(schemas[shape.__name__]), description(shape))
        for shape in listed
    ]
    return _table(("type", "name", "fields", "description and recipients"), rows)


def _name(shape: Shape) -> str:
    """The name of a message; replies share one name, so their type is added."""
    return f"{wire_name(shape)}, {shape.__name__}" if shape in REPLY_TYPES else wire_name(shape)


def _parts() -> str:
    """Table of the objects that are nested in messages."""
    messages = [*COMMANDS, *EVENTS, *REPLY_TYPES]
    _, schemas = components(messages)
    inside = schemas.keys() - {shape.__name__ for shape in messages}
    rows = [
        (name, _fields(schemas[name]), schemas[name].get("description", ""))
        for name in sorted(inside)
    ]
    return _table(("object", "fields", "description"), rows)


def _fields(schema: Schema) -> str:
    required = schema.get("required", ())
    return ", ".join(
        f"`{name}` {_type(field)}" if name in required else f"`{name}?` {_if_given(field)}"
        for name, field in schema["properties"].items()
        if name != "type"
    )


def _if_given(schema: Schema) -> str:
    """The type of an optional field; that commands can have null there is not repeated."""
    return _type(schema).removesuffix(" or null")


def _type(schema: Schema) -> str:
    """Return a short name of a schema."""
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
    return _table(("code", "HTTP", "message"), rows)


def _closings() -> str:
    return _table(("code", "reason"), [(str(code.value), text) for code, text in CLOSINGS.items()])


def _limits() -> str:
    rows = [
        (f"`limits.{field.name}`", _figure(field.default), LIMITS[field.name])
        for field in fields(LimitSettings)
    ]
    return _table(("setting", "default", "description"), rows)


def _fixed() -> str:
    return _table(
        ("limit", "description"), [(_figure(value), what) for what, value in FIXED.items()]
    )


def _figure(value: Any) -> str:
    return f"{value:,}"


# HTTP --------------------------------------------------------------------------------------------


def _http() -> str:
    rows = [
        (
            f"`{operation.method} {operation.path}`",
            f"{operation.summary} {MAY[operation.access]}".strip(),
            _parameters(operation),
            _further_refusals(operation),
        )
        for operation in OPERATIONS
    ]
    return _table(("request", "description", "parameters", "further refusals"), rows)


def _parameters(operation: Operation) -> str:
    """The fields of the body and of the query."""
    parts = []
    for shape, before in ((operation.body, ""), (operation.query, "?")):
        if shape is not None:
            _, named = components([shape])
            parts.append(before + _fields(named[shape.__name__]))
    if operation.text:
        parts.append("or `text/plain`")
    return " ".join(parts)


def _further_refusals(operation: Operation) -> str:
    """The refusals of an operation, except those that all operations have."""
    common = {"bad_request", "unauthorized", "other_user", "too_large", "unavailable"}
    common |= {"unsupported_media_type", "rate_limited"}
    own = [code for its in refusals(operation).values() for code in its if code not in common]
    return ", ".join(own)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
