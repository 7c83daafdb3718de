"""Presence: a complete list after the welcome, then changes."""

import pytest

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Chat, Device, User


def names(persons: list[dict[str, str]]) -> list[str]:
    return [user["name"] for user in persons]


async def receives_change(device: Device, *, online: str = "", offline: str = "") -> None:
    """Wait for a presence frame with this change."""
    while True:
        frame = await device.next(Type.PRESENCE)
        if (not online or online in names(frame["online"])) and (
            not offline or offline in frame["offline"]
        ):
            return


async def test_changes_of_presence_are_sent_to_others(ann: User, bo: User) -> None:
    anns = await ann.connect()
    assert names(anns.online["data"]) == ["ann"]
    bos = await bo.connect()
    assert names(bos.online["data"]) == ["ann", "bo"]
    await receives_change(anns, online="bo")
    await bos.close()
    await receives_change(anns, offline="bo")


async def test_a_client_can_request_the_complete_list_after_each_change(
    ann: User, bo: User
) -> None:
    anns = await ann.connect(params={"presence": "list"})
    bos = await bo.connect()
    while names((arrived := await anns.next(Type.GROUP_LIST, Type.PRESENCE))["data"]) != [
        "ann",
        "bo",
    ]:
        assert arrived["type"] == Type.GROUP_LIST
    await bos.close()
    assert names((await anns.next(Type.GROUP_LIST, Type.PRESENCE))["data"]) == ["ann"]
    again = await bo.connect(params={"presence": "changes"})
    await receives_change(again, online="bo")


@pytest.mark.parametrize(
    "query",
    ["presence=all", "presence=list&presence=changes", "user=ann&user=bo", "token=x&token=y"],
)
async def test_invalid_and_repeated_presence_parameters_are_rejected(ann: User, query: str) -> None:
    answer = await ann.ask("GET", f"/ws?{query}")
    assert answer.status == 400
    assert answer.json["code"] == "bad_request"


async def test_a_user_with_many_connections_is_listed_once(ann: User, bo: User) -> None:
    anns = await ann.connect()
    devices = [await bo.connect() for _ in range(10)]
    await receives_change(anns, online="bo")
    for device in devices[1:]:
        await device.close()
    assert names((await ann.connect()).online["data"]) == ["ann", "bo"]
    await devices[0].close()
    await receives_change(anns, offline="bo")


async def test_many_concurrent_connections_are_sent_in_few_frames(start_chat: StartChat) -> None:
    chat = await start_chat()
    watcher = await (await chat.user("ann")).connect()
    users = [await chat.user(f"bo{number}") for number in range(40)]
    devices = [await user.connect() for user in users]
    online: set[str] = set()
    frames = 0
    while len(online - {"ann"}) < 40:
        online |= set(names((await watcher.next(Type.PRESENCE))["online"]))
        frames += 1
    assert frames <= 5
    assert len(devices) == 40


async def test_last_seen_times_follow_connections_and_not_logins(
    chat: Chat, ann: User, bo: User
) -> None:
    async def of_bo() -> tuple[bool, int]:
        await chat.server.last_seen.flush()
        found = (await ann.ask("GET", "/api/admin/people")).json["people"][1]
        return found["online"], found["last_seen_at"]

    anns = await ann.connect()
    _offline, logged_in = await of_bo()
    device = await bo.connect()
    await receives_change(anns, online="bo")
    online, opened = await of_bo()
    assert online
    assert opened > logged_in
    await device.say("hello")
    assert await of_bo() == (True, opened)  # a message writes nothing
    await device.close()
    await receives_change(anns, offline="bo")
    online, closed = await of_bo()
    assert not online
    assert closed > opened
