"""Administration of the space that files use: what is listed, and removal of a file."""

import re

from chatserver.protocol import Type
from tests.driver import User
from tests.web.test_files import get, on_disk, sent, upload


async def test_an_administrator_sees_sizes_and_removes_a_file_of_a_private_room(
    ann: User, bo: User
) -> None:
    await bo.ask("POST", "/api/rooms", {"name": "den", "private": True})
    file = (await upload(bo, b"x" * 5_000, name="secret plans.txt"))["id"]
    seq = await sent(bo, file, room="den", text="look")
    bos = await bo.connect()
    answer = await ann.ask("GET", "/api/admin/storage")
    found = answer.json
    assert "plans" not in answer.text
    assert (found["files"], found["bytes"]) == (1, 5_000)
    assert found["disk"]["total"] >= found["disk"]["free"] > 0
    assert found["quotas"] == {"file": 104_857_600, "user": 0, "room": 0, "total": 0}
    assert [(one["name"], one["bytes"]) for one in found["rooms"]] == [("den", 5_000)]
    assert [(one["name"], one["bytes"]) for one in found["users"]] == [("bo", 5_000)]
    (large,) = found["largest"]
    assert (large["id"], large["name"], large["user"], large["room_name"]) == (
        file,
        None,
        "bo",
        "den",
    )
    assert (await bo.ask("DELETE", f"/api/admin/files/{file}")).status == 403
    assert (await ann.ask("DELETE", f"/api/admin/files/{file}")).status == 200
    edit = await bos.next(Type.EDIT)
    assert (edit["target"], edit["data"], edit["user"]) == (seq, "look", "bo")
    assert [(one["id"], one["removed"]) for one in edit["files"]] == [(file, True)]
    page = (await bo.ask("GET", "/api/rooms/den/events?after=0")).json["events"]
    assert [one["files"] for one in page if "files" in one] == [edit["files"]] * 2
    assert (await get(bo, file))[0] == 404
    await bo.chat.server.files.cleanup.delete_due()
    assert on_disk(bo.chat) == []
    assert (await ann.ask("DELETE", f"/api/admin/files/{file}")).status == 404


async def test_the_titles_of_conversations_are_hidden(ann: User, bo: User, cy: User) -> None:
    for title in ("layoffs", None):
        made = await bo.ask("POST", "/api/rooms", {"users": ["cy"]})
        path = f"/api/rooms/{made.json['room']}"
        if title:
            assert (await bo.ask("PATCH", path, {"title": title})).status == 200
        body = {"data": "", "files": [(await upload(bo, name="plan.txt"))["id"]]}
        assert (await bo.ask("POST", f"{path}/messages", body)).status == 201
    answer = await ann.ask("GET", "/api/admin/storage")
    found = answer.json["rooms"] + answer.json["largest"]
    assert [one["title"] for one in found] == [""] * 4
    assert not {"layoffs", "plan", cy.name} & set(re.findall(r"\w+", answer.text))


async def test_a_file_is_removed_from_a_direct_conversation(ann: User, bo: User, cy: User) -> None:
    cys = await cy.connect()
    file = (await upload(bo))["id"]
    body = {"data": "", "files": [file]}
    assert (await bo.ask("POST", "/api/direct/cy/messages", body)).status == 201
    await cys.receives("")
    found = (await ann.ask("GET", "/api/admin/storage")).json
    assert [(one["kind"], one["name"]) for one in found["rooms"]] == [("direct", None)]
    assert (await ann.ask("DELETE", f"/api/admin/files/{file}")).status == 200
    edit = await cys.next(Type.EDIT)
    assert (edit["user"], edit["files"][0]["removed"]) == ("bo", True)
