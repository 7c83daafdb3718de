"""From the nouns to the wire: what is stored, as the messages that tell of it. Pure."""

from collections.abc import Iterable
from typing import Any

from chatserver import protocol
from chatserver.errors import ChatError
from chatserver.models import Event, Page, Receipt, RoomState


def frames(events: Iterable[Event]) -> bytes:
    """Events as text frames, one after the other, for any number of sockets."""
    return b"".join([protocol.encode(chat(event)) for event in events])


def chat(event: Event) -> protocol.GroupChat | protocol.SingleChat:
    """A stored message as its members see it."""
    shape: type[Any] = protocol.GroupChat
    facts: dict[str, Any] = {}
    if event.to is not None:
        shape, facts = protocol.SingleChat, {"to": event.to}
    return shape(  # type: ignore[no-any-return]
        room=event.room,
        seq=event.seq,
        user=event.user,
        data=event.data,
        at=event.at,
        id=event.id,
        reply_to=event.reply_to,
        edited_at=event.edited_at,
        **facts,
    )


def stored(receipt: Receipt, request_id: str) -> protocol.Stored:
    """A receipt as the answer to a request."""
    return protocol.Stored(
        id=request_id,
        ok=True,
        room=receipt.room,
        seq=receipt.seq,
        at=receipt.at,
        duplicate=receipt.duplicate,
    )


def room_page(page: Page) -> protocol.RoomPage:
    """A stretch of one room among many."""
    events = [chat(event) for event in page.events]
    return protocol.RoomPage(room=page.room, events=events, head=page.head, more=page.more)


def welcome_room(state: RoomState, head: int) -> protocol.WelcomeRoom:
    """A room in the first frame; its live feed starts behind `head`."""
    return protocol.WelcomeRoom(
        room=state.room,
        kind=state.kind,
        name=state.name,
        title=state.title,
        members=state.members,
        head=head,
        read=state.read,
        unread=state.unread,
        mentions=0,
        muted=state.muted,
        to=state.to,
        last=chat(state.last) if state.last else None,
    )


def refusal(error: ChatError, request_id: str | None) -> protocol.Refused:
    """A refusal as the answer to a request."""
    facts: dict[str, Any] = error.facts()
    return protocol.Refused(ok=False, code=error.code, data=str(error), id=request_id, **facts)
