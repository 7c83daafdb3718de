"""Search in the own rooms, for present texts only."""

from pathlib import Path
from urllib.parse import quote

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Chat, User


async def found(user: User, query: str, **facts: str) -> list[str]:
    more = "".join(f"&{key}={value}" for key, value in facts.items())
    answer = await user.ask("GET", f"/api/search?q={quote(query)}{more}")
    assert answer.status == 200, answer
    return [hit["data"] for hit in answer.json["hits"]]


async def test_messages_are_found_newest_first(start_chat: StartChat, database_url: str) -> None:
    chat = await start_chat(url=database_url)
    ann, bo, cy = [await chat.user(name) for name in ("ann", "bo", "cy")]
    anns = await ann.connect()
    for text in ("你好世界", "hello world", "v2.0发布", "世界你好", "a secret plan"):
        await anns.say(text)
    room = (await anns.say("你好，只有你", to="bo"))["room"]
    assert await found(bo, "你好") == ["你好，只有你", "世界你好", "你好世界"]
    assert await found(cy, "你好") == ["世界你好", "你好世界"]
    assert await found(cy, "好世界") == ["你好世界"]
    assert await found(cy, "你") == ["世界你好", "你好世界"]
    assert await found(bo, "hello from:ann") == ["hello world"]
    assert await found(bo, "你好", room=str(room)) == ["你好，只有你"]
    assert await found(cy, "发布") == ["v2.0发布"]


async def test_edited_and_deleted_text_is_never_found(ann: User, bo: User) -> None:
    anns = await ann.connect()
    edited = (await anns.say("the old secret"))["seq"]
    deleted = (await anns.say("another secret"))["seq"]
    await anns.ask(Type.EDIT, room=1, target=edited, data="the new plan")
    await anns.ask(Type.DELETE, room=1, target=deleted)
    assert await found(bo, "secret") == []
    assert await found(bo, "plan") == ["the new plan"]


async def test_after_a_graceful_stop_no_file_contains_deleted_text(chat: Chat, ann: User) -> None:
    anns = await ann.connect()
    word = "unmistakable"
    deleted = (await anns.say(f"an {word} secret"))["seq"]
    edited = (await anns.say(f"an {word} plan"))["seq"]
    await anns.ask(Type.DELETE, room=1, target=deleted)
    await anns.ask(Type.EDIT, room=1, target=edited, data="harmless")
    folder = chat.server.folder.path
    await chat.stop()
    files = [file for file in Path(folder).iterdir() if file.is_file()]
    assert any(file.name == "chat.db" for file in files)
    assert [file.name for file in files if word.encode() in file.read_bytes()] == []


async def test_a_page_continues_after_the_previous_one(ann: User) -> None:
    anns = await ann.connect()
    for number in range(7):
        await anns.say(f"word {number}")
    seen: list[str] = []
    position = ""
    while True:
        answer = (await ann.ask("GET", f"/api/search?q=word&limit=3{position}")).json
        seen += [hit["data"] for hit in answer["hits"]]
        if not answer["more"]:
            break
        position = f"&position={answer['position']}"
    assert seen == [f"word {number}" for number in reversed(range(7))]


async def test_an_invalid_query_is_explained(ann: User) -> None:
    for query in ("", "before:yesterday", "in:nowhere x"):
        answer = await ann.ask("GET", f"/api/search?q={quote(query)}")
        assert (answer.status, answer.json["code"]) == (400, "bad_request")
        assert answer.json["data"]
    assert (await ann.ask("GET", "/api/search")).status == 400
