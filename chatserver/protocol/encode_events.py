"""Conversion of stored events, receipts and room states to wire messages. Pure."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, assert_never

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from chatserver import protocol
from chatserver.errors import ChatError
from chatserver.models import Event, EventKind, Receipt, RoomState
from chatserver.protocol.framing import text_frame
from chatserver.text.markup import rendered

_parse_value = json.JSONDecoder().raw_decode


def frames(events: Iterable[Event]) -> bytes:
    """Encode events as consecutive text frames, which any number of sockets can share."""
    return b"".join([protocol.encode(to_message(event)) for event in events])


def payload(event: Event) -> bytes:
    """Encode an event as JSON without a frame."""
    return protocol.encode_json(to_message(event))


def with_state(event: bytes, state: RoomState) -> bytes:
    """Frame a room event (JSON) with the room's state, for its new members."""
    room = protocol.encode_json(welcome_room(state))
    return text_frame(event[:-1] + b',"state":' + room + b"}")


def group_list(users: bytes | bytearray) -> bytes:
    """Frame a groupList, from the elements of a JSON array of `Person`."""
    whole = (b'{"type":%d,"data":[' % protocol.Type.GROUP_LIST, users, b"]}")
    return text_frame(b"".join(whole))


def to_message(event: Event) -> protocol.LogMessage:
    """Convert an event to the message that members receive."""
    match event.kind:
        case EventKind.MESSAGE:
            return _message(event, rendered(event.data))
        case EventKind.EDIT:
            html, files = rendered(event.data), _files(event)
            return protocol.Edit(data=event.data, html=html, files=files, **_targeted_fields(event))
        case EventKind.DELETE:
            return protocol.Delete(**_targeted_fields(event))
        case EventKind.REACT:
            return protocol.React(emoji=event.data, on=event.on, **_targeted_fields(event))
        case EventKind.ROOM:
            return protocol.RoomEvent(**_common(event), **event.change)
        case _:
            assert_never(event.kind)


def _message(event: Event, html: str | None) -> protocol.GroupChat | protocol.SingleChat:
    message_type: Callable[..., protocol.GroupChat | protocol.SingleChat] = (
        protocol.GroupChat if event.to is None else partial(protocol.SingleChat, to=event.to)
    )
    return message_type(
        room=event.room,
        seq=event.seq,
        user=event.user,
        data=event.data,
        at=event.at,
        html=html,
        id=event.id,
        reply_to=event.reply_to,
        edited_at=event.edited_at,
        deleted_at=event.deleted_at,
        reactions=event.reactions or None,
        files=_files(event),
    )


def _files(event: Event) -> Any:
    """Return the files as encoded JSON, which is inserted into the message as it is."""
    return Raw(event.files.encode()) if event.files else None


def _preview(event: Event) -> protocol.GroupChat | protocol.SingleChat:
    """Return a message without markup and with its first file only."""
    if not event.files:
        return _message(event, None)
    return replace(_message(replace(event, files=""), None), files=[_first_file(event.files)])


def _first_file(files: str) -> protocol.File:
    """Return the first file of a JSON array, with a shortened `alt`. The others are not parsed."""
    first, _end = _parse_value(files, len("["))
    file = msgspec.convert(first, protocol.File)
    return replace(file, alt=file.alt[: protocol.PREVIEW_CHARS]) if file.alt else file


def _common(event: Event) -> dict[str, Any]:
    return {
        "room": event.room,
        "seq": event.seq,
        "user": event.user,
        "at": event.at,
        "id": event.id,
    }


def _targeted_fields(event: Event) -> dict[str, Any]:
    return {**_common(event), "target": event.target}


def stored(receipt: Receipt, request_id: str) -> protocol.Stored:
    """Convert a receipt to the reply to a command."""
    return protocol.Stored(
        id=request_id,
        ok=True,
        room=receipt.room,
        seq=receipt.seq,
        at=receipt.at,
        duplicate=receipt.duplicate,
    )


def room_changed(
    receipt: Receipt, request_id: str, state: RoomState | None
) -> protocol.RoomChanged:
    """Convert a receipt to the reply to a room change, with the room for a new member."""
    return protocol.RoomChanged(
        id=request_id,
        ok=True,
        room=receipt.room,
        seq=receipt.seq,
        at=receipt.at,
        duplicate=receipt.duplicate,
        state=welcome_room(state) if state else None,
    )


def welcome_room(state: RoomState) -> protocol.WelcomeRoom:
    """Convert the state of a room for one member; the live feed starts after `head`."""
    return protocol.WelcomeRoom(
        room=state.room,
        kind=state.kind,
        name=state.name,
        title=state.title,
        members=state.members,
        head=state.head,
        read=state.read,
        unread=state.unread,
        mentions=state.mentions,
        muted=state.muted,
        topic=state.topic,
        private=state.private,
        archived=state.archived,
        receipts=state.receipts,
        admin=state.admin,
        favorite=state.favorite,
        notify=state.notify,
        to=state.to,
        at_least=state.at_least,
        last=_preview(state.last) if state.last else None,
    )


def refusal(error: ChatError, request_id: str | None, *, sentence: str) -> protocol.Refused:
    """Convert an error to a refusal; `sentence` is in the language of the client."""
    details: dict[str, Any] = error.details()
    return protocol.Refused(ok=False, code=error.code, data=sentence, id=request_id, **details)
