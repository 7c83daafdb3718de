"""Messages: edits, deletions, reactions, replies and mentions."""

from pathlib import Path

import pytest

from chatserver.config import LimitSettings, Settings
from chatserver.protocol import Type
from tests.conftest import FAST, StartChat
from tests.driver import Chat, Device, Frame, User


@pytest.fixture
async def pair(start_chat: StartChat, database_url: str) -> tuple[Device, Device]:
    """Devices of ann, an administrator, and of bo, on either database."""
    chat = await start_chat(url=database_url)
    ann, bo = await chat.user("ann", admin=True), await chat.user("bo")
    return await ann.connect(), await bo.connect()


async def edit(device: Device, target: int, text: str, **facts: object) -> Frame:
    return await device.ask(Type.EDIT, **{"room": 1, "target": target, "data": text, **facts})


async def test_an_edit_is_sent_to_all_members_and_replaces_the_text(
    pair: tuple[Device, Device],
) -> None:
    anns, bos = pair
    seq = (await anns.say("helo"))["seq"]
    reply = await edit(anns, seq, "hello")
    assert (reply["ok"], reply["seq"]) == (True, seq + 1)
    heard = await bos.next(Type.EDIT)
    assert (heard["target"], heard["data"], heard["user"]) == (seq, "hello", "ann")
    whole = (await bos.history(1, after=0))["events"]
    assert [(e["type"], e["data"]) for e in whole] == [(2, "hello"), (10, "hello")]
    assert whole[0]["edited_at"] == heard["at"]


async def test_replaced_text_is_never_sent_again(pair: tuple[Device, Device]) -> None:
    anns, bos = pair
    seq = (await anns.say("first secret"))["seq"]
    await edit(anns, seq, "second secret")
    await edit(anns, seq, "harmless")
    whole = await bos.history(1, after=0)
    assert "secret" not in str(whole)
    assert [e["data"] for e in whole["events"]] == ["harmless"] * 3


async def test_markup_is_sent_as_html_with_the_text(pair: tuple[Device, Device]) -> None:
    anns, bos = pair
    seq = (await anns.say("see **this**"))["seq"]
    heard = await bos.next(Type.GROUP_CHAT)
    assert (heard["data"], heard["html"]) == ("see **this**", "<p>see <strong>this</strong></p>")
    await edit(anns, seq, "see `that`")
    heard = await bos.next(Type.EDIT)
    assert (heard["data"], heard["html"]) == ("see `that`", "<p>see <code>that</code></p>")
    whole = (await bos.history(1, after=0))["events"]
    assert {event["html"] for event in whole} == {heard["html"]}
    assert {event["data"] for event in whole} == {"see `that`"}
    page = await bos.user.ask("GET", "/api/rooms/1/events?after=0")
    assert page.json["events"] == whole


async def test_plain_and_deleted_texts_have_no_html(
    pair: tuple[Device, Device],
) -> None:
    anns, bos = pair
    first, second = (await anns.say("*a*"))["seq"], (await anns.say("*b*"))["seq"]
    await edit(anns, first, "5*3*2")
    await anns.ask(Type.DELETE, room=1, target=second)
    whole = (await bos.history(1, after=0))["events"]
    assert [event["type"] for event in whole] == [2, 2, 10, 11]
    assert not any("html" in event for event in whole)


async def test_only_the_author_can_edit_a_message(pair: tuple[Device, Device]) -> None:
    anns, bos = pair
    seq = (await bos.say("mine"))["seq"]
    assert (await edit(anns, seq, "yours"))["code"] == "forbidden"
    assert (await edit(bos, 99, "nothing"))["code"] == "not_found"
    assert (await edit(bos, seq, "  "))["code"] == "bad_request"
    assert (await edit(bos, seq, "x" * 4_001))["code"] == "too_large"
    reply = await edit(bos, seq, "better")
    assert (await edit(anns, reply["seq"], "an edit is no message"))["code"] == "not_found"


async def test_a_time_limit_for_edits_can_be_set(start_chat: StartChat, tmp_path: Path) -> None:
    limits = LimitSettings(
        messages_per_second=FAST.messages_per_second,
        message_burst=FAST.message_burst,
        edit_minutes=1,
    )
    chat = await start_chat(Settings(data=tmp_path / "d", limits=limits))
    device = await (await chat.user("ann")).connect()
    seq = (await device.say("hi"))["seq"]
    assert (await edit(device, seq, "in time"))["ok"] is True
    chat.server.messages._clock = lambda: 2**50
    assert (await edit(device, seq, "too late"))["code"] == "forbidden"


async def test_a_deleted_text_is_removed_everywhere(pair: tuple[Device, Device]) -> None:
    anns, bos = pair
    seq = (await bos.say("a secret @ann"))["seq"]
    await edit(bos, seq, "still a secret")
    await anns.ask(Type.REACT, room=1, target=seq, emoji="👍")
    assert (await bos.ask(Type.DELETE, room=1, target=seq))["ok"] is True
    heard = await anns.next(Type.DELETE)
    assert (heard["target"], heard["user"]) == (seq, "bo")
    for page in (await anns.history(1, after=0), await anns.history(1)):
        assert "secret" not in str(page)
    (tombstone,) = (await anns.history(1))["events"]
    assert (tombstone["data"], tombstone["deleted_at"]) == ("", heard["at"])
    assert "reactions" not in tombstone
    for refused in (
        await edit(bos, seq, "again"),
        await bos.ask(Type.DELETE, room=1, target=seq),
        await bos.ask(Type.REACT, room=1, target=seq, emoji="👍"),
    ):
        assert refused["code"] == "not_found"


async def test_only_administrators_can_delete_messages_of_others(
    pair: tuple[Device, Device],
) -> None:
    anns, bos = pair
    own = (await anns.say("ann's"))["seq"]
    assert (await bos.ask(Type.DELETE, room=1, target=own))["code"] == "forbidden"
    theirs = (await bos.say("bo's"))["seq"]
    assert (await anns.ask(Type.DELETE, room=1, target=theirs))["ok"] is True
    direct = await bos.say("between us", to="ann")
    refused = await anns.ask(Type.DELETE, room=direct["room"], target=direct["seq"])
    assert refused["code"] == "forbidden"


async def test_each_user_reacts_once_per_emoji(pair: tuple[Device, Device]) -> None:
    anns, bos = pair
    seq = (await anns.say("done"))["seq"]
    for device, emoji, on in (
        (bos, "👍", True),
        (bos, "👍", True),
        (anns, "👍", True),
        (bos, "🎉", True),
    ):
        assert (await device.ask(Type.REACT, room=1, target=seq, emoji=emoji, on=on))["ok"] is True
    assert (await bos.ask(Type.REACT, room=1, target=seq, emoji="🎉", on=False))["ok"] is True
    (message,) = (await anns.history(1))["events"]
    assert message["reactions"] == {"👍": ["bo", "ann"]}
    heard = [await bos.next(Type.REACT) for _ in range(5)]
    assert [(h["user"], h["emoji"], h["on"]) for h in heard][-1] == ("bo", "🎉", False)
    replayed = [e for e in (await anns.history(1, after=0))["events"] if e["type"] == Type.REACT]
    assert [(e["emoji"], e["on"]) for e in replayed] == [(h["emoji"], h["on"]) for h in heard]


@pytest.mark.parametrize("emoji", ["", "a", "<b>", "👍 nice", "x" * 33, "12"])
async def test_a_reaction_must_be_an_emoji(ann: User, emoji: str) -> None:
    device = await ann.connect()
    seq = (await device.say("hi"))["seq"]
    for on in (True, False):
        refused = await device.ask(Type.REACT, room=1, target=seq, emoji=emoji, on=on)
        assert refused["code"] == "bad_request"


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "👩‍👩‍👧‍👦", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "✅"])
async def test_every_emoji_is_accepted(ann: User, emoji: str) -> None:
    device = await ann.connect()
    seq = (await device.say("hi"))["seq"]
    assert (await device.ask(Type.REACT, room=1, target=seq, emoji=emoji))["ok"] is True


async def test_a_repeated_command_gets_the_first_reply(pair: tuple[Device, Device]) -> None:
    anns, _bos = pair
    seq = (await anns.say("hi"))["seq"]
    first = await edit(anns, seq, "hello", id="e1")
    again = await edit(anns, seq, "hello", id="e1")
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    assert (await edit(anns, seq, "else", id="e1"))["code"] == "id_conflict"
    assert (await anns.say("hello", id="e1"))["code"] == "id_conflict"
    assert (await anns.history(1))["head"] == 2


async def test_mentions_and_unread_messages_are_counted_separately(
    pair: tuple[Device, Device],
) -> None:
    anns, bos = pair
    for text in ("hi", "hi @bo!", "＠BO and @bo", "mail@bo.example", "@all wake up", "@nobody"):
        await anns.say(text)
    await bos.say("@bo, myself")
    again = await bos.user.connect()
    lobby = again.welcome["rooms"][0]
    assert (lobby["unread"], lobby["mentions"]) == (6, 3)
    first = (await bos.history(1, after=0))["events"][1]["seq"]
    await edit(anns, first, "nobody is called any more")
    await anns.ask(Type.DELETE, room=1, target=first + 1)
    lobby = (await bos.user.connect()).welcome["rooms"][0]
    assert (lobby["unread"], lobby["mentions"]) == (5, 1)


async def test_a_nonmember_can_do_nothing_to_a_message(
    chat: Chat, ann: User, bo: User, cy: User
) -> None:
    anns, cys = await ann.connect(), await cy.connect()
    sent = await anns.say("psst", to="bo")
    for refused in (
        await cys.ask(Type.EDIT, room=sent["room"], target=1, data="x"),
        await cys.ask(Type.DELETE, room=sent["room"], target=1),
        await cys.ask(Type.REACT, room=sent["room"], target=1, emoji="👍"),
    ):
        assert refused["code"] == "not_found"


async def test_a_reply_to_a_missing_message_is_rejected(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    first = await anns.say("first")
    assert (await bos.say("yes", reply_to=first["seq"]))["ok"] is True
    refused = await bos.say("no", reply_to=9_999)
    assert (refused["ok"], refused["code"]) == (False, "not_found")
    assert (await anns.history(1))["head"] == 2


async def test_another_text_under_the_id_of_a_deleted_message_is_a_conflict(ann: User) -> None:
    device = await ann.connect()
    first = await device.say("hello", id="m1")
    edited = await device.ask(Type.EDIT, room=1, target=first["seq"], data="hello again", id="e1")
    assert (await device.ask(Type.DELETE, room=1, target=first["seq"], id="d1"))["ok"]
    for text in ("another", "hello again", "hello ", "", "Hello"):
        answer = await device.say(text, id="m1")
        assert (answer["ok"], answer["code"]) == (False, "id_conflict" if text else "bad_request")
    again = await device.say("hello", id="m1")
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    again = await device.ask(Type.EDIT, room=1, target=first["seq"], data="hello again", id="e1")
    assert (again["seq"], again["duplicate"]) == (edited["seq"], True)
    other = await device.ask(Type.EDIT, room=1, target=first["seq"], data="something else", id="e1")
    assert other["code"] == "id_conflict"
