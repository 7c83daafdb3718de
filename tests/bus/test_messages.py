"""Encoding of the messages between nodes."""

import msgspec

from chatserver.bus import messages


def test_the_names_on_the_bus_do_not_depend_on_the_names_in_the_code() -> None:
    """A node of another version may still run when the first one of a new version starts."""
    events = messages.Events(1, 2, 3, b"", participants=(1, 2))
    state = messages.NodeState("here", [])
    names = [set(msgspec.msgpack.decode(messages.encode(one))) for one in (events, state)]
    assert names == [
        {"type", "room", "first", "last", "frames", "changes", "people", "left"},
        {"type", "node", "persons", "keys", "number"},
    ]


def test_a_message_with_a_field_of_another_version_can_be_decoded() -> None:
    newer = msgspec.msgpack.encode({"type": "aside", "frames": b"{}", "room": 1, "added": True})
    assert messages.decode(newer) == messages.Ephemeral(b"{}", room=1)
