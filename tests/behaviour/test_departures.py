"""Former members receive nothing after the event that ended their membership."""

import asyncio

import pytest

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Device, Frame

Users = tuple[Device, Device, Device]
LATER = "said later"


@pytest.fixture
async def users(start_chat: StartChat, database_url: str) -> Users:
    """Devices of ann, bo and cy."""
    chat = await start_chat(url=database_url)
    return tuple([await (await chat.user(name)).connect() for name in ("ann", "bo", "cy")])  # type: ignore[return-value]


async def room(device: Device, action: str, **facts: object) -> Frame:
    reply = await device.ask(Type.ROOM, action=action, **facts)
    assert reply["ok"] is True, reply
    return reply


async def readable_room(users: Users) -> int:
    """A room of all three that former members may read."""
    anns, _, _ = users
    number: int = (await room(anns, "create", name="plans", users=["bo", "cy"]))["room"]
    await room(anns, "change", room=number, leavers_read=True)
    return number


async def pages(device: Device, number: int) -> list[list[Frame]]:
    """The room's messages over every way to read them."""
    forwards = await device.history(number, after=0)
    backwards = await device.history(number, before=1_000)
    caught_up = await device.ask(
        Type.HISTORY, rooms={str(number): 0}, epoch=device.welcome["epoch"]
    )
    path = f"/api/rooms/{number}/events"
    by_http = (await device.user.ask("GET", f"{path}?after=0")).json
    newest = (await device.user.ask("GET", path)).json
    read = [forwards, backwards, caught_up["rooms"][0], by_http, newest]
    return [
        [event for event in page["events"] if event["type"] == Type.GROUP_CHAT] for page in read
    ]


async def test_a_former_member_reads_no_newer_text(users: Users) -> None:
    anns, bos, _ = users
    number = await readable_room(users)
    seqs = [(await anns.say(text, room=number))["seq"] for text in ("one", "two", "three")]
    assert (await anns.ask(Type.EDIT, room=number, target=seqs[0], data="one!"))["ok"]
    await room(bos, "leave", room=number)
    assert (await anns.ask(Type.EDIT, room=number, target=seqs[1], data=LATER))["ok"]
    assert (await anns.ask(Type.DELETE, room=number, target=seqs[2]))["ok"]
    for messages in await pages(bos, number):
        assert [message["data"] for message in messages] == ["one!", "", ""]
        assert [message.get("deleted_at", 0) == message["at"] for message in messages] == [
            False,
            True,
            True,
        ]
        assert "edited_at" not in messages[1]
    for messages in await pages(anns, number):
        assert [message["data"] for message in messages] == ["one!", LATER, ""]


async def test_a_replaced_edit_has_no_text_for_a_former_member(
    users: Users,
) -> None:
    anns, bos, _ = users
    number = await readable_room(users)
    seq = (await anns.say("one", room=number))["seq"]
    await anns.ask(Type.EDIT, room=number, target=seq, data="one!")
    await room(bos, "leave", room=number)
    await anns.ask(Type.EDIT, room=number, target=seq, data=LATER)
    page = await bos.history(number, after=0)
    assert LATER not in str(page)
    assert [event["data"] for event in page["events"] if event["type"] == Type.EDIT] == [""]


async def test_a_former_member_sees_the_reactions_of_the_time_of_leaving(users: Users) -> None:
    anns, bos, cys = users
    number = await readable_room(users)
    seq = (await anns.say("one", room=number))["seq"]

    async def react(device: Device, emoji: str, *, on: bool) -> None:
        assert (await device.ask(Type.REACT, room=number, target=seq, emoji=emoji, on=on))["ok"]

    for device, emoji, on in [(anns, "👍", True), (cys, "👍", True), (bos, "🎉", True)]:
        await react(device, emoji, on=on)
    await react(bos, "🎉", on=False)
    await room(bos, "leave", room=number)
    await react(anns, "👍", on=False)
    await react(cys, "🍵", on=True)
    for messages in await pages(bos, number):
        assert messages[0]["reactions"] == {"👍": ["ann", "cy"]}
    for messages in await pages(anns, number):
        assert messages[0]["reactions"] == {"👍": ["cy"], "🍵": ["cy"]}


async def test_a_removed_member_who_is_invited_again_reads_everything(users: Users) -> None:
    anns, bos, _ = users
    number = await readable_room(users)
    seq = (await anns.say("one", room=number))["seq"]
    await room(anns, "remove", room=number, users=["bo"])
    await anns.ask(Type.EDIT, room=number, target=seq, data=LATER)
    await room(anns, "invite", room=number, users=["bo"])
    for messages in await pages(bos, number):
        assert [message["data"] for message in messages] == [LATER]


async def test_a_removed_member_receives_nothing_after_the_removal_in_one_commit(
    users: Users,
) -> None:
    anns, bos, cys = users
    number = (await room(anns, "create", name="plans", users=["bo", "cy"]))["room"]
    seq = (await anns.say("before", room=number))["seq"]
    removal = {"type": Type.ROOM, "id": "r", "action": "remove", "room": number, "users": ["bo"]}
    later = [
        {"type": Type.GROUP_CHAT, "id": f"l{n}", "room": number, "data": LATER} for n in range(20)
    ]
    edit = {"type": Type.EDIT, "id": "e", "room": number, "target": seq, "data": LATER}
    await asyncio.gather(*[anns.send(frame) for frame in (removal, edit, *later)])
    last = await anns.reply("l19")
    while (await cys.next(Type.GROUP_CHAT))["seq"] < last["seq"]:
        pass
    while (await bos.next(Type.ROOM)).get("action") != "remove":
        pass
    bos.queued().clear()  # what came before the removal
    await bos.receives_nothing_of(number)


async def test_a_former_member_cannot_search_and_receives_no_typing(users: Users) -> None:
    anns, bos, cys = users
    number = (await room(anns, "create", name="plans", users=["bo", "cy"]))["room"]
    await room(anns, "change", room=number, receipts=True)
    await anns.say("known", room=number)
    await room(anns, "remove", room=number, users=["bo"])
    seq = (await anns.say(LATER, room=number))["seq"]
    await anns.send({"type": Type.TYPING, "room": number})
    await anns.send({"type": Type.READ, "room": number, "seq": seq})
    await cys.next(Type.TYPING)
    await cys.next(Type.READ)
    found = (await bos.user.ask("GET", "/api/search?q=known")).json
    assert found["hits"] == []
    assert (await bos.user.ask("GET", f"/api/rooms/{number}/members")).status == 404
    while (await bos.next(Type.ROOM)).get("action") != "remove":
        pass
    bos.queued().clear()  # what came before the removal
    await bos.receives_nothing_of(number)


async def test_a_second_removal_is_rejected_and_a_former_member_changes_nothing(
    users: Users,
) -> None:
    anns, bos, _ = users
    number = await readable_room(users)
    seq = (await anns.say("one", room=number))["seq"]
    await room(anns, "remove", room=number, users=["bo"])
    again = await anns.ask(Type.ROOM, action="remove", room=number, users=["bo"])
    assert again["code"] == "not_found"
    for refused in (
        await bos.ask(Type.REACT, room=number, target=seq, emoji="👍", on=True),
        await bos.ask(Type.EDIT, room=number, target=seq, data="mine"),
        await bos.ask(Type.ROOM, action="leave", room=number),
        await bos.ask(Type.ROOM, action="mute", room=number, on=True),
    ):
        assert refused["code"] == "not_found"
