"""Rooms are created, found, joined, changed and left in the page."""

import re

import pytest
from playwright.async_api import expect

from chatserver.protocol import ROOMS_LIMIT
from tests.browser.conftest import EnterChat
from tests.storage.crowded import make_rooms

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_rooms_are_created_joined_changed_and_left(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "陈波")
    page, other = ann.page, bo.page
    await ann.begin_room()
    await page.locator("#room-name").fill("disks")
    await page.locator("#room-title").fill("磁盘")
    await page.locator(".rooms-new [type=submit]").click()
    await expect(page.locator(".topbar-title")).to_have_text("磁盘")
    await expect(page.locator(".notice-line")).to_have_text("Ann created the room")
    await ann.say("Is anybody here?")

    await other.locator("[data-open=rooms]").click()
    await expect(other.locator(".rooms-open .room-title")).to_have_text("磁盘")
    await other.locator(".rooms-open button").click()
    await expect(other.locator(".topbar-title")).to_have_text("磁盘")
    await bo.say("I am")
    await ann.expect_last("I am")
    await expect(page.locator(".notice-line").last).to_have_text("陈波 joined")

    await page.locator(".topbar-room").click()
    await expect(page.locator(".members .row-name")).to_have_text(["Ann (you)", "陈波"])
    await expect(page.locator(".members [data-online=true]")).to_have_count(2)
    await page.locator("[data-open=room]").click()
    await page.locator(".room-settings [name=topic]").fill("What spins")
    await page.locator(".room-settings [name=receipts]").check()
    await page.locator(".room-settings [type=submit]").click()
    await expect(other.locator(".topbar-details")).to_have_text("What spins")
    await other.bring_to_front()
    await other.locator("#composer-text").focus()
    await ann.say("Seen?")
    await bo.expect_last("Seen?")
    await expect(page.locator(".messages-seen")).to_have_text("Seen by 陈波")
    await page.reload()
    await expect(page.locator(".messages-seen")).to_have_text("Seen by 陈波")

    await other.locator(".topbar-room").click()
    await expect(other.locator("[data-open=room]")).to_be_hidden()
    await other.locator(".room-leave").click()
    await other.locator(".confirm-yes").click()
    await expect(other.locator(".topbar-title")).to_have_text("Lobby")
    await expect(bo.rooms()).to_have_text(["Lobby"])

    await page.locator(".topbar-room").click()
    await page.locator(".room-add").click()
    await expect(page.locator("people-dialog [type=submit]")).to_be_disabled()  # nobody by mistake
    await ann.choose_people("bo")
    await expect(page.locator(".members li")).to_have_count(2)
    await bo.open_room("磁盘")
    await other.locator(".topbar-room").click()
    await other.locator(".room-notify").select_option("mentions")
    await other.keyboard.press("Escape")
    await expect(other.locator("room-panel")).to_be_hidden()
    await bo.open_lobby()
    await page.locator(".members button:visible").click()
    await expect(page.locator("confirm-dialog h2")).to_have_text("Remove 陈波 from 磁盘?")
    await page.locator(".confirm-yes").click()
    await expect(bo.rooms()).to_have_text(["Lobby"])


async def test_a_member_removed_from_an_unnamed_conversation_can_be_added_again(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    await ann.chat.user("cy", display="Cy")
    ada = await ann.chat.logged_in("ann")
    room = (await ada.ask("POST", "/api/rooms", {"users": ["bo"]})).json["room"]
    page, add = ann.page, ann.page.locator(".room-add")
    await page.goto(f"/index#/room/{room}")
    await page.locator(".topbar-room").click()
    await expect(page.locator(".members li")).to_have_count(2)
    await expect(add).to_be_hidden()
    await page.locator(".members button:visible").click()
    await page.locator(".confirm-yes").click()
    await add.click()
    await expect(page.locator("people-dialog .check")).to_have_text(["BBo @bo"])
    await ann.choose_people("bo")
    await expect(page.locator(".members li")).to_have_count(2)
    await expect(add).to_be_hidden()


async def test_a_name_with_spaces_becomes_a_title(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.begin_room()
    await ann.page.locator("#room-name").fill(" Weekend  plans ")
    await ann.page.keyboard.press("Enter")
    await expect(ann.page.locator(".topbar-title")).to_have_text("Weekend plans")
    answer = await ann.page.evaluate("fetch('/api/rooms').then((answer) => answer.json())")
    assert [room["name"] for room in answer["rooms"]] == ["lobby", "weekend-plans"]


async def test_switching_between_rooms_with_the_same_first_seq_shows_the_right_rows(
    enter: EnterChat,
) -> None:
    """Both rooms begin with seq 1: one with a message, the other with its creation."""
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await ann.say("first in the lobby")
    await bo.expect_last("first in the lobby")
    await bo.begin_room()
    await bo.page.locator("#room-name").fill("bonus")
    await bo.page.locator(".rooms-new [name=private]").check()
    await bo.page.locator(".rooms-new [type=submit]").click()
    await expect(bo.page.locator(".topbar-title")).to_have_text("bonus")
    await expect(bo.page.locator(".notice-line")).to_have_count(1)
    await bo.open_lobby()
    await expect(bo.page.locator(".topbar-title")).to_have_text("Lobby")
    await expect(bo.page.locator(".notice-line")).to_have_count(0)
    await bo.expect_last("first in the lobby")
    await bo.open_room("bonus")
    await expect(bo.page.locator("chat-message")).to_have_count(0)
    await bo.say("only for the room")
    await bo.expect_last("only for the room")
    await bo.open_lobby()
    await bo.expect_last("first in the lobby")
    assert await ann.texts() == ["first in the lobby"]


async def test_a_private_room_is_marked_as_private(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo")
    icon, facts = ann.page.locator(".topbar-icon use:visible"), ann.page.locator(".topbar-details")
    start = ann.page.locator(".start-private")
    for title, private in (("Garden", False), ("Cellar", True)):
        room = {"name": title.lower(), "title": title, "private": private, "users": ["ann"]}
        assert (await bo.ask("POST", "/api/rooms", room)).status == 201
        await ann.open_room(title)
        await expect(icon).to_have_attribute("href", re.compile("#lock$" if private else "#hash$"))
        await expect(facts).to_have_text("Private · 2 members" if private else "2 members")
        await expect(start).to_be_visible(visible=private)
    await ann.open_lobby()
    await expect(start).to_be_hidden()


async def test_a_user_with_more_rooms_than_the_welcome_has_sees_all(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    found = await ann.chat.server.users.find("ann")
    assert found is not None
    rooms = await make_rooms(ann.chat.server.database, ROOMS_LIMIT + 30, [found[0].id])
    await ann.page.reload()
    await ann.wait_until_loaded()
    titles = ann.page.locator("conversation-list .row-name", has_text="Room ")
    await expect(titles).to_have_count(len(rooms))


async def test_an_invitation_from_a_room_admits_to_it_or_only_to_the_lobby(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    facts = {"name": "den", "title": "The den", "private": True}
    made = (await (await ann.chat.logged_in("ann")).ask("POST", "/api/rooms", facts)).json
    page, choice = ann.page, ann.page.locator("#invite-room")
    await page.locator(".topbar-invite").click()
    await expect(choice).to_be_hidden()
    await page.keyboard.press("Escape")
    await page.goto(f"/index#/room/{made['room']}")
    await expect(page.locator(".topbar-title")).to_have_text("The den")
    await page.locator(".topbar-invite").click()
    await expect(choice.locator("option")).to_have_text(["The den", "Lobby only"])
    await expect(choice).to_have_value("den")
    async with page.expect_response(lambda found: found.request.method == "GET") as listed:
        await page.locator(".invite-form [type=submit]").click()
    await (await listed.value).finished()
    await expect(page.locator(".invite-made")).to_be_visible()
    await choice.select_option(label="Lobby only")
    await page.locator(".invite-form [type=submit]").click()
    await expect(page.locator(".invite-list .invite-details")).to_have_count(1)
    await expect(page.locator(".invite-list .invite-details")).to_contain_text("The den ·")


async def test_selected_users_get_a_conversation_without_a_name(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    for name in ("bo", "cy"):
        await ann.chat.user(name, display=name.title())
    page = ann.page
    await page.reload()
    await ann.wait_until_loaded()
    for users, title in ((["bo", "cy"], "Bo, Cy"), (["cy"], "Cy")):
        await page.locator("[data-open=conversation]").click()
        await ann.choose_people(*users)
        await expect(page.locator(".topbar-title")).to_have_text(title)
        box = page.locator("#composer-text")
        await expect(box).to_have_attribute("placeholder", f"Message {title}")
