"""Encoding of the messages between nodes."""

import msgspec

from chatserver.bus import messages


def test_the_names_on_the_bus_do_not_depend_on_the_names_in_the_code() -> None:
    """Nodes of two versions may run at the same time, while a server is upgraded."""
    events = messages.Events(1, 2, 3, b"", participants=(1, 2))
    state = messages.NodeState("here", [])
    names = [set(msgspec.msgpack.decode(messages.encode(one))) for one in (events, state)]
    assert names == [
        {"type", "room", "first", "last", "frames", "changes", "people", "left"},
        {"type", "node", "persons", "keys", "number"},
    ]
