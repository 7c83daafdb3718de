"""AsyncAPI 3.1 document of the WebSocket, from the server's side: it receives commands."""

from typing import Any
from urllib.parse import urlsplit

from chatserver import __version__
from chatserver.realtime.presence import CHANGES_ONLY, FULL_LIST
from chatserver.web.api_docs.schemas import Schema, components, description
from chatserver.web.api_docs.socket import (
    CLOSING_NAMES,
    CLOSINGS,
    COMMANDS,
    EVENTS,
    REPLIES,
    REPLY_TYPES,
    Shape,
    number,
    wire_name,
)

ABOUT = """One WebSocket with text frames: one JSON object a frame, identified by `type`.
Ignore unknown fields. docs/protocol.md describes the contract in prose."""
DEFAULT = "http://127.0.0.1:3000"
CHANNEL = {"$ref": "#/channels/socket"}
SCHEMES: Schema = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The header Authorization with the token of POST /login, or of a bot.",
    },
    "cookie": {
        "type": "httpApiKey",
        "name": "chatserver",
        "in": "cookie",
        "description": "The session cookie of a browser; over TLS it is __Host-chatserver.",
    },
    "query": {
        "type": "httpApiKey",
        "name": "token",
        "in": "query",
        "description": "For clients that cannot set headers, unless auth.query_token is false.",
    },
}

QUERY: Schema = {
    "type": "object",
    "properties": {
        "token": {"type": "string", "description": SCHEMES["query"]["description"]},
        "user": {
            "type": "string",
            "description": "Refuse the connection unless the session is this user's.",
        },
        "presence": {
            "enum": [CHANGES_ONLY, FULL_LIST],
            "default": CHANGES_ONLY,
            "description": "list: the complete groupList after each change instead of presence.",
        },
    },
}


def document(base: str = DEFAULT) -> Schema:
    """Return the document of a server whose URL is `base`, without a trailing slash."""
    every = [*COMMANDS, *EVENTS, *REPLY_TYPES]
    _, schemas = components(every)
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "chatserver",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": servers(base),
        "channels": {"socket": _channel(every)},
        "operations": {
            **{_lower(shape.__name__): _receives(shape) for shape in COMMANDS},
            "tell": {
                "action": "send",
                "channel": CHANNEL,
                "summary": "Events and the state of the chat.",
                "messages": [_in_channel(shape) for shape in EVENTS],
            },
        },
        "components": {
            "messages": {shape.__name__: _message(shape) for shape in every},
            "schemas": {name: _flat(schema) for name, schema in schemas.items()},
            "securitySchemes": SCHEMES,
        },
    }


def servers(base: str) -> Schema:
    """Return the section `servers` of the document."""
    url = urlsplit(base)
    here: Schema = {
        "host": url.netloc,
        "protocol": "wss" if url.scheme == "https" else "ws",
        "description": "wss with TLS. A foreign Origin is refused with 403.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in SCHEMES],
    }
    return {"here": here | ({"pathname": url.path} if url.path else {})}


def _channel(every: list[Shape]) -> Schema:
    closings = "\n".join(f"* {code.value}: {text}" for code, text in CLOSINGS.items())
    return {
        "address": "/ws",
        "description": f"Close codes:\n\n{closings}",
        "messages": {
            shape.__name__: {"$ref": f"#/components/messages/{shape.__name__}"} for shape in every
        },
        "bindings": {"ws": {"method": "GET", "query": QUERY, "bindingVersion": "0.1.0"}},
        "x-close-codes": {
            str(code.value): {
                "name": CLOSING_NAMES.get(code, code.name.lower()),
                "description": text,
            }
            for code, text in CLOSINGS.items()
        },
    }


def _receives(shape: Shape) -> Schema:
    operation: Schema = {
        "action": "receive",
        "channel": CHANNEL,
        "summary": description(shape),
        "messages": [_in_channel(shape)],
    }
    if REPLIES[shape]:
        replies = [_in_channel(reply) for reply in REPLIES[shape]]
        operation["reply"] = {"channel": CHANNEL, "messages": replies}
    return operation


def _in_channel(shape: Shape) -> Schema:
    return {"$ref": f"#/channels/socket/messages/{shape.__name__}"}


def _message(shape: Shape) -> Schema:
    message: Schema = {
        "name": shape.__name__,
        "title": f"{number(shape)} {wire_name(shape)}",
        "summary": description(shape),
        "payload": {"$ref": f"#/components/schemas/{shape.__name__}"},
    }
    if "id" in shape.__struct_fields__ and shape not in EVENTS:
        message["correlationId"] = {"location": "$message.payload#/id"}
    return message


def _flat(value: Any) -> Any:
    """Convert OpenAPI's discriminator objects, which msgspec writes, to AsyncAPI's names."""
    if isinstance(value, list):
        return [_flat(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    flat = {key: _flat(inner) for key, inner in value.items()}
    if "mapping" in flat.get("discriminator", ()):
        flat["discriminator"] = flat["discriminator"]["propertyName"]
    return flat


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
