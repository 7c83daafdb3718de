"""Names in requests: same meaning on both databases, no invisible characters."""

from pathlib import Path

import pytest

from chatserver.config import DatabaseSettings, LimitSettings, Settings
from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import PASSWORD, Chat, User, ask


@pytest.fixture
async def chat(start_chat: StartChat, database_url: str) -> Chat:
    return await start_chat(url=database_url)


async def log_in(chat: Chat, name: str, password: str = PASSWORD) -> int:
    form = {"username": name, "password": password}
    return (await ask(chat.browser(), "POST", chat.url + "/login", form)).status


@pytest.mark.parametrize("written", ["bo ", " BO", "ｂｏ", "bo%20%20"])
async def test_all_spellings_of_a_name_in_a_path_mean_the_same_account(
    chat: Chat, ann: User, bo: User, written: str
) -> None:
    changed = await ann.ask("PATCH", f"/api/users/{written}", {"disabled": True})
    assert (changed.status, changed.json["user"]["name"]) == (200, "bo")
    assert await log_in(chat, "bo") == 401


async def test_guesses_with_all_spellings_of_a_name_count_for_one_account(
    start_chat: StartChat, database_url: str, tmp_path: Path
) -> None:
    limits = LimitSettings(logins_per_minute_account=3, logins_per_minute_address=100_000)
    database = DatabaseSettings(url=database_url)
    chat = await start_chat(Settings(data=tmp_path / "few", limits=limits, database=database))
    await chat.user("ann")
    written = ["ann", "ann ", " ann", "ANN", "ａｎｎ", "ann  ", "ann\t", "Ann\u3000"]
    answers = [await log_in(chat, name, "not this one") for name in written]
    assert answers[:3] == [401] * 3
    assert set(answers[3:]) == {429}


@pytest.mark.parametrize("hidden", ["\u200b", "\u2800", "\u3164", "\u00ad \ufeff", "\U000e0041"])
async def test_a_message_without_visible_characters_is_rejected(ann: User, hidden: str) -> None:
    device = await ann.connect()
    refused = await device.say(hidden)
    assert (refused["ok"], refused["code"]) == (False, "bad_request")
    said = await device.say(f"{hidden}!")
    edited = await device.ask(Type.EDIT, room=1, target=said["seq"], data=hidden)
    assert (edited["ok"], edited["code"]) == (False, "bad_request")


@pytest.mark.parametrize("field", ["title", "topic"])
async def test_a_text_that_is_too_long_in_its_normal_form_is_rejected(
    ann: User, field: str
) -> None:
    longest = {"title": 100, "topic": 500}[field]
    room = {"name": "plans", field: "\ufb2c" * longest}
    assert (await ann.ask("POST", "/api/rooms", room)).status == 400
    made = await ann.ask("POST", "/api/rooms", {"name": "plans"})
    path = f"/api/rooms/{made.json['room']}"
    assert (await ann.ask("PATCH", path, {field: "\ufb2c" * longest})).status == 400
    assert (await ann.ask("PATCH", path, {field: "\ufb2c" * (longest // 3)})).status == 200


async def test_a_room_is_found_by_all_spellings_of_its_name(ann: User, bo: User) -> None:
    made = await ann.ask("POST", "/api/rooms", {"name": "Plans"})
    for written in ("plans", "PLANS%20", "%23plans", "ｐｌａｎｓ"):
        assert (await bo.ask("GET", f"/api/rooms/{written}")).json["room"] == made.json["room"]


async def test_a_private_room_and_its_name_are_hidden_from_nonmembers(ann: User, bo: User) -> None:
    private = {"name": "plans", "private": True}
    secret = (await bo.ask("POST", "/api/rooms", private)).json["room"]
    assert (await ann.ask("GET", "/api/rooms/plans")).status == 404
    made = await ann.ask("POST", "/api/rooms", {"name": "plans"})
    assert (made.status, made.json["room"] != secret) == (201, True)
    assert (await bo.ask("GET", "/api/rooms/plans")).json["room"] == secret
    shown = (await ann.ask("GET", "/api/rooms")).json["public"]
    assert [room["room"] for room in shown if room["name"] == "plans"] == [made.json["room"]]


async def test_an_unchanged_display_name_older_than_the_rules_is_accepted(
    chat: Chat, ann: User
) -> None:
    await chat.server.users.change(ann.number, display="An\u200bn")
    profile = {"display": "An\u200bn", "locale": "en"}
    assert (await ann.ask("PATCH", "/api/me", profile)).status == 200
    assert (await ann.ask("PATCH", "/api/me", {"display": "A\u200bnn"})).status == 400
