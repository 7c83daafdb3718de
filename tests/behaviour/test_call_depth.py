"""Number of calls on the path of a message from its frame to the INSERT."""

import asyncio
import traceback
from types import CoroutineType
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver.storage.journal import Journal
from tests.driver import Chat, User

MOST = 20  # calls of the program's own functions


def own_calls(stack: traceback.StackSummary) -> list[str]:
    return [frame.name for frame in stack if "/chatserver/" in frame.filename]


def awaiting(task: asyncio.Task[Any]) -> list[str]:
    """Return the program's own functions in the stack of a suspended task."""
    found, coroutine = [], task.get_coro()
    while isinstance(coroutine, CoroutineType):
        if "/chatserver/" in coroutine.cr_code.co_filename:
            found.append(coroutine.cr_code.co_qualname)
        coroutine = coroutine.cr_await  # type: ignore[assignment]
    return found


async def test_few_calls_lead_from_a_frame_to_the_insert(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: dict[str, list[str]] = {}
    tasks, append = asyncio.all_tasks(), Journal.append

    def appending(self: Journal, *args: Any) -> None:
        calls["frame to queue"] = [*own_calls(traceback.extract_stack()), "append"]
        append(self, *args)

    def inserting(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO events"):
            calls["insert"] = own_calls(traceback.extract_stack())
            names = next(found for task in tasks if "Journal.run" in (found := awaiting(task)))
            calls["queue to writer"] = names[names.index("Journal.run") :]

    monkeypatch.setattr(Journal, "append", appending)
    sa.event.listen(chat.server.database.writer.engine, "before_cursor_execute", inserting)
    device = await ann.connect()
    await device.say("hello")
    assert set(calls) == {"frame to queue", "queue to writer", "insert"}
    assert sum(map(len, calls.values())) <= MOST, calls
