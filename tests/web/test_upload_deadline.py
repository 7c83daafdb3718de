"""Uploads while the database does not answer after their last byte."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver import deadline
from chatserver.app import create_app
from chatserver.file_state import FileState
from chatserver.files import uploads
from chatserver.storage import batch_loader
from chatserver.storage.tables import files
from chatserver.web import time_limit
from chatserver.web.operations import of_handler
from tests.driver import Answer, Chat, User
from tests.files.test_media_processor import picture
from tests.web.test_profile_pictures import presence_of
from tests.web.test_time_limit import Frozen, frozen, taken
from tests.web.test_tus import TUS, begin

__all__ = ["frozen"]

PHOTO = picture("JPEG")
TEXT = b"some text\n"
CONTENT = {"upload": TEXT, "continue_upload": TEXT}  # by operation; others receive the photo
UNREAD = {"share"}  # operations that redirect without reading the body
TIMEOUT = 0.3  # seconds, in these tests
WAIT = 20.0  # seconds in which a request must be answered on a busy machine


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_loader, "WAIT_TIMEOUT", TIMEOUT)
    monkeypatch.setattr(uploads, "QUERY_TIMEOUT", TIMEOUT)
    monkeypatch.setattr(uploads, "DISCARD_TIMEOUT", 0.1)


def receiving(chat: Chat) -> dict[str, tuple[str, str]]:
    """Return method and path of the operations that store a body as it arrives."""
    found = {}
    for route in create_app(chat.server.settings).router.routes():
        operation = of_handler(route.handler)
        if operation is not None and operation.streams and operation.name not in UNREAD:
            found[operation.name] = (operation.method, operation.path)
    return found


class Bodies:
    """Bodies whose last byte waits."""

    def __init__(self) -> None:
        self.complete = asyncio.Event()

    async def of(self, content: bytes) -> AsyncIterator[bytes]:
        yield content[:-1]
        await self.complete.wait()
        yield content[-1:]

    async def send(self, ann: User, method: str, path: str, content: bytes) -> Answer:
        headers: dict[str, Any] = {"Content-Length": str(len(content))}
        if path.startswith("/api/uploads"):
            kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
            headers |= TUS | kind
        return await ann.ask(method, path, data=self.of(content), headers=headers)


async def sent_while_frozen(
    chat: Chat, ann: User, frozen: Frozen, monkeypatch: pytest.MonkeyPatch, *, reads: bool
) -> dict[str, Answer]:
    """Return the answers to all bodies whose last byte arrives when the database hangs."""
    await ann.ask("POST", "/api/bots", {"name": "rob"})
    file_id = (await begin(ann)).rpartition("/")[2]
    bodies, operations = Bodies(), receiving(chat)
    monkeypatch.setattr(time_limit, "TIMEOUT", 60.0)  # before the body
    requests = {}
    for name, (method, path) in operations.items():
        place = path.replace("{file}", file_id).replace("{name}", "rob")
        content = CONTENT.get(name, PHOTO)
        requests[name] = asyncio.create_task(bodies.send(ann, method, place, content))
    await taken(monkeypatch, len(operations))
    monkeypatch.setattr(time_limit, "TIMEOUT", TIMEOUT)
    frozen.stop(reads=reads)
    bodies.complete.set()
    async with asyncio.timeout(WAIT):
        return {name: await request for name, request in requests.items()}


@pytest.mark.parametrize("reads", [True, False], ids=["queries too", "writes alone"])
async def test_every_upload_is_answered_while_the_database_hangs_after_its_last_byte(
    chat: Chat, ann: User, frozen: Frozen, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    answers = await sent_while_frozen(chat, ann, frozen, monkeypatch, reads=reads)
    assert answers.keys() >= {"upload", "continue_upload", "set_picture", "set_logo"}
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 503)
    monkeypatch.undo()  # for the end of the server


async def test_a_rejected_picture_is_announced_and_a_rejected_file_deleted_when_it_goes_on(
    chat: Chat, ann: User, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await ann.connect()
    await sent_while_frozen(chat, ann, frozen, monkeypatch, reads=False)
    frozen.go_on()
    while "picture" not in await presence_of(device, "ann"):
        pass
    while deadline._abandoned:
        await asyncio.wait(set(deadline._abandoned))
    async with chat.server.database.reading() as connection:
        texts = await connection.execute(
            sa.select(files.c.state).where(files.c.bytes == len(TEXT)).order_by(files.c.state)
        )
    assert [row.state for row in texts] == [FileState.COMPLETE, FileState.DELETING]


async def test_a_body_that_is_no_picture_is_refused_while_its_deletion_hangs(
    chat: Chat, ann: User, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PHOTO", b"no picture at all")
    answers = await sent_while_frozen(chat, ann, frozen, monkeypatch, reads=False)
    pictures = [answer for name, answer in answers.items() if name not in CONTENT]
    assert {answer.status for answer in pictures} == {400}
