"""Catching up after an interruption is complete, or reports that it is not."""

import asyncio
from collections.abc import Sequence
from unittest import mock

import pytest

from chatserver.chat.event_cache import EventRange
from chatserver.chat.history import gap_reader
from chatserver.models import LOBBY
from chatserver.protocol import Type
from chatserver.text.markup import Renderer
from tests.conftest import StartChat
from tests.driver import Chat, Device, Frame, User


async def fill(device: Device, count: int, **facts: object) -> None:
    for number in range(1, count + 1):
        await device.send(
            {"type": Type.SINGLE_CHAT if "to" in facts else Type.GROUP_CHAT, "data": f"n{number}"}
            | facts
        )
    for _ in range(count):
        await device.next(Type.GROUP_CHAT, Type.SINGLE_CHAT)


def texts(page: Frame) -> list[str]:
    return [event["data"] for event in page["events"]]


async def test_live_events_start_after_the_head_of_the_welcome(ann: User, bo: User) -> None:
    anns = await ann.connect()
    await fill(anns, 3)
    bos = await bo.connect()
    assert bos.welcome["rooms"][0]["head"] == 3
    await anns.say("four")
    assert (await bos.receives("four"))["seq"] == 4


async def test_a_client_that_connects_during_messages_has_no_gaps_or_duplicates(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns = await ann.connect()
    sending = asyncio.create_task(fill(anns, 400))
    checked = 0
    while not sending.done() or checked < 10:
        bos = await bo.connect()
        head = bos.welcome["rooms"][0]["head"]
        page = await bos.history(1, after=0, limit=500)
        known = [event["seq"] for event in page["events"]]
        assert known == list(range(1, len(known) + 1))
        assert len(known) >= head
        await anns.send({"type": Type.GROUP_CHAT, "data": "marker"})
        live: list[int] = []
        while not live or live[-1] <= page["head"]:
            live.append((await bos.next(Type.GROUP_CHAT))["seq"])
        assert live == list(range(head + 1, head + 1 + len(live)))
        await bos.close()
        checked += 1
    await sending


async def test_a_long_absence_is_caught_up_in_pages(ann: User, bo: User) -> None:
    anns = await ann.connect()
    await fill(anns, 25)
    bos = await bo.connect()
    seen: list[int] = []
    more = True
    while more:
        page = await bos.history(1, after=seen[-1] if seen else 0, limit=10)
        seen += [event["seq"] for event in page["events"]]
        more = page["more"]
    assert seen == list(range(1, 26))
    assert page["head"] == 25


async def test_a_reply_for_many_rooms_reports_what_is_missing(
    ann: User, bo: User, cy: User
) -> None:
    anns, cys = await ann.connect(), await cy.connect()
    await fill(anns, 3)
    direct = (await anns.say("psst", to="bo"))["room"]
    secret = (await cys.say("secret", to="ann"))["room"]
    bos = await bo.connect()
    answer = await bos.ask(Type.HISTORY, rooms={"1": 1, str(direct): 0, str(secret): 0, "77": 3})
    assert answer["epoch"] == bos.welcome["epoch"]
    assert {page["room"]: texts(page) for page in answer["rooms"]} == {
        1: ["n2", "n3"],
        direct: ["psst"],
    }
    assert [page["more"] for page in answer["rooms"]] == [False, False]
    assert answer["gone"] == sorted([secret, 77])


async def test_a_reply_for_many_rooms_has_at_most_a_thousand_events(ann: User, bo: User) -> None:
    anns = await ann.connect()
    await fill(anns, 700)
    await fill(anns, 600, to="bo")
    room = next(r for r in (await bo.connect()).welcome["rooms"] if r["kind"] == "direct")["room"]
    answer = await anns.ask(Type.HISTORY, rooms={"1": 0, str(room): 0})
    assert [len(page["events"]) for page in answer["rooms"]] == [500, 500]
    assert [page["more"] for page in answer["rooms"]] == [True, True]


async def test_a_position_beyond_the_head_is_answered_with_reset(ann: User) -> None:
    device = await ann.connect()
    await fill(device, 2)
    for refused in (
        await device.history(1, after=3),
        await device.ask(Type.HISTORY, rooms={"1": 3}),
        await device.history(1, after=1, epoch="another"),
        await device.ask(Type.HISTORY, rooms={"1": 1}, epoch="another"),
    ):
        assert (refused["ok"], refused["code"]) == (False, "reset")
        assert refused["epoch"] == device.welcome["epoch"]
    assert texts(await device.history(1, after=1, epoch=device.welcome["epoch"])) == ["n2"]


async def test_paging_back_reaches_the_first_message(ann: User) -> None:
    device = await ann.connect()
    await fill(device, 12)
    page = await device.history(1, limit=5)
    assert texts(page) == ["n8", "n9", "n10", "n11", "n12"]
    page = await device.history(1, before=8, limit=5)
    assert (texts(page), page["more"]) == (["n3", "n4", "n5", "n6", "n7"], True)
    page = await device.history(1, before=3, limit=5)
    assert (texts(page), page["more"]) == (["n1", "n2"], False)


async def test_long_messages_are_read_completely_in_short_pages(ann: User) -> None:
    device = await ann.connect()
    for number in range(30):
        await device.say(f"{number} ".ljust(4_000, "好"))
    forwards: list[int] = []
    backwards: list[int] = []
    after, before = 0, 31
    while after < 30:
        page = await device.history(1, after=after, limit=500)
        assert len(page["events"]) <= 16
        forwards += [event["seq"] for event in page["events"]]
        after = forwards[-1]
    while before > 1:
        page = await device.history(1, before=before, limit=500)
        assert page["more"] == (page["events"][0]["seq"] > 1)
        backwards = [event["seq"] for event in page["events"]] + backwards
        before = backwards[0]
    assert forwards == backwards == list(range(1, 31))
    page = (await device.ask(Type.HISTORY, rooms={"1": 0}, epoch=device.welcome["epoch"]))["rooms"][
        0
    ]
    assert (len(page["events"]), page["more"]) == (15, True)


async def test_a_gap_of_long_messages_is_read_in_parts(chat: Chat, ann: User) -> None:
    device = await ann.connect()
    for _ in range(20):
        await device.say("好" * 4_000)
    read = gap_reader(chat.server.rooms, chat.server.log, Renderer())
    parts = [[event.seq for event in (await read(1, after, after)).events] for after in (0, 15)]
    assert parts == [list(range(1, 16)), list(range(16, 21))]


RETURNS: dict[str, list[Frame]] = {
    "removed and invited": [{"action": "remove"}, {"action": "invite"}],
    "twice": [{"action": "remove"}, {"action": "invite"}] * 2,
    "into a room that became private": [
        {"action": "remove"},
        {"action": "change", "private": True},
        {"action": "invite"},
    ],
    "left and joined": [{"action": "leave"}, {"action": "join"}],
}


async def test_members_who_return_within_a_gap_reconnect_and_have_the_room(
    chat: Chat, ann: User, bo: User, cy: User
) -> None:
    anns = await ann.connect()
    for number, (case, steps) in enumerate(RETURNS.items()):
        room = (await anns.ask(Type.ROOM, action="create", name=f"r{number}"))["room"]
        await anns.ask(Type.ROOM, action="invite", room=room, users=["bo", "cy"])
        returning = [await user.connect() for user in (bo, cy)]
        await anns.say("before", room=room)
        with mock.patch.object(chat.server.hub, "_publish"):
            for step in steps:
                await _act(anns, returning, room, step)
        await anns.say("after", room=room)
        assert [await device.closed() for device in returning] == [4001, 4001], case
        for user in (bo, cy):
            again = await user.connect()
            assert room in {state["room"] for state in again.welcome["rooms"]}, case
            await anns.say("later", room=room)
            await again.receives("later")


async def _act(anns: Device, returning: list[Device], room: int, step: Frame) -> None:
    """Send a command of ann's about bo and cy, or the command of each of them."""
    if step["action"] in ("leave", "join"):
        for device in returning:
            await device.ask(Type.ROOM, room=room, **step)
        return
    users = {} if step["action"] == "change" else {"users": ["bo", "cy"]}
    assert (await anns.ask(Type.ROOM, room=room, **step, **users))["ok"]


async def test_the_history_of_an_inaccessible_room_is_not_found(
    ann: User, bo: User, cy: User
) -> None:
    room = (await (await ann.connect()).say("psst", to="bo"))["room"]
    cys = await cy.connect()
    refused = [await cys.history(number, after=0, id="h") for number in (room, 4711)]
    assert refused[0] == refused[1]
    assert refused[0]["code"] == "not_found"


async def test_a_nonmember_cannot_write_into_a_room(ann: User, bo: User, cy: User) -> None:
    bos = await bo.connect()
    room = (await (await ann.connect()).say("psst", to="bo"))["room"]
    await bos.receives("psst")
    cys = await cy.connect()
    for kind in (2, 3):
        refused = await cys.ask(kind, data="let me in", room=room)
        assert (refused["ok"], refused["code"]) == (False, "not_found")
    await bos.receives_nothing()


async def test_acknowledged_messages_survive_a_restart(chat: Chat, ann: User) -> None:
    device = await ann.connect()
    assert (await device.history(1))["events"] == []
    await fill(device, 5)
    before = await device.history(1, after=0)
    epoch = device.welcome["epoch"]
    await chat.stop()
    again = await Chat.start(chat.server.settings)
    try:
        back = await (await again.logged_in("ann")).connect()
        assert back.welcome["epoch"] == epoch
        assert (await back.history(1, after=0, id="h"))["events"] == before["events"]
    finally:
        await again.stop()


async def test_replaced_and_deleted_texts_are_not_sent_to_returning_clients(
    ann: User, bo: User
) -> None:
    """This holds also if the old text is still in the cache."""
    anns, bos = await ann.connect(), await bo.connect()
    first, second = (await anns.say("mistake"))["seq"], (await anns.say("secret"))["seq"]
    assert texts(await bos.history(1, after=0)) == ["mistake", "secret"]
    await anns.ask(Type.EDIT, room=1, target=first, data="mended")
    assert texts(await bos.history(1, after=0))[:2] == ["mended", "secret"]
    await anns.ask(Type.DELETE, room=1, target=second)
    for asked in (
        await bos.history(1, after=0),
        (await bos.ask(Type.HISTORY, rooms={"1": 0}))["rooms"][0],
        await (await bo.connect()).history(1, after=0),
    ):
        assert [event["data"] for event in asked["events"][:2]] == ["mended", ""]
        assert "mistake" not in str(asked)
        assert "secret" not in str(asked)


async def test_messages_deleted_by_retention_are_not_sent(chat: Chat, ann: User) -> None:
    device = await ann.connect()
    owner = await chat.account("ann")
    await chat.server.room_commands.administer_room(owner, LOBBY, archived=None, retention_days=1)
    await device.say("secret")
    assert "secret" in str(await device.history(1, after=0))
    in_two_days = chat.server.nightly._now() + 2 * 86_400_000
    await chat.server.nightly._work(in_two_days)
    assert "secret" not in str(await device.history(1, after=0))


async def test_a_late_deletion_invalidates_the_cache(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await ann.connect()
    seq = (await device.say("secret"))["seq"]
    assert "secret" in str(await device.history(1, after=0))
    monkeypatch.setattr(chat.server.hub, "publish", lambda _room, _events: None)
    await device.ask(Type.DELETE, room=1, target=seq)
    chat.server.hub.notify_gap(1, seq + 1)
    assert (await device.next(Type.DELETE))["target"] == seq
    assert "secret" not in str(await device.history(1, after=0))


async def test_a_deletion_while_a_reply_is_built_is_included(
    chat: Chat, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    seq = (await anns.say("secret"))["seq"]
    read = chat.server.event_cache.read

    async def meanwhile(wanted: Sequence[EventRange]) -> object:
        found = await read(wanted)
        monkeypatch.setattr(chat.server.event_cache, "read", read)
        await anns.ask(Type.DELETE, room=1, target=seq)
        return found

    monkeypatch.setattr(chat.server.event_cache, "read", meanwhile)
    assert "secret" not in str(await bos.history(1, after=0))


async def test_a_connecting_client_counts_or_receives_each_message_once(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns, watch = await ann.connect(), await bo.connect()
    sending = asyncio.create_task(fill(anns, 600, data="hi @bo"))
    devices: list[Device] = []
    while not sending.done():
        devices.append(await bo.connect())
        await watch.send(
            {"type": Type.READ, "room": 1, "seq": devices[-1].welcome["rooms"][0]["head"]}
        )
        if len(devices) == 8:
            await sending
    final = (await watch.history(1, after=0))["head"]
    read = max(device.welcome["rooms"][0]["head"] for device in devices)
    for device in devices:
        lobby = device.welcome["rooms"][0]
        assert lobby.get("last", {"seq": 0})["seq"] == lobby["head"]
        assert lobby["unread"] == lobby["mentions"] == lobby["head"] - lobby["read"]
        live = [(await device.next(Type.GROUP_CHAT))["seq"] for _ in range(final - lobby["head"])]
        assert live == list(range(lobby["head"] + 1, final + 1))
        positions = [lobby["read"]]
        while positions[-1] < read:
            positions.append((await device.next(Type.READ))["seq"])


async def test_a_new_member_counts_or_receives_each_message_once(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns, talking, bos = await ann.connect(), await ann.connect(), await bo.connect()
    room = (await anns.ask(Type.ROOM, action="create", name="plans"))["room"]
    await talking.next(Type.ROOM)  # subscribed after the reply
    for _ in range(10):
        sending = asyncio.create_task(fill(talking, 40, room=room))
        await anns.ask(Type.ROOM, action="invite", room=room, users=["bo"])
        await sending
        state = (await bos.next(Type.ROOM))["state"]
        final = (await anns.history(room, after=0))["head"]
        live = [(await bos.next(Type.GROUP_CHAT))["seq"] for _ in range(final - state["head"])]
        assert live == list(range(state["head"] + 1, final + 1))
        assert state["unread"] == state["head"] - state["read"]
        await anns.ask(Type.ROOM, action="remove", room=room, users=["bo"])
        assert (await bos.next(Type.ROOM))["action"] == "remove"


async def test_a_page_of_long_member_lists_is_short_and_complete(chat: Chat, ann: User) -> None:
    names = [(await chat.user(f"user{number:03}")).name for number in range(250)]
    device = await ann.connect()
    room = (await device.ask(Type.ROOM, action="create", name="plans"))["room"]
    for _ in range(20):
        for action in ("invite", "remove"):
            assert (await device.ask(Type.ROOM, action=action, room=room, users=names))["ok"]
    seen: list[int] = []
    pages = 0
    more = True
    while more:
        page = await device.history(room, after=len(seen), limit=500)
        assert sum(len(event["users"]) for event in page["events"]) <= 6_000 + 250
        seen += [event["seq"] for event in page["events"]]
        more, pages = page["more"], pages + 1
    assert seen == list(range(1, 42))
    assert pages > 1
