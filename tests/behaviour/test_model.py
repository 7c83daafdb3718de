"""Generated conversations compared with a simple model: display, counts and replay."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatserver.protocol import Type
from tests.driver import Chat, Device, User

USERS = ("ann", "bo", "cy")
TEXTS = ("hi", "你好 @bo", "@all", "@ann and @cy", "x")
EMOJI = ("👍", "🎉")

who = st.sampled_from(USERS)
nth = st.integers(0, 5)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("say"), who, st.sampled_from(TEXTS)),
        st.tuples(st.just("edit"), who, nth, st.sampled_from(TEXTS)),
        st.tuples(st.just("delete"), who, nth),
        st.tuples(st.just("react"), who, nth, st.sampled_from(EMOJI), st.booleans()),
        st.tuples(st.just("read"), who, st.integers(1, 30)),
        st.tuples(st.just("reconnect"), who),
    ),
    min_size=5,
    max_size=30,
)


@dataclass
class Said:
    """A message in the model."""

    author: str
    text: str
    gone: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)


class Model:
    """A room: messages by seq, head, and read positions."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.messages: dict[int, Said] = {}
        self.read = dict.fromkeys(USERS, head)

    def unread(self, name: str) -> tuple[int, int]:
        """Return the numbers of unread messages, and of mentions among them."""
        there = [
            m
            for seq, m in self.messages.items()
            if seq > self.read[name] and m.author != name and not m.gone
        ]
        calls = [m for m in there if f"@{name}" in m.text or "@all" in m.text]
        return len(there), len(calls)

    def shown(self) -> list[tuple[int, str, str, dict[str, list[str]]]]:
        return [
            (seq, m.author, "" if m.gone else m.text, m.reactions)
            for seq, m in sorted(self.messages.items())
        ]


class View:
    """State of a client that applies all events in order."""

    def __init__(self) -> None:
        self.seq = 0
        self.messages: dict[int, tuple[str, str, dict[str, list[str]]]] = {}

    def apply(self, event: dict[str, Any]) -> None:
        assert event["seq"] == self.seq + 1
        self.seq = event["seq"]
        kind, name = event["type"], event["user"]
        if kind == 2:
            self.messages[event["seq"]] = (name, event["data"], event.get("reactions", {}))
            return
        if kind == 13:
            return
        author, text, reactions = self.messages[event["target"]]
        if kind == 10:
            text = event["data"]
        elif kind == 11:
            text, reactions = "", {}
        else:
            names = [n for n in reactions.get(event["emoji"], []) if n != name]
            names += [name] if event["on"] else []
            reactions = reactions | {event["emoji"]: names}
        self.messages[event["target"]] = (author, text, {e: n for e, n in reactions.items() if n})


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=operations)
async def test_every_conversation_matches_the_model(
    chat: Chat, ann: User, bo: User, cy: User, steps: list[tuple[Any, ...]]
) -> None:
    users = {"ann": ann, "bo": bo, "cy": cy}
    devices = {name: await user.connect() for name, user in users.items()}
    made = await devices["ann"].ask(Type.ROOM, action="create", users=["bo", "cy"])
    room, model = made["room"], Model(1)
    for step in steps:
        await perform(step, room, model, devices)
    for name, user in users.items():
        await check(name, user, room, model)
    for device in devices.values():
        await device.close()


async def perform(
    step: tuple[Any, ...], room: int, model: Model, devices: dict[str, Device]
) -> None:
    """Perform an operation on server and model; one that the model forbids must be rejected."""
    action, name, *facts = step
    device = devices[name]
    if action == "reconnect":
        await device.close()
        devices[name] = await device.user.connect()
    elif action == "read":
        model.read[name] = max(model.read[name], min(facts[0], model.head))
        await device.send({"type": Type.READ, "room": room, "seq": facts[0]})
        await device.ask(Type.RENEW)
    elif action == "say":
        reply = await device.ask(Type.GROUP_CHAT, room=room, data=facts[0])
        model.head += 1
        assert reply["seq"] == model.head
        model.messages[model.head] = Said(name, facts[0])
    elif model.messages:
        await act(action, name, device, room, model, facts)


async def act(
    action: str, name: str, device: Device, room: int, model: Model, facts: list[Any]
) -> None:
    seqs = sorted(model.messages)
    target = seqs[facts[0] % len(seqs)]
    said = model.messages[target]
    allowed = not said.gone
    if action == "edit":
        allowed = allowed and said.author == name
        reply = await device.ask(Type.EDIT, room=room, target=target, data=facts[1])
    elif action == "delete":
        allowed = allowed and name in (said.author, "ann")  # ann is administrator of the room
        reply = await device.ask(Type.DELETE, room=room, target=target)
    else:
        emoji, on = facts[1:]
        reply = await device.ask(Type.REACT, room=room, target=target, emoji=emoji, on=on)
    assert reply["ok"] is allowed, (action, name, reply)
    if not allowed:
        return
    model.head += 1
    if action == "edit":
        said.text = facts[1]
    elif action == "delete":
        said.gone, said.reactions = True, {}
    else:
        names = [n for n in said.reactions.get(emoji, []) if n != name] + [name] * on
        said.reactions = {e: n for e, n in (said.reactions | {emoji: names}).items() if n}


async def check(name: str, user: User, room: int, model: Model) -> None:
    """Require that a new device sees the state of the model, by pages and by replay."""
    await user.chat.server.read_positions.flush()
    device = await user.connect()
    state = next(r for r in device.welcome["rooms"] if r["room"] == room)
    assert (state["head"], state["read"]) == (model.head, model.read[name])
    assert (state["unread"], state["mentions"]) == model.unread(name)
    page = await device.history(room, limit=500)
    seen = [(e["seq"], e["user"], e["data"], e.get("reactions", {})) for e in page["events"]]
    assert [(*rest, by_emoji(r)) for *rest, r in seen] == [
        (*rest, by_emoji(r)) for *rest, r in model.shown()
    ]
    view = View()
    for event in (await device.history(room, after=0, limit=500))["events"]:
        view.apply(event)
    replayed = [(seq, *rest, by_emoji(r)) for seq, (*rest, r) in sorted(view.messages.items())]
    assert replayed == [(*rest, by_emoji(r)) for *rest, r in model.shown()]
    await device.close()


def by_emoji(reactions: dict[str, list[str]]) -> dict[str, list[str]]:
    return {emoji: sorted(names) for emoji, names in sorted(reactions.items())}
