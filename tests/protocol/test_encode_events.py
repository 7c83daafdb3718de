"""Conversion of stored events and room states to wire messages."""

import msgspec
import pytest

from chatserver import protocol
from chatserver.models import Event, RoomKind, RoomState
from chatserver.protocol import PREVIEW_CHARS, encode_events


def room_with(files: str) -> RoomState:
    return RoomState(
        room=1,
        kind=RoomKind.GROUP,
        name="lobby",
        title="Lobby",
        members=1,
        head=1,
        read=0,
        unread=0,
        mentions=0,
        muted=False,
        last=Event(room=1, seq=1, user="ann", data="look", at=5, files=files),
    )


@pytest.mark.parametrize("alt", [None, 'a [cat], "asleep" \\ 猫', "x" * 1_000])
def test_a_preview_has_the_first_file_only_and_parses_no_other(alt: str | None) -> None:
    file = protocol.File(id="a", name="[1].png", type="image/png", bytes=3, width=2, alt=alt)
    first = msgspec.json.encode(file).decode()
    last = encode_events.welcome_room(room_with(f"[{first},and what is not parsed")).last
    assert last is not None
    assert last.data == "look"
    assert last.files == [msgspec.structs.replace(file, alt=alt and alt[:PREVIEW_CHARS])]
