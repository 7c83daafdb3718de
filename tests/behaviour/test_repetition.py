"""Repeated commands: the same id gets the first reply, permanently."""

from collections.abc import Iterable

import pytest

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Chat, User


async def test_the_same_id_gets_the_first_reply(start_chat: StartChat, database_url: str) -> None:
    chat = await start_chat(url=database_url)
    ann = await chat.user("ann", admin=True)
    device = await ann.connect()
    first = await device.say("once", id="a1")
    await device.say("between", id="a2")
    again = await device.say("once", id="a1")
    assert (again["seq"], again["at"], again["duplicate"]) == (first["seq"], first["at"], True)
    assert "duplicate" not in first
    page = await device.history(1, after=0)
    assert [event["data"] for event in page["events"]] == ["once", "between"]


async def test_a_repetition_is_not_broadcast(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    await anns.say("once", id="a1")
    await bos.receives("once")
    await anns.say("once", id="a1")
    await bos.receives_nothing()


async def test_repetitions_within_one_commit_are_stored_once(ann: User) -> None:
    device = await ann.connect()
    for _ in range(50):
        await device.send({"type": Type.GROUP_CHAT, "data": "once", "id": "a1"})
    replies = [await device.reply("a1") for _ in range(50)]
    assert {reply["seq"] for reply in replies} == {1}
    assert sum("duplicate" not in reply for reply in replies) == 1


async def test_the_same_id_with_another_text_is_a_conflict(ann: User, bo: User) -> None:
    device = await ann.connect()
    await device.say("once", id="a1")
    for other in ({"data": "twice"}, {"data": "once", "reply_to": 1}):
        refused = await device.ask(Type.GROUP_CHAT, id="a1", **other)
        assert (refused["ok"], refused["code"]) == (False, "id_conflict")
    refused = await device.say("once", to="bo", id="a1")
    assert refused["code"] == "id_conflict"
    assert (await device.history(1, after=0))["head"] == 1


async def test_a_room_change_is_repeated_in_whatever_order_the_database_finds_the_users(
    ann: User, bo: User, cy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of rows without ORDER BY may change when accounts are added."""
    device, users = await ann.connect(), ann.chat.server.users
    change = {"action": "create", "users": ["cy", "bo"], "id": "a1"}
    first = await device.ask(Type.ROOM, **change)
    find = users.ids

    async def find_reversed(names: Iterable[str]) -> dict[str, tuple[int, str]]:
        return dict(reversed((await find(names)).items()))

    monkeypatch.setattr(users, "ids", find_reversed)
    again = await device.ask(Type.ROOM, **change)
    assert (again["ok"], again.get("duplicate"), again["room"]) == (True, True, first["room"])


async def test_ids_are_unique_per_sender(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    assert (await anns.say("mine", id="1"))["seq"] == 1
    assert (await bos.say("mine", id="1"))["seq"] == 2


async def test_ids_are_compared_with_case_and_trailing_spaces(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    device = await (await chat.user("ann")).connect()
    seqs = [(await device.say("x", id=request_id))["seq"] for request_id in ("a", "A", "a ", "à")]
    assert seqs == [1, 2, 3, 4]


async def test_a_repetition_after_a_restart_gets_the_first_reply(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    device = await (await chat.user("ann")).connect()
    first = await device.say("once", id="a1")
    await chat.stop()
    later = await start_chat(chat.server.settings)
    again = await (await (await later.logged_in("ann")).connect()).say("once", id="a1")
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)


async def test_an_id_can_be_used_again_after_a_rejection(chat: Chat, ann: User) -> None:
    device = await ann.connect()
    refused = await device.ask(Type.GROUP_CHAT, data="hello", room=99, id="a1")
    assert refused["code"] == "not_found"
    assert (await device.say("hello", id="a1"))["ok"] is True
